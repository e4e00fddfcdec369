/*
 * Reading a loaded object in memory: its executable ranges, where its .eh_frame is, its build id.
 */
#ifndef SONDE_UNWIND_IMAGE_H
#define SONDE_UNWIND_IMAGE_H

#include <link.h>
#include <stdbool.h>

#include "unwind/eh_frame.h"

/* As dl_iterate_phdr() tells it; valid inside its callback. */
struct image {
	uintptr_t bias;
	const ElfW(Phdr) * phdrs;
	size_t phdrs_n;
};

/* The object's .eh_frame, by its header, or found by its looks where there is no header. False if
 * there is none. Addresses come out as run-time addresses. */
bool image_eh_frame(const struct image *image, struct eh_section *ret);
/* The length of the build id, at most `room`; 0 if there is none. */
size_t image_build_id(const struct image *image, uint8_t *to, size_t room);
/* Tells this object's content from another's, wherever it is loaded. */
uint64_t image_identity(const struct image *image, const char *path);
bool image_is_vdso(const struct image *image);

#endif

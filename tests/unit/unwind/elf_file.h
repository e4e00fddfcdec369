/*
 * The .eh_frame of an ELF file, for tests that compile tables from files.
 */
#ifndef SONDE_TESTS_ELF_FILE_H
#define SONDE_TESTS_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "unwind/eh_frame.h"

struct elf_file {
	const unsigned char *data;
	size_t size;
	unsigned machine; /* EM_ */
	struct eh_section eh_frame;
	uint64_t code, code_end; /* virtual addresses of the executable segments */
};

/* False if it is not a 64-bit little-endian ELF file with an .eh_frame. */
bool elf_file_open(struct elf_file *file, const char *path);
void elf_file_close(struct elf_file *file);

#endif

/*
 * Loaded objects: see image.h. Section headers are not mapped, so everything is found from program
 * headers. An object linked without PT_GNU_EH_FRAME still has its .eh_frame in a read-only segment;
 * it is recognized there by a CIE whose first FDE points into the object's own code. (Rejected:
 * reading the section headers from the file, which may have been replaced or deleted since.)
 */
#include "unwind/image.h"

#include <string.h>
#include <sys/auxv.h>

#include "sig/sig.h"

static uintptr_t seg_start(const struct image *image, const ElfW(Phdr) * ph)
{
	return image->bias + ph->p_vaddr;
}

static const ElfW(Phdr) * find(const struct image *image, uint32_t type)
{
	for (size_t i = 0; i < image->phdrs_n; i++)
		if (image->phdrs[i].p_type == type)
			return &image->phdrs[i];
	return NULL;
}

/* The readable bytes from `addr` to the end of the file-backed part of the segment holding it. */
static size_t room_at(const struct image *image, uintptr_t addr)
{
	for (size_t i = 0; i < image->phdrs_n; i++) {
		const ElfW(Phdr) *ph = &image->phdrs[i];
		uintptr_t start = seg_start(image, ph);
		if (ph->p_type == PT_LOAD && ph->p_flags & PF_R && addr >= start &&
			addr - start < ph->p_filesz)
			return ph->p_filesz - (addr - start);
	}
	return 0;
}

static bool in_code(const struct image *image, uint64_t pc)
{
	for (size_t i = 0; i < image->phdrs_n; i++) {
		const ElfW(Phdr) *ph = &image->phdrs[i];
		if (ph->p_type == PT_LOAD && ph->p_flags & PF_X &&
			pc - seg_start(image, ph) < ph->p_memsz)
			return true;
	}
	return false;
}

static bool by_header(const struct image *image, struct eh_section *ret)
{
	const ElfW(Phdr) *ph = find(image, PT_GNU_EH_FRAME);
	if (!ph)
		return false;
	uintptr_t at = seg_start(image, ph);
	size_t room = room_at(image, at);
	uint64_t target = eh_frame_hdr_target((const uint8_t *)at, room, at);
	room = target ? room_at(image, target) : 0;
	*ret = (struct eh_section){.data = (const uint8_t *)target, .size = room, .addr = target};
	return room != 0;
}

/* Whether an .eh_frame seems to begin here: a CIE of version 1 with a 'z' augmentation, and after
 * it an FDE for code of this object. */
static bool looks_right(const struct image *image, const struct eh_section *s)
{
	uint32_t head[2];
	if (s->size < 24)
		return false;
	memcpy(head, s->data, sizeof(head));
	if (head[0] < 12 || head[0] > 64 || head[1] || s->data[8] != 1 || s->data[9] != 'z')
		return false;
	struct eh_reader reader;
	struct eh_fde fde;
	eh_reader_init(&reader, s);
	return eh_next(&reader, &fde) && !reader.bad && in_code(image, fde.pc);
}

static bool by_looks(const struct image *image, struct eh_section *ret)
{
	for (size_t i = 0; i < image->phdrs_n; i++) {
		const ElfW(Phdr) *ph = &image->phdrs[i];
		if (ph->p_type != PT_LOAD || ph->p_flags & PF_W || !(ph->p_flags & PF_R))
			continue;
		uintptr_t start = seg_start(image, ph);
		for (size_t at = -start & 7; at + 24 <= ph->p_filesz; at += 8) {
			*ret = (struct eh_section){.data = (const uint8_t *)start + at,
				.size = ph->p_filesz - at,
				.addr = start + at};
			if (looks_right(image, ret))
				return true;
		}
	}
	return false;
}

bool image_eh_frame(const struct image *image, struct eh_section *ret)
{
	return by_header(image, ret) || by_looks(image, ret);
}

/* The build id in one PT_NOTE. */
static size_t note_build_id(const uint8_t *p, size_t n, uint8_t *to, size_t room)
{
	while (n >= sizeof(ElfW(Nhdr))) {
		ElfW(Nhdr) nh;
		memcpy(&nh, p, sizeof(nh));
		size_t name = ((size_t)nh.n_namesz + 3) & ~(size_t)3;
		size_t desc = ((size_t)nh.n_descsz + 3) & ~(size_t)3;
		size_t left = n - sizeof(nh);
		if (name > left || desc > left - name)
			return 0;
		const uint8_t *body = p + sizeof(nh);
		if (nh.n_type == NT_GNU_BUILD_ID && nh.n_namesz == 4 && !memcmp(body, "GNU", 4)) {
			size_t len = nh.n_descsz < room ? nh.n_descsz : room;
			memcpy(to, body + name, len);
			return len;
		}
		p = body + name + desc;
		n = left - name - desc;
	}
	return 0;
}

size_t image_build_id(const struct image *image, uint8_t *to, size_t room)
{
	size_t len = 0;
	for (size_t i = 0; i < image->phdrs_n && !len; i++) {
		const ElfW(Phdr) *ph = &image->phdrs[i];
		uintptr_t at = seg_start(image, ph);
		if (ph->p_type == PT_NOTE && ph->p_filesz <= room_at(image, at))
			len = note_build_id((const uint8_t *)at, ph->p_filesz, to, room);
	}
	return len;
}

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *s = p;
	for (size_t i = 0; i < n; i++)
		h = (h ^ s[i]) * 0x100000001b3u;
	return h;
}

#define EH_FRAME_SAMPLE 1024

uint64_t image_identity(const struct image *image, const char *path)
{
	uint8_t id[32];
	struct eh_section s;
	uint64_t h = mix(0xcbf29ce484222325u, path, strlen(path));
	h = mix(h, image->phdrs, image->phdrs_n * sizeof(*image->phdrs));
	h = mix(h, id, image_build_id(image, id, sizeof(id)));
	if (by_header(image, &s))
		h = mix(h, s.data, s.size < EH_FRAME_SAMPLE ? s.size : EH_FRAME_SAMPLE);
	return h;
}

bool image_is_vdso(const struct image *image)
{
	uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
	const ElfW(Phdr) *ph = find(image, PT_LOAD);
	return vdso && ph && seg_start(image, ph) == vdso;
}

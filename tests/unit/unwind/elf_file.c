/*
 * See elf_file.h. Bounds are checked, since the tests read whatever the system has.
 */
#include "elf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool span_ok(const struct elf_file *f, uint64_t at, uint64_t n)
{
	return at <= f->size && n <= f->size - at;
}

static void read_segments(struct elf_file *f, const Elf64_Ehdr *eh)
{
	const Elf64_Phdr *ph = (const void *)(f->data + eh->e_phoff);
	if (!span_ok(f, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(*ph)))
		return;
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD || !(ph[i].p_flags & PF_X))
			continue;
		if (!f->code_end || ph[i].p_vaddr < f->code)
			f->code = ph[i].p_vaddr;
		if (ph[i].p_vaddr + ph[i].p_memsz > f->code_end)
			f->code_end = ph[i].p_vaddr + ph[i].p_memsz;
	}
}

static bool read_sections(struct elf_file *f, const Elf64_Ehdr *eh)
{
	const Elf64_Shdr *sh = (const void *)(f->data + eh->e_shoff);
	if (!span_ok(f, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof(*sh)) ||
		eh->e_shstrndx >= eh->e_shnum)
		return false;
	const Elf64_Shdr *names = &sh[eh->e_shstrndx];
	for (int i = 0; i < eh->e_shnum; i++) {
		if (!span_ok(f, names->sh_offset + sh[i].sh_name, sizeof(".eh_frame")) ||
			memcmp(f->data + names->sh_offset + sh[i].sh_name, ".eh_frame",
				sizeof(".eh_frame")))
			continue;
		if (sh[i].sh_type == SHT_NOBITS || !span_ok(f, sh[i].sh_offset, sh[i].sh_size))
			return false;
		f->eh_frame = (struct eh_section){.data = f->data + sh[i].sh_offset,
			.size = sh[i].sh_size,
			.addr = sh[i].sh_addr};
		return true;
	}
	return false;
}

bool elf_file_open(struct elf_file *file, const char *path)
{
	struct stat st;
	*file = (struct elf_file){0};
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(Elf64_Ehdr)) {
		void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p != MAP_FAILED) {
			file->data = p;
			file->size = (size_t)st.st_size;
		}
	}
	close(fd);
	if (!file->data)
		return false;
	const Elf64_Ehdr *eh = (const void *)file->data;
	if (memcmp(eh->e_ident, ELFMAG "\2\1", 6) == 0) {
		file->machine = eh->e_machine;
		read_segments(file, eh);
		if (read_sections(file, eh))
			return true;
	}
	elf_file_close(file);
	return false;
}

void elf_file_close(struct elf_file *file)
{
	if (file->data)
		munmap((void *)file->data, file->size);
	file->data = NULL;
}

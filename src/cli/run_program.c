/*
 * Can it be profiled? libsonde comes in by LD_PRELOAD, so the program must be started by the
 * dynamic loader of the libc and machine that libsonde was built for, and not in the loader's
 * secure mode. A script is fine when its interpreter is.
 */
#include "cli/run.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPTS_MAX 4 /* interpreters of interpreters, as the kernel allows */
#define HEADERS_MAX 128

#if defined(__x86_64__)
#define MACHINE	     EM_X86_64
#define MACHINE_NAME "x86-64"
#elif defined(__aarch64__)
#define MACHINE	     EM_AARCH64
#define MACHINE_NAME "aarch64"
#endif

/* --- finding it --- */

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool search(const char *name, struct run_program *ret)
{
	const char *list = getenv("PATH");
	if (!list)
		list = "/usr/local/bin:/usr/bin:/bin";
	for (;;) {
		size_t len = strcspn(list, ":");
		int n = snprintf(ret->path, sizeof(ret->path), "%.*s/%s", len ? (int)len : 1,
			len ? list : ".", name);
		if (n > 0 && (size_t)n < sizeof(ret->path) && is_program(ret->path))
			return true;
		if (!list[len])
			return false;
		list += len + 1;
	}
}

static int find(const char *name, struct run_program *ret, int *ret_exit, struct err *err)
{
	struct stat st;
	*ret_exit = 127;
	if (!strchr(name, '/')) {
		if (search(name, ret))
			return 0;
		return err_set(err, ERR_NOT_FOUND,
			"%s: not found in PATH; for a program in this directory write ./%s", name,
			name);
	}
	snprintf(ret->path, sizeof(ret->path), "%s", name);
	if (stat(name, &st))
		return err_errno(err, "%s", name);
	*ret_exit = 126;
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "%s is a directory, not a program", name);
	if (access(name, X_OK))
		return err_set(err, ERR_USAGE, "%s is not executable; chmod +x it?", name);
	return 0;
}

/* --- ELF --- */

struct elf {
	int fd;
	const char *path;
	Elf64_Ehdr head;
	Elf64_Phdr segments[HEADERS_MAX];
	unsigned n;
};

static int check_machine(const struct elf *e, struct err *err)
{
	if (e->head.e_ident[EI_CLASS] != ELFCLASS64 || e->head.e_machine != MACHINE)
		return err_set(err, ERR_UNSUPPORTED,
			"%s is built for another machine (ELF machine %u, %s-bit); this sonde "
			"profiles "
			"64-bit " MACHINE_NAME " programs: use a sonde built for that machine",
			e->path, e->head.e_machine,
			e->head.e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32");
	return 0;
}

static int read_segments(struct elf *e, struct err *err)
{
	e->n = e->head.e_phnum < HEADERS_MAX ? e->head.e_phnum : HEADERS_MAX;
	if (e->head.e_phentsize != sizeof(Elf64_Phdr))
		return err_set(err, ERR_FORMAT, "%s: its program headers are damaged", e->path);
	ssize_t size = (ssize_t)(e->n * sizeof(Elf64_Phdr));
	if (pread(e->fd, e->segments, (size_t)size, (off_t)e->head.e_phoff) != size)
		return err_set(err, ERR_TRUNCATED, "%s: its program headers are cut off", e->path);
	return 0;
}

static const Elf64_Phdr *segment(const struct elf *e, uint32_t type)
{
	for (unsigned i = 0; i < e->n; i++)
		if (e->segments[i].p_type == type)
			return &e->segments[i];
	return NULL;
}

static int check_loader(const struct elf *e, struct err *err)
{
	char loader[PATH_MAX] = "";
	const Elf64_Phdr *interp = segment(e, PT_INTERP);
	if (!interp)
		return err_set(err, ERR_UNSUPPORTED,
			"%s is linked statically, so nothing can be preloaded into it; link it "
			"dynamically",
			e->path);
	size_t n = interp->p_filesz < sizeof(loader) ? interp->p_filesz : sizeof(loader) - 1;
	if (pread(e->fd, loader, n, (off_t)interp->p_offset) != (ssize_t)n)
		return err_set(err, ERR_TRUNCATED, "%s: the loader's name is cut off", e->path);
	if (strstr(loader, "ld-musl"))
		return err_set(err, ERR_UNSUPPORTED,
			"%s is linked with musl, this libsonde with glibc: build sonde on a musl "
			"system",
			e->path);
	return 0;
}

/* The file offset of a virtual address. */
static off_t offset_of(const struct elf *e, uint64_t address)
{
	for (unsigned i = 0; i < e->n; i++) {
		const Elf64_Phdr *s = &e->segments[i];
		if (s->p_type == PT_LOAD && address >= s->p_vaddr &&
			address - s->p_vaddr < s->p_filesz)
			return (off_t)(address - s->p_vaddr + s->p_offset);
	}
	return -1;
}

static bool is_sanitizer(const char *name)
{
	return strstr(name, "libasan.so") || strstr(name, "libhwasan.so") ||
	       strstr(name, "libtsan.so") || strstr(name, "libclang_rt.asan");
}

/* A sanitizer's runtime insists on being the first library; it then has to lead LD_PRELOAD. */
static void find_sanitizer(const struct elf *e, char *ret, size_t size)
{
	const Elf64_Phdr *dynamic = segment(e, PT_DYNAMIC);
	Elf64_Dyn entries[512];
	if (!dynamic)
		return;
	size_t bytes = dynamic->p_filesz < sizeof(entries) ? dynamic->p_filesz : sizeof(entries);
	ssize_t got = pread(e->fd, entries, bytes, (off_t)dynamic->p_offset);
	size_t n = got > 0 ? (size_t)got / sizeof(*entries) : 0;
	off_t strings = -1;
	for (size_t i = 0; i < n; i++)
		if (entries[i].d_tag == DT_STRTAB)
			strings = offset_of(e, entries[i].d_un.d_ptr);
	for (size_t i = 0; i < n && strings >= 0; i++) {
		char name[NAME_MAX] = "";
		if (entries[i].d_tag != DT_NEEDED)
			continue;
		if (pread(e->fd, name, sizeof(name) - 1, strings + (off_t)entries[i].d_un.d_val) >
				0 &&
			is_sanitizer(name))
			snprintf(ret, size, "%s", name);
	}
}

static int check_elf(struct elf *e, struct run_program *ret, struct err *err)
{
	int rc = check_machine(e, err);
	if (!rc)
		rc = read_segments(e, err);
	if (!rc)
		rc = check_loader(e, err);
	if (!rc)
		find_sanitizer(e, ret->sanitizer, sizeof(ret->sanitizer));
	return rc;
}

/* --- privileges --- */

static int check_privileges(const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st))
		return err_errno(err, "%s", path);
	const char *how = NULL;
	if ((st.st_mode & S_ISUID) && st.st_uid != geteuid())
		how = "setuid";
	else if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getegid())
		how = "setgid";
	else if (geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		how = "given file capabilities";
	if (!how)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		"%s is %s, and the loader ignores preloaded libraries in such programs; profile a "
		"copy "
		"without that (cp %s /tmp), or run sonde as the user it changes to",
		path, how, path);
}

/* --- scripts --- */

static bool interpreter(const char *head, char *ret, size_t size)
{
	if (head[0] != '#' || head[1] != '!')
		return false;
	head += 2 + strspn(head + 2, " \t");
	snprintf(ret, size, "%.*s", (int)strcspn(head, " \t\r\n"), head);
	return *ret != '\0';
}

static int check_file(const char *path, struct run_program *ret, int depth, struct err *err)
{
	char head[PATH_MAX] = "", name[PATH_MAX];
	int rc = check_privileges(path, err);
	if (rc)
		return rc;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* execute-only: the kernel will tell */
	ssize_t n = read(fd, head, sizeof(head) - 1);
	struct elf e = {.fd = fd, .path = path};
	if (n >= (ssize_t)sizeof(e.head) && memcmp(head, ELFMAG, SELFMAG) == 0) {
		memcpy(&e.head, head, sizeof(e.head));
		rc = check_elf(&e, ret, err);
	} else if (interpreter(head, name, sizeof(name))) {
		rc = depth < SCRIPTS_MAX
			     ? check_file(name, ret, depth + 1, err)
			     : err_set(err, ERR_LIMIT, "%s: too many interpreters", path);
		if (rc && depth == 0)
			err_prefix(err, "%s is a script, and its interpreter cannot be profiled",
				path);
	} else {
		rc = err_set(err, ERR_FORMAT,
			"%s is neither an ELF program nor a script that begins with #!; for a "
			"shell script "
			"write: sonde run sh %s",
			path, path);
	}
	close(fd);
	return rc;
}

int run_program_find(const char *name, struct run_program *ret, int *ret_exit, struct err *err)
{
	*ret = (struct run_program){0};
	int rc = find(name, ret, ret_exit, err);
	if (rc)
		return rc;
	*ret_exit = 126;
	return check_file(ret->path, ret, 0, err);
}

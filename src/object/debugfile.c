/*
 * Finding the separate debug file of a stripped object, in gdb's order: by build id under each
 * debug directory, by .gnu_debuglink beside the object and under the debug directories, then, when
 * asked, from debuginfod servers. A file found must be the right one: its build id is compared, and
 * where there is none, the checksum of the whole file that .gnu_debuglink gives.
 */
#include "object/internal.h"

#include <dlfcn.h>
#include <elfutils/debuginfod.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct debuglink {
	const char *name;
	uint32_t crc;
};

static bool read_debuglink(struct object *obj, struct debuglink *ret)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = elf_section(obj->elf, ".gnu_debuglink", &shdr);
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	if (!data || !data->d_buf)
		return false;
	size_t len = strnlen(data->d_buf, data->d_size), crc_at = (len + 4) & ~(size_t)3;
	if (!len || crc_at + 4 > data->d_size)
		return false;
	ret->name = data->d_buf;
	const uint8_t *c = (const uint8_t *)data->d_buf + crc_at;
	if (obj->ehdr.e_ident[EI_DATA] == ELFDATA2MSB)
		ret->crc = (uint32_t)c[0] << 24 | c[1] << 16 | c[2] << 8 | c[3];
	else
		ret->crc = (uint32_t)c[3] << 24 | c[2] << 16 | c[1] << 8 | c[0];
	/* A file name, not a path: "../../x" would search where nobody asked to. */
	return !strchr(ret->name, '/');
}

static bool file_crc(int fd, uint32_t *ret)
{
	struct stat st;
	if (fstat(fd, &st) || st.st_size <= 0)
		return false;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	*ret = (uint32_t)crc32_z(0, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	return true;
}

/* Why the file is not the one wanted; NULL if it is. `link` may be NULL. */
static const char *unfit(struct object *obj, Elf *elf, int fd, const struct debuglink *link)
{
	char id[sizeof(obj->build_id)];
	elf_build_id(elf, id, sizeof(id));
	if (obj->build_id[0] && id[0])
		return strcmp(obj->build_id, id) ? "its build ID is another one" : NULL;
	uint32_t crc;
	if (!link)
		return "it has no build ID";
	return file_crc(fd, &crc) && crc == link->crc ? NULL : "its checksum is another one";
}

/* Takes the file as the debug file if it is the right one. Takes over fd. */
static bool adopt(struct object *obj, int fd, const char *path, const struct debuglink *link)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		close(fd);
		return false;
	}
	const char *why = unfit(obj, elf, fd, link);
	if (why) {
		buf_clear(&obj->debug_problem);
		buf_printf(&obj->debug_problem, "%s is not the debug file of %s: %s", path,
			obj->path, why);
		elf_end(elf);
		close(fd);
		return false;
	}
	obj->debug_elf = elf;
	obj->debug_fd = fd;
	mem_free(obj->debug_path);
	obj->debug_path = mem_strdup(path);
	buf_clear(&obj->debug_problem);
	return true;
}

static bool same_file(int a, int b)
{
	struct stat sa, sb;
	return a >= 0 && b >= 0 && !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev &&
	       sa.st_ino == sb.st_ino;
}

static bool try_path(struct object *obj, const char *path, const struct debuglink *link)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || same_file(fd, obj->fd)) {
		close(fd);
		return false;
	}
	return adopt(obj, fd, path, link);
}

/* Calls for each directory of the search path until one has the file. */
static bool each_dir(struct object *obj, const char *rest, const struct debuglink *link)
{
	struct buf path = BUF_INIT;
	bool found = false;
	for (const char *dir = obj->debug_dirs; !found && *dir;) {
		size_t n = strcspn(dir, ":");
		buf_clear(&path);
		buf_printf(&path, "%.*s/%s", (int)n, dir, rest);
		found = n && try_path(obj, path.data, link);
		dir += n + (dir[n] == ':');
	}
	buf_release(&path);
	return found;
}

static bool find_by_build_id(struct object *obj)
{
	char rest[sizeof(obj->build_id) + 32];
	if (strlen(obj->build_id) < 4)
		return false;
	snprintf(rest, sizeof(rest), ".build-id/%.2s/%s.debug", obj->build_id, obj->build_id + 2);
	return each_dir(obj, rest, NULL);
}

static bool find_by_link(struct object *obj)
{
	struct debuglink link;
	char real[PATH_MAX];
	if (obj->fd < 0 || !read_debuglink(obj, &link) || !realpath(obj->path, real))
		return false;
	const char *dir = dirname(real);
	struct buf path = BUF_INIT;
	buf_printf(&path, "%s/%s", dir, link.name);
	bool found = try_path(obj, path.data, &link);
	if (!found) {
		buf_clear(&path);
		buf_printf(&path, "%s/.debug/%s", dir, link.name);
		found = try_path(obj, path.data, &link);
	}
	if (!found) {
		buf_clear(&path);
		buf_printf(&path, "%s/%s", dir + strspn(dir, "/"), link.name);
		found = each_dir(obj, path.data, &link);
	}
	buf_release(&path);
	return found;
}

/* libdebuginfod brings an HTTP client and thirty libraries with it: it is loaded when a server is
 * to be asked, which is seldom. */
struct debuginfod {
	__typeof__(debuginfod_begin) *begin;
	__typeof__(debuginfod_find_debuginfo) *find_debuginfo;
	__typeof__(debuginfod_end) *end;
};

static const struct debuginfod *load_debuginfod(void)
{
	static struct debuginfod api;
	if (api.end)
		return &api;
	void *library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return NULL;
	api.begin = dlsym(library, "debuginfod_begin");
	api.find_debuginfo = dlsym(library, "debuginfod_find_debuginfo");
	api.end = dlsym(library, "debuginfod_end");
	return api.begin && api.find_debuginfo ? &api : NULL;
}

static bool find_by_debuginfod(struct object *obj)
{
	char *path = NULL;
	if (!obj->debuginfod || !obj->build_id[0])
		return false;
	const struct debuginfod *api = load_debuginfod();
	debuginfod_client *client = api ? api->begin() : NULL;
	if (!client)
		return false;
	/* A build id length of 0 says that the id is given in hex. */
	int fd = api->find_debuginfo(client, (const unsigned char *)obj->build_id, 0, &path);
	api->end(client);
	bool found = fd >= 0 && adopt(obj, fd, path, NULL);
	free(path);
	return found;
}

Elf *object_debug_elf(struct object *obj)
{
	if (!obj->debug_sought) {
		obj->debug_sought = true;
		if (!find_by_build_id(obj) && !find_by_link(obj))
			find_by_debuginfod(obj);
	}
	return obj->debug_elf;
}

const char *object_debug_path(struct object *obj)
{
	return obj->debug_path;
}

const char *object_debug_problem(struct object *obj)
{
	return obj->debug_problem.data;
}

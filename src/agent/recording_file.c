/*
 * Opening a recording that another process writes; see export.h. The length is the file's: what the
 * header says of it is the other process's word.
 */
#include "agent/export.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map(int fd, int protection, struct export_source *ret)
{
	struct stat st;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)RECORDING_ARENA)
		return -ENODATA;
	void *p = mmap(NULL, (size_t)st.st_size, protection, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = (struct export_source){p, (size_t)st.st_size};
	return 0;
}

int export_source_open(
	int dir, const char *path, bool writable, struct export_source *ret, struct err *err)
{
	int fd = openat(dir, path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
	int rc = fd < 0 ? -errno : map(fd, writable ? PROT_READ | PROT_WRITE : PROT_READ, ret);
	if (fd >= 0)
		close(fd);
	return rc ? err_set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
}

void export_source_close(struct export_source *source)
{
	if (source->data)
		munmap((void *)source->data, source->n);
	*source = (struct export_source){0};
}

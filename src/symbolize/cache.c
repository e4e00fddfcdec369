/*
 * Files that stay open from one profile to the next; see symbolize.h.
 *
 * Reading a library's debugging information takes longer than looking up all of a profile's
 * addresses in it. A file is known by what stat says of it, so that one that was replaced is read
 * again. The one that was not used for the longest time makes room.
 */
#include "symbolize/internal.h"

#include <string.h>
#include <sys/stat.h>

#define CACHE_FILES 32

struct kept {
	char *file;
	struct stat st;
	bool no_dwarf; /* it was opened so */
	struct object *obj;
	uint64_t used;
};

struct symbolize_cache {
	struct kept of[CACHE_FILES];
	uint64_t uses;
};

struct symbolize_cache *symbolize_cache_new(void)
{
	return mem_zalloc(sizeof(struct symbolize_cache));
}

static void forget(struct kept *k)
{
	mem_free(k->file);
	object_free(k->obj);
	*k = (struct kept){0};
}

void symbolize_cache_free(struct symbolize_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < CACHE_FILES; i++)
		forget(&cache->of[i]);
	mem_free(cache);
}

static bool is_same(const struct kept *k, const char *file, const struct stat *st, bool no_dwarf)
{
	return k->obj && k->no_dwarf == no_dwarf && strcmp(k->file, file) == 0 &&
	       k->st.st_dev == st->st_dev && k->st.st_ino == st->st_ino &&
	       k->st.st_size == st->st_size && k->st.st_mtim.tv_sec == st->st_mtim.tv_sec &&
	       k->st.st_mtim.tv_nsec == st->st_mtim.tv_nsec;
}

/* The place of the file, or of the one to make room. */
static struct kept *place_of(
	struct symbolize_cache *cache, const char *file, const struct stat *st, bool no_dwarf)
{
	struct kept *oldest = &cache->of[0];
	for (size_t i = 0; i < CACHE_FILES; i++) {
		struct kept *k = &cache->of[i];
		if (is_same(k, file, st, no_dwarf))
			return k;
		if (k->used < oldest->used)
			oldest = k;
	}
	return oldest;
}

static struct object *open_object(const char *file, const struct object_opts *opts, struct err *err)
{
	struct object *obj = NULL;
	return object_open(&obj, file, opts, err) < 0 ? NULL : obj;
}

struct object *symbolize_open(const struct symbolize_opts *opts, const char *file,
	const struct object_opts *object, struct err *err)
{
	struct stat st;
	if (!opts->cache || stat(file, &st))
		return open_object(file, object, err);
	struct kept *k = place_of(opts->cache, file, &st, object->no_dwarf);
	k->used = ++opts->cache->uses;
	if (is_same(k, file, &st, object->no_dwarf))
		return k->obj;
	forget(k);
	struct object *obj = open_object(file, object, err);
	if (obj)
		*k = (struct kept){mem_strdup(file), st, object->no_dwarf, obj, opts->cache->uses};
	return obj;
}

void symbolize_close(const struct symbolize_opts *opts, struct object *obj)
{
	for (size_t i = 0; opts->cache && i < CACHE_FILES; i++)
		if (opts->cache->of[i].obj == obj)
			return;
	object_free(obj);
}

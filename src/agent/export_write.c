/*
 * Export in the program itself: base and pprof on a private heap.
 *
 * The heap only hands out, by moving a pointer through mmap'd chunks; it grows the newest block in
 * place, which is most of what vectors ask for, and is dropped whole at the end. An export lives
 * for milliseconds: freeing pieces would save nothing.
 */
#include "agent/export_write.h"

#include "agent/control.h"
#include "agent/export.h"
#include "agent/heap.h"
#include "sig/sig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>

#define CHUNK ((size_t)4 << 20)

struct chunk {
	struct chunk *next;
	size_t size;
};

struct export_heap {
	struct mem_heap heap;
	struct chunk *chunks;
	char *newest; /* block handed out last */
	char *next, *end;
	jmp_buf failed;
};

static bool add_chunk(struct export_heap *h, size_t size)
{
	size_t bytes = size + sizeof(struct chunk) + 16;
	if (bytes < CHUNK)
		bytes = CHUNK;
	struct chunk *c = sig_map(bytes);
	if (!c)
		return false;
	*c = (struct chunk){h->chunks, bytes};
	h->chunks = c;
	h->next = (char *)(c + 1);
	h->end = (char *)c + bytes;
	return true;
}

static void *resize(struct mem_heap *heap, void *p, size_t old_size, size_t new_size)
{
	struct export_heap *h = (struct export_heap *)heap;
	if (!new_size)
		return NULL;
	size_t size = (new_size + 15) & ~(size_t)15;
	if (p && p == h->newest && size <= (size_t)(h->end - h->newest)) {
		h->next = h->newest + size;
		return p;
	}
	if (size > (size_t)(h->end - h->next) && !add_chunk(h, size))
		return NULL;
	h->newest = h->next;
	h->next += size;
	if (p)
		memcpy(h->newest, p, old_size < new_size ? old_size : new_size);
	return h->newest;
}

__attribute__((noreturn)) static void oom(struct mem_heap *heap, size_t size)
{
	longjmp(((struct export_heap *)heap)->failed, 1);
}

struct export_heap *export_heap_new(void)
{
	struct export_heap *h = sig_map(sizeof(*h));
	if (h)
		h->heap = (struct mem_heap){resize, oom};
	return h;
}

void export_heap_free(struct export_heap *h)
{
	if (!h)
		return;
	while (h->chunks) {
		struct chunk *c = h->chunks;
		h->chunks = c->next;
		sig_unmap(c, c->size);
	}
	sig_unmap(h, sizeof(*h));
}

static int take_baseline(
	const struct recording *rec, enum recording_kind kind, struct export_baseline **ret)
{
	struct export_source source = {rec, rec->mapped};
	*ret = mem_array(1, sizeof(**ret));
	return export_baseline_take(*ret, &source, 1, kind, NULL);
}

int export_write_baseline(struct export_heap *h, const struct recording *rec,
	enum recording_kind kind, struct export_baseline **ret)
{
	struct mem_heap *before = mem_heap_set(&h->heap);
	volatile int rc = -ENOMEM;
	if (!setjmp(h->failed))
		rc = take_baseline(rec, kind, ret);
	mem_heap_set(before);
	return rc;
}

struct writing {
	struct export_source source;
	const struct export_opts *opts;
	int fd;
};

static int build_and_write(const struct writing *w)
{
	struct profile p;
	struct buf out = BUF_INIT;
	int rc = export_profile(&w->source, 1, w->opts, &p, NULL, NULL);
	if (rc)
		return rc;
	profile_write(&p, &out);
	return sig_write_all(w->fd, out.data, out.len);
}

static int ask_threads(void *ctx, uint64_t number)
{
	return control_set_rate(RECORDING_REGISTERS, number);
}

static const struct roots_question own_threads = {ask_threads, NULL};

static int find_and_write(const struct writing *w)
{
	struct export_leaks leaks;
	struct export_opts opts = {.view = export_leaks_view(), .leaks = &leaks, .live = true};
	struct writing found = {w->source, &opts, w->fd};
	int rc = w->opts->since
			 ? export_leaks_grown(&leaks, &w->source, 1, w->opts->since, NULL)
			 : export_leaks_unreachable(&leaks, &w->source, 1, &own_threads, NULL);
	return rc ? rc : build_and_write(&found);
}

static int note_leaks(const struct writing *w)
{
	export_leaks_note((struct recording *)w->source.data, &own_threads);
	return 0;
}

static int on_a_heap(int (*write)(const struct writing *), const struct writing *w)
{
	struct export_heap *h = export_heap_new();
	if (!h)
		return -ENOMEM;
	struct mem_heap *before = mem_heap_set(&h->heap);
	volatile int rc = -ENOMEM;
	heap_quiet_begin(); /* zlib allocates */
	if (!setjmp(h->failed))
		rc = write(w);
	heap_quiet_end();
	mem_heap_set(before);
	export_heap_free(h);
	return rc;
}

int export_write(const struct recording *rec, const struct export_opts *opts, int fd)
{
	struct writing w = {{rec, rec->mapped}, opts, fd};
	return on_a_heap(build_and_write, &w);
}

int export_write_leaks(const struct recording *rec, const struct export_baseline *since, int fd)
{
	const struct export_opts opts = {.since = since};
	struct writing w = {{rec, rec->mapped}, &opts, fd};
	return on_a_heap(find_and_write, &w);
}

void export_note_leaks(struct recording *rec)
{
	struct writing w = {.source = {rec, rec->mapped}};
	if (on_a_heap(note_leaks, &w))
		snprintf(rec->heap.leaks, sizeof(rec->heap.leaks),
			"leaks: nothing was found, since there was no memory to look");
}

/*
 * Label sets; see labels.h.
 */
#include "agent/labels.h"

#include "sig/sig.h"

#include <errno.h>
#include <string.h>

/* A set being put together. */
struct draft {
	size_t size;
	unsigned n;
	bool full;
	char text[RECORDING_LABELS_TEXT];
};

static void add_string(struct draft *d, const char *s)
{
	size_t n = strnlen(s, sizeof(d->text)) + 1;
	if (n > sizeof(d->text) - d->size) {
		d->full = true;
		return;
	}
	memcpy(d->text + d->size, s, n);
	d->size += n;
}

static void add_pair(struct draft *d, const char *key, const char *value)
{
	d->full |= d->n == RECORDING_LABELS_MAX;
	if (d->full)
		return;
	d->n++;
	add_string(d, key);
	add_string(d, value);
}

static const char *after(const char *s)
{
	return s + strlen(s) + 1;
}

/* By key, as Go sorts them. */
static void merge(
	struct draft *d, const struct recording_labels *from, const char *key, const char *value)
{
	const char *at = from ? from->text : "";
	const char *end = from ? at + from->size : at;
	bool done = !value;
	while (at < end) {
		int order = strcmp(at, key);
		if (order >= 0 && !done) {
			add_pair(d, key, value);
			done = true;
		}
		if (order)
			add_pair(d, at, after(at));
		at = after(after(at));
	}
	if (!done)
		add_pair(d, key, value);
}

static uint32_t hash_draft(const struct draft *d)
{
	uint64_t h = sig_hash(d->size);
	for (size_t i = 0; i < d->size; i++)
		h = (h ^ (unsigned char)d->text[i]) * 0x100000001b3u;
	return (uint32_t)(sig_hash(h) >> 32);
}

static struct recording_labels *find(
	struct recording *rec, rec_ref ref, rec_ref stop, uint32_t hash, const struct draft *d)
{
	while (ref != stop) {
		struct recording_labels *l = recording_at(rec, ref);
		if (l->hash == hash && l->size == d->size && !memcmp(l->text, d->text, d->size))
			return l;
		ref = l->next;
	}
	return NULL;
}

static struct recording_labels *make(struct recording *rec, uint32_t hash, const struct draft *d)
{
	struct recording_labels *l = recording_alloc(rec, sizeof(*l) + d->size);
	if (!l)
		return NULL;
	l->hash = hash;
	l->size = (uint16_t)d->size;
	l->n = (uint16_t)d->n;
	memcpy(l->text, d->text, d->size);
	return l;
}

static struct recording_labels *intern(struct recording *rec, const struct draft *d)
{
	uint32_t hash = hash_draft(d);
	_Atomic rec_ref *bucket = &rec->labels[hash % RECORDING_LABELS_BUCKETS];
	rec_ref head = atomic_load_explicit(bucket, memory_order_acquire);
	struct recording_labels *l = find(rec, head, 0, hash, d);
	if (l)
		return l;
	l = make(rec, hash, d);
	if (!l)
		return NULL;
	for (;;) {
		rec_ref seen = head;
		l->next = head;
		if (atomic_compare_exchange_strong_explicit(bucket, &head, recording_ref(rec, l),
			    memory_order_release, memory_order_acquire))
			return l;
		/* Others came first: perhaps with this very set. Then ours is wasted. */
		struct recording_labels *other = find(rec, head, seen, hash, d);
		if (other)
			return other;
	}
}

int labels_with(
	struct recording *rec, rec_ref from, const char *key, const char *value, rec_ref *ret_set)
{
	struct draft d;
	if (!*key)
		return -EINVAL;
	d.size = d.n = 0;
	d.full = false;
	merge(&d, from ? recording_at(rec, from) : NULL, key, value);
	if (d.full)
		return -E2BIG;
	struct recording_labels *l = d.n ? intern(rec, &d) : NULL;
	if (d.n && !l)
		return -ENOMEM;
	*ret_set = l ? recording_ref(rec, l) : 0;
	return 0;
}

const char *labels_find(const struct recording *rec, rec_ref set, const char *key)
{
	if (!set)
		return NULL;
	const struct recording_labels *l = recording_at(rec, set);
	for (const char *at = l->text; at < l->text + l->size; at = after(after(at)))
		if (strcmp(at, key) == 0)
			return after(at);
	return NULL;
}

/*
 * gperftools' CPU profile: words of 32 or 64 bits in either byte order. The header is
 * 0 3 kind period-in-µs 0, kind being 0 for C++ and 1 for Java; then samples, count, depth and that
 * many addresses, up to the one 0 1 0; then text, the memory map or Java's locations.
 */
#include "pprof/legacy.h"

/* A reader of words; `ok` is false once one was cut off, and the rest then empty. */
struct words {
	const uint8_t *p;
	size_t n;
	bool ok;
	unsigned size;
	bool big;
};

static uint64_t word(struct words *w)
{
	if (w->n < w->size) {
		w->ok = false;
		w->n = 0;
		return 0;
	}
	uint64_t v = 0;
	for (unsigned i = 0; i < w->size; i++)
		v |= (uint64_t)w->p[i] << 8 * (w->big ? w->size - 1 - i : i);
	w->p += w->size;
	w->n -= w->size;
	return v;
}

/* One sample onto the stack: 1, 0 for the end marker, or an error. */
static int read_sample(struct legacy *l, struct words *w, bool adjust, uint64_t *ret_count)
{
	*ret_count = word(w);
	uint64_t depth = word(w);
	if (!w->ok || depth > w->n / 4)
		return legacy_not_mine();
	const struct words at = *w;
	if (*ret_count == 0 && depth == 1 && word(w) == 0)
		return 0;
	*w = at;
	for (uint64_t i = 0; i < depth; i++) {
		uint64_t address = word(w);
		legacy_push(l, address - (adjust && i > 0));
	}
	return 1;
}

static int read_samples(struct legacy *l, struct words *w, bool adjust)
{
	while (w->n > 0) {
		uint64_t count;
		int rc = read_sample(l, w, adjust, &count);
		if (rc <= 0)
			return rc;
		int64_t values[] = {(int64_t)count, (int64_t)(count * (uint64_t)l->p->period)};
		legacy_sample(l, values, NULL, 0);
	}
	return 0;
}

/* The address most samples have second, if that is (nearly) all of them: a frame that the signal
 * handler left. */
static bool common_second(const struct profile *p, uint64_t *ret)
{
	struct map counts;
	struct stack stack = {0};
	map_init(&counts);
	uint32_t margin = p->sample_n / 32;
	bool found = false;
	for (uint32_t i = 0; i < p->sample_n && !found; i++) {
		const uint32_t *at = profile_stack(p, i, &stack);
		if (stack.n < 2)
			continue;
		bool is_new;
		*ret = p->locations[at[1]].address;
		uint32_t *count = map_put(&counts, *ret, &is_new);
		found = ++*count >= p->sample_n - margin;
	}
	map_release(&counts);
	stack_release(&stack);
	return found;
}

static void strip_second(struct profile *p, uint64_t address)
{
	struct edit e;
	edit_begin(&e, p);
	while (edit_next(&e)) {
		bool strip = e.stack_n > 1 && p->locations[e.stack[1]].address == address;
		if (strip)
			e.stack[1] = e.stack[0];
		edit_keep(&e, e.stack + strip, e.stack_n - strip);
	}
	edit_end(&e);
}

static int read_native(struct legacy *l, struct words *w)
{
	int rc = read_samples(l, w, true);
	if (rc < 0)
		return rc;
	uint64_t address;
	for (int i = 0; i < 2; i++)
		if (common_second(l->p, &address))
			strip_second(l->p, address);
	struct lines lines = lines_of(w->p, w->n);
	rc = legacy_finish_map(l, &lines);
	legacy_drop_duplicate_leaves(l->p);
	return rc;
}

static int read_java(struct legacy *l, struct words *w)
{
	int rc = read_samples(l, w, false);
	return rc < 0 ? rc : legacy_java_locations(l, w->p, w->n);
}

/* Whether the words are a header if read so. */
static bool read_header(struct legacy *l, struct words *w, bool *ret_is_java)
{
	static const char *const types[][2] = {{"samples", "count"}, {"cpu", "nanoseconds"}};
	uint64_t zero = word(w), three = word(w), kind = word(w), period = word(w);
	uint64_t padding = word(w);
	if (!w->ok || zero != 0 || three != 3 || kind > 1 || period == 0 || padding != 0)
		return false;
	*ret_is_java = kind == 1;
	l->p->period = (int64_t)(period * 1000);
	legacy_period_type(l, "cpu", "nanoseconds");
	legacy_types(l, types, array_len(types));
	return true;
}

int legacy_cpu(struct legacy *l, const uint8_t *data, size_t n)
{
	bool is_java;
	for (int i = 0; i < 4; i++) {
		struct words w = {data, n, true, i < 2 ? 4 : 8, i % 2 == 1};
		if (read_header(l, &w, &is_java))
			return is_java ? read_java(l, &w) : read_native(l, &w);
	}
	return legacy_not_mine();
}

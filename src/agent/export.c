/*
 * Recordings to profiles; see export.h.
 *
 * Locations are made as Go makes them: a return address is looked up one byte before, an
 * interrupted pc as it is. The executable's mapping comes first, where readers expect it.
 */
#include "agent/export.h"

#include "sig/sig.h"

#include <stdio.h>
#include <stdlib.h>

#define CHAIN_MAX (1u << 24) /* links followed before a list is taken for a ring */

struct span {
	uint64_t start, end;
	uint32_t mapping;
};

/* The modules of one layout, by address. */
struct layout {
	uint32_t id;
	struct span *spans;
	uint32_t n, cap;
};

struct builder {
	struct profile *p;
	const struct export_opts *opts;
	const struct recording *rec; /* the one being read */
	size_t size;		     /* of it, header's word or file's, the smaller */
	struct layout *layouts;
	uint32_t layout_n, layout_cap;
	struct map locations; /* mapping and address -> location */
	struct export_summary sum;
	uint64_t started_ns; /* monotonic */
	unsigned images;     /* read so far */
	uint32_t lost;	     /* location of samples without a stack; PROFILE_NONE: not made */
};

/* --- reading what may be anything --- */

const void *export_at(const struct export_source *source, rec_ref ref, size_t size)
{
	size_t offset = (size_t)ref * 8;
	if (offset < RECORDING_ARENA || offset > source->n || source->n - offset < size)
		return NULL;
	return (const char *)source->data + offset;
}

static const void *at(const struct builder *b, rec_ref ref, size_t size)
{
	return export_at(&(struct export_source){b->rec, b->size}, ref, size);
}

static uint64_t load(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

static int check_header(const struct recording *rec, size_t n, struct err *err)
{
	if (n < RECORDING_ARENA)
		return err_set(
			err, ERR_TRUNCATED, "a recording of %zu bytes: its header is missing", n);
	if (memcmp(rec->magic, RECORDING_MAGIC, sizeof(rec->magic)) != 0)
		return err_set(err, ERR_FORMAT, "not a recording of sonde");
	if (rec->version != RECORDING_VERSION)
		return err_set(err, ERR_UNSUPPORTED,
			"a recording of version %u; this sonde reads %d: use the libsonde that "
			"came with it",
			rec->version, RECORDING_VERSION);
	if (!rec->declined[0] && !load(&rec->used))
		return err_set(err, ERR_FORMAT, "an empty recording: it never began");
	return 0;
}

/* --- modules --- */

static uint32_t build_id_string(struct profile *p, const struct recording_module *m)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * RECORDING_BUILD_ID];
	size_t n = m->build_id_len <= RECORDING_BUILD_ID ? m->build_id_len : 0;
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[m->build_id[i] >> 4];
		text[2 * i + 1] = digits[m->build_id[i] & 15];
	}
	return strtab_add(&p->strings, text, 2 * n);
}

static uint32_t mapping_of(struct builder *b, const struct recording_module *m, size_t path_len)
{
	struct profile *p = b->p;
	struct mapping want = {.start = m->start,
		.limit = m->end,
		.offset = m->file_offset,
		.file = strtab_add(&p->strings, m->path, path_len),
		.build_id = build_id_string(p, m)};
	for (uint32_t i = 0; i < p->mapping_n; i++) {
		const struct mapping *have = &p->mappings[i];
		if (have->start == want.start && have->limit == want.limit &&
			have->offset == want.offset && have->file == want.file &&
			have->build_id == want.build_id)
			return i;
	}
	return profile_add_mapping(p, &want);
}

static const struct recording_module *module_at(
	const struct builder *b, rec_ref ref, size_t *ret_path_len)
{
	const struct recording_module *m = at(b, ref, sizeof(*m));
	if (!m || !at(b, ref, sizeof(*m) + m->path_len))
		return NULL;
	*ret_path_len = m->path_len;
	return m;
}

static bool is_exe(const struct builder *b, const struct recording_module *m, size_t path_len)
{
	size_t n = strnlen(b->rec->exe, sizeof(b->rec->exe));
	return n && path_len == n && memcmp(m->path, b->rec->exe, n) == 0;
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

/* Two rounds over the modules: first the executable's alone, then the others in the order they
 * were loaded in, which is not the list's. */
static void read_modules(struct builder *b, struct layout *layout, rec_ref head, bool exe)
{
	uint32_t steps = 0;
	size_t path_len;
	for (rec_ref ref = head; ref && steps++ < CHAIN_MAX;) {
		const struct recording_module *m = module_at(b, ref, &path_len);
		if (!m)
			return;
		if (is_exe(b, m, path_len) == exe && m->start < m->end) {
			struct span s = {m->start, m->end, mapping_of(b, m, path_len)};
			vec_push(layout->spans, layout->n, layout->cap, s);
		}
		ref = m->next;
	}
}

static void read_layouts(struct builder *b)
{
	uint32_t steps = 0;
	for (rec_ref ref = atomic_load(&b->rec->layouts); ref && steps++ < CHAIN_MAX;) {
		const struct recording_layout *l = at(b, ref, sizeof(*l));
		if (!l)
			return;
		struct layout layout = {.id = l->id};
		read_modules(b, &layout, atomic_load(&l->modules), true);
		read_modules(b, &layout, atomic_load(&l->modules), false);
		if (layout.n)
			qsort(layout.spans, layout.n, sizeof(*layout.spans), by_start);
		vec_push(b->layouts, b->layout_n, b->layout_cap, layout);
		ref = l->next;
	}
}

/* Readers take the first mapping for the program's: of a chain of images (env, bash, python3) it is
 * the last. */
static void read_exe_of(struct builder *b, const struct export_source *source)
{
	const struct recording_module *m;
	size_t path_len;
	uint32_t steps = 0;
	b->rec = source->data;
	b->size = source->n;
	for (rec_ref ref = atomic_load(&b->rec->layouts); ref && steps++ < CHAIN_MAX;) {
		const struct recording_layout *l = at(b, ref, sizeof(*l));
		for (rec_ref of = l ? atomic_load(&l->modules) : 0; of && steps++ < CHAIN_MAX;
			of = m->next) {
			m = module_at(b, of, &path_len);
			if (!m)
				break;
			if (is_exe(b, m, path_len) && m->start < m->end) {
				mapping_of(b, m, path_len);
				return;
			}
		}
		ref = l ? l->next : 0;
	}
}

static void drop_layouts(struct builder *b)
{
	for (uint32_t i = 0; i < b->layout_n; i++)
		mem_free(b->layouts[i].spans);
	b->layout_n = 0;
}

static uint32_t find_mapping(const struct builder *b, uint32_t layout_id, uint64_t address)
{
	for (uint32_t i = 0; i < b->layout_n; i++) {
		const struct layout *l = &b->layouts[i];
		if (l->id != layout_id)
			continue;
		uint32_t lo = 0, hi = l->n;
		while (lo < hi) {
			uint32_t mid = lo + (hi - lo) / 2;
			if (l->spans[mid].end <= address)
				lo = mid + 1;
			else
				hi = mid;
		}
		return lo < l->n && l->spans[lo].start <= address ? l->spans[lo].mapping
								  : PROFILE_NONE;
	}
	return PROFILE_NONE;
}

/* --- samples --- */

/* User addresses have 47 bits, so the key is exact. */
static uint32_t location_of(struct builder *b, uint32_t layout, uint64_t address)
{
	uint32_t mapping = find_mapping(b, layout, address);
	uint64_t key = ((uint64_t)(mapping + 1) << 48) ^ address;
	bool is_new;
	uint32_t *slot = map_put(&b->locations, key, &is_new);
	if (is_new)
		*slot = profile_add_location(b->p, mapping, address, NULL, 0);
	return *slot;
}

static const struct recording_stack *stack_at(const struct export_source *source, rec_ref ref)
{
	const struct recording_stack *s = export_at(source, ref, sizeof(*s));
	if (!s || s->n > RECORDING_STACK_MAX ||
		!export_at(source, ref, sizeof(*s) + s->n * sizeof(s->pcs[0])))
		return NULL;
	return s;
}

const struct recording_count *export_count_at(const struct export_source *source, rec_ref ref)
{
	const struct recording_count *c = export_at(source, ref, sizeof(*c));
	if (!c || !export_at(source, ref, sizeof(*c) + c->n * sizeof(c->values[0])))
		return NULL;
	return c;
}

/* Several counts whose links were written over may run into one another: the steps are bounded for
 * all of them together. */
int export_each_count(const struct export_source *source, enum recording_kind kind,
	export_count_fn *each, void *ctx, struct err *err)
{
	int rc = check_header(source->data, source->n, err);
	if (rc)
		return rc;
	_Atomic rec_ref *buckets = recording_count_buckets(source->data);
	uint32_t steps = 0;
	for (uint32_t i = 0; i < RECORDING_BUCKETS; i++) {
		for (rec_ref ref = atomic_load(&buckets[i]); ref && steps++ < CHAIN_MAX;) {
			const struct recording_count *c = export_count_at(source, ref);
			if (!c)
				break;
			const struct recording_stack *s =
				c->kind == kind ? stack_at(source, c->stack) : NULL;
			if (s)
				each(ctx, ref, s, c);
			ref = c->next;
		}
	}
	return 0;
}

/* --- the program's labels --- */

/* The string at *at, which is then behind it; NULL: it does not end before `end`. */
static const char *next_string(const char **at, const char *end, size_t *ret_n)
{
	const char *s = *at;
	const char *nul = memchr(s, 0, (size_t)(end - s));
	if (!nul)
		return NULL;
	*ret_n = (size_t)(nul - s);
	*at = nul + 1;
	return s;
}

static unsigned add_labels(const struct builder *b, rec_ref ref, struct label *ret)
{
	const struct recording_labels *set = ref ? at(b, ref, sizeof(*set)) : NULL;
	size_t size = set ? set->size : 0;
	if (!set || !at(b, ref, sizeof(*set) + size))
		return 0;
	const char *text = set->text, *end = text + size;
	unsigned n = 0;
	for (; n < RECORDING_LABELS_MAX; n++) {
		size_t key_n, value_n;
		const char *key = next_string(&text, end, &key_n);
		const char *value = key ? next_string(&text, end, &value_n) : NULL;
		if (!value)
			break;
		ret[n] = (struct label){.key = strtab_add(&b->p->strings, key, key_n),
			.str = strtab_add(&b->p->strings, value, value_n)};
	}
	return n;
}

static void add_sample(
	struct builder *b, const uint32_t *stack, uint32_t n, const struct export_count *c)
{
	const struct export_view *view = b->opts->view;
	int64_t values[EXPORT_TYPES_MAX] = {0};
	struct label labels[RECORDING_LABELS_MAX + EXPORT_LABELS_MAX];
	if ((view->key && view->key != c->key) || !view->values(c, values))
		return;
	unsigned label_n = add_labels(b, c->labels, labels);
	if (view->labels)
		label_n += view->labels(b->p, c, labels + label_n);
	profile_add_sample(b->p, stack, n, values, labels, label_n);
	if (view->kind == RECORDING_CPU)
		b->sum.cpu_ns += (uint64_t)values[1];
}

static struct export_count read_count(
	const struct builder *b, rec_ref ref, const struct recording_count *c)
{
	struct export_count count = {.rec = b->rec,
		.kind = (enum recording_kind)c->kind,
		.n = c->n,
		.labels = c->labels,
		.key = c->key};
	for (unsigned i = 0; i < c->n && i < RECORDING_VALUES_MAX; i++)
		count.values[i] = load(&c->values[i]);
	if (b->opts->since)
		export_baseline_subtract(b->opts->since, b->rec, ref, count.values);
	if (b->opts->leaks)
		count.values[RECORDING_HEAP_LEAKED] = export_leaks_of(b->opts->leaks, b->rec, ref);
	return count;
}

/* As locations, leaf first. */
static void locate(struct builder *b, const struct recording_stack *s, uint32_t *ret)
{
	for (uint32_t i = 0; i < s->n; i++) {
		bool exact = i == 0 && (s->flags & RECORDING_LEAF_EXACT);
		ret[i] = location_of(b, s->layout, s->pcs[i] - !exact);
	}
}

static void add_count(
	void *ctx, rec_ref ref, const struct recording_stack *s, const struct recording_count *c)
{
	struct builder *b = ctx;
	uint32_t stack[RECORDING_STACK_MAX];
	struct export_count count = read_count(b, ref, c);
	locate(b, s, stack);
	add_sample(b, stack, s->n, &count);
}

uint32_t export_add_stack(struct builder *b, rec_ref ref, rec_ref labels_ref)
{
	const struct export_source source = {b->rec, b->size};
	const struct recording_stack *s = stack_at(&source, ref);
	struct label labels[RECORDING_LABELS_MAX];
	uint32_t stack[RECORDING_STACK_MAX];
	const int64_t one[EXPORT_TYPES_MAX] = {1};
	if (!s)
		return PROFILE_NONE;
	locate(b, s, stack);
	profile_add_sample(b->p, stack, s->n, one, labels, add_labels(b, labels_ref, labels));
	return b->p->sample_n - 1;
}

/* Go's name for such a frame is runtime/pprof.lostProfileEvent. */
static void add_lost(struct builder *b, uint64_t weight)
{
	struct export_count count = {
		.rec = b->rec, .kind = RECORDING_CPU, .n = 1, .values = {weight}};
	if (b->lost == PROFILE_NONE) {
		struct function f = {
			.name = strtab_addstr(&b->p->strings, "sonde.lostProfileEvent")};
		f.system_name = f.name;
		struct line line = {.function = profile_add_function(b->p, &f)};
		b->lost = profile_add_location(b->p, PROFILE_NONE, 0, &line, 1);
	}
	add_sample(b, &b->lost, 1, &count);
}

/* --- the account --- */

static void read_times(struct builder *b)
{
	const struct recording *rec = b->rec;
	uint64_t ended = load(&rec->end_monotonic_ns);
	if (!ended)
		ended = b->opts->live ? sig_clock_ns(CLOCK_MONOTONIC)
				      : load(&rec->last_monotonic_ns);
	const struct export_baseline *since = b->opts->since;
	if (!b->started_ns) {
		b->started_ns = since ? since->monotonic_ns : rec->start_monotonic_ns;
		b->p->time_nanos = (int64_t)(since ? since->realtime_ns : rec->start_realtime_ns);
	}
	b->sum.duration_ns = ended > b->started_ns ? ended - b->started_ns : 0;
}

static void read_counters(struct builder *b)
{
	const struct recording *rec = b->rec;
	struct export_summary *sum = &b->sum;
	sum->pid = (int)rec->pid;
	sum->hz = rec->hz;
	sum->samples += load(&rec->signals);
	uint64_t again = b->images++ && load(&rec->threads); /* the thread that called exec */
	sum->threads += load(&rec->threads) - again;
	sum->stacks += load(&rec->stacks);
	sum->dropped += load(&rec->dropped);
	sum->unarmed += load(&rec->threads_unarmed) + load(&rec->threads_untabled);
	sum->memory += load(&rec->committed);
	sum->lost += load(&rec->lost[b->opts->view->kind]);
	for (int end = RECORDING_END_ROOT + 1; end < RECORDING_END_COUNT; end++)
		sum->truncated += load(&rec->ends[end]);
	sum->displaced |= atomic_load(&rec->displaced) != 0;
	memcpy(sum->declined, rec->declined, sizeof(sum->declined) - 1);
	memcpy(sum->exe, rec->exe, sizeof(sum->exe) - 1);
}

static int read_recording(struct builder *b, const struct export_source *source, struct err *err)
{
	int rc = check_header(source->data, source->n, err);
	if (rc)
		return rc;
	b->rec = source->data;
	b->size = source->n;
	read_counters(b);
	if (b->rec->declined[0])
		return 0;
	read_times(b);
	read_layouts(b);
	if (b->opts->threads)
		export_threads_read(b->opts->threads, b, source);
	else if (b->opts->trace)
		rc = export_trace_read(b->opts->trace, b, source, err);
	else
		rc = export_each_count(source, b->opts->view->kind, add_count, b, err);
	drop_layouts(b);
	return rc;
}

/* CPU time whose stacks found no room is still CPU time. */
static void account_for_lost(struct builder *b)
{
	const struct export_baseline *since = b->opts->since;
	if (since) {
		b->sum.dropped -= since->dropped < b->sum.dropped ? since->dropped : b->sum.dropped;
		b->sum.lost -= since->lost < b->sum.lost ? since->lost : b->sum.lost;
	}
	if (b->opts->view->kind == RECORDING_CPU && b->sum.dropped)
		add_lost(b, b->sum.dropped);
}

void export_comment(struct profile *p, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	vec_push(p->comments, p->comment_n, p->comment_cap, strtab_addstr(&p->strings, text));
}

/* Go writes no comments; what a reader of the numbers must know goes here. */
static void add_cpu_comments(struct profile *p, const struct export_summary *sum)
{
	export_comment(p,
		"recorded by sonde " SONDE_VERSION
		": %llu signals, %llu threads, %llu KiB of memory",
		(unsigned long long)sum->samples, (unsigned long long)sum->threads,
		(unsigned long long)sum->memory / 1024);
	if (sum->truncated)
		export_comment(p,
			"%llu of these signals met a stack that could not be walked to its root",
			(unsigned long long)sum->truncated);
	if (sum->dropped)
		export_comment(p, "%llu samples lost their stacks: the recording's memory was full",
			(unsigned long long)sum->dropped);
	if (sum->unarmed)
		export_comment(p, "%llu threads were not sampled: the kernel gave them no timer",
			(unsigned long long)sum->unarmed);
	if (sum->displaced)
		export_comment(p, "the program replaced the SIGPROF handler: samples stop there");
}

static void add_comments(struct profile *p, const struct export_opts *opts,
	const struct recording *rec, const struct export_summary *sum)
{
	export_comment(p, "recorded by sonde " SONDE_VERSION ": %llu stacks, %llu KiB of memory",
		(unsigned long long)sum->stacks, (unsigned long long)sum->memory / 1024);
	if (sum->lost)
		export_comment(p, "%llu events are missing: the recording's memory was full",
			(unsigned long long)sum->lost);
	if (opts->leaks)
		export_leaks_comments(p, opts->leaks);
	else if (opts->view->comments)
		opts->view->comments(p, rec);
}

static struct value_type value_type(struct profile *p, struct export_type type)
{
	return (struct value_type){
		strtab_addstr(&p->strings, type.type), strtab_addstr(&p->strings, type.unit)};
}

static void begin_profile(
	struct profile *p, const struct export_view *view, const struct recording *first)
{
	profile_init(p);
	for (unsigned i = 0; i < view->type_n; i++)
		profile_add_sample_type(p, view->types[i].type, view->types[i].unit);
	p->period_type = value_type(p, view->period_type);
	p->period = view->period(first);
	if (view->default_type)
		p->default_sample_type = strtab_addstr(&p->strings, view->default_type);
}

static int read_sources(const struct export_source *sources, size_t n,
	const struct export_opts *opts, struct profile *p, struct export_summary *ret_summary,
	struct err *err)
{
	int rc = check_header(sources[0].data, sources[0].n, err);
	if (rc)
		return rc;
	struct builder b = {.p = p, .opts = opts, .lost = PROFILE_NONE};
	begin_profile(p, opts->view, sources[0].data);
	map_init(&b.locations);
	rc = check_header(sources[n - 1].data, sources[n - 1].n, err);
	if (!rc)
		read_exe_of(&b, &sources[n - 1]);
	for (size_t i = 0; i < n && !rc; i++)
		rc = read_recording(&b, &sources[i], err);
	if (!rc)
		account_for_lost(&b);
	map_release(&b.locations);
	mem_free(b.layouts);
	if (rc) {
		profile_release(p);
		return rc;
	}
	p->duration_nanos = (int64_t)b.sum.duration_ns;
	if (opts->view->kind == RECORDING_CPU)
		add_cpu_comments(p, &b.sum);
	else
		add_comments(p, opts, b.rec, &b.sum);
	if (ret_summary)
		*ret_summary = b.sum;
	return 0;
}

/* --- snapshots of threads --- */

#define SNAPSHOT_TRIES 50
#define ANSWER_STEPS   50 /* of: */
#define ANSWER_STEP_NS 200000

/* The newest one, when all threads have answered to it; those that do not within ten milliseconds
 * are told of in a comment. */
static uint32_t await_snapshot(const struct recording *rec)
{
	const struct timespec step = {0, ANSWER_STEP_NS};
	uint32_t snapshot;
	for (int i = 0; i < ANSWER_STEPS; i++) {
		snapshot = atomic_load(&rec->snapshot);
		if (snapshot == atomic_load(&rec->snapshot_asked) &&
			!recording_called(rec, RECORDING_GOROUTINE))
			break;
		sig_syscall(SYS_nanosleep, &step, 0);
	}
	return snapshot;
}

/* The next snapshot may be taken, by the program itself or for somebody else, while this one is
 * read: then what was read is of both, and is thrown away. */
static int read_snapshot(const struct export_source *sources, size_t n,
	const struct export_opts *opts, struct profile *p, struct export_summary *ret_summary,
	struct err *err)
{
	const struct recording *rec = sources[n - 1].data;
	for (int i = 0; i < SNAPSHOT_TRIES; i++) {
		int rc = check_header(rec, sources[n - 1].n, err);
		uint32_t snapshot = rc ? 0 : await_snapshot(rec);
		if (!rc)
			rc = read_sources(sources, n, opts, p, ret_summary, err);
		if (rc || atomic_load(&rec->snapshot) == snapshot)
			return rc;
		profile_release(p);
		if (opts->threads)
			export_threads_release(opts->threads);
	}
	return err_set(err, ERR_LIMIT,
		"where threads are is asked for again and again, faster than it can be read");
}

int export_profile(const struct export_source *sources, size_t n, const struct export_opts *opts,
	struct profile *p, struct export_summary *ret_summary, struct err *err)
{
	if (!n)
		return err_set(err, ERR_NOT_FOUND, "no recording");
	bool moment = opts->view->kind == RECORDING_GOROUTINE;
	return (moment ? read_snapshot : read_sources)(sources, n, opts, p, ret_summary, err);
}

/*
 * The legacy formats: the order in which they are tried, and what their readers share. They answer
 * to google/pprof's legacy_profile.go, whose results they reproduce.
 */
#include "pprof/legacy.h"

#include <math.h>

void legacy_release(struct legacy *l)
{
	map_release(&l->locations);
	mem_free(l->stack);
}

int legacy_not_mine(void)
{
	return ERR_NOT_FOUND;
}

int legacy_malformed(struct legacy *l, const struct lines *lines)
{
	return err_line(l->err, ERR_FORMAT, lines->number, "malformed profile format");
}

void legacy_types(struct legacy *l, const char *const (*types)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		profile_add_sample_type(l->p, types[i][0], types[i][1]);
}

void legacy_period_type(struct legacy *l, const char *type, const char *unit)
{
	l->p->period_type = (struct value_type){
		strtab_addstr(&l->p->strings, type), strtab_addstr(&l->p->strings, unit)};
}

uint32_t legacy_location(struct legacy *l, uint64_t address)
{
	bool is_new;
	uint32_t *index = map_put(&l->locations, address, &is_new);
	if (is_new)
		*index = profile_add_location(l->p, PROFILE_NONE, address, NULL, 0);
	return *index;
}

void legacy_push(struct legacy *l, uint64_t address)
{
	vec_push(l->stack, l->stack_n, l->stack_cap, legacy_location(l, address));
}

void legacy_sample(struct legacy *l, const int64_t *values, const struct label *labels, uint32_t n)
{
	profile_add_sample(l->p, l->stack, l->stack_n, values, labels, n);
	l->stack_n = 0;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool legacy_addresses(struct legacy *l, struct text t, uint64_t adjust, struct text *ret_bad)
{
	for (size_t i = 0; i + 2 < t.n;) {
		if (t.s[i] != '0' || t.s[i + 1] != 'x' || !is_hex(t.s[i + 2])) {
			i++;
			continue;
		}
		size_t from = i;
		for (i += 2; i < t.n && is_hex(t.s[i]);)
			i++;
		struct text number = {t.s + from, i - from};
		uint64_t address;
		const char *why;
		*ret_bad = number;
		if (!text_u64(number, 0, &address, &why))
			return false;
		legacy_push(l, address - adjust);
	}
	return true;
}

int legacy_bad_address(
	struct legacy *l, const struct lines *lines, struct text line, struct text bad)
{
	return err_line(l->err, ERR_FORMAT, lines->number,
		"malformed sample: %.*s: failed to parse as hex 64-bit number: %.*s",
		TEXT_ARGS(line), TEXT_ARGS(bad));
}

bool legacy_skips(struct text line)
{
	line = text_trim(line);
	return !line.n || *line.s == '#';
}

bool legacy_is_sentinel(struct text line)
{
	return text_contains(line, "--- Memory map: ---") ||
	       text_contains(line, "MAPPED_LIBRARIES:");
}

void legacy_unsample(int64_t *count, int64_t *size, int64_t rate)
{
	if (*count == 0 || *size == 0) {
		*count = *size = 0;
		return;
	}
	if (rate <= 1)
		return; /* everything was recorded, or the rate is unknown */
	double average = (double)*size / (double)*count;
	double scale = 1 / (1 - exp(-average / (double)rate));
	*count = int64_of((double)*count * scale);
	*size = int64_of((double)*size * scale);
}

void legacy_drop_duplicate_leaves(struct profile *p)
{
	struct edit e;
	edit_begin(&e, p);
	while (edit_next(&e)) {
		if (e.stack_n > 1 &&
			p->locations[e.stack[0]].address == p->locations[e.stack[1]].address + 1) {
			e.stack[1] = e.stack[0];
			edit_keep(&e, e.stack + 1, e.stack_n - 1);
		} else {
			edit_keep(&e, e.stack, e.stack_n);
		}
	}
	edit_end(&e);
}

/* --- frames of the profiler and the allocator, which nobody wants to see --- */

static const char alloc_frames[] =
	"calloc|cfree|malloc|free|memalign|do_memalign|(__)?posix_memalign|pvalloc|valloc|realloc|"
	"tcmalloc::.*|tc_calloc|tc_cfree|tc_malloc|tc_free|tc_memalign|tc_posix_memalign|"
	"tc_pvalloc|tc_valloc|tc_realloc|tc_new|tc_delete|tc_newarray|tc_deletearray|"
	"tc_new_nothrow|tc_newarray_nothrow|"
	"malloc_zone_malloc|malloc_zone_calloc|malloc_zone_valloc|malloc_zone_realloc|"
	"malloc_zone_memalign|malloc_zone_free|"
	"runtime\\..*|"
	"BaseArena::.*|(::)?do_malloc_no_errno|(::)?do_malloc_pages|(::)?do_malloc|"
	"DoSampledAllocation|MallocedMemBlock::MallocedMemBlock|_M_allocate|"
	"__builtin_(vec_)?delete|__builtin_(vec_)?new|__gnu_cxx::new_allocator::allocate|"
	"__libc_malloc|__malloc_alloc_template::allocate|allocate|cpp_alloc|"
	"operator new(\\[\\])?|simple_alloc::allocate";
static const char alloc_kept_frames[] =
	"runtime\\.panic|runtime\\.reflectcall|runtime\\.call[0-9]*";
static const char cpu_frames[] = "ProfileData::Add|ProfileData::prof_handler|"
				 "CpuProfiler::prof_handler|__pthread_sighandler|__restore";
static const char lock_frames[] =
	"RecordLockProfileData|(base::)?RecordLockProfileData.*|"
	"(base::)?SubmitMutexProfileData.*|(base::)?SubmitSpinLockProfileData.*|"
	"(base::Mutex::)?AwaitCommon.*|(base::Mutex::)?Unlock.*|(base::Mutex::)?UnlockSlow.*|"
	"(base::Mutex::)?ReaderUnlock.*|(base::MutexLock::)?~MutexLock.*|"
	"(Mutex::)?AwaitCommon.*|(Mutex::)?Unlock.*|(Mutex::)?UnlockSlow.*|"
	"(Mutex::)?ReaderUnlock.*|(MutexLock::)?~MutexLock.*|"
	"(SpinLock::)?Unlock.*|(SpinLock::)?SlowUnlock.*|(SpinLockHolder::)?~SpinLockHolder.*";

static bool has_types(const struct profile *p, const char *const *types)
{
	uint32_t n = 0;
	for (; types[n]; n++)
		if (n >= p->sample_type_n ||
			strcmp(profile_str(p, p->sample_types[n].type), types[n]) != 0)
			return false;
	return n == p->sample_type_n;
}

static bool is_heap(const struct profile *p)
{
	static const char *const types[][5] = {
		{"allocations", "size"},
		{"objects", "space"},
		{"inuse_objects", "inuse_space"},
		{"alloc_objects", "alloc_space"},
		{"alloc_objects", "alloc_space", "inuse_objects", "inuse_space"},
	};
	for (size_t i = 0; i < array_len(types); i++)
		if (has_types(p, types[i]))
			return true;
	return false;
}

void legacy_frame_info(struct profile *p)
{
	static const char *const contention[] = {"contentions", "delay", NULL};
	const char *drop = cpu_frames, *keep = "";
	if (is_heap(p)) {
		drop = alloc_frames;
		keep = alloc_kept_frames;
	} else if (has_types(p, contention)) {
		drop = lock_frames;
	}
	p->drop_frames = strtab_addstr(&p->strings, drop);
	p->keep_frames = strtab_addstr(&p->strings, keep);
}

typedef int reader(struct legacy *l, const uint8_t *data, size_t n);

static int try_reader(reader *read, struct profile *p, const void *data, size_t n, struct err *err)
{
	struct legacy l = {.p = p, .err = err};
	profile_init(p);
	int rc = read(&l, data, n);
	legacy_release(&l);
	if (rc >= 0)
		legacy_frame_info(p);
	else
		profile_release(p);
	return rc;
}

int legacy_parse(struct profile *p, const void *data, size_t n, struct err *err)
{
	static reader *const readers[] = {legacy_cpu, legacy_heap, legacy_count, legacy_thread,
		legacy_contention, legacy_java};
	for (size_t i = 0; i < array_len(readers); i++) {
		int rc = try_reader(readers[i], p, data, n, err);
		if (rc != ERR_NOT_FOUND)
			return rc;
	}
	return err_set(err, ERR_FORMAT, "unrecognized profile format");
}

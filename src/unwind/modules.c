/*
 * The module list: what the loader has, compiled and published.
 *
 * A refresh asks the loader for its counters; where they moved it goes through the loaded objects
 * inside dl_iterate_phdr()'s callback, which is what keeps dlclose() from unmapping an object while
 * its .eh_frame is being read, compiles the new ones, and publishes a new snapshot by swapping one
 * pointer. The old snapshot is freed once no walk can be using it (sig_rcu). Tables of unloaded
 * modules are kept aside for a while: their rows are relative to the module, so a plugin that is
 * loaded again and again is compiled once.
 *
 * The list is right at every instruction, because fork() may copy it in the middle of a refresh on
 * another thread: a slot counts once `live` is set, after all else in it.
 *
 * All memory is the kernel's, never the program's malloc; the lock is a futex the agent's own hooks
 * cannot see. Rejected: _dl_find_object(), which glibc has since 2.35 and others have not, and
 * which finds an FDE, not a rule.
 */
#include "unwind/modules.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "unwind/image.h"

#define PATHS_BUDGET (4u << 20)
#define MODULES_MAX  16384u
#define GONE_MAX     1024u
#define IDLE_MAX     16u
#define PATIENCE_NS  2000000u

struct module {
	struct unwind_module info;
	struct table *table;
	uint64_t identity; /* 0: registered by hand, not the loader's */
	bool live;	   /* the slot holds a module */
	bool seen;	   /* by the current refresh */
};

/* A table no snapshot names any more. */
struct idle {
	struct table *table;
	uint64_t identity;
};

struct list {
	struct sig_lock lock;
	struct module *modules; /* in slots, unordered */
	uint32_t slots;		/* used so far */
	struct idle idle[IDLE_MAX * 2];
	unsigned idle_n;
	struct snapshot *old;	    /* waiting for their grace period */
	struct unwind_module *gone; /* a ring */
	uint64_t gone_n;	    /* ever */
	struct sig_arena paths;
	unsigned long long adds, subs; /* the loader's counters at the last refresh */
	uint32_t generation;
	uint64_t refreshes, retired, failed;
	bool changed; /* since the last snapshot */
};

static struct list list;
/* Set in a fork's child: the loader's lock may be held by a thread that does not exist here. */
static _Atomic bool loader_unsure;
static struct sig_rcu rcu;
static _Atomic(struct snapshot *) published;
struct cache_entry modules_cache[1 << CACHE_BITS];
_Atomic uint64_t modules_ends[UNWIND_END_COUNT];

/* ---- for walkers ---- */

const struct snapshot *modules_enter(unsigned *ret_token)
{
	if (!atomic_load_explicit(&published, memory_order_relaxed))
		return NULL;
	*ret_token = sig_rcu_enter(&rcu);
	return atomic_load(&published);
}

void modules_exit(unsigned token)
{
	sig_rcu_exit(&rcu, token);
}

/* ---- the list ---- */

/* The next module after m, the first after NULL; NULL after the last. */
static struct module *next(struct module *m)
{
	struct module *end = list.modules + list.slots;
	for (m = m ? m + 1 : list.modules; m < end; m++)
		if (m->live)
			return m;
	return NULL;
}

static size_t modules_n(void)
{
	size_t n = 0;
	for (struct module *m = next(NULL); m; m = next(m))
		n++;
	return n;
}

/* The same string as before, or a copy that stays. */
static const char *intern(const char *path)
{
	for (struct module *m = next(NULL); m; m = next(m))
		if (!strcmp(m->info.path, path))
			return m->info.path;
	for (uint64_t i = 0; i < list.gone_n && i < GONE_MAX; i++)
		if (!strcmp(list.gone[i].path, path))
			return list.gone[i].path;
	size_t size = strlen(path) + 1;
	char *copy = sig_arena_alloc(&list.paths, size);
	return copy ? memcpy(copy, path, size) : "";
}

static struct table *take_idle(uint64_t identity)
{
	for (unsigned i = 0; i < list.idle_n; i++) {
		if (list.idle[i].identity != identity)
			continue;
		struct table *table = list.idle[i].table;
		list.idle[i] = list.idle[--list.idle_n];
		return table;
	}
	return NULL;
}

static bool module_add(const struct module *module)
{
	struct module *m = list.modules;
	while (m < list.modules + list.slots && m->live)
		m++;
	if (m == list.modules + MODULES_MAX)
		return false;
	if (m == list.modules + list.slots)
		list.slots++;
	*m = *module;
	atomic_signal_fence(memory_order_release);
	m->live = true;
	list.changed = true;
	return true;
}

static void set_idle(struct table *table, uint64_t identity)
{
	/* Where walks have been stuck through sixteen unloads, better to lose it than to wait. */
	if (table && list.idle_n < IDLE_MAX * 2)
		list.idle[list.idle_n++] = (struct idle){.table = table, .identity = identity};
}

static void module_remove(struct module *m)
{
	set_idle(m->table, m->identity);
	if (m->identity && list.gone) {
		/* In a full ring it is written over one that is shown, at whatever moment a
		 * thread forks: at none is it there for one that is loaded. */
		struct unwind_module gone = m->info;
		gone.gone = true;
		list.gone[list.gone_n % GONE_MAX] = gone;
		list.gone_n++;
	}
	list.retired++;
	list.changed = true;
	m->live = false;
}

/* ---- publishing ---- */

static void sort_ranges(struct range *ranges, size_t n)
{
	for (size_t i = 1; i < n; i++) { /* nearly sorted: the loader maps in one direction */
		struct range r = ranges[i];
		size_t at = i;
		for (; at && ranges[at - 1].start > r.start; at--)
			ranges[at] = ranges[at - 1];
		ranges[at] = r;
	}
}

/* After a grace period: the snapshots before this one, and tables kept longer than they are worth.
 */
static void free_garbage(void)
{
	if (!sig_rcu_quiesce(&rcu, PATIENCE_NS))
		return;
	while (list.old) {
		struct snapshot *s = list.old;
		list.old = s->older;
		sig_unmap(s, s->bytes);
	}
	while (list.idle_n > IDLE_MAX) {
		table_free(list.idle[0].table);
		memmove(&list.idle[0], &list.idle[1], --list.idle_n * sizeof(list.idle[0]));
	}
}

static int publish(void)
{
	size_t bytes = sizeof(struct snapshot) + modules_n() * sizeof(struct range);
	struct snapshot *s = sig_map(bytes);
	if (!s)
		return -ENOMEM;
	s->bytes = bytes;
	s->generation = ++list.generation;
	for (struct module *m = next(NULL); m; m = next(m))
		s->ranges[s->n++] = (struct range){m->info.start, m->info.end, m->table};
	sort_ranges(s->ranges, s->n);
	if (!cache_generation(s)) /* wrapped: entries of 65536 generations ago may not come back */
		for (size_t i = 0; i < 1 << CACHE_BITS; i++)
			atomic_store_explicit(&modules_cache[i].check, 0, memory_order_relaxed);
	struct snapshot *before = atomic_exchange(&published, s);
	if (before) {
		before->older = list.old;
		list.old = before;
	}
	list.changed = false;
	return 0;
}

/* ---- reading the loader ---- */

/* The executable's own name is empty in the loader's list. */
static const char *image_path(const struct image *image, const char *name, char *room, size_t size)
{
	if (image_is_vdso(image))
		return "[vdso]";
	if (name && *name)
		return name;
	ssize_t n = readlink("/proc/self/exe", room, size - 1);
	room[n > 0 ? n : 0] = '\0';
	return room;
}

static bool mark_seen(uint64_t identity, uintptr_t start)
{
	for (struct module *m = next(NULL); m; m = next(m)) {
		if (m->identity == identity && m->info.start == start) {
			m->seen = true;
			return true;
		}
	}
	return false;
}

/* A table for [start, end) of the image; NULL (and counted) if there is none to be had. */
static struct table *build(const struct image *image, uintptr_t start, uintptr_t end)
{
	struct eh_section section;
	struct table *table = NULL;
	int rc = -ENOENT;
	if (image_eh_frame(image, &section))
		rc = table_compile(&machine_host, &section, start, end, &table);
	if (rc < 0 && rc != -ENOENT)
		list.failed++;
	return table;
}

static void add_segment(const struct image *image, const char *path, const ElfW(Phdr) * ph)
{
	uintptr_t start = image->bias + ph->p_vaddr;
	uint64_t identity = image_identity(image, path) ^ sig_hash(ph->p_vaddr + 1);
	if (!identity || mark_seen(identity, start))
		return;
	struct module m = {.identity = identity, .seen = true};
	m.info = (struct unwind_module){.start = start,
		.end = start + ph->p_memsz,
		.bias = image->bias,
		.file_offset = ph->p_offset,
		.generation = list.generation + 1,
		.path = intern(path)};
	m.info.build_id_len =
		(uint8_t)image_build_id(image, m.info.build_id, sizeof(m.info.build_id));
	m.table = take_idle(identity);
	if (!m.table)
		m.table = build(image, start, m.info.end);
	if (!module_add(&m)) {
		table_free(m.table);
		list.failed++;
	}
}

static int each_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	char room[512];
	struct image image = {info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum};
	const char *path = image_path(&image, info->dlpi_name, room, sizeof(room));
	list.adds = info->dlpi_adds;
	list.subs = info->dlpi_subs;
	for (size_t i = 0; i < image.phdrs_n; i++) {
		const ElfW(Phdr) *ph = &image.phdrs[i];
		if (ph->p_type == PT_LOAD && ph->p_flags & PF_X && ph->p_memsz)
			add_segment(&image, path, ph);
	}
	return 0;
}

static void sweep(void)
{
	for (struct module *m = next(NULL); m; m = next(m))
		if (m->identity && !m->seen)
			module_remove(m);
}

static int read_counters(struct dl_phdr_info *info, size_t size, void *ctx)
{
	unsigned long long *counters = ctx;
	counters[0] = info->dlpi_adds;
	counters[1] = info->dlpi_subs;
	return 1; /* every object tells the same: the first is enough */
}

static bool loader_moved(void)
{
	unsigned long long counters[2] = {0};
	dl_iterate_phdr(read_counters, counters);
	return counters[0] != list.adds || counters[1] != list.subs;
}

static int refresh_locked(void)
{
	if (!atomic_load(&loader_unsure) && loader_moved()) {
		for (struct module *m = next(NULL); m; m = next(m))
			m->seen = false;
		dl_iterate_phdr(each_object, NULL);
		sweep();
	}
	int rc = 0;
	if (list.changed) {
		rc = publish();
		if (rc == 0) {
			list.refreshes++;
			rc = 1;
		}
	}
	if (list.old || list.idle_n > IDLE_MAX)
		free_garbage();
	return rc;
}

static int init_locked(void)
{
	if (!list.paths.base) {
		int rc = sig_arena_init(&list.paths, PATHS_BUDGET);
		if (rc < 0)
			return rc;
	}
	if (!list.gone)
		list.gone = sig_map(GONE_MAX * sizeof(*list.gone));
	if (!list.modules)
		list.modules = sig_map(MODULES_MAX * sizeof(*list.modules));
	if (!list.gone || !list.modules)
		return -ENOMEM;
	return refresh_locked();
}

int unwind_init(void)
{
	sig_lock(&list.lock);
	int rc = init_locked();
	sig_unlock(&list.lock);
	return rc < 0 ? rc : 0;
}

int unwind_refresh(void)
{
	sig_lock(&list.lock);
	int rc = init_locked();
	sig_unlock(&list.lock);
	return rc;
}

void unwind_after_fork_child(void)
{
	sig_rcu_reset(&rcu);
	atomic_store(&loader_unsure, true);
	if (!sig_trylock(&list.lock)) {
		/* A thread that is not here was changing the list. The modules are right; what
		 * waits to be freed may be half moved, and is let go. */
		list.idle_n = 0;
		list.old = NULL;
		list.changed = true;
	}
	sig_lock_reset(&list.lock);
}

void unwind_loader_used(void)
{
	atomic_store_explicit(&loader_unsure, false, memory_order_relaxed);
}

/* ---- code that no module holds ---- */

static bool overlaps(uintptr_t start, uintptr_t end)
{
	for (struct module *m = next(NULL); m; m = next(m))
		if (start < m->info.end && m->info.start < end)
			return true;
	return false;
}

static int register_locked(uintptr_t start, uintptr_t end, const struct eh_section *section)
{
	struct table *table = NULL;
	int rc = init_locked();
	if (rc < 0)
		return rc;
	if (overlaps(start, end))
		return -EEXIST;
	if (section->data)
		rc = table_compile(&machine_host, section, start, end, &table);
	if (rc < 0)
		return rc;
	struct module m = {.info = {.start = start, .end = end, .path = ""}, .table = table};
	if (!module_add(&m)) {
		table_free(table);
		return -ENOMEM;
	}
	return publish();
}

int unwind_register(uintptr_t start, uintptr_t end, const void *eh_frame, size_t eh_frame_len)
{
	struct eh_section section = {
		.data = eh_frame, .size = eh_frame_len, .addr = (uintptr_t)eh_frame};
	if (end <= start)
		return -EINVAL;
	sig_lock(&list.lock);
	int rc = register_locked(start, end, &section);
	if (rc == 0)
		free_garbage();
	sig_unlock(&list.lock);
	return rc;
}

static int unregister_locked(uintptr_t start)
{
	for (struct module *m = next(NULL); m; m = next(m)) {
		if (m->identity || m->info.start != start)
			continue;
		module_remove(m);
		return publish();
	}
	return -ENOENT;
}

int unwind_unregister(uintptr_t start)
{
	sig_lock(&list.lock);
	int rc = unregister_locked(start);
	if (rc == 0)
		free_garbage();
	sig_unlock(&list.lock);
	return rc;
}

/* ---- looking ---- */

static int each_loaded(int (*each)(const struct unwind_module *module, void *ctx), void *ctx)
{
	uintptr_t past = 0;
	for (;;) {
		const struct module *lowest = NULL;
		for (struct module *m = next(NULL); m; m = next(m))
			if (m->identity && m->info.start >= past &&
				(!lowest || m->info.start < lowest->info.start))
				lowest = m;
		if (!lowest)
			return 0;
		past = lowest->info.end;
		int rc = each(&lowest->info, ctx);
		if (rc)
			return rc;
	}
}

static int each_gone(int (*each)(const struct unwind_module *module, void *ctx), void *ctx)
{
	uint64_t oldest = list.gone_n > GONE_MAX ? list.gone_n - GONE_MAX : 0;
	int rc = 0;
	for (uint64_t i = list.gone_n; i-- > oldest && !rc;)
		rc = each(&list.gone[i % GONE_MAX], ctx);
	return rc;
}

int unwind_each_module(int (*each)(const struct unwind_module *module, void *ctx), void *ctx)
{
	sig_lock(&list.lock);
	int rc = each_loaded(each, ctx);
	if (!rc)
		rc = each_gone(each, ctx);
	sig_unlock(&list.lock);
	return rc;
}

void unwind_counters(struct unwind_counters *ret)
{
	sig_lock(&list.lock);
	*ret = (struct unwind_counters){.modules = modules_n(),
		.refreshes = list.refreshes,
		.retired = list.retired,
		.failed = list.failed};
	for (struct module *m = next(NULL); m; m = next(m)) {
		ret->rows += m->table ? m->table->rows : 0;
		ret->table_bytes += m->table ? m->table->bytes : 0;
	}
	sig_unlock(&list.lock);
	for (unsigned i = 0; i < UNWIND_END_COUNT; i++)
		ret->ends[i] = atomic_load_explicit(&modules_ends[i], memory_order_relaxed);
}

/*
 * The module list: what is loaded is listed, what is unloaded is remembered, registered code is
 * walked, a fork's child goes on, and none of it can be seen by walks in the middle.
 */
#include "../unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sampler.h"
#include "work.h"

static const char *plugin_path;

struct search {
	uintptr_t pc;
	struct unwind_module found;
	bool any;
	uintptr_t last_end;
	bool ordered;
};

static int look(const struct unwind_module *m, void *ctx)
{
	struct search *s = ctx;
	if (!m->gone && m->start < s->last_end)
		s->ordered = false;
	s->last_end = m->end;
	if (!s->any && s->pc >= m->start && s->pc < m->end) {
		s->found = *m;
		s->any = true;
	}
	return 0;
}

static struct search find(uintptr_t pc)
{
	struct search s = {.pc = pc, .ordered = true};
	assert_int_equal(unwind_each_module(look, &s), 0);
	return s;
}

static void test_lists_modules(void **state)
{
	struct search s = find((uintptr_t)&find);
	char self[512] = "";
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_true(s.any);
	assert_true(s.ordered);
	assert_string_equal(s.found.path, self);
	assert_false(s.found.gone);
	assert_true(s.found.file_offset > 0);

	s = find((uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
	assert_true(s.any);
	assert_non_null(strstr(s.found.path, "libc"));
	assert_true(s.found.build_id_len >= 16);

	struct unwind_counters c;
	unwind_counters(&c);
	assert_true(c.modules >= 3);
	assert_true(c.rows > 10000);
	assert_int_equal(c.failed, 0);
}

static int stop_at_once(const struct unwind_module *m, void *ctx)
{
	++*(int *)ctx;
	return 77;
}

static void test_each_stops(void **state)
{
	int calls = 0;
	assert_int_equal(unwind_each_module(stop_at_once, &calls), 77);
	assert_int_equal(calls, 1);
}

static void test_unloaded_modules_are_remembered(void **state)
{
	void *module = dlopen(plugin_path, RTLD_NOW);
	assert_non_null(module);
	assert_int_equal(unwind_refresh(), 1);
	assert_int_equal(unwind_refresh(), 0);
	uintptr_t pc = (uintptr_t)dlsym(module, "plugin_run");
	struct search s = find(pc);
	assert_true(s.any);
	assert_false(s.found.gone);
	assert_string_equal(s.found.path, plugin_path);

	dlclose(module);
	assert_int_equal(unwind_refresh(), 1);
	s = find(pc);
	assert_true(s.any);
	assert_true(s.found.gone);
	assert_string_equal(s.found.path, plugin_path);
}

static void test_max_and_skip(void **state)
{
	uintptr_t all[64], some[64];
	struct unwind_stack stack = sampler_stack();
	enum unwind_end end;
	size_t n = unwind_here(&stack, 0, all, 64, &end);
	assert_int_equal(end, UNWIND_END_ROOT);
	assert_true(n > 4);
	assert_true(all[0] >= (uintptr_t)test_max_and_skip &&
		    all[0] < (uintptr_t)test_max_and_skip + 1000);
	assert_int_equal(unwind_here(&stack, 2, some, 64, &end), n - 2);
	assert_memory_equal(some + 1, all + 3, (n - 3) * sizeof(all[0]));
	assert_int_equal(unwind_here(NULL, 0, some, 3, &end), 3);
	assert_int_equal(end, UNWIND_END_DEPTH);
	assert_memory_equal(some + 1, all + 1, 2 * sizeof(all[0]));
	assert_int_equal(unwind_here(&stack, 0, some, n, &end), n);
	assert_int_equal(end, UNWIND_END_ROOT);
	assert_int_equal(unwind_here(&stack, 0, some, 0, &end), 0);
	assert_int_equal(end, UNWIND_END_DEPTH);
	assert_int_equal(unwind_here(&stack, 1000, some, 64, &end), 0);
	assert_int_equal(end, UNWIND_END_ROOT);
}

/* Contexts that lead nowhere: ended, with a reason, never a fault. */
static void test_wild_contexts(void **state)
{
	static const uintptr_t wild[] = {0, 1, 8, 0xfff, 0x1000, UINTPTR_MAX, UINTPTR_MAX - 7,
		(uintptr_t)1 << 47, (uintptr_t)1 << 63};
	uintptr_t pcs[64];
	enum unwind_end end;
	size_t n = sizeof(wild) / sizeof(wild[0]);
	uintptr_t here = (uintptr_t)&pcs, code = (uintptr_t)dlsym(RTLD_DEFAULT, "strtol") + 40;
	for (size_t i = 0; i < n * n * n; i++) {
		ucontext_t context = {0};
#if defined(__x86_64__)
		context.uc_mcontext.gregs[REG_RIP] = (greg_t)(i % 3 ? wild[i % n] : code);
		context.uc_mcontext.gregs[REG_RSP] = (greg_t)(i % 2 ? wild[i / n % n] : here);
		context.uc_mcontext.gregs[REG_RBP] = (greg_t)wild[i / n / n];
#elif defined(__aarch64__)
		context.uc_mcontext.pc = i % 3 ? wild[i % n] : code;
		context.uc_mcontext.sp = i % 2 ? wild[i / n % n] : here;
		context.uc_mcontext.regs[29] = wild[i / n / n];
#endif
		size_t frames = unwind_walk(&context, NULL, pcs, 64, &end);
		assert_in_range(frames, 1, 64);
		assert_in_range(end, UNWIND_END_ROOT, UNWIND_END_FAULT);
		struct unwind_stack lie = {wild[i % n], wild[i / n % n]};
		if (lie.hi <= lie.lo) /* bounds are believed, so only those that bound nothing */
			assert_in_range(unwind_walk(&context, &lie, pcs, 64, &end), 1, 64);
	}
}

#if defined(__x86_64__)
/* push rbp; mov rsp, rbp; call *rdi; pop rbp; ret: what a JIT with frame pointers makes. */
static const uint8_t jitted[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
/* The same without a frame: push rbx; call *rdi; pop rbx; ret, and its unwind information. */
static const uint8_t jitted_bare[] = {0x53, 0xff, 0xd7, 0x5b, 0xc3};
static const uint8_t bare_cie[] = {
	20, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0, 0x0c, 7, 8, 0x90, 1, 0, 0};

static uintptr_t seen[64];
static size_t seen_n;
static enum unwind_end seen_end;

static void __attribute__((noinline)) walk_from_jit(void)
{
	struct unwind_stack stack = sampler_stack();
	seen_n = unwind_here(&stack, 0, seen, 64, &seen_end);
}

static uint8_t *make_code(const uint8_t *code, size_t n)
{
	uint8_t *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	memcpy(p, code, n);
	return p;
}

static void call(const uint8_t *code)
{
	void (*fn)(void (*)(void));
	memcpy(&fn, &code, sizeof(fn));
	fn(walk_from_jit);
}

static bool saw(const uint8_t *code, size_t n)
{
	for (size_t i = 0; i < seen_n; i++)
		if (seen[i] > (uintptr_t)code && seen[i] <= (uintptr_t)code + n)
			return seen_end == UNWIND_END_ROOT;
	return false;
}

static void test_jit_with_frame_pointers(void **state)
{
	uint8_t *code = make_code(jitted, sizeof(jitted));
	call(code); /* nobody has registered it: frame pointers, checked */
	assert_true(saw(code, sizeof(jitted)));
	assert_int_equal(unwind_register((uintptr_t)code, (uintptr_t)code + 4096, NULL, 0), 0);
	call(code);
	assert_true(saw(code, sizeof(jitted)));
	assert_int_equal(unwind_unregister((uintptr_t)code), 0);
	assert_int_equal(unwind_unregister((uintptr_t)code), -ENOENT);
	munmap(code, 4096);
}

static void test_jit_with_unwind_information(void **state)
{
	uint8_t *code = make_code(jitted_bare, sizeof(jitted_bare));
	uint64_t pc = (uintptr_t)code, size = 4096;
	static const uint8_t insns[] = {0, 0x41, 0x0e, 0x10, 0x83, 2, 0, 0};
	uint8_t section[24 + 4 + 4 + 16 + 8 + 4] = {0};
	memcpy(section, bare_cie, sizeof(bare_cie));
	section[24] = 4 + 16 + 8;
	section[28] = 28;
	memcpy(section + 32, &pc, 8);
	memcpy(section + 40, &size, 8);
	memcpy(section + 48, insns, 8);

	assert_int_equal(unwind_register(pc, pc + size, section, sizeof(section)), 0);
	assert_int_equal(unwind_register(pc + 8, pc + 16, NULL, 0), -EEXIST);
	memset(section, 0xff, sizeof(section)); /* it was copied */
	call(code);
	assert_true(saw(code, sizeof(jitted_bare)));
	assert_int_equal(unwind_unregister(pc), 0);
	munmap(code, 4096);
	assert_int_equal(unwind_register(8, 8, NULL, 0), -EINVAL);
	assert_int_equal(unwind_register(8, 16, section, sizeof(section)), -ENOENT);
}
#endif

static atomic_bool stop;

static void *load_and_unload(void *arg)
{
	for (uint64_t *n = arg; !atomic_load(&stop); ++*n) {
		void *module = dlopen(plugin_path, RTLD_NOW);
		if (!module)
			abort();
		unwind_refresh();
		void (*run)(int) = (void (*)(int))dlsym(module, "plugin_run");
		run(3);
		dlclose(module);
		unwind_refresh();
	}
	return NULL;
}

static int touch(struct dl_phdr_info *info, size_t size, void *arg)
{
	free(malloc(64));
	return 0;
}

static void loader_work(void *arg)
{
	dl_iterate_phdr(touch, NULL);
	work_recurse(arg);
}

/* One thread loads and unloads as fast as it can, another refreshes, a third is sampled, inside the
 * loader half of the time, as fast as it answers. */
static void test_dlopen_storm(void **state)
{
	pthread_t loader;
	uint64_t loads = 0;
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&loader, NULL, load_and_unload, &loads), 0);
	struct sampler_totals t = sampler_run(loader_work, NULL, 20000);
	atomic_store(&stop, true);
	pthread_join(loader, NULL);
	struct unwind_counters c;
	unwind_counters(&c);
	sampler_print("dlopen storm", &t);
	printf("# %lu loads, %lu refreshes, %lu retired\n", loads, c.refreshes, c.retired);
	assert_true(loads > 10);
	assert_int_equal(t.different, 0);
	assert_true(t.rooted * 1000 >= t.samples * 995);
	assert_int_equal(c.failed, 0);
}

static void *refresh_for_ever(void *arg)
{
	uint64_t loads = 0;
	load_and_unload(&loads);
	return NULL;
}

/* Forked while another thread refreshes: the child may have been born in the middle of it. */
static void test_fork_in_the_middle(void **state)
{
	pthread_t loader;
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&loader, NULL, refresh_for_ever, NULL), 0);
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			uintptr_t pcs[64];
			enum unwind_end end;
			unwind_after_fork_child();
			alarm(20);
			size_t n = unwind_here(NULL, 0, pcs, 64, &end);
			struct search s = find((uintptr_t)&find);
			int refreshed = unwind_refresh();
			/* A bit for each thing that could be wrong. */
			_exit((n <= 3) | (end != UNWIND_END_ROOT) << 1 | (refreshed < 0) << 2 |
				(!s.any) << 3 | s.found.gone << 4 | !s.ordered << 5);
		}
		int status;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	atomic_store(&stop, true);
	pthread_join(loader, NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_modules),
		cmocka_unit_test(test_each_stops),
		cmocka_unit_test(test_unloaded_modules_are_remembered),
		cmocka_unit_test(test_max_and_skip),
		cmocka_unit_test(test_wild_contexts),
#if defined(__x86_64__)
		cmocka_unit_test(test_jit_with_frame_pointers),
		cmocka_unit_test(test_jit_with_unwind_information),
#endif
		cmocka_unit_test(test_dlopen_storm),
		cmocka_unit_test(test_fork_in_the_middle),
	};
	if (argc != 2)
		return 2;
	plugin_path = argv[1];
	sampler_verbose = getenv("SONDE_TEST_VERBOSE") != NULL;
	if (unwind_init() != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Symbolizing whole profiles, on binaries that tests/unit/object/fixtures.py builds: what gets set,
 * what is left alone, and what the user is told.
 */
#include "symbolize/symbolize.h"
#include "../unit.h"

#define BASE UINT64_C(0x555500000000)

static const char *folder;
static struct buf messages;

static void message(void *ctx, const char *text)
{
	buf_printf(&messages, "%s\n", text);
}

static char *path_of(const char *name)
{
	static char paths[8][4096];
	static unsigned next;
	char *path = paths[next++ % array_len(paths)];
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

/* The address in `plain` with the deepest chain in outer(). */
static uint64_t inlined_address(char *ret_build_id)
{
	struct object *obj;
	const struct object_frame *frames;
	size_t n;
	uint64_t found = 0;
	assert_true(object_open(&obj, path_of("plain"), NULL, NULL) >= 0);
	const struct object_symbol *all = object_symbols(obj, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].name, "outer"))
			continue;
		for (uint64_t a = all[i].addr; a < all[i].addr + all[i].size; a++) {
			if (object_frames(obj, a, &frames) == 3)
				found = a;
		}
	}
	strcpy(ret_build_id, object_build_id(obj));
	object_free(obj);
	assert_true(found);
	return found;
}

/* A profile of one sample with one frame, at that address in that file. */
static void make_profile(struct profile *p, const char *file, const char *build_id)
{
	char real_id[256];
	uint64_t addr = inlined_address(real_id), page = addr & ~UINT64_C(0xfff);
	int64_t value = 1;
	profile_init(p);
	profile_add_sample_type(p, "samples", "count");
	struct mapping m = {.start = BASE + page,
		.limit = BASE + page + 0x1000,
		.offset = page,
		.file = strtab_addstr(&p->strings, file),
		.build_id = strtab_addstr(&p->strings, build_id ? build_id : real_id)};
	uint32_t mapping = profile_add_mapping(p, &m);
	uint32_t loc = profile_add_location(p, mapping, BASE + addr, NULL, 0);
	profile_add_sample(p, &loc, 1, &value, NULL, 0);
}

static void run(struct profile *p, const char *mode)
{
	struct symbolize_opts opts = {.message = message, .object = {.debug_dirs = ""}};
	struct err err = ERR_INIT;
	buf_clear(&messages);
	if (symbolize_opts_parse(&opts, mode))
		assert_int_equal(symbolize_profile(p, &opts, &err), 0);
}

static const char *name_of(const struct profile *p, uint32_t line)
{
	const struct location *l = &p->locations[0];
	assert_true(line < l->line_n);
	return profile_str(p, p->functions[p->lines[l->line_first + line].function].name);
}

static void test_inlined(void **state)
{
	struct profile p;
	make_profile(&p, path_of("plain"), NULL);
	run(&p, "");
	assert_string_equal(messages.data, "");
	assert_int_equal(p.locations[0].line_n, 3);
	assert_string_equal(name_of(&p, 0), "inner");
	assert_string_equal(name_of(&p, 1), "middle");
	assert_string_equal(name_of(&p, 2), "outer");
	const struct line *lines = p.lines + p.locations[0].line_first;
	assert_int_equal(lines[0].line, 5);
	assert_int_equal(lines[2].line, 15);
	assert_int_equal(p.functions[lines[2].function].start_line, 13);
	const struct mapping *m = &p.mappings[0];
	assert_true(m->has_functions && m->has_filenames && m->has_line_numbers);
	assert_true(m->has_inline_frames);
	assert_int_equal(p.function_n, 3);
	profile_release(&p);
}

static void test_modes(void **state)
{
	struct profile p;
	make_profile(&p, path_of("plain"), NULL);
	run(&p, "none");
	assert_int_equal(p.locations[0].line_n, 0);
	run(&p, "fastlocal");
	assert_int_equal(p.locations[0].line_n, 1);
	assert_string_equal(name_of(&p, 0), "outer");
	assert_false(p.mappings[0].has_line_numbers);
	run(&p, "local"); /* done already: left alone */
	assert_int_equal(p.locations[0].line_n, 1);
	run(&p, "local:force");
	assert_int_equal(p.locations[0].line_n, 3);
	run(&p, "local:nonsense");
	assert_non_null(strstr(
		messages.data, "ignoring unrecognized symbolization option: local:nonsense\n"));
	assert_non_null(
		strstr(messages.data, "expecting -symbolize=[local|fastlocal|remote|none]"));
	profile_release(&p);
}

static void check_failure(const char *file, const char *build_id, const char *want)
{
	struct profile p;
	make_profile(&p, file, build_id);
	run(&p, "local");
	assert_int_equal(p.locations[0].line_n, 0);
	assert_string_equal(messages.data, want);
	assert_false(p.mappings[0].has_functions);
	profile_release(&p);
}

static void test_changed(void **state)
{
	check_failure(path_of("plain"), "abcdef",
		"Local symbolization failed for plain (build ID abcdef): build ID mismatch\n");
}

static void test_missing(void **state)
{
	char want[8192];
	snprintf(want, sizeof(want),
		"Local symbolization failed for absent (build ID ab): stat %s: no such file or "
		"directory\nSome binary filenames not available. Symbolization may be incomplete.\n"
		"Try setting PPROF_BINARY_PATH to the search path for local binaries.\n",
		path_of("absent"));
	check_failure(path_of("absent"), "ab", want);
	check_failure("", "ab", "Main binary filename not available.\n");
	check_failure("[heap]", "", "");
	check_failure("//anon", "", "");
	check_failure("http://localhost:1/x", "", "");
}

/* --- finding binaries --- */

static void test_locate(void **state)
{
	struct profile p;
	char build_id[256];
	struct symbolize_opts opts = {.message = message};
	inlined_address(build_id);
	make_profile(&p, "/no/such/place/plain", NULL);
	struct symbolize_locate locate = {.search_path = path_of(".")};
	symbolize_locate(&p, &locate, &opts);
	assert_string_equal(profile_str(&p, p.mappings[0].file), path_of("plain"));
	profile_release(&p);

	buf_clear(&messages);
	make_profile(&p, "/no/such/place/plain", "1234");
	symbolize_locate(&p, &locate, &opts);
	assert_string_equal(profile_str(&p, p.mappings[0].file), "/no/such/place/plain");
	assert_non_null(strstr(messages.data, "Ignoring local file"));
	assert_non_null(strstr(messages.data, "build-id mismatch (1234 != "));
	profile_release(&p);

	/* xx/yyyy.debug, the layout of .build-id folders: taken if it is the binary itself, not if
	 * it is its debug file. */
	make_profile(&p, "/no/such/place/other", NULL);
	locate = (struct symbolize_locate){.search_path = path_of("debug/.build-id")};
	symbolize_locate(&p, &locate, &opts);
	assert_string_equal(profile_str(&p, p.mappings[0].file), "/no/such/place/other");
	locate = (struct symbolize_locate){.search_path = path_of("store")};
	symbolize_locate(&p, &locate, &opts);
	assert_memory_equal(
		profile_str(&p, p.mappings[0].file), path_of("store/"), strlen(path_of("store/")));
	profile_release(&p);
}

static void test_locate_adds_mapping(void **state)
{
	struct profile p;
	struct symbolize_opts opts = {0};
	profile_init(&p);
	profile_add_sample_type(&p, "samples", "count");
	profile_add_location(&p, PROFILE_NONE, 0x1234, NULL, 0);
	struct symbolize_locate locate = {.exec_name = "/bin/x", .build_id = "77"};
	symbolize_locate(&p, &locate, &opts);
	assert_int_equal(p.mapping_n, 1);
	assert_int_equal(p.locations[0].mapping, 0);
	assert_string_equal(profile_str(&p, p.mappings[0].file), "/bin/x");
	assert_string_equal(profile_str(&p, p.mappings[0].build_id), "77");
	profile_release(&p);
}

/* --- remote --- */

static int answer(void *ctx, const char *url, const char *body, struct buf *reply, struct err *err)
{
	unsigned long long addr;
	assert_string_equal(url, "http://host:80/debug/pprof/symbol");
	assert_int_equal(sscanf(body, "0x%llx", &addr), 1);
	buf_printf(reply, "num_symbols: 1\n0x%llx _ZN1a1bEi\n", addr);
	return 0;
}

static void test_remote(void **state)
{
	struct profile p;
	struct err err = ERR_INIT;
	make_profile(&p, "/remote/binary", "");
	uint64_t start = p.mappings[0].start;
	struct symbolize_source source = {.key = "/remote/binary",
		.url = "http://host:80/debug/pprof/profile?seconds=3",
		.start = start + 0x1000};
	struct symbolize_opts opts = {
		.remote = true, .post = answer, .sources = &source, .source_n = 1};
	assert_int_equal(symbolize_profile(&p, &opts, &err), 0);
	assert_int_equal(p.locations[0].line_n, 1);
	assert_string_equal(name_of(&p, 0), "a::b");
	assert_true(p.mappings[0].has_functions);
	profile_release(&p);
}

/* --- names --- */

static void add_function(struct profile *p, const char *name, const char *system_name)
{
	struct function f = {.name = strtab_addstr(&p->strings, name),
		.system_name = strtab_addstr(&p->strings, system_name)};
	profile_add_function(p, &f);
}

static void test_demangle_profile(void **state)
{
	struct profile p;
	profile_init(&p);
	add_function(&p, "_ZN1a1bEi", "_ZN1a1bEi");
	add_function(&p, "pretty", "_ZN1a1bEi");
	symbolize_demangle(&p, false, DEMANGLE_DEFAULT);
	assert_string_equal(profile_str(&p, p.functions[0].name), "a::b");
	assert_string_equal(profile_str(&p, p.functions[1].name), "pretty");
	symbolize_demangle(&p, true, DEMANGLE_FULL);
	assert_string_equal(profile_str(&p, p.functions[1].name), "a::b(int)");
	symbolize_demangle(&p, true, DEMANGLE_NONE);
	assert_string_equal(profile_str(&p, p.functions[0].name), "_ZN1a1bEi");
	profile_release(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inlined),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_locate),
		cmocka_unit_test(test_locate_adds_mapping),
		cmocka_unit_test(test_remote),
		cmocka_unit_test(test_demangle_profile),
	};
	folder = argc > 1 ? argv[1] : ".";
	buf_init(&messages);
	int failed = cmocka_run_group_tests_name("symbolize-profile", tests, NULL, NULL);
	buf_release(&messages);
	return failed;
}

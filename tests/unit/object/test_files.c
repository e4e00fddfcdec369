/*
 * The object layer on real files, built by fixtures.py with inlining that is known: every shape of
 * debugging information must give the same frames, and a wrong debug file must not be used.
 */
#include <errno.h>
#include <unistd.h>

#include "object/object.h"
#include "../unit.h"

static const char *folder;

static const char *path_of(const char *name)
{
	static char paths[4][4096];
	static unsigned next;
	char *path = paths[next++ % array_len(paths)];
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static struct object *open_with(const char *name, const char *debug_dirs)
{
	struct object_opts opts = {.debug_dirs = debug_dirs};
	struct object *obj;
	struct err err = ERR_INIT;
	if (access(path_of(name), R_OK))
		skip(); /* its tool is not installed */
	if (object_open(&obj, path_of(name), &opts, &err) < 0)
		fail_msg("%s", err.msg);
	return obj;
}

static const struct object_symbol *symbol_named(struct object *obj, const char *part)
{
	size_t n;
	const struct object_symbol *all = object_symbols(obj, &n);
	for (size_t i = 0; i < n; i++) {
		if (strstr(all[i].name, part) && all[i].size)
			return &all[i];
	}
	return NULL;
}

/* The frames at the first address in the function where the chain is deepest. */
static size_t deepest(struct object *obj, const char *function, struct object_frame *ret)
{
	const struct object_symbol *symbol = symbol_named(obj, function);
	size_t best = 0;
	assert_non_null(symbol);
	for (uint64_t a = symbol->addr; a < symbol->addr + symbol->size; a++) {
		const struct object_frame *frames;
		size_t n = object_frames(obj, a, &frames);
		assert_true(n <= 8);
		if (n > best) {
			memcpy(ret, frames, n * sizeof(*frames));
			best = n;
		}
	}
	return best;
}

static void check_frame(
	const struct object_frame *f, const char *name, uint32_t line, uint32_t start)
{
	assert_string_equal(f->function, name);
	assert_int_equal(f->line, line);
	assert_int_equal(f->start_line, start);
	assert_non_null(strstr(f->file, "/inline.c"));
}

static void check_c(struct object *obj)
{
	struct object_frame f[8];
	assert_int_equal(deepest(obj, "outer", f), 3);
	check_frame(&f[0], "inner", 5, 3);
	check_frame(&f[1], "middle", 10, 8);
	check_frame(&f[2], "outer", 15, 13);
	object_free(obj);
}

static void test_shapes(void **state)
{
	check_c(open_with(*state, ""));
}

/* -gmlt has lines and inlining, but not where functions start. */
static void test_tables_only(void **state)
{
	struct object *obj = open_with("tables", "");
	struct object_frame f[8];
	assert_int_equal(deepest(obj, "outer", f), 3);
	assert_string_equal(f[0].function, "inner");
	assert_int_equal(f[2].line, 15);
	object_free(obj);
}

static void test_cplus(void **state)
{
	struct object *obj = open_with("cplus", "");
	struct object_frame f[8];
	assert_int_equal(deepest(obj, "_ZNK5space3BoxIiE4work", f), 2);
	/* The compiler may have made a clone of it: "....isra.0". */
	assert_memory_equal(f[1].function, "_ZNK5space3BoxIiE4workEPVi", 26);
	assert_int_equal(f[1].line, 15);
	assert_int_equal(f[1].start_line, 9);
	object_free(obj);
}

static void test_rust(void **state)
{
	struct object *obj = open_with("rust", "");
	struct object_frame f[8];
	size_t n = deepest(obj, "6inline5outer", f);
	assert_true(n >= 2);
	assert_non_null(strstr(f[n - 1].function, "outer"));
	assert_int_equal(f[n - 1].line, 10);
	assert_non_null(strstr(f[n - 2].function, "inner"));
	assert_int_equal(f[n - 2].line, 5);
	object_free(obj);
}

/* --- separate debug files --- */

static void test_by_id(void **state)
{
	struct object *obj = open_with("by-id", path_of("debug"));
	struct object_frame f[8];
	assert_int_equal(deepest(obj, "outer", f), 3);
	assert_non_null(strstr(object_debug_path(obj), "/debug/.build-id/"));
	assert_string_equal(object_debug_problem(obj), "");
	object_free(obj);
	check_c(open_with("by-id", path_of("debug")));
}

static void test_by_link(void **state)
{
	struct object *obj = open_with("by-link", "");
	assert_string_equal(object_build_id(obj), "");
	assert_true(object_has_dwarf(obj));
	assert_string_equal(object_debug_path(obj), path_of("by-link.debug"));
	check_c(obj);
}

/* From the server that fixtures.py runs; asked only if allowed. */
static void test_debuginfod(void **state)
{
	struct object_opts opts = {.debug_dirs = "", .debuginfod = true};
	struct object *obj;
	assert_int_equal(object_open(&obj, path_of("by-id"), &opts, NULL), 0);
	assert_true(object_has_dwarf(obj));
	assert_non_null(strstr(object_debug_path(obj), "/cache/"));
	check_c(obj);
	opts.debuginfod = false;
	assert_int_equal(object_open(&obj, path_of("by-id"), &opts, NULL), 0);
	assert_false(object_has_dwarf(obj));
	object_free(obj);
}

static void check_refused(const char *name, const char *dirs, const char *why)
{
	struct object *obj = open_with(name, dirs);
	assert_false(object_has_dwarf(obj));
	assert_string_equal(object_debug_path(obj), "");
	assert_non_null(strstr(object_debug_problem(obj), why));
	assert_null(symbol_named(obj, "hidden"));
	object_free(obj);
}

static void test_wrong_checksum(void **state)
{
	check_refused("bad-link", "", "checksum");
}

static void test_wrong_id(void **state)
{
	check_refused("bad-id", path_of("other"), "build ID");
}

static void test_no_debug(void **state)
{
	struct object *obj = open_with("no-debug", "");
	const struct object_frame *frames;
	assert_false(object_has_dwarf(obj));
	assert_string_equal(object_debug_problem(obj), "");
	/* Calls through the PLT still have a name. */
	const struct object_symbol *plt = symbol_named(obj, "__cxa_finalize@plt");
	assert_non_null(plt);
	assert_int_equal(object_frames(obj, plt->addr, &frames), 1);
	assert_string_equal(frames[0].function, "__cxa_finalize@plt");
	object_free(obj);
}

static void test_mini(void **state)
{
	struct object *obj = open_with("mini", "");
	assert_false(object_has_dwarf(obj));
	assert_non_null(symbol_named(obj, "hidden"));
	object_free(obj);
}

/* A kernel module, say: symbols, no lines. */
static void test_relocatable(void **state)
{
	struct object *obj = open_with("relocatable", "");
	const struct object_frame *frames;
	const struct object_symbol *outer = symbol_named(obj, "outer");
	assert_false(object_has_dwarf(obj));
	assert_non_null(outer);
	assert_null(symbol_named(obj, "main")); /* in .text.startup */
	assert_int_equal(object_frames(obj, outer->addr, &frames), 1);
	assert_string_equal(frames[0].function, "outer");
	object_free(obj);
}

static void test_build_id(void **state)
{
	char want[128] = "";
	FILE *f = fopen(path_of("build-id"), "r");
	assert_non_null(fgets(want, sizeof(want), f));
	fclose(f);
	const char *const names[] = {"plain", "by-id", "no-sections"};
	for (size_t i = 0; i < array_len(names); i++) {
		struct object *obj = open_with(names[i], "");
		assert_string_equal(object_build_id(obj), want);
		object_free(obj);
	}
}

/* --- mappings and code --- */

/* As a PIE is mapped: the executable segment at some page, the rest before and after it. */
static void test_mapping(void **state)
{
	struct object *obj = open_with("plain", "");
	uint64_t addr = symbol_named(obj, "outer")->addr, at, base = UINT64_C(0x555500000000);
	struct object_image image = {.obj = obj,
		.map = {.start = base + (addr & ~UINT64_C(0xfff)),
			.limit = base + (addr & ~UINT64_C(0xfff)) + 0x1000,
			.offset = addr & ~UINT64_C(0xfff)}};
	struct err err = ERR_INIT;
	assert_int_equal(object_check_mapping(obj, &image.map, &err), 0);
	assert_int_equal(object_image_addr(&image, base + addr, &at, &err), 0);
	assert_int_equal(at, addr);
	assert_false(image.is_data);
	assert_int_equal(
		object_image_addr(&image, base + addr + 0x100000, &at, &err), ERR_MISMATCH);
	assert_non_null(strstr(err.msg, "outside the mapping range"));
	object_free(obj);
}

static void test_fixed_address(void **state)
{
	struct object *obj = open_with("dwarf4", "");
	uint64_t addr = symbol_named(obj, "outer")->addr, at, page = addr & ~UINT64_C(0xfff);
	struct object_image image = {.obj = obj,
		.map = {.start = page, .limit = page + 0x1000, .offset = page - 0x400000}};
	assert_int_equal(object_image_addr(&image, addr, &at, NULL), 0);
	assert_int_equal(at, addr);
	/* A made-up mapping of everything: addresses are the file's. */
	struct object_image all = {.obj = obj, .map = {.limit = UINT64_MAX}};
	assert_int_equal(object_image_addr(&all, addr, &at, NULL), 0);
	assert_int_equal(at, addr);
	object_free(obj);
}

struct code {
	size_t n;
	uint64_t next;
	bool has_ret;
};

static void see(void *ctx, const struct object_inst *inst)
{
	struct code *code = ctx;
	assert_int_equal(inst->addr, code->next);
	code->next += inst->size;
	code->has_ret |= !strncmp(inst->text, "ret", 3);
	code->n++;
}

static void test_disasm(void **state)
{
	struct object *obj = open_with("plain", "");
	const struct object_symbol *outer = symbol_named(obj, "outer");
	struct code code = {.next = outer->addr};
	struct err err = ERR_INIT;
	assert_int_equal(
		object_disasm(obj, outer->addr, outer->addr + outer->size, false, see, &code, &err),
		0);
	assert_int_equal(code.next, outer->addr + outer->size);
	assert_true(code.n >= 2);
	assert_true(code.has_ret);
	assert_int_equal(object_disasm(obj, UINT64_C(1) << 40, (UINT64_C(1) << 40) + 10, false, see,
				 &code, &err),
		ERR_NOT_FOUND);
	object_free(obj);
}

static void test_errors(void **state)
{
	struct object *obj;
	struct err err = ERR_INIT;
	assert_int_equal(object_open(&obj, path_of("absent"), NULL, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "absent: no such file or directory"));
	assert_int_equal(object_open(&obj, path_of("build-id"), NULL, &err), ERR_FORMAT);
	assert_non_null(strstr(err.msg, "unrecognized binary format"));
	assert_int_equal(object_open(&obj, folder, NULL, &err), ERR_FORMAT);
}

#define SHAPE(name)                                                        \
	{                                                                  \
		"test_shapes " name, test_shapes, NULL, NULL, (void *)name \
	}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		SHAPE("plain"),
		SHAPE("dwarf4"),
		SHAPE("zlib"),
		SHAPE("split"),
		SHAPE("lto"),
		SHAPE("clang"),
		cmocka_unit_test(test_tables_only),
		cmocka_unit_test(test_cplus),
		cmocka_unit_test(test_rust),
		cmocka_unit_test(test_by_id),
		cmocka_unit_test(test_by_link),
		cmocka_unit_test(test_debuginfod),
		cmocka_unit_test(test_wrong_checksum),
		cmocka_unit_test(test_wrong_id),
		cmocka_unit_test(test_no_debug),
		cmocka_unit_test(test_mini),
		cmocka_unit_test(test_relocatable),
		cmocka_unit_test(test_build_id),
		cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_fixed_address),
		cmocka_unit_test(test_disasm),
		cmocka_unit_test(test_errors),
	};
	folder = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests_name("object-files", tests, NULL, NULL);
}

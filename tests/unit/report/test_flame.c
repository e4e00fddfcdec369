/*
 * The flame graph against a tree that is made the plain way: random stacks with inlined frames,
 * recursion, labels and negative values, looked at through cuts of all sizes.
 */
#include "report/flame_internal.h"
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	FUNCTIONS = 6,
	DEPTH_MAX = 7,
	SAMPLES = 400,
	TYPES = 2,
};

/* --- the plain tree: totals by path --- */

struct path {
	char text[8 * DEPTH_MAX + 8];
	int64_t total[TYPES];
};

static struct path paths[SAMPLES * (2 * DEPTH_MAX + 1)];
static size_t path_n;

static struct path *find_path(const char *text)
{
	for (size_t i = 0; i < path_n; i++)
		if (strcmp(paths[i].text, text) == 0)
			return &paths[i];
	return NULL;
}

static void add_to_path(const char *text, const int64_t *values)
{
	struct path *p = find_path(text);
	if (!p) {
		p = &paths[path_n++];
		memset(p, 0, sizeof(*p));
		strcpy(p->text, text);
	}
	for (int type = 0; type < TYPES; type++)
		p->total[type] += values[type];
}

/* --- the profile --- */

/* Location i is function i; location FUNCTIONS + i is function i with the next one inlined. */
static void add_places(struct profile *p)
{
	struct line line = {0}, inlined[2] = {{0}};
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		char name[2] = {(char)('a' + i)};
		struct function f = {.name = strtab_addstr(&p->strings, name)};
		profile_add_function(p, &f);
	}
	for (line.function = 0; line.function < FUNCTIONS; line.function++)
		profile_add_location(p, PROFILE_NONE, 1 + line.function, &line, 1);
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		inlined[0].function = (i + 1) % FUNCTIONS;
		inlined[1].function = i;
		profile_add_location(p, PROFILE_NONE, 100 + i, inlined, 2);
	}
}

static void add_sample(struct profile *p, bool negative)
{
	uint32_t stack[DEPTH_MAX], n = (uint32_t)rand() % (DEPTH_MAX + 1);
	int64_t values[TYPES] = {1 + rand() % 3, rand() % 100};
	struct label label = {.key = strtab_addstr(&p->strings, "k")};
	char text[sizeof(paths->text)] = "", digit[2] = {(char)('0' + rand() % 3)};
	if (negative && rand() % 2)
		values[1] = -values[1];
	label.str = strtab_addstr(&p->strings, digit);
	add_to_path(text, values);
	for (uint32_t i = 0; i < n; i++) {
		/* Some functions are far more common, so that stacks share much. */
		uint32_t f = (uint32_t)(rand() % FUNCTIONS * (rand() % FUNCTIONS) / FUNCTIONS);
		bool is_inlined = rand() % 5 == 0;
		stack[n - 1 - i] = is_inlined ? FUNCTIONS + f : f;
		sprintf(text + strlen(text), "%c", 'a' + f);
		add_to_path(text, values);
		if (!is_inlined)
			continue;
		sprintf(text + strlen(text), "(%c)", 'a' + (f + 1) % FUNCTIONS);
		add_to_path(text, values);
	}
	profile_add_sample(p, stack, n, values, &label, 1);
}

static struct flame *make(int seed, bool negative)
{
	struct profile p;
	struct config c;
	struct report r;
	struct flame *f = NULL;
	struct err err = ERR_INIT;
	srand((unsigned)seed);
	path_n = 0;
	profile_init(&p);
	profile_add_sample_type(&p, "samples", "count");
	profile_add_sample_type(&p, "cpu", "nanoseconds");
	add_places(&p);
	for (int i = 0; i < SAMPLES; i++)
		add_sample(&p, negative);
	config_init(&c);
	config_set_string(&c.granularity, "functions");
	if (report_init(&r, &p, REPORT_FLAME, "flame", NULL, &c, NULL, &err) < 0 ||
		flame_new(&f, &r, &err) < 0)
		fail_msg("%s", err.msg);
	report_release(&r);
	config_release(&c);
	profile_release(&p);
	return f;
}

/* --- looking at it --- */

struct look {
	const struct flame_cut *cut;
	char text[DEPTH_MAX * 2 + 2][sizeof(paths->text)]; /* by depth: the path there */
	int64_t sum[TYPES];				   /* of what is shown, by itself */
	uint32_t frames;
	uint32_t steps; /* groups opened */
};

static void look_at(struct look *l, const struct flame *f, int64_t number, uint32_t depth);

static void see_frame(
	void *ctx, const struct flame_pick *p, uint32_t frame, uint32_t depth, uint32_t more)
{
	struct look *l = ctx;
	uint32_t key = flame_key(p, frame);
	if (more) {
		struct look inside = *l;
		memset(inside.sum, 0, sizeof(inside.sum));
		inside.frames = inside.steps = 0;
		look_at(&inside, p->f, flame_group_number(p, frame), depth - 1);
		assert_int_equal(inside.frames, more);
		for (uint32_t type = 0; type < TYPES; type++) {
			assert_int_equal(inside.sum[type], flame_left_out(p, frame, type));
			l->sum[type] += inside.sum[type];
		}
		l->frames += more;
		l->steps += inside.steps + 1;
		return;
	}
	if (p->is_group && depth == 0)
		return;
	if (key != FLAME_NONE) {
		const char *name = strtab_get(&p->f->places->names, p->f->places->name[key >> 1]);
		sprintf(l->text[depth], key & 1 ? "%s(%s)" : "%s%s", l->text[depth - 1], name);
		struct path *want = find_path(l->text[depth]);
		assert_non_null(want);
		for (uint32_t type = 0; type < TYPES; type++)
			assert_int_equal(flame_total(p, frame, type), want->total[type]);
	}
	for (uint32_t type = 0; type < TYPES; type++)
		l->sum[type] += flame_self(p, frame, type);
	l->frames++;
}

/* A group's frames stand below the path its caller has: the first frame is no level. */
static void look_at(struct look *l, const struct flame *f, int64_t number, uint32_t depth)
{
	struct flame_pick pick;
	struct err err = ERR_INIT;
	if (depth) /* paths are looked up by their depth below what is asked for */
		strcpy(l->text[0], l->text[depth]);
	if (flame_pick(&pick, f, number, l->cut, &err) < 0)
		fail_msg("%s", err.msg);
	flame_walk(&pick, see_frame, l);
	flame_pick_release(&pick);
}

static void look_whole(const struct flame *f, const struct flame_cut *cut, bool is_cut)
{
	struct look l = {.cut = cut};
	look_at(&l, f, 0, 0);
	assert_int_equal(l.frames, path_n);
	for (uint32_t type = 0; type < TYPES; type++)
		assert_int_equal(l.sum[type], find_path("")->total[type]);
	assert_int_equal(l.steps > 0, is_cut);
}

static void test_everything_is_there(void **state)
{
	static const struct flame_cut whole = {.frames = 100000, .name_bytes = 100000},
				      narrow = {.share = 0.01, .frames = 40, .name_bytes = 100000},
				      tiny = {.share = 0.2, .frames = 2, .name_bytes = 100000},
				      short_names = {.share = 0.001, .frames = 50, .name_bytes = 3};
	for (int seed = 0; seed < 6; seed++) {
		struct flame *f = make(seed, seed % 2);
		look_whole(f, &whole, false);
		look_whole(f, &narrow, true);
		look_whole(f, &tiny, true);
		look_whole(f, &short_names, true);
		flame_free(f);
	}
}

static void test_numbers_find_their_frames(void **state)
{
	static const struct flame_cut cut = {.frames = 100000, .name_bytes = 100000};
	struct flame *f = make(9, false);
	struct flame_pick pick;
	uint32_t n = f->before[f->row_n];
	for (int64_t number = 0; number <= n; number++) {
		assert_int_equal(flame_pick(&pick, f, number, &cut, NULL), 0);
		assert_int_equal(pick.picks[0].depth == 0, number == 0);
		for (uint32_t i = 1; i < pick.n; i++)
			assert_in_range(flame_number(&pick, i), number + 1, number + pick.n);
		flame_pick_release(&pick);
	}
	static const int64_t wrong[] = {INT64_MIN, INT64_MAX, -1000000, 1000000};
	for (size_t i = 0; i < array_len(wrong); i++)
		assert_int_equal(flame_pick(&pick, f, wrong[i], &cut, NULL), ERR_NOT_FOUND);
	assert_int_equal(flame_pick(&pick, f, (int64_t)n + 1, &cut, NULL), ERR_NOT_FOUND);
	flame_free(f);
}

/* Every sample that has the function counts once on both sides. */
static void test_around(void **state)
{
	struct flame *f = make(4, false);
	int64_t want[TYPES] = {0};
	for (uint32_t row = 0; row < f->row_n; row++) {
		bool has = false;
		for (uint32_t i = 0; i < f->depth[row]; i++) {
			uint32_t name = f->places->name[f->keys[f->first[row] + i] >> 1];
			has |= strcmp(strtab_get(&f->places->names, name), "b") == 0;
		}
		for (int type = 0; type < TYPES && has; type++)
			want[type] += f->running[type][row + 1] - f->running[type][row];
	}
	for (int side = 0; side < 2; side++) {
		struct flame *around = flame_around(f, "b", (enum flame_side)side);
		assert_string_equal(strtab_get(&around->places->names, around->root), "b");
		for (int type = 0; type < TYPES; type++)
			assert_int_equal(around->running[type][around->row_n], want[type]);
		flame_free(around);
	}
	assert_true(flame_has(f, "b"));
	assert_false(flame_has(f, "all"));
	assert_false(flame_has(f, "nobody"));
	flame_free(f);
}

/* Of a diff both what changed and what was before; a frame that stayed the same is worth as much.
 */
static void test_diff(void **state)
{
	static const struct {
		uint32_t function;
		int64_t value;
		bool is_base;
	} samples[] = {
		{0, 40, false}, {0, -40, true}, {1, 60, false}, {1, -20, true}, {2, -30, true}};
	struct profile p;
	struct config c;
	struct report r;
	struct flame *f;
	struct buf out = BUF_INIT;
	profile_init(&p);
	profile_add_sample_type(&p, "samples", "count");
	add_places(&p);
	struct label mark = {.key = strtab_addstr(&p.strings, "pprof::base"),
		.str = strtab_addstr(&p.strings, "true")};
	for (size_t i = 0; i < array_len(samples); i++)
		profile_add_sample(
			&p, &samples[i].function, 1, &samples[i].value, &mark, samples[i].is_base);
	struct mapping mapping = {.file = strtab_addstr(&p.strings, "/bin/prog")};
	p.locations[2].mapping = profile_add_mapping(&p, &mapping);
	config_init(&c);
	assert_int_equal(report_init(&r, &p, REPORT_FLAME, "flame", NULL, &c, NULL, NULL), 0);
	assert_int_equal(flame_new(&f, &r, NULL), 0);
	assert_int_equal(flame_json(f, 0, &flame_cut_screen, true, &out, NULL), 0);
	assert_non_null(strstr(out.data, "\"files\":[\"\",\"/bin/prog\"]"));
	assert_non_null(strstr(out.data, "\"module\":[-1,-1,-1,1]"));
	assert_non_null(strstr(out.data, "\"names\":[\"\",\"all\",\"a\",\"b\",\"c\"]"));
	assert_non_null(strstr(out.data, "\"self\":[\n[0,0,40,-30]]"));
	assert_non_null(strstr(out.data, "\"base\":[\n[0,40,20,30]]"));
	buf_release(&out);
	flame_free(f);
	report_release(&r);
	config_release(&c);
	profile_release(&p);
}

static void test_nothing(void **state)
{
	struct profile p;
	struct config c;
	struct report r;
	struct flame *f;
	struct buf out = BUF_INIT;
	profile_init(&p);
	profile_add_sample_type(&p, "samples", "count");
	config_init(&c);
	assert_int_equal(report_init(&r, &p, REPORT_FLAME, "flame", NULL, &c, NULL, NULL), 0);
	assert_int_equal(flame_new(&f, &r, NULL), 0);
	assert_int_equal(flame_json(f, 0, &flame_cut_screen, true, &out, NULL), 0);
	assert_non_null(strstr(out.data, "\"depth\":[0]"));
	assert_int_equal(flame_json(f, 1, &flame_cut_screen, true, &out, NULL), ERR_NOT_FOUND);
	assert_int_equal(flame_json(f, -1, &flame_cut_screen, true, &out, NULL), ERR_NOT_FOUND);
	buf_clear(&out);
	flame_folded(f, &out);
	assert_string_equal(out.data, "");
	assert_int_equal(flame_svg(f, &out, NULL), 0);
	assert_non_null(strstr(out.data, "</svg>"));
	buf_release(&out);
	flame_free(f);
	report_release(&r);
	config_release(&c);
	profile_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_is_there),
		cmocka_unit_test(test_numbers_find_their_frames),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests_name("flame", tests, NULL, NULL);
}

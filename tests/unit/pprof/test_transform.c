/*
 * The operations between reading and reporting, on a profile small enough to see through:
 *
 *	main -> work -> (inlined) copy -> malloc -> do_malloc
 */
#include "pprof/pprof.h"
#include "../unit.h"

enum { DO_MALLOC, MALLOC, COPY_IN_WORK, MAIN, LOCATIONS };

static uint32_t add_function(struct profile *p, const char *name)
{
	struct function f = {.name = strtab_addstr(&p->strings, name)};
	f.system_name = f.name;
	f.filename = strtab_addstr(&p->strings, "a.c");
	return profile_add_function(p, &f);
}

static void build(struct profile *p, uint64_t slide)
{
	profile_init(p);
	profile_add_sample_type(p, "objects", "count");
	profile_add_sample_type(p, "space", "bytes");
	struct mapping m = {.start = 0x400000 + slide,
		.limit = 0x500000 + slide,
		.file = strtab_addstr(&p->strings, "/bin/a"),
		.build_id = strtab_addstr(&p->strings, "id")};
	uint32_t map = profile_add_mapping(p, &m);
	struct line do_malloc = {
		.function = add_function(p, "do_malloc(unsigned long)"), .line = 1};
	struct line malloc_ = {.function = add_function(p, "malloc"), .line = 2};
	struct line inlined[] = {{.function = add_function(p, "copy"), .line = 3},
		{.function = add_function(p, "work"), .line = 4}};
	struct line main_ = {.function = add_function(p, "main"), .line = 5};
	profile_add_location(p, map, m.start + 0x10, &do_malloc, 1);
	profile_add_location(p, map, m.start + 0x20, &malloc_, 1);
	profile_add_location(p, map, m.start + 0x30, inlined, 2);
	profile_add_location(p, map, m.start + 0x40, &main_, 1);
	struct label labels[] = {{.key = strtab_addstr(&p->strings, "user"),
					 .str = strtab_addstr(&p->strings, "bob")},
		{.key = strtab_addstr(&p->strings, "bytes"), .num = 64, .is_num = true}};
	const uint32_t all[] = {DO_MALLOC, MALLOC, COPY_IN_WORK, MAIN};
	profile_add_sample(p, all, 4, (int64_t[]){1, 64}, labels, 2);
	profile_add_sample(p, all + 2, 2, (int64_t[]){2, 200}, NULL, 0);
	profile_add_sample(p, all + 3, 1, (int64_t[]){0, 0}, NULL, 0);
}

static struct regex *regex(const char *pattern)
{
	struct regex *re;
	assert_int_equal(regex_compile(&re, pattern, NULL), 0);
	return re;
}

/* "leaf;caller;…" of a sample, by location: what is left of it. */
static const char *stack_text(const struct profile *p, uint32_t sample)
{
	static char text[256];
	struct stack own = {0};
	const uint32_t *stack = profile_stack(p, sample, &own);
	text[0] = '\0';
	for (uint32_t i = 0; i < own.n; i++) {
		const struct location *l = &p->locations[stack[i]];
		for (uint32_t j = 0; j < l->line_n; j++) {
			const struct line *line = &p->lines[l->line_first + j];
			strcat(text, profile_str(p, p->functions[line->function].name));
			strcat(text, ";");
		}
	}
	stack_release(&own);
	return text;
}

static void merging_adds_what_is_equal_and_drops_zeros(void **state)
{
	struct profile in[2], out;
	build(&in[0], 0);
	build(&in[1], 0x1230000); /* the same program, loaded elsewhere */
	in[0].time_nanos = 20;
	in[1].time_nanos = 10;
	in[0].duration_nanos = in[1].duration_nanos = 7;
	in[1].period = 3;
	assert_int_equal(profile_merge(&out, in, 2, NULL), 0);
	assert_int_equal(out.sample_n, 2);
	assert_int_equal(out.mapping_n, 1);
	assert_int_equal(out.location_n, 4);
	assert_int_equal(out.function_n, 5);
	assert_int_equal(profile_values(&out, 0)[1], 128);
	assert_int_equal(profile_values(&out, 1)[0], 4);
	assert_int_equal(out.time_nanos, 10);
	assert_int_equal(out.duration_nanos, 14);
	assert_int_equal(out.period, 3);
	profile_release(&out);
	profile_scale(&in[1], -1);
	assert_int_equal(in[1].sample_n, 2);
	assert_int_equal(profile_merge(&out, in, 2, NULL), 0);
	assert_int_equal(out.sample_n, 0); /* a profile less itself */
	assert_int_equal(out.location_n, 0);
	profile_release(&out);
	profile_set_label(&in[1], "pprof::base", "true");
	assert_int_equal(profile_merge(&out, in, 2, NULL), 0);
	assert_int_equal(out.sample_n, 4); /* labels tell samples apart */
	profile_release(&out);
	profile_release(&in[0]);
	profile_release(&in[1]);
}

static void what_does_not_fit_is_refused_or_made_to_fit(void **state)
{
	struct profile in[2], out;
	struct err err = ERR_INIT;
	build(&in[0], 0);
	profile_init(&in[1]);
	profile_add_sample_type(&in[1], "space", "bytes");
	profile_add_sample(&in[1], NULL, 0, (int64_t[]){5}, NULL, 0);
	assert_int_equal(profile_merge(&out, in, 2, &err), ERR_MISMATCH);
	assert_string_equal(
		err.msg, "incompatible sample types [objects/count space/bytes] and [space/bytes]");
	assert_int_equal(profile_compatibilize(in, 2, NULL), 0);
	assert_int_equal(profile_merge(&out, in, 2, NULL), 0);
	assert_int_equal(out.sample_type_n, 1);
	assert_int_equal(profile_values(&out, 0)[0], 64);
	assert_int_equal(profile_values(&out, 2)[0], 5);
	profile_release(&out);
	profile_release(&in[0]);
	profile_release(&in[1]);
}

static void normalizing_gives_the_totals_of_the_base(void **state)
{
	struct profile p, base;
	build(&p, 0);
	build(&base, 0);
	profile_scale(&base, 10);
	assert_int_equal(profile_normalize(&p, &base, NULL), 0);
	assert_int_equal(profile_values(&p, 0)[1], 640);
	assert_int_equal(profile_values(&p, 1)[0], 20);
	profile_release(&p);
	profile_release(&base);
}

static void names_choose_samples_and_frames(void **state)
{
	struct profile p;
	struct profile_name_matches m;
	struct regex *re = regex("^copy$");
	build(&p, 0);
	struct profile_name_filter hide = {.hide = re};
	assert_int_equal(profile_filter_by_name(&p, &hide, &m, NULL), 0);
	assert_true(m.hide && m.focus && !m.show && !m.ignore);
	assert_string_equal(stack_text(&p, 1), "work;main;");
	profile_release(&p);

	build(&p, 0);
	struct profile_name_filter show = {.show = re};
	assert_int_equal(profile_filter_by_name(&p, &show, &m, NULL), 0);
	assert_int_equal(p.sample_n, 2); /* main alone shows nothing, and goes */
	assert_string_equal(stack_text(&p, 0), "copy;");
	assert_int_equal(profile_labels(&p, 0, &(uint32_t){0})->num, 0);
	profile_release(&p);
	regex_free(re);

	build(&p, 0);
	re = regex("malloc");
	struct profile_name_filter ignore = {.ignore = re};
	assert_int_equal(profile_filter_by_name(&p, &ignore, &m, NULL), 0);
	assert_int_equal(p.sample_n, 2);
	assert_string_equal(stack_text(&p, 0), "copy;work;main;");
	profile_release(&p);

	build(&p, 0);
	assert_int_equal(profile_show_from(&p, re, NULL), 1);
	assert_int_equal(p.sample_n, 1);
	assert_string_equal(stack_text(&p, 0), "do_malloc(unsigned long);malloc;");
	profile_release(&p);
	regex_free(re);
}

static bool has_labels(void *ctx, const struct profile *p, uint32_t sample)
{
	uint32_t n;
	profile_labels(p, sample, &n);
	++*(int *)ctx;
	return n > 0;
}

static void labels_choose_samples_and_are_chosen(void **state)
{
	struct profile p;
	bool focus, ignore, shown, hidden;
	int calls = 0;
	build(&p, 0);
	profile_filter_samples(&p, NULL, NULL, has_labels, &calls, &focus, &ignore);
	assert_int_equal(calls, 3);
	assert_true(focus && ignore);
	assert_int_equal(p.sample_n, 2);
	assert_int_equal(p.label_n, 0);
	profile_release(&p);

	build(&p, 0);
	struct regex *re = regex("^b");
	assert_int_equal(profile_filter_labels(&p, re, NULL, &shown, &hidden, NULL), 0);
	assert_true(shown && !hidden);
	assert_int_equal(p.label_n, 1);
	assert_int_equal(p.labels[0].num, 64);
	profile_remove_label(&p, "bytes"); /* a string label: there is none */
	assert_int_equal(p.label_n, 1);
	profile_remove_num_label(&p, "bytes");
	assert_int_equal(p.label_n, 0);
	profile_release(&p);
	regex_free(re);
}

static void pruning_cuts_below_a_frame(void **state)
{
	struct profile p;
	build(&p, 0);
	p.drop_frames = strtab_addstr(&p.strings, "malloc|do_malloc|main");
	p.keep_frames = strtab_addstr(&p.strings, "main");
	assert_int_equal(profile_remove_uninteresting(&p, NULL), 0);
	assert_string_equal(stack_text(&p, 0), "copy;work;main;");
	profile_release(&p);

	build(&p, 0);
	p.drop_frames = strtab_addstr(&p.strings, "copy"); /* an inlined one: its location is cut */
	assert_int_equal(profile_remove_uninteresting(&p, NULL), 0);
	assert_string_equal(stack_text(&p, 0), "work;main;");
	profile_release(&p);

	build(&p, 0);
	struct regex *re = regex("^do_malloc$"); /* matched without its parameters */
	assert_int_equal(profile_prune(&p, re, NULL, NULL), 0);
	assert_string_equal(stack_text(&p, 0), "malloc;copy;work;main;");
	regex_free(re);
	re = regex("work");
	assert_int_equal(profile_prune_from(&p, re, NULL), 0);
	assert_string_equal(stack_text(&p, 0), "work;main;");
	regex_free(re);
	profile_release(&p);
}

static void granularity_blanks_what_is_not_kept(void **state)
{
	struct profile p;
	build(&p, 0);
	profile_aggregate(&p, PROFILE_KEEP_FUNCTIONS);
	assert_string_equal(stack_text(&p, 1), "work;main;");
	assert_true(p.locations[MAIN].address == 0);
	assert_int_equal(p.lines[p.locations[MAIN].line_first].line, 0);
	assert_int_equal(p.functions[0].filename, 0);
	profile_release(&p);
}

static void a_shared_profile_leaves_the_other_alone(void **state)
{
	struct profile p, shared;
	build(&p, 0);
	struct buf before = BUF_INIT, after = BUF_INIT;
	profile_encode(&p, &before);
	profile_share(&shared, &p);
	profile_aggregate(&shared, 0);
	strtab_addstr(&shared.strings, "a string of its own");
	assert_int_equal(shared.sample_n, p.sample_n);
	assert_int_equal(shared.functions[0].name, 0);
	profile_release_shared(&shared);
	profile_encode(&p, &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	buf_release(&before);
	buf_release(&after);
	profile_release(&p);
}

static void pseudo_files_cannot_be_symbolized(void **state)
{
	static const struct {
		const char *file;
		bool expected;
	} cases[] = {{"", true}, {"[vdso]", true}, {"/lib/linux-vdso.so.1", true}, {"//anon", true},
		{"/memfd:x", true}, {"/dev/dri/card0", true}, {"/bin/[", true}, {"/bin/ls", false}};
	struct profile p;
	profile_init(&p);
	for (size_t i = 0; i < array_len(cases); i++) {
		struct mapping m = {.file = strtab_addstr(&p.strings, cases[i].file)};
		assert_int_equal(mapping_unsymbolizable(&p, &m), cases[i].expected);
	}
	profile_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merging_adds_what_is_equal_and_drops_zeros),
		cmocka_unit_test(what_does_not_fit_is_refused_or_made_to_fit),
		cmocka_unit_test(normalizing_gives_the_totals_of_the_base),
		cmocka_unit_test(names_choose_samples_and_frames),
		cmocka_unit_test(labels_choose_samples_and_are_chosen),
		cmocka_unit_test(pruning_cuts_below_a_frame),
		cmocka_unit_test(granularity_blanks_what_is_not_kept),
		cmocka_unit_test(a_shared_profile_leaves_the_other_alone),
		cmocka_unit_test(pseudo_files_cannot_be_symbolized),
	};
	return cmocka_run_group_tests_name("transform", tests, NULL, NULL);
}

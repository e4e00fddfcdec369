/*
 * Makes a large profile of random stacks, for measuring readers.
 *
 *	make_profile STACKS SEED [labels|beaten] > profile.pb.gz
 *
 * The shape is that of a big Go or C++ server: 20,000 functions in 400 files, 70,000 addresses,
 * stacks some 36 frames deep that share their outer parts, a long tail of leaves, now and then an
 * inlined frame. With `labels` every sample has two string labels and a number. With `beaten` nearly
 * all calls take the beaten path: stacks share more of their inner parts, and the file is half as
 * large. The same arguments give the same bytes.
 */
#include "base/base.h"
#include "pprof/pprof.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	FUNCTIONS = 20000,
	LOCATIONS = 70000,
	FILES = 400,
	DEPTH = 36,
	DEPTH_MAX = 80,
	ROOTS = 300, /* request handlers, thread starts: */
	SHARED = 16, /* the outer frames that each always has */
	BEATEN = 95, /* per cent of the calls below them, if so wanted */
};

static uint64_t state;

static uint64_t next_random(void)
{
	state += 0x9e3779b97f4a7c15u;
	uint64_t z = state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(next_random() % n);
}

/* Small numbers far more often than large ones. */
static uint32_t skewed(uint32_t n)
{
	double u = (double)(next_random() >> 11) * 0x1p-53;
	return (uint32_t)(u * u * u * n);
}

static void add_functions(struct profile *p)
{
	static const char *const verbs[] = {"Read", "Write", "parse", "encode", "flush", "lookup",
		"Serve", "dispatch", "handle", "merge"};
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		char name[96], file[96];
		snprintf(name, sizeof(name), "example.com/org/module%u/pkg%u.(*Type%u).%s%u",
			i % 40, i % FILES, i % 900, verbs[i % 10], i);
		snprintf(file, sizeof(file), "/build/src/module%u/pkg%u/file%u.go", i % 40,
			i % FILES, i % 7);
		struct function f = {
			.name = strtab_addstr(&p->strings, name),
			.filename = strtab_addstr(&p->strings, file),
			.start_line = 10 + i % 1000,
		};
		f.system_name = f.name;
		profile_add_function(p, &f);
	}
}

static void add_mapping(struct profile *p)
{
	struct mapping m = {
		.start = 0x400000,
		.limit = 0x4000000,
		.file = strtab_addstr(&p->strings, "/usr/bin/server"),
		.has_functions = true,
		.has_filenames = true,
		.has_line_numbers = true,
		.has_inline_frames = true,
	};
	profile_add_mapping(p, &m);
}

/* Location n of the program. As in profiles that programs write, locations are numbered in the
 * order in which samples first name them. */
static uint32_t location(struct profile *p, uint32_t n)
{
	static uint32_t known[LOCATIONS]; /* + 1 */
	if (known[n])
		return known[n] - 1;
	uint64_t h = hash_u64(n + 1);
	struct line lines[2] = {
		{.function = (uint32_t)(h % FUNCTIONS), .line = 20 + (int64_t)(h >> 32) % 900},
		{.function = n % FUNCTIONS, .line = 20 + (int64_t)(h >> 48) % 900},
	};
	bool inlined = h >> 61 == 0;
	uint32_t added = profile_add_location(
		p, 0, 0x400000 + (uint64_t)n * 16, lines + !inlined, inlined ? 2 : 1);
	known[n] = added + 1;
	return added;
}

/* Each location calls one of a few others, some much more often than others: stacks share what is
 * above and fan out below. */
static uint32_t make_stack(struct profile *p, bool beaten, uint32_t *leaf_first)
{
	uint32_t depth = DEPTH / 2 + below(DEPTH), frame = skewed(ROOTS), stack[DEPTH_MAX];
	for (uint32_t i = 0; i < depth; i++) {
		stack[i] = frame;
		bool first = i < SHARED || (beaten && below(100) < BEATEN);
		frame = (uint32_t)(hash_u64((uint64_t)frame << 32 | skewed(first ? 1 : 12)) %
				   LOCATIONS);
	}
	for (uint32_t i = 0; i < depth; i++)
		leaf_first[i] = location(p, stack[depth - 1 - i]);
	return depth;
}

static uint32_t make_labels(struct profile *p, struct label *labels)
{
	char text[48];
	snprintf(text, sizeof(text), "user%u", below(20000));
	labels[0] = (struct label){
		.key = strtab_addstr(&p->strings, "user"), .str = strtab_addstr(&p->strings, text)};
	snprintf(text, sizeof(text), "/api/v1/endpoint%u", below(200));
	labels[1] = (struct label){.key = strtab_addstr(&p->strings, "endpoint"),
		.str = strtab_addstr(&p->strings, text)};
	labels[2] = (struct label){.key = strtab_addstr(&p->strings, "bytes"),
		.num = 1 << below(20),
		.num_unit = strtab_addstr(&p->strings, "bytes"),
		.is_num = true};
	return 3;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr,
			"usage: make_profile STACKS SEED [labels|beaten] > profile.pb.gz\n");
		return 2;
	}
	uint32_t samples = (uint32_t)strtoul(argv[1], NULL, 10), stack[DEPTH_MAX];
	bool labelled = argc > 3 && strcmp(argv[3], "labels") == 0;
	bool beaten = argc > 3 && strcmp(argv[3], "beaten") == 0;
	struct label labels[3];
	struct profile p;
	struct buf out = BUF_INIT;
	profile_init(&p);
	profile_add_sample_type(&p, "samples", "count");
	profile_add_sample_type(&p, "cpu", "nanoseconds");
	p.period_type = p.sample_types[1];
	p.period = 10000000;
	p.time_nanos = 1700000000000000000;
	p.duration_nanos = 60000000000;
	/* The program is the same whatever the seed: only the samples differ. */
	state = 1;
	add_functions(&p);
	add_mapping(&p);
	state = strtoull(argv[2], NULL, 10) * 1000003;
	for (uint32_t i = 0; i < samples; i++) {
		uint32_t n = make_stack(&p, beaten, stack);
		int64_t count = 1 + skewed(20), values[2] = {count, count * 10000000};
		profile_add_sample(
			&p, stack, n, values, labels, labelled ? make_labels(&p, labels) : 0);
	}
	profile_write(&p, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
	profile_release(&p);
	return fflush(stdout) == 0 ? 0 : 1;
}

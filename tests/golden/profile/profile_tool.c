/*
 * Runs the operations of src/pprof on files, for the golden and differential tests:
 *
 *	profile_tool OP FILE... [-- ARG...]
 *
 * prints the resulting profile as text, or as a message if OP begins with "pb:". Errors go to
 *stdout, in Go's words, with exit status 1, so that they are compared too; what a filter matched to
 *stderr.
 */
#include "pprof/pprof.h"

#include <stdio.h>
#include <stdlib.h>

static int print(struct sink *sink, const void *p, size_t n)
{
	return fwrite(p, 1, n, stdout) == n ? 0 : -1;
}

static void die(const struct err *err)
{
	printf("%s\n", err->msg);
	exit(1);
}

static struct profile read_file(const char *path)
{
	struct buf data = BUF_INIT;
	FILE *f = fopen(path, "rb");
	size_t n;
	char block[65536];
	if (!f) {
		perror(path);
		exit(2);
	}
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(&data, block, n);
	fclose(f);
	struct profile p;
	struct err err = ERR_INIT;
	if (profile_read(&p, data.data, data.len, FORMAT_ANY, NULL, &err) < 0)
		die(&err);
	buf_release(&data);
	return p;
}

static void output(const struct profile *p, bool message)
{
	struct sink out = {.write = print};
	if (!message) {
		if (profile_string(p, &out) < 0)
			exit(2);
		return;
	}
	struct buf bytes = BUF_INIT;
	profile_encode(p, &bytes);
	fwrite(bytes.data, 1, bytes.len, stdout);
	buf_release(&bytes);
}

static struct regex *compile(const char *pattern)
{
	struct regex *re = NULL;
	struct err err = ERR_INIT;
	if (*pattern && regex_compile(&re, pattern, &err) < 0)
		die(&err);
	return re;
}

static void must(int rc, const struct err *err)
{
	if (rc < 0)
		die(err);
}

static const char *yes(bool b)
{
	return b ? "true" : "false";
}

static void merge(struct profile *all, uint32_t n, struct err *err)
{
	struct profile merged;
	must(profile_merge(&merged, all, n, err), err);
	profile_release(&all[0]);
	all[0] = merged;
}

static unsigned keep_bits(const char *digits)
{
	static const unsigned bits[] = {PROFILE_KEEP_INLINES, PROFILE_KEEP_FUNCTIONS,
		PROFILE_KEEP_FILES, PROFILE_KEEP_LINES, PROFILE_KEEP_COLUMNS,
		PROFILE_KEEP_ADDRESSES};
	unsigned keep = 0;
	for (size_t i = 0; i < array_len(bits) && digits[i]; i++)
		keep |= digits[i] == '1' ? bits[i] : 0;
	return keep;
}

static void filter_by_name(struct profile *p, char **args, struct err *err)
{
	struct profile_name_filter f = {
		compile(args[0]), compile(args[1]), compile(args[2]), compile(args[3])};
	struct profile_name_matches m;
	must(profile_filter_by_name(p, &f, &m, err), err);
	fprintf(stderr, "%s %s %s %s\n", yes(m.focus), yes(m.ignore), yes(m.hide), yes(m.show));
	regex_free(f.focus);
	regex_free(f.ignore);
	regex_free(f.hide);
	regex_free(f.show);
}

static void filter_labels(struct profile *p, char **args, struct err *err)
{
	struct regex *show = compile(args[0]), *hide = compile(args[1]);
	bool shown, hidden;
	must(profile_filter_labels(p, show, hide, &shown, &hidden, err), err);
	fprintf(stderr, "%s %s\n", yes(shown), yes(hidden));
	regex_free(show);
	regex_free(hide);
}

static void by_regex(const char *op, struct profile *p, const char *pattern, struct err *err)
{
	struct regex *re = compile(pattern);
	if (strcmp(op, "prunefrom") == 0) {
		must(profile_prune_from(p, re, err), err);
	} else {
		int rc = profile_show_from(p, re, err);
		must(rc, err);
		fprintf(stderr, "%s\n", yes(rc > 0));
	}
	regex_free(re);
}

static int export(const char *op, const struct profile *p)
{
	struct sink out = {.write = print};
	if (strcmp(op, "folded") == 0)
		return profile_write_folded(p, p->sample_type_n - 1, &out);
	return profile_write_speedscope(p, "test", 0, &out);
}

static void run(const char *op, struct profile *all, uint32_t n, char **args)
{
	struct profile *p = &all[0];
	struct err err = ERR_INIT;
	if (strcmp(op, "merge") == 0) {
		merge(all, n, &err);
	} else if (strcmp(op, "compat") == 0) {
		must(profile_compatibilize(all, n, &err), &err);
		merge(all, n, &err);
	} else if (strcmp(op, "diff") == 0) {
		profile_set_label(&all[1], "pprof::base", "true");
		profile_scale(&all[1], -1);
		merge(all, 2, &err);
	} else if (strcmp(op, "normalize") == 0) {
		must(profile_normalize(p, &all[1], &err), &err);
	} else if (strcmp(op, "scale") == 0) {
		profile_scale(p, 0.37);
	} else if (strcmp(op, "uninteresting") == 0) {
		must(profile_remove_uninteresting(p, &err), &err);
	} else if (strcmp(op, "filter") == 0) {
		filter_by_name(p, args, &err);
	} else if (strcmp(op, "tags") == 0) {
		filter_labels(p, args, &err);
	} else if (strcmp(op, "aggregate") == 0) {
		profile_aggregate(p, keep_bits(args[0]));
	} else if (strcmp(op, "compact") == 0) {
		profile_compact(p);
	} else if (strcmp(op, "prunefrom") == 0 || strcmp(op, "showfrom") == 0) {
		by_regex(op, p, args[0], &err);
	} else if (strcmp(op, "raw") != 0) {
		fprintf(stderr, "unknown operation %s\n", op);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	bool message = strncmp(argv[1], "pb:", 3) == 0;
	struct profile *all = mem_array((size_t)argc, sizeof(*all));
	uint32_t n = 0;
	int i = 2;
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		all[n++] = read_file(argv[i]);
	if (strcmp(argv[1], "folded") == 0 || strcmp(argv[1], "speedscope") == 0) {
		int rc = export(argv[1], &all[0]);
		for (uint32_t j = 0; j < n; j++)
			profile_release(&all[j]);
		mem_free(all);
		return rc < 0;
	}
	run(message ? argv[1] + 3 : argv[1], all, n, argv + (i < argc ? i + 1 : i));
	output(&all[0], message);
	for (uint32_t j = 0; j < n; j++)
		profile_release(&all[j]);
	mem_free(all);
	return 0;
}

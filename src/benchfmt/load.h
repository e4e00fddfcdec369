/*
 * Reading inputs into tables, on many threads.
 */
#ifndef SONDE_BENCHFMT_LOAD_H
#define SONDE_BENCHFMT_LOAD_H

struct bench_input {
	const char *path;  /* what errors name */
	const char *label; /* the value of ".file" */
	const char *p;	   /* its contents: borrowed until tables_read() returns */
	size_t n;
	bool mapped; /* of a file: the kernel may take back the pages that were read */
};

struct load_options {
	unsigned threads; /* to use at most; 1 or more */
	size_t piece;	  /* bytes that one of them reads at a time */
};
#define LOAD_PIECE ((size_t)4 << 20)

/* Adds the results of the inputs to `t`; what comes of it is the same whatever the options.
 * `report` is told of each wrong line, in the order they stand in, by any thread, never by two
 * at once. */
void tables_read(struct tables *t, const struct bench_input *inputs, uint32_t n,
	const struct load_options *options, void (*report)(void *ctx, const char *msg), void *ctx);

#endif

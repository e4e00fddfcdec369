/*
 * Command-line flags as Go's package flag parses them, with its messages: -x, --x, -x=v, -x v;
 * a boolean takes a value only after '='; parsing stops at the first argument that is no flag, or
 * after "--". A boolean accepts 1 t T TRUE true True 0 f F FALSE false False.
 */
#ifndef SONDE_BASE_GOFLAG_H
#define SONDE_BASE_GOFLAG_H

enum goflag_kind {
	GOFLAG_BOOL,	 /* bool */
	GOFLAG_STRING,	 /* const char *: points into argv */
	GOFLAG_INT,	 /* int */
	GOFLAG_INT64,	 /* int64_t */
	GOFLAG_UINT,	 /* unsigned */
	GOFLAG_FLOAT,	 /* double */
	GOFLAG_DURATION, /* int64_t, ns: "1.5s", "100ms", "1h2m" */
	GOFLAG_FUNC,	 /* struct goflag_func: called for each occurrence */
};

struct goflag;
struct goflag_func {
	/* 0, or a negative code with the reason in err ("invalid value ..." is put around it). */
	int (*set)(struct goflag_func *self, const char *value, struct err *err);
	void *ctx;
	bool is_bool; /* "-x" alone is allowed and sets "true" */
};

struct goflag {
	const char *name;
	enum goflag_kind kind;
	void *value;
	const char *usage; /* for goflag_usage(); a `word` in back-quotes names the value */
	bool was_set;	   /* written by goflag_parse */
};

/* argv[0] is skipped. Returns the index of the first argument that is no flag; GOFLAG_HELP if -h
 * or -help was given and is no flag of the caller's; ERR_USAGE with Go's message
 * ("flag provided but not defined: -x"). */
#define GOFLAG_HELP (-20001)
must_check int goflag_parse(struct goflag *flags, size_t n, int argc, char **argv, struct err *err);
/* The same where flags may also stand between and after the other arguments, up to a "--". Those
 * are moved to the end of argv, in their order; returns the index of the first of them. */
must_check int goflag_parse_mixed(
	struct goflag *flags, size_t n, int argc, char **argv, struct err *err);
/* Sets one flag from text, as if it had been given on the command line. */
must_check int goflag_set(struct goflag *flag, const char *value, struct err *err);
struct goflag *goflag_find(struct goflag *flags, size_t n, const char *name);
/* PrintDefaults: "  -name type\n    \tusage (default v)\n", in the order of the table. Call before
 * parsing, while the values are the defaults. */
void goflag_usage(const struct goflag *flags, size_t n, struct buf *out);

/* time.ParseDuration: ns. */
must_check int goflag_duration(const char *s, int64_t *ret_ns, struct err *err);
/* time.Duration.String: "1m0s", "1.5s", "100ms". */
void goflag_duration_string(int64_t ns, struct buf *out);

#endif

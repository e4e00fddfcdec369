/*
 * Errors a person can act on.
 *
 * Functions return 0 or more on success, a negative code otherwise: -errno for the system, or one
 * of the ERR_ codes below for formats. What a person can act on takes a `struct err *` last; it is
 * left untouched on success, and a NULL one is allowed everywhere. The values of the codes are
 * pinned: they may be added to, never renumbered.
 */
#ifndef SONDE_BASE_ERR_H
#define SONDE_BASE_ERR_H

enum err_code {
	ERR_FORMAT = -10001,	  /* the input is not of the format, or breaks its rules */
	ERR_TRUNCATED = -10002,	  /* the input ends too early */
	ERR_LIMIT = -10003,	  /* a bound on size, count, depth or memory was reached */
	ERR_UNSUPPORTED = -10004, /* well-formed, but of a kind or version not handled */
	ERR_NOT_FOUND = -10005,	  /* a thing named by the caller does not exist */
	ERR_USAGE = -10006,	  /* an option or argument makes no sense */
	ERR_MISMATCH = -10007,	  /* two inputs do not fit each other (build id, sample types) */
};

#define ERR_MSG_MAX 512

struct err {
	int code;	/* as returned: -errno or enum err_code */
	int64_t offset; /* byte offset in the (inflated) input, -1 if none */
	int line;	/* line of a text input, counted from 1; 0 if none */
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT             \
	{                    \
		.offset = -1 \
	}

/* Sets *err (if not NULL) and returns code, so that `return err_set(err, ERR_FORMAT, "...")` works.
 * The message says what is wrong and what to do; no trailing newline, no "error:" prefix. */
int err_set(struct err *err, int code, const char *fmt, ...) attr_printf(3, 4);
/* The same with the place: a byte offset, or a line number. */
int err_at(struct err *err, int code, int64_t offset, const char *fmt, ...) attr_printf(4, 5);
int err_line(struct err *err, int code, int line, const char *fmt, ...) attr_printf(4, 5);
/* "what: strerror(errno)"; returns -errno. */
int err_errno(struct err *err, const char *fmt, ...) attr_printf(2, 3);
/* Puts "prefix: " before the message, for context added on the way up. Returns err's code. */
int err_prefix(struct err *err, const char *fmt, ...) attr_printf(2, 3);
/* The name of a code ("ERR_FORMAT"), or strerror of -errno. */
const char *err_name(int code);

#endif

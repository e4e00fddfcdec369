/*
 * Errors a person can act on: formatting into a fixed buffer, so that reporting an error never
 * allocates and an error can live on the stack.
 */
#include "base/base.h"

#include <errno.h>
#include <stdio.h>

static int set(struct err *err, int code, int64_t offset, int line, const char *fmt, va_list ap)
{
	if (!err)
		return code;
	err->code = code;
	err->offset = offset;
	err->line = line;
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	return code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set(err, code, -1, 0, fmt, ap);
	va_end(ap);
	return code;
}

int err_at(struct err *err, int code, int64_t offset, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set(err, code, offset, 0, fmt, ap);
	va_end(ap);
	return code;
}

int err_line(struct err *err, int code, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	set(err, code, -1, line, fmt, ap);
	va_end(ap);
	return code;
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	char what[ERR_MSG_MAX / 2];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(err, -saved, "%s: %s", what, strerror(saved));
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	if (!err)
		return 0;
	char old[ERR_MSG_MAX], prefix[ERR_MSG_MAX / 2];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	memcpy(old, err->msg, sizeof(old));
	size_t n = strlen(prefix);
	memcpy(err->msg, prefix, n);
	snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", old);
	return err->code;
}

const char *err_name(int code)
{
	switch (code) {
	case ERR_FORMAT:
		return "ERR_FORMAT";
	case ERR_TRUNCATED:
		return "ERR_TRUNCATED";
	case ERR_LIMIT:
		return "ERR_LIMIT";
	case ERR_UNSUPPORTED:
		return "ERR_UNSUPPORTED";
	case ERR_NOT_FOUND:
		return "ERR_NOT_FOUND";
	case ERR_USAGE:
		return "ERR_USAGE";
	case ERR_MISMATCH:
		return "ERR_MISMATCH";
	}
	return code < 0 ? strerror(-code) : "success";
}

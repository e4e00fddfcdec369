/*
 * The legacy formats, in the order in which Go tries them.
 */
#include "pprof/internal.h"

int legacy_parse(struct profile *p, const void *data, size_t n, const struct profile_limits *limits,
	struct err *err)
{
	return err_set(err, ERR_FORMAT, "unrecognized profile format");
}

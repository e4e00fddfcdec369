/*
 * Writing a gzipped profile in the command, where libdeflate may be used; a file of its own so that
 * libsonde, which writes by profile_write(), need not link that.
 */
#include "pprof/internal.h"

#define GZIP_LEVEL 1

void profile_write_whole(const struct profile *p, struct buf *out)
{
	struct buf message = BUF_INIT;
	profile_encode(p, &message);
	gzip_deflate_whole(message.data, message.len, GZIP_LEVEL, out);
	buf_release(&message);
}

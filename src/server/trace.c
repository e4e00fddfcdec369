/*
 * The writer of execution traces that libsonde asks for (agent/inside.h): names are found here.
 */
#include "agent/agent.h"
#include "sig/sig.h"
#include "symbolize/symbolize.h"
#include "tracer/tracer.h"

#include <errno.h>

static int write_fd(struct sink *sink, const void *p, size_t n)
{
	return sig_write_all(*(int *)sink->ctx, p, n);
}

static int write_trace(const struct recording *rec, int fd)
{
	const struct export_source source = {rec, rec->mapped};
	const struct symbolize_opts symbolize = {.local = true};
	struct sink sink = {write_fd, &fd};
	struct tracer_summary sum;
	struct err err = ERR_INIT;
	int rc = tracer_export(&source, &symbolize, TRACER_FORMAT, &sink, &sum, &err);
	return rc == ERR_NOT_FOUND ? -ENOENT : rc;
}

__attribute__((visibility("default"))) inside_trace_writer *sonde_private_trace_writer(
	unsigned version)
{
	return version == RECORDING_VERSION ? write_trace : NULL;
}

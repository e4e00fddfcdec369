/*
 * /debug/pprof/trace: an execution trace of the next seconds. The parameter and the words are those
 * of net/http/pprof.
 *
 * A process records one trace at a time, so a second request is refused, as in Go, and so is one
 * while `sonde run -trace` or the program itself records one.
 */
#include "live/live.h"

#include "symbolize/symbolize.h"
#include "tracer/tracer.h"

#include <stdlib.h>

/* Go takes what is no number for one second. */
static double seconds_of(const struct live_server *d, const struct http_request *req)
{
	double seconds = strtod(http_param(req, "seconds"), NULL);
	if (!(seconds > 0))
		return 1;
	return seconds < d->target.seconds_max ? seconds : d->target.seconds_max;
}

/* Older tools do not open the newest. */
static const char *format_of(const struct http_request *req)
{
	const char *format = http_param(req, "format");
	return *format ? format : TRACER_FORMAT;
}

static void write_trace(struct live_server *d, const struct http_request *req,
	const struct live_process *process, struct http_response *ret)
{
	const struct symbolize_opts symbolize = {.local = true, .cache = d->symbols};
	struct sink body = buf_sink(&ret->body);
	struct tracer_summary sum;
	struct err err = ERR_INIT;
	pthread_mutex_lock(&d->symbolize);
	int rc = tracer_export(
		live_newest(process).sources, &symbolize, format_of(req), &body, &sum, &err);
	pthread_mutex_unlock(&d->symbolize);
	if (rc) {
		live_error(ret, 500, "%s", err.msg);
		return;
	}
	ret->type = "application/octet-stream";
	ret->filename = "trace";
}

static int switch_trace(
	struct live_server *d, const struct live_process *process, uint64_t on, struct err *err)
{
	const struct recording *rec = live_newest(process).sources[0].data;
	if (on && atomic_load(&rec->trace.on))
		return err_set(err, ERR_UNSUPPORTED, "tracing is already enabled");
	return d->target.set_rate(d->target.ctx, process, RECORDING_TRACE, on, err);
}

static void take_trace(struct live_server *d, const struct http_request *req,
	const struct live_process *process, struct http_response *ret)
{
	struct err err = ERR_INIT;
	if (!tracer_is_format(format_of(req))) {
		live_error(ret, 400,
			"invalid value for \"format\" - must be 1.22, 1.23, 1.25 or 1.26");
		return;
	}
	if (switch_trace(d, process, 1, &err)) {
		live_error(ret, 500, "Could not enable tracing: %s", err.msg);
		return;
	}
	bool wanted = live_sleep(d, req, seconds_of(d, req));
	if (switch_trace(d, process, 0, &err))
		live_error(ret, 500, "%s", err.msg);
	else if (wanted)
		write_trace(d, req, process, ret);
}

void live_trace(struct live_server *d, const struct http_request *req,
	const struct live_process *process, struct http_response *ret)
{
	if (pthread_mutex_trylock(&d->tracing)) {
		live_error(ret, 500, "Could not enable tracing: tracing is already enabled");
		return;
	}
	take_trace(d, req, process, ret);
	pthread_mutex_unlock(&d->tracing);
}

/*
 * include/sonde/trace.h: what the program says of itself in a trace. See agent/trace.h.
 *
 * While no trace is being recorded each of these is one look at a word.
 */
#include "sonde/trace.h"

#include "agent/hooks/hooks.h"
#include "agent/trace.h"

#include <stdarg.h>
#include <stdio.h>

#define CALLER __builtin_return_address(0)

/* Numbers go on from trace to trace, and whether or not there is one: a task may outlive it. */
static _Atomic uint64_t last_task;

HOOK uint64_t sonde_trace_task_begin(uint64_t parent, const char *type)
{
	struct trace_note note = {.what = RECORDING_TRACE_TASK_BEGUN,
		.task = atomic_fetch_add(&last_task, 1) + 1,
		.parent = parent,
		.name = type};
	if (trace_on())
		trace_noted(&note, CALLER);
	return note.task;
}

HOOK void sonde_trace_task_end(uint64_t task)
{
	struct trace_note note = {.what = RECORDING_TRACE_TASK_ENDED, .task = task};
	if (trace_on())
		trace_noted(&note, CALLER);
}

static void begin_region(const struct sonde_trace_region *region, const void *caller)
{
	struct trace_note note = {
		.what = RECORDING_TRACE_REGION_BEGUN, .task = region->task, .name = region->type};
	trace_noted(&note, caller);
}

static void end_region(const struct sonde_trace_region *region, const void *caller)
{
	struct trace_note note = {
		.what = RECORDING_TRACE_REGION_ENDED, .task = region->task, .name = region->type};
	if (region->type && trace_on())
		trace_noted(&note, caller);
}

HOOK struct sonde_trace_region sonde_trace_region_begin(uint64_t task, const char *type)
{
	struct sonde_trace_region region = {.task = task, .type = type ? type : ""};
	if (!trace_on())
		return (struct sonde_trace_region){.task = task};
	begin_region(&region, CALLER);
	return region;
}

HOOK void sonde_trace_region_end(const struct sonde_trace_region *region)
{
	end_region(region, CALLER);
}

HOOK void sonde_trace_with_region(uint64_t task, const char *type, void (*fn)(void *), void *arg)
{
	struct sonde_trace_region region = {.task = task, .type = type ? type : ""};
	if (!trace_on()) {
		fn(arg);
		return;
	}
	begin_region(&region, CALLER);
	fn(arg);
	end_region(&region, CALLER);
}

static void log_note(uint64_t task, const char *category, const char *message, const void *caller)
{
	struct trace_note note = {
		.what = RECORDING_TRACE_LOGGED, .task = task, .name = category, .message = message};
	trace_noted(&note, caller);
}

HOOK void sonde_trace_log(uint64_t task, const char *category, const char *message)
{
	if (trace_on())
		log_note(task, category, message, CALLER);
}

HOOK void sonde_trace_logf(uint64_t task, const char *category, const char *format, ...)
{
	char message[RECORDING_TRACE_NAME_MAX + 1];
	va_list args;
	if (!trace_on())
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	log_note(task, category, message, CALLER);
}

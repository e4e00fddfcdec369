/*
 * session: what `sonde run` tells the agent, and where the agent leaves its recordings.
 *
 * One environment variable, SESSION_ENV,
 * "cpu=N:heap=N:block=N:mutex=N:wall=N:goroutine=N:trace=N:pid=N:children=0|1:leaks=0|1:dir=PATH":
 * the
 * process PID and whatever it becomes by exec is recorded, at the rates given (struct
 * recording_rates), its descendants only with children=1. Each image of each process records into a
 * file of its own, DIR/PID.SEQUENCE SESSION_SUFFIX. A process that is not to be recorded takes the
 * variable and libsonde out of its environment, so that it goes no further.
 */
#ifndef SONDE_AGENT_SESSION_H
#define SONDE_AGENT_SESSION_H

#include "agent/recording.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_ENV	  "SONDE_RUN"
#define SESSION_SUFFIX	  ".sonde"
#define SESSION_HZ	  100
#define SESSION_HZ_MAX	  10000
#define SESSION_HEAP_RATE (512 * 1024) /* Go's MemProfileRate */

struct session {
	uint64_t rates[RECORDING_KINDS]; /* 0: not from the start */
	int pid;
	bool children;
	bool leaks;	 /* each process looks for lost blocks when it exits */
	const char *dir; /* within the text it was parsed from */
};

static const struct session_rate {
	const char *name;
	enum recording_kind kind;
} session_rates[] = {
	{"cpu", RECORDING_CPU},
	{"heap", RECORDING_HEAP},
	{"block", RECORDING_BLOCK},
	{"mutex", RECORDING_MUTEX},
	{"wall", RECORDING_WALL},
	{"goroutine", RECORDING_GOROUTINE},
	{"trace", RECORDING_TRACE},
};

#define SESSION_RATES (sizeof(session_rates) / sizeof(session_rates[0]))

static inline int session_format(char *out, size_t size, const struct session *s)
{
	int n = 0;
	for (size_t i = 0; i < SESSION_RATES; i++)
		n += snprintf(out + n, size - (size_t)n, "%s=%" PRIu64 ":", session_rates[i].name,
			s->rates[session_rates[i].kind]);
	return n + snprintf(out + n, size - (size_t)n, "pid=%d:children=%d:leaks=%d:dir=%s", s->pid,
			   s->children, s->leaks, s->dir);
}

static inline bool session_parse(const char *text, struct session *ret)
{
	int children, leaks, at = 0;
	*ret = (struct session){{0}};
	for (size_t i = 0; i < SESSION_RATES; i++) {
		size_t n = strlen(session_rates[i].name);
		char *end;
		if (strncmp(text, session_rates[i].name, n) || text[n] != '=')
			return false;
		ret->rates[session_rates[i].kind] = strtoull(text + n + 1, &end, 10);
		if (*end != ':')
			return false;
		text = end + 1;
	}
	if (sscanf(text, "pid=%d:children=%d:leaks=%d:dir=%n", &ret->pid, &children, &leaks, &at) !=
			3 ||
		!at || !text[at])
		return false;
	ret->children = children != 0;
	ret->leaks = leaks != 0;
	ret->dir = text + at;
	return ret->rates[RECORDING_CPU] <= SESSION_HZ_MAX;
}

#endif

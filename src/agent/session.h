/*
 * session: what `sonde run` tells the agent, and where the agent leaves its recordings.
 *
 * One environment variable, SESSION_ENV, "hz=N:pid=N:children=0|1:dir=PATH": the process PID and
 * whatever it becomes by exec is recorded, its descendants only with children=1. Each image of each
 * process records into a file of its own, DIR/PID.SEQUENCE SESSION_SUFFIX. A process that is not to
 * be recorded takes the variable and libsonde out of its environment, so that it goes no further.
 */
#ifndef SONDE_AGENT_SESSION_H
#define SONDE_AGENT_SESSION_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_ENV    "SONDE_RUN"
#define SESSION_SUFFIX ".sonde"
#define SESSION_HZ     100
#define SESSION_HZ_MAX 10000

struct session {
	unsigned hz;
	int pid;
	bool children;
	const char *dir; /* within the text it was parsed from */
};

static inline int session_format(char *out, size_t size, const struct session *s)
{
	return snprintf(
		out, size, "hz=%u:pid=%d:children=%d:dir=%s", s->hz, s->pid, s->children, s->dir);
}

static inline bool session_parse(const char *text, struct session *ret)
{
	int children, at = 0;
	if (sscanf(text, "hz=%u:pid=%d:children=%d:dir=%n", &ret->hz, &ret->pid, &children, &at) !=
			3 ||
		!at || !text[at])
		return false;
	ret->children = children != 0;
	ret->dir = text + at;
	return ret->hz >= 1 && ret->hz <= SESSION_HZ_MAX;
}

#endif

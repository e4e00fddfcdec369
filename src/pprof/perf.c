/*
 * Events of perf as sample types.
 */
#include "pprof/perf.h"

struct text perf_event_name(struct text name)
{
	const char *colon = memrchr(name.s, ':', name.n);
	if (!colon || colon == name.s)
		return name;
	for (const char *c = colon + 1; c < name.s + name.n; c++)
		if (!strchr("ukhHGpPSDIWbe", *c))
			return name;
	return (struct text){name.s, (size_t)(colon - name.s)};
}

/* Clocks count nanoseconds. */
static bool is_clock(const char *name)
{
	return strcmp(name, "cpu-clock") == 0 || strcmp(name, "task-clock") == 0;
}

void perf_event_types(struct profile *p, char *const *events, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bool clock = is_clock(events[i]);
		struct buf samples = BUF_INIT;
		if (n > 1)
			buf_printf(&samples, "%s_", events[i]);
		buf_addstr(&samples, "samples");
		profile_add_sample_type(p, samples.data, "count");
		profile_add_sample_type(
			p, clock ? "cpu" : events[i], clock ? "nanoseconds" : "count");
		buf_release(&samples);
	}
	p->period_type = p->sample_types[n == 1];
	p->period = 1;
}

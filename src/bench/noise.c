/*
 * Evidence that something else disturbed a run, read from /proc before and after it: time spent
 * runnable but not running (schedstat), time the hypervisor took (steal), time the cgroup's limit
 * held us (cpu.stat), preemptions and migrations. A wall-clock figure from a busy machine looks
 * like any other; this is what tells it apart.
 *
 * Each source may be missing; it then says nothing, which is not the same as saying "quiet". A
 * source is read once a run, outside the timer, and costs a few system calls.
 */
#include "bench/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* From where on it is worth a word, in percent of the run. */
#define WAIT_PERCENT   5.0
#define STEAL_PERCENT  2.0
#define SPREAD_PERCENT 10.0

uint64_t thread_wait_ns(void)
{
	char text[128];
	unsigned long long run, wait;
	if (!read_text("/proc/thread-self/schedstat", text, sizeof(text)) ||
		sscanf(text, "%llu %llu", &run, &wait) != 2)
		return 0;
	return wait;
}

static uint64_t steal_ns(void)
{
	char text[256];
	unsigned long long v[8];
	if (!read_text("/proc/stat", text, sizeof(text)) ||
		sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2],
			&v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
		return 0;
	return v[7] * (uint64_t)(1000000000 / sysconf(_SC_CLK_TCK));
}

static uint64_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Our own cgroup; a limit further up shows as waiting. */
static uint64_t throttled_ns(void)
{
	char dir[4096], path[sizeof(dir) + 16], text[4096];
	if (!cgroup_dir(dir, sizeof(dir)))
		return 0;
	snprintf(path, sizeof(path), "%s/cpu.stat", dir);
	if (!read_text(path, text, sizeof(text)))
		return 0;
	return number_after(text, "throttled_usec ") * 1000;
}

static uint64_t migrations(void)
{
	char text[4096];
	if (!read_text("/proc/thread-self/sched", text, sizeof(text)))
		return 0;
	char *at = strstr(text, "se.nr_migrations");
	char *colon = at ? strchr(at, ':') : NULL;
	return colon ? strtoull(colon + 1, NULL, 10) : 0;
}

void evidence_read(struct evidence *e)
{
	struct rusage u = {0};
	getrusage(RUSAGE_SELF, &u);
	*e = (struct evidence){
		.wait_ns = thread_wait_ns(),
		.steal_ns = steal_ns(),
		.throttled_ns = throttled_ns(),
		.preempted = (uint64_t)u.ru_nivcsw,
		.migrated = migrations(),
		.slept = (uint64_t)u.ru_nvcsw,
		.cpu_ns = cpu_now_ns(),
		.wall_ns = now_ns(),
	};
}

static void mention(struct buf *why, const char *fmt, double value)
{
	if (why->len)
		buf_addstr(why, ", ");
	buf_printf(why, fmt, value);
}

static double at_least(double worst, double percent)
{
	return percent > worst ? percent : worst;
}

/* A run that never went to sleep and yet was not on a CPU was kept off it, whether or not the
 * kernel counted that as waiting: under a hypervisor it often does not. */
static double lost_percent(const struct evidence *from, const struct evidence *to)
{
	double wall = (double)(to->wall_ns - from->wall_ns);
	double slept = (double)(to->slept - from->slept);
	if (slept > 1 + wall / 1e9)
		return 0;
	return 100 * (1 - (double)(to->cpu_ns - from->cpu_ns) / wall);
}

double evidence_judge(const struct evidence *from, const struct evidence *to, double spread_percent,
	int procs, struct buf *why)
{
	double wall = (double)(to->wall_ns - from->wall_ns);
	/* In a run this short one tick of anything would be a large share. */
	if (wall < 1e6)
		return 0;
	double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN), worst = 0;
	double wait = at_least(
		100 * (double)(to->wait_ns - from->wait_ns) / wall / procs, lost_percent(from, to));
	double steal = 100 * (double)(to->steal_ns - from->steal_ns) / wall / cpus;
	double throttled = 100 * (double)(to->throttled_ns - from->throttled_ns) / wall / cpus;
	double preempted = (double)(to->preempted - from->preempted);
	double migrated = (double)(to->migrated - from->migrated);
	if (wait >= WAIT_PERCENT) {
		worst = at_least(worst, wait);
		mention(why, "waited for a CPU %.0f%% of the time", wait);
	}
	if (steal >= STEAL_PERCENT && wall >= 1e8) {
		worst = at_least(worst, steal);
		mention(why, "%.0f%% stolen by the hypervisor", steal);
	}
	if (throttled > 0) {
		worst = at_least(worst, throttled);
		mention(why, "held by the cgroup's CPU limit %.1f%% of the time", throttled);
	}
	if (spread_percent >= SPREAD_PERCENT) {
		worst = at_least(worst, spread_percent);
		mention(why, "its parts differ by \xc2\xb1%.0f%%", spread_percent);
	}
	if (worst > 0 && preempted > 0)
		mention(why, "%.0f preemptions", preempted);
	if (worst > 0 && migrated > 0)
		mention(why, "%.0f migrations", migrated);
	return worst;
}

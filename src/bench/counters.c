/*
 * -benchperf: what the CPU and the kernel count, per iteration. Cycles and their like come from
 * perf_event_open() for this process and the threads it starts, user mode only, which the usual
 * perf_event_paranoid of 2 permits; virtual machines often have none, and then that is said.
 * Page faults and context switches come from getrusage(), which always works.
 */
#include "bench/internal.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *const counter_names[N_COUNTERS] = {"cycles", "instructions", "cache-misses",
	"branch-misses", "page-faults", "context-switches"};
const char *const counter_units[N_COUNTERS] = {"cycles/op", "instructions/op", "cache-misses/op",
	"branch-misses/op", "page-faults/op", "context-switches/op"};

static const uint64_t events[] = {PERF_COUNT_HW_CPU_CYCLES, PERF_COUNT_HW_INSTRUCTIONS,
	PERF_COUNT_HW_CACHE_MISSES, PERF_COUNT_HW_BRANCH_MISSES};
static int fds[] = {-1, -1, -1, -1};

static int open_event(uint64_t event)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = event,
		.inherit = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
	};
	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static const char *reason(int why)
{
	if (why == ENOENT || why == EOPNOTSUPP || why == ENODEV)
		return "this machine (a virtual one?) does not count them";
	if (why == EACCES || why == EPERM)
		return "not permitted; see /proc/sys/kernel/perf_event_paranoid";
	return strerror(why);
}

void counters_open(unsigned *wanted)
{
	for (size_t i = 0; i < array_len(events); i++) {
		if (!(*wanted >> i & 1))
			continue;
		fds[i] = open_event(events[i]);
		if (fds[i] >= 0)
			continue;
		chatter("no %s: %s", counter_names[i], reason(errno));
		*wanted &= ~(1U << i);
	}
}

void counters_close(void)
{
	for (size_t i = 0; i < array_len(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* Scaled up for the time the kernel gave the counter to others. */
static double read_event(int fd)
{
	uint64_t v[3];
	if (read(fd, v, sizeof(v)) != (ssize_t)sizeof(v) || v[2] == 0)
		return 0;
	return (double)v[0] * (double)v[1] / (double)v[2];
}

void counters_read(unsigned wanted, double values[N_COUNTERS])
{
	struct rusage u = {0};
	if (wanted >> COUNTER_PAGE_FAULTS & 3)
		getrusage(RUSAGE_SELF, &u);
	values[COUNTER_PAGE_FAULTS] = (double)(u.ru_minflt + u.ru_majflt);
	values[COUNTER_CONTEXT_SWITCHES] = (double)(u.ru_nvcsw + u.ru_nivcsw);
	for (size_t i = 0; i < array_len(fds); i++)
		values[i] = fds[i] >= 0 ? read_event(fds[i]) : 0;
}

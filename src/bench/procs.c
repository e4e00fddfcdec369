/*
 * How many processors there are for this process: what -cpu is when it is not given, and the suffix
 * of every name.
 *
 * As Go's runtime since 1.25: $GOMAXPROCS if it says, or else the CPUs of the affinity mask, or the
 * cgroup's bandwidth limit rounded up, but at least 2, when that is less. Limits of cgroups further
 * up hold as well.
 */
#include "bench/internal.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT_LEAST 2

bool read_text(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, to, size - 1);
	close(fd);
	to[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Cgroups of version 2; with version 1 alone there is nothing to read. */
bool cgroup_dir(char *ret, size_t size)
{
	char text[4096];
	if (!read_text("/proc/self/cgroup", text, sizeof(text)))
		return false;
	char *at = strstr(text, "0::/");
	if (!at)
		return false;
	at[strcspn(at, "\n")] = '\0';
	snprintf(ret, size, "/sys/fs/cgroup%s", strcmp(at + 3, "/") == 0 ? "" : at + 3);
	return true;
}

int cgroup_procs(const char *cpu_max, int cpus)
{
	unsigned long long quota, period;
	if (sscanf(cpu_max, "%llu %llu", &quota, &period) != 2 || !period)
		return cpus; /* "max 100000" */
	unsigned long long procs = (quota + period - 1) / period;
	if (procs < LIMIT_LEAST)
		procs = LIMIT_LEAST;
	return procs < (unsigned long long)cpus ? (int)procs : cpus;
}

static int within_limits(int cpus)
{
	char dir[4096], path[sizeof(dir) + 16], text[128];
	if (!cgroup_dir(dir, sizeof(dir)))
		return cpus;
	for (char *end = dir + strlen(dir); end;) {
		*end = '\0';
		snprintf(path, sizeof(path), "%s/cpu.max", dir);
		if (read_text(path, text, sizeof(text)))
			cpus = cgroup_procs(text, cpus);
		end = strlen(dir) > strlen("/sys/fs/cgroup") ? strrchr(dir, '/') : NULL;
	}
	return cpus;
}

int default_procs(void)
{
	const char *env = getenv("GOMAXPROCS");
	if (env && atoi(env) > 0)
		return atoi(env);
	cpu_set_t set;
	int cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
	return within_limits(cpus);
}

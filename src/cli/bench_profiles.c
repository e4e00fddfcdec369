/*
 * -cpuprofile, -memprofile, -blockprofile, -mutexprofile, -trace: the benchmark program runs under
 * `sonde run`, so that it needs no profiler in it, and its profiles come out complete and
 * symbolized.
 */
#include "cli/bench.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

const char *bench_profiles_flag(const struct bench_profiles *p)
{
	return *p->cpu	   ? "cpuprofile"
	       : *p->mem   ? "memprofile"
	       : *p->block ? "blockprofile"
	       : *p->mutex ? "mutexprofile"
	       : *p->trace ? "trace"
			   : NULL;
}

/* Programs run in their own directories: the name is to mean the same there. */
static void add_file(struct words *to, const char *flag, const char *file, const char *dir)
{
	char here[PATH_MAX] = "";
	if (!*file)
		return;
	if (*file == '/')
		words_addf(to, "-%s=%s", flag, file);
	else if (*dir == '/')
		words_addf(to, "-%s=%s/%s", flag, dir, file);
	else if (getcwd(here, sizeof(here)))
		words_addf(to, "-%s=%s/%s/%s", flag, here, dir, file);
}

static void add_rate(struct words *to, const char *flag, const char *file, int64_t rate)
{
	if (*file)
		words_addf(to, "-%s=%" PRId64, flag, rate);
}

void bench_profiles_command(const struct bench_profiles *p, const char *dir, struct words *ret)
{
	if (!bench_profiles_flag(p))
		return;
	words_add(ret, "/proc/self/exe");
	words_add(ret, "run");
	add_file(ret, "o", p->cpu, dir);
	add_file(ret, "heap", p->mem, dir);
	add_rate(ret, "heaprate", p->mem, p->mem_rate);
	add_file(ret, "block", p->block, dir);
	add_rate(ret, "blockrate", p->block, p->block_rate);
	add_file(ret, "mutex", p->mutex, dir);
	add_rate(ret, "mutexfraction", p->mutex, p->mutex_fraction);
	add_file(ret, "trace", p->trace, dir);
	words_add(ret, "--");
}

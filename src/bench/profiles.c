/*
 * -cpuprofile and its siblings. A benchmark binary links no profiler; one that was linked with, or
 * preloaded into, the program is used.
 */
#include "bench/internal.h"

int profiles_start(const struct options *o, struct err *err)
{
	const struct {
		const char *flag, *file;
	} wanted[] = {{"cpuprofile", o->cpuprofile}, {"memprofile", o->memprofile},
		{"blockprofile", o->blockprofile}, {"mutexprofile", o->mutexprofile},
		{"trace", o->trace}};
	for (size_t i = 0; i < array_len(wanted); i++)
		if (*wanted[i].file)
			return err_set(err, ERR_UNSUPPORTED,
				"-test.%s: this build of sonde has no such profiler",
				wanted[i].flag);
	return 0;
}

int profiles_stop(const struct options *o, struct err *err)
{
	return 0;
}

/*
 * -cpuprofile and its siblings, by libsonde when the program has it: linked (-lsonde) or preloaded.
 *
 * It is looked up when asked for, not linked: a benchmark binary stays small, and its timings are
 * not those of a program with a profiler's hooks in it. (Rejected: loading it then and there; its
 * hooks on thread creation only work when it is there from the start.)
 */
#include "bench/internal.h"
#include "sonde/pprof.h"

#include <dlfcn.h>

typedef int start_fn(const char *path, const struct sonde_cpu_profile_opts *opts);
typedef int stop_fn(void);

/* Go's rule: -outputdir is for names that are not absolute. */
static char *output_path(const struct options *o, const char *name)
{
	struct buf path = BUF_INIT;
	if (*name != '/' && *o->outputdir)
		buf_printf(&path, "%s/", o->outputdir);
	buf_addstr(&path, name);
	return buf_detach(&path, NULL);
}

static int cpu_start(const struct options *o, struct err *err)
{
	start_fn *start = (start_fn *)dlsym(RTLD_DEFAULT, "sonde_cpu_profile_start");
	if (!start)
		return err_set(err, ERR_UNSUPPORTED,
			"-test.cpuprofile: the program has no profiler in it; link it with "
			"-lsonde, or run it by `sonde run -o %s` or `sonde bench -cpuprofile=%s`",
			o->cpuprofile, o->cpuprofile);
	char *path = output_path(o, o->cpuprofile);
	int rc = start(path, NULL);
	if (rc < 0)
		err_set(err, rc, "can't start cpu profile: %s: %s", path, strerror(-rc));
	mem_free(path);
	return rc;
}

static int check_others(const struct options *o, struct err *err)
{
	const struct {
		const char *flag, *file;
	} wanted[] = {{"memprofile", o->memprofile}, {"blockprofile", o->blockprofile},
		{"mutexprofile", o->mutexprofile}, {"trace", o->trace}};
	for (size_t i = 0; i < array_len(wanted); i++)
		if (*wanted[i].file)
			return err_set(err, ERR_UNSUPPORTED,
				"-test.%s: this build of sonde has no such profiler",
				wanted[i].flag);
	return 0;
}

int profiles_start(const struct options *o, struct err *err)
{
	int rc = check_others(o, err);
	return rc < 0 || !*o->cpuprofile ? rc : cpu_start(o, err);
}

int profiles_stop(const struct options *o, struct err *err)
{
	stop_fn *stop = (stop_fn *)dlsym(RTLD_DEFAULT, "sonde_cpu_profile_stop");
	if (!*o->cpuprofile || !stop)
		return 0;
	int rc = stop();
	return rc < 0 ? err_set(err, rc, "can't write cpu profile: %s", strerror(-rc)) : 0;
}

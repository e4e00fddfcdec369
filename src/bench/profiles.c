/*
 * -cpuprofile, -trace and their siblings, by libsonde when the program has it: linked (-lsonde) or
 * preloaded.
 *
 * It is looked up when asked for, not linked: a benchmark binary stays small, and its timings are
 * not those of a program with a profiler's hooks in it. (Rejected: loading it then and there; its
 * hooks on thread creation only work when it is there from the start.)
 */
#include "bench/internal.h"
#include "sonde/pprof.h"

#include <dlfcn.h>
#include <errno.h>

typedef int cpu_start_fn(const char *path, const struct sonde_cpu_profile_opts *opts);
typedef int trace_start_fn(const char *path);
typedef int stop_fn(void);
typedef int64_t rate_fn(int64_t rate);
typedef int write_fn(const char *name, const char *path);

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
	cpu_start_fn *start = (cpu_start_fn *)dlsym(RTLD_DEFAULT, "sonde_cpu_profile_start");
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

static int trace_start(const struct options *o, struct err *err)
{
	trace_start_fn *start = (trace_start_fn *)dlsym(RTLD_DEFAULT, "sonde_trace_start");
	if (!*o->trace)
		return 0;
	if (!start)
		return err_set(err, ERR_UNSUPPORTED,
			"-test.trace: the program has no tracer in it; link it with -lsonde, or "
			"run "
			"it by `sonde run -trace %s` or `sonde bench -trace=%s`",
			o->trace, o->trace);
	char *path = output_path(o, o->trace);
	int rc = start(path);
	if (rc == -ELIBACC)
		err_set(err, rc,
			"-test.trace: libsonde-http, which names functions, is not installed");
	else if (rc < 0)
		err_set(err, rc, "can't start tracing: %s: %s", path, strerror(-rc));
	mem_free(path);
	return rc;
}

/* --- those that are a rate to set and a profile to write --- */

struct rated {
	const char *flag, *file, *set, *name;
	int64_t rate;
};

#define RATED	 3
#define MEM_RATE (512 * 1024) /* Go's */

static void rated_profiles(const struct options *o, struct rated *ret)
{
	const struct rated all[RATED] = {
		{"memprofile", o->memprofile, "sonde_heap_rate_set", "allocs",
			o->memprofilerate > 0 ? o->memprofilerate : MEM_RATE},
		{"blockprofile", o->blockprofile, "sonde_block_rate_set", "block",
			o->blockprofilerate},
		{"mutexprofile", o->mutexprofile, "sonde_mutex_fraction_set", "mutex",
			o->mutexprofilefraction},
	};
	memcpy(ret, all, sizeof(all));
}

static int rated_start(const struct rated *r, struct err *err)
{
	rate_fn *set = *r->file ? (rate_fn *)dlsym(RTLD_DEFAULT, r->set) : NULL;
	if (!*r->file)
		return 0;
	if (!set)
		return err_set(err, ERR_UNSUPPORTED,
			"-test.%s: the program has no profiler in it; link it with -lsonde, or run "
			"it by `sonde bench -%s=%s`",
			r->flag, r->flag, r->file);
	int64_t rc = set(r->rate);
	return rc < 0 ? err_set(err, (int)rc, "-test.%s: %s", r->flag, strerror((int)-rc)) : 0;
}

static int rated_stop(const struct options *o, const struct rated *r, struct err *err)
{
	write_fn *write = (write_fn *)dlsym(RTLD_DEFAULT, "sonde_profile_write_file");
	if (!*r->file || !write)
		return 0;
	char *path = output_path(o, r->file);
	int rc = write(r->name, path);
	if (rc < 0)
		err_set(err, rc, "-test.%s: %s: %s", r->flag, path, strerror(-rc));
	mem_free(path);
	return rc;
}

/* --- all of them --- */

int profiles_start(const struct options *o, struct err *err)
{
	struct rated rated[RATED];
	int rc = 0;
	rated_profiles(o, rated);
	for (int i = 0; i < RATED && rc >= 0; i++)
		rc = rated_start(&rated[i], err);
	if (rc >= 0 && *o->cpuprofile)
		rc = cpu_start(o, err);
	return rc < 0 ? rc : trace_start(o, err);
}

/* Of what is started and stopped: `function` also writes it. */
static int stop(const char *file, const char *function, const char *what, struct err *err)
{
	stop_fn *stop_it = (stop_fn *)dlsym(RTLD_DEFAULT, function);
	if (!*file || !stop_it)
		return 0;
	int rc = stop_it();
	return rc < 0 ? err_set(err, rc, "can't write %s: %s", what, strerror(-rc)) : 0;
}

int profiles_stop(const struct options *o, struct err *err)
{
	struct rated rated[RATED];
	int rc = stop(o->trace, "sonde_trace_stop", "trace", err);
	if (rc >= 0)
		rc = stop(o->cpuprofile, "sonde_cpu_profile_stop", "cpu profile", err);
	rated_profiles(o, rated);
	for (int i = 0; i < RATED && rc >= 0; i++)
		rc = rated_stop(o, &rated[i], err);
	return rc;
}

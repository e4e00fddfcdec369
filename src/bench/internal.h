/*
 * What the harness's files share: the state behind a struct bench, the options, and the parts.
 *
 * testing.B's behaviour, message for message, over one C struct: `struct run` is a benchmark (or
 * sub-benchmark) with one measurement in it. Benchmarks run one at a time on the thread that called
 * bench_main(); worker threads may log and fail, under `lock`.
 */
#ifndef SONDE_BENCH_INTERNAL_H
#define SONDE_BENCH_INTERNAL_H

#include "base/base.h"
#include "bench/bench.h"
#include "sonde/bench.h"

#include <pthread.h>
#include <setjmp.h>

#define LOOP_POISON    (UINT64_C(1) << 63) /* in loop_i_: the timer is stopped */
#define MAX_ITERATIONS INT64_C(1000000000)
#define MAX_SEGMENTS   64

/* ---- options (flags.c) ---- */
struct options {
	const char *bench, *run, *list, *skip, *shuffle, *pkg, *cpu_text, *outputdir;
	const char *cpuprofile, *memprofile, *blockprofile, *mutexprofile, *trace;
	int memprofilerate, blockprofilerate, mutexprofilefraction;
	int64_t benchtime_ns, benchtime_n; /* one of them; the other is 0 */
	int64_t timeout_ns;
	unsigned count;
	bool count_auto;
	double ci_percent;  /* -benchci: what -count=auto aims for */
	int64_t maxtime_ns; /* -benchmaxtime: when it gives up, a benchmark */
	bool benchmem, short_run, failfast, json, verbose, verbose_json;
	bool cpu_time, noise, hist;
	unsigned counters; /* enum counter bits */
	int *cpus;
	size_t n_cpus, cap_cpus;
	uint64_t seed; /* of -shuffle */
	bool shuffled;
};

/* 0, or the exit status to leave with (`*ret_exit`) after what had to be said was said. */
must_check int options_parse(struct options *o, int argc, char **argv, int *ret_exit);
void options_default(struct options *o);
void options_release(struct options *o);

/* ---- processors (procs.c) ---- */
int default_procs(void); /* what Go's GOMAXPROCS would be */
/* Of `cpus` what the text of a cgroup's cpu.max leaves. */
int cgroup_procs(const char *cpu_max, int cpus);
/* The process's own cgroup in /sys/fs; false if there is none of version 2. */
bool cgroup_dir(char *ret, size_t size);
/* A file of /proc or /sys, cut to size - 1 bytes; false: it cannot be read. */
bool read_text(const char *path, char *to, size_t size);

/* ---- names and patterns (match.c) ---- */
struct matcher;
must_check int matcher_new(
	struct matcher **ret, const char *pattern, const char *skip, struct err *err);
void matcher_free(struct matcher *m);
/* The full name of `name` under `parent` (NULL: top level), made unique, appended to out. Returns
 * whether it is to be run; *ret_partial: only its subs may be. */
bool matcher_full_name(struct matcher *m, const char *parent, const char *name, struct buf *out,
	bool *ret_partial);

/* ---- counting malloc (allocs.c) ---- */
struct alloc_totals {
	uint64_t calls, bytes;
};
/* Starts counting in every loaded object; false if this program's malloc cannot be counted. Calls
 * nest. */
bool allocs_start(void);
void allocs_stop(void);
bool allocs_supported(void); /* as far as is known */
struct alloc_totals allocs_read(void);
/* Between these two the calling thread's allocations are not counted (the harness's own). */
void allocs_pause(void);
void allocs_resume(void);

/* ---- hardware and kernel counters (counters.c) ---- */
enum counter {
	COUNTER_CYCLES,
	COUNTER_INSTRUCTIONS,
	COUNTER_CACHE_MISSES,
	COUNTER_BRANCH_MISSES,
	COUNTER_PAGE_FAULTS,
	COUNTER_CONTEXT_SWITCHES,
	N_COUNTERS,
};
extern const char *const counter_names[N_COUNTERS];
extern const char *const counter_units[N_COUNTERS];
/* Opens the wanted ones; those that cannot be had are named on stderr and cleared from *wanted. */
void counters_open(unsigned *wanted);
void counters_close(void);
void counters_read(unsigned wanted, double values[N_COUNTERS]);

/* ---- evidence of disturbance (noise.c) ---- */
struct evidence {
	int64_t wall_ns, cpu_ns;
	uint64_t wait_ns;      /* this thread was runnable but not running */
	uint64_t steal_ns;     /* the hypervisor ran someone else, all CPUs */
	uint64_t throttled_ns; /* held by the cgroup's CPU limit */
	uint64_t preempted, migrated;
	uint64_t slept; /* voluntary switches */
};
void evidence_read(struct evidence *e);
/* The time this thread waited for a CPU so far, ns; 0 where the kernel does not say. */
uint64_t thread_wait_ns(void);
/* How far a run was disturbed, in percent; the reasons are appended to `why`. 0 is undisturbed. */
double evidence_judge(const struct evidence *from, const struct evidence *to, double spread_percent,
	int procs, struct buf *why);

/* ---- distribution of iterations (hist.c) ---- */
struct hist;
struct hist *hist_new(void);
void hist_free(struct hist *h);
void hist_clear(struct hist *h);
void hist_add(struct hist *h, uint64_t ns);
void hist_merge(struct hist *into, const struct hist *from);
uint64_t hist_count(const struct hist *h);
uint64_t hist_max(const struct hist *h);
/* The value below or at which a share q (0..1) lies, to 1 part in 64. */
uint64_t hist_quantile(const struct hist *h, double q);
void hist_draw(const struct hist *h, struct buf *out);

/* ---- a benchmark ---- */
struct metric {
	char *unit;
	double value;
};

struct cleanup {
	void (*fn)(void *arg);
	void *arg;
};

struct result {
	int64_t n, ns, cpu_ns, bytes;
	uint64_t allocs, alloc_bytes;
	bool has_allocs;
	double counters[N_COUNTERS];
	unsigned counted; /* which of them */
	struct metric *extra;
	size_t n_extra, cap_extra;
};

/* CPU time while the timer is on, without reading the slow CPU clock at each stop (timer.c). */
struct cpu_meter {
	int64_t total_ns;   /* settled so far */
	int64_t mark_ns;    /* the CPU clock when last read */
	int64_t read_at_ns; /* wall clock of that reading */
	int64_t stopped_at_ns;
	int64_t skipped_ns; /* short pauses since that reading, wall time */
	bool fresh;	    /* the reading was taken at the last stop */
};

struct session; /* what all benchmarks of one bench_main() share */

struct run {
	struct bench pub; /* first: a struct bench * is a struct run * */
	struct session *session;
	struct run *parent;
	int level;
	char *name;
	sonde_bench_fn *fn;
	void *arg;
	int procs;

	pthread_mutex_t lock; /* over output and the flags below, which any thread may set */
	struct buf output;
	bool failed, skipped, finished;
	bool has_sub, probing;

	/* The measurement under way. */
	bool timer_on, show_allocs, counting_allocs;
	int64_t started_ns, ns;
	struct cpu_meter cpu;
	struct alloc_totals alloc_from, alloc;
	double counter_from[N_COUNTERS];
	int parallelism;
	int64_t prev_n, prev_ns;

	uint64_t loop_target;
	bool loop_begun, loop_done;
	int64_t segment_ns[MAX_SEGMENTS]; /* elapsed at the segment's end */
	uint64_t segment_i[MAX_SEGMENTS];
	int n_segments;
	int64_t iteration_ns; /* -benchhist: when the iteration began */
	struct hist *hist;

	struct evidence before, after;
	uint64_t workers_wait_ns;
	double spread_percent; /* of the run's parts */

	struct cleanup *cleanups;
	size_t n_cleanups, cap_cleanups;
	char *temp_dir;
	int temp_dirs;

	struct result result;
};

struct session {
	struct options opt;
	struct matcher *matcher; /* NULL: everything */
	size_t name_width;
	size_t ext_len;
	bool header_done;
	bool stop;	     /* -failfast, after a failure */
	bool quiet;	     /* bench_measure(): prints nothing */
	struct run *current; /* for -timeout's message */
	int64_t current_since_ns;
	int64_t clock_ns; /* what reading the clock costs, for -benchhist */
};

static inline struct run *run_of(struct bench *b)
{
	return (struct run *)b;
}

int64_t now_ns(void);
int64_t cpu_now_ns(void);

/* run.c */
struct run *run_new(
	struct session *s, struct run *parent, const char *name, sonde_bench_fn *fn, void *arg);
void run_free(struct run *r);
void run_n(struct run *r, int64_t n);
bool run_first(struct run *r); /* Go's run1: whether more is to be done */
void run_launch(struct run *r);
int64_t predict_n(int64_t goal_ns, int64_t prev_n, int64_t prev_ns, int64_t last);
void run_exit_now(struct run *r) __attribute__((noreturn)); /* Goexit */
/* Calls fn(arg); returns when it does or when it left through run_exit_now(). */
void run_guarded(void (*fn)(void *arg), void *arg);

/* timer.c */
void timer_end(struct run *r); /* stops if on, and settles the CPU time */
double segments_spread(const struct run *r);
/* What -benchhist takes off each iteration: what reading the clock costs, ns. */
int64_t clock_cost_ns(void);

/* log.c */
void run_cleanup(struct run *r);
void run_trim_output(struct run *r);
void panic(const char *fmt, ...) attr_printf(1, 2) __attribute__((noreturn));
void out(const char *fmt, ...) attr_printf(1, 2);     /* to stdout, at once */
void chatter(const char *fmt, ...) attr_printf(1, 2); /* "bench: ..." to stderr */

/* result.c */
void result_release(struct result *r);
void result_line(const struct result *r, const struct options *o, struct buf *line);
void pretty_print(double x, const char *unit, struct buf *out);
double result_ns_per_op(const struct result *r);
struct metric *result_metric(struct result *r, const char *unit); /* NULL if not there */
void result_set_metric(struct result *r, const char *unit, double value);
void print_header(struct session *s);

/* stats.c */
/* The order-statistic confidence interval of the median at 95 %, as a share of it; INFINITY while
 * there are too few values. Sorts values. */
double median_spread(double *values, size_t n, double *ret_median);
/* Half the interquartile range as a share of the median. Sorts values. */
double quartile_spread(double *values, size_t n);

/* profiles.c */
must_check int profiles_start(const struct options *o, struct err *err);
must_check int profiles_stop(const struct options *o, struct err *err);

/* timeout.c */
void timeout_start(struct session *s);
void timeout_stop(void);

/* registry.c */
/* All that were registered, in order; the caller frees the array. */
size_t registry(struct bench_entry ***ret);

#endif

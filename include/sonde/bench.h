/*
 * sonde/bench.h: benchmarks, as Go's package testing gives them to Go programs.
 *
 *	#include <sonde/bench.h>
 *
 *	BENCH(Sum)
 *	{
 *		while (bench_loop(b))
 *			bench_keep(sum(data, 1000));
 *	}
 *
 * Compile, link with -lsonde-bench (it brings a main(); a program may have its own, see
 * bench_main()), and run with Go's flags: ./sum_bench -bench=. -benchmem -count=10. `sonde bench`
 * does all three. The output is the Go benchmark format, for `sonde benchstat` and its like.
 *
 * Units: durations in nanoseconds, sizes in bytes. Functions that take a `struct bench *` are to be
 * called on the thread that runs the benchmark; those marked "any thread" also on others while the
 * benchmark runs. Nothing here may be called from a signal handler. Strings passed in are copied;
 * strings handed out live until the benchmark function returns.
 *
 * Leaving early (bench_fatal, bench_skip, ...) is a longjmp on the benchmark's thread and on the
 * threads of bench_run_parallel(), pthread_exit() on others: in C++ no destructor of the frames
 * left runs, so give what must be released to bench_cleanup().
 *
 * Every exported symbol starts with sonde_; the short names of the functions are macros for them.
 * Define SONDE_BENCH_NO_SHORT_NAMES before including this header to have only the long ones.
 */
#ifndef SONDE_BENCH_H
#define SONDE_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SONDE_BENCH_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define SONDE_BENCH_NORETURN	 __attribute__((noreturn))
#define SONDE_BENCH_LIKELY(x)	 __builtin_expect(!!(x), 1)
#define SONDE_BENCH_API		 __attribute__((visibility("default")))
#else
#error "sonde/bench.h needs gcc or clang"
#endif

/* One run of one benchmark (Go: testing.B). Only `n` is for the benchmark to read. */
struct bench {
	int64_t n;	  /* iterations to do: for (int64_t i = 0; i < b->n; i++) ... */
	uint64_t loop_i_; /* bench_loop's: iterations begun; the top bit: the timer is stopped */
	uint64_t loop_limit_; /* bench_loop's: where it next looks up */
};

/* One thread's share of a parallel benchmark (Go: testing.PB). */
struct bench_pb {
	uint64_t cache_; /* iterations granted and not yet begun */
};

typedef void sonde_bench_fn(struct bench *b, void *arg);
typedef void sonde_bench_parallel_fn(struct bench_pb *pb, void *arg);

/* ---- registering -------------------------------------------------------------------------- */

struct bench_entry {
	const char *name; /* "BenchmarkSum" */
	const char *file;
	int line;
	sonde_bench_fn *fn;
	void *arg;
	struct bench_entry *next_; /* the harness's */
};
/* Adds a benchmark; called before main() by the macros below. Benchmarks run in the order of their
 * files' names and, within a file, of their lines, however the program was linked. */
SONDE_BENCH_API void sonde_bench_register(struct bench_entry *entry);

#define SONDE_BENCH_REGISTER_(id, fn, arg)                                       \
	static struct bench_entry sonde_bench_entry_##id = {                     \
		"Benchmark" #id, __FILE__, __LINE__, fn, arg, NULL};             \
	__attribute__((constructor)) static void sonde_bench_register_##id(void) \
	{                                                                        \
		sonde_bench_register(&sonde_bench_entry_##id);                   \
	}

/* Defines and registers BenchmarkNAME; the body that follows sees `struct bench *b`. */
#define SONDE_BENCH(id)                                               \
	static void sonde_bench_body_##id(struct bench *b);           \
	static void sonde_bench_call_##id(struct bench *b, void *arg) \
	{                                                             \
		(void)arg;                                            \
		sonde_bench_body_##id(b);                             \
	}                                                             \
	SONDE_BENCH_REGISTER_(id, sonde_bench_call_##id, NULL)        \
	static void sonde_bench_body_##id(struct bench *b)

/* A table: one sub-benchmark BenchmarkNAME/ROW a row of `rows`, an array in scope whose elements
 * have a member `const char *name`. The body sees `b` and `row`, a pointer to its element. */
#define SONDE_BENCH_TABLE(id, rows)                                                           \
	static void sonde_bench_row_##id(struct bench *b, __typeof__(&(rows)[0]) row);        \
	static void sonde_bench_sub_##id(struct bench *b, void *arg)                          \
	{                                                                                     \
		sonde_bench_row_##id(b, (__typeof__(&(rows)[0]))arg);                         \
	}                                                                                     \
	static void sonde_bench_call_##id(struct bench *b, void *arg)                         \
	{                                                                                     \
		(void)arg;                                                                    \
		for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++)                 \
			sonde_bench_run(                                                      \
				b, (rows)[i].name, sonde_bench_sub_##id, (void *)&(rows)[i]); \
	}                                                                                     \
	SONDE_BENCH_REGISTER_(id, sonde_bench_call_##id, NULL)                                \
	static void sonde_bench_row_##id(struct bench *b, __typeof__(&(rows)[0]) row)

/* ---- the loop ----------------------------------------------------------------------------- */

SONDE_BENCH_API bool sonde_bench_loop_slow(struct bench *b);
SONDE_BENCH_API bool sonde_bench_pb_next_slow(struct bench_pb *pb);

/* True as long as the benchmark should go on (Go: B.Loop). The first call resets the timer, the
 * last stops it, so what stands before and after the loop is not measured, and the function is run
 * once a measurement. Use it or a loop to b->n, not both; b->n is the total once it returned false.
 */
static inline bool sonde_bench_loop(struct bench *b)
{
	if (SONDE_BENCH_LIKELY(b->loop_i_ < b->loop_limit_)) {
		b->loop_i_++;
		return true;
	}
	return sonde_bench_loop_slow(b);
}

/* True as long as this thread has iterations to do (Go: PB.Next). */
static inline bool sonde_bench_pb_next(struct bench_pb *pb)
{
	if (SONDE_BENCH_LIKELY(pb->cache_ > 0)) {
		pb->cache_--;
		return true;
	}
	return sonde_bench_pb_next_slow(pb);
}

/* ---- timer: on when the benchmark starts; a stop and start together cost two clock reads ---- */

SONDE_BENCH_API void sonde_bench_start_timer(struct bench *b); /* B.StartTimer */
SONDE_BENCH_API void sonde_bench_stop_timer(struct bench *b);  /* B.StopTimer */
/* Zeroes time, allocations and reported metrics; does not start or stop (B.ResetTimer). */
SONDE_BENCH_API void sonde_bench_reset_timer(struct bench *b);
SONDE_BENCH_API int64_t sonde_bench_elapsed(struct bench *b); /* ns (B.Elapsed) */

/* ---- what is reported ----------------------------------------------------------------------- */

/* Bytes one iteration processes: adds MB/s (B.SetBytes). */
SONDE_BENCH_API void sonde_bench_set_bytes(struct bench *b, int64_t bytes);
/* Adds B/op and allocs/op, as -benchmem does for all (B.ReportAllocs). Counting begins here: call
 * it before the loop. */
SONDE_BENCH_API void sonde_bench_report_allocs(struct bench *b);
/* Adds "value unit" (B.ReportMetric). Divide by b->n for a figure per iteration, and end its unit
 * with "/op". The last value for a unit counts; "ns/op", "MB/s", "B/op" and "allocs/op" replace the
 * harness's own, 0 "ns/op" leaves ns/op out. Ends the program if the unit is empty or has spaces.
 */
SONDE_BENCH_API void sonde_bench_report_metric(struct bench *b, double value, const char *unit);

/* ---- structure ------------------------------------------------------------------------------ */

/* Runs fn(sub, arg) as the sub-benchmark `name` (B.Run); false if it failed. A benchmark that calls
 * it is itself not measured. Spaces in the name become '_', a name used twice gets "#01". */
SONDE_BENCH_API bool sonde_bench_run(
	struct bench *b, const char *name, sonde_bench_fn *fn, void *arg);
/* Runs body(pb, arg) on parallelism * (-cpu) threads that share b->n iterations
 * (B.RunParallel). The body loops: while (pb_next(pb)) ... */
SONDE_BENCH_API void sonde_bench_run_parallel(
	struct bench *b, sonde_bench_parallel_fn *body, void *arg);
SONDE_BENCH_API void sonde_bench_set_parallelism(struct bench *b, int p);

/* ---- outcome; any thread ----------------------------------------------------------------- */

SONDE_BENCH_API const char *sonde_bench_name(struct bench *b);
SONDE_BENCH_API void sonde_bench_fail(struct bench *b); /* goes on (B.Fail) */
SONDE_BENCH_API void sonde_bench_fail_now(struct bench *b) SONDE_BENCH_NORETURN;
SONDE_BENCH_API void sonde_bench_skip_now(struct bench *b) SONDE_BENCH_NORETURN;
SONDE_BENCH_API bool sonde_bench_failed(struct bench *b);
SONDE_BENCH_API bool sonde_bench_skipped(struct bench *b);
SONDE_BENCH_API void sonde_bench_log_at(
	struct bench *b, const char *file, int line, const char *fmt, ...) SONDE_BENCH_PRINTF(4, 5);
SONDE_BENCH_API void sonde_bench_error_at(
	struct bench *b, const char *file, int line, const char *fmt, ...) SONDE_BENCH_PRINTF(4, 5);
SONDE_BENCH_API void sonde_bench_fatal_at(struct bench *b, const char *file, int line,
	const char *fmt, ...) SONDE_BENCH_PRINTF(4, 5) SONDE_BENCH_NORETURN;
SONDE_BENCH_API void sonde_bench_skip_at(struct bench *b, const char *file, int line,
	const char *fmt, ...) SONDE_BENCH_PRINTF(4, 5) SONDE_BENCH_NORETURN;
/* The above with the place to name, or NULL; below B.Logf, B.Errorf, B.Fatalf, B.Skipf. */
#define sonde_bench_log(b, ...)	  sonde_bench_log_at(b, __FILE__, __LINE__, __VA_ARGS__)
#define sonde_bench_error(b, ...) sonde_bench_error_at(b, __FILE__, __LINE__, __VA_ARGS__)
#define sonde_bench_fatal(b, ...) sonde_bench_fatal_at(b, __FILE__, __LINE__, __VA_ARGS__)
#define sonde_bench_skip(b, ...)  sonde_bench_skip_at(b, __FILE__, __LINE__, __VA_ARGS__)

/* Calls fn(arg) when this run of the benchmark is over, last added first (B.Cleanup). */
SONDE_BENCH_API void sonde_bench_cleanup(struct bench *b, void (*fn)(void *arg), void *arg);
/* A fresh directory, removed with all in it when this run is over (B.TempDir). */
SONDE_BENCH_API const char *sonde_bench_temp_dir(struct bench *b);

/* ---- keeping the compiler honest ------------------------------------------------------------ */

/* Makes the compiler believe that memory was read and written by others. */
static inline void sonde_bench_clobber(void)
{
	__asm__ volatile("" ::: "memory");
}

/* Makes the compiler believe that the value x is used, so that computing it is not deleted, and
 * that memory reachable from it is read and written. x may be of any type but an array (pass a
 * pointer to it). */
#ifdef __cplusplus
extern "C++" {
template <class T> static inline void sonde_bench_keep(const T &x)
{
	__asm__ volatile("" : : "r,m"(x) : "memory");
}
}
#else
#define sonde_bench_keep(x)                                             \
	do {                                                            \
		__typeof__(x) sonde_keep_ = (x);                        \
		__asm__ volatile("" : : "r,m"(sonde_keep_) : "memory"); \
	} while (0)
#endif

/* ---- outside the flags ---------------------------------------------------------------------- */

/* What a measurement came to (testing.BenchmarkResult). */
struct bench_result {
	int64_t n;	 /* iterations */
	int64_t ns;	 /* total time */
	int64_t cpu_ns;	 /* total CPU time of the process, -1 if not known */
	int64_t bytes;	 /* of one iteration, from bench_set_bytes() */
	uint64_t allocs; /* calls that allocated; 0 unless bench_report_allocs() */
	uint64_t alloc_bytes;
	bool failed;
};
/* Measures one function, for one second (testing.Benchmark). Prints nothing. */
SONDE_BENCH_API struct bench_result sonde_bench_measure(sonde_bench_fn *fn, void *arg);

/* What the library's own main() does: parses the flags, runs, prints. The exit status: 0, 1 if a
 * benchmark failed, 2 for wrong usage. For programs with a main() of their own. Call it once. */
SONDE_BENCH_API int sonde_bench_main(int argc, char **argv);
/* Whether -short was given (testing.Short). */
SONDE_BENCH_API bool sonde_bench_short(void);

#ifndef SONDE_BENCH_NO_SHORT_NAMES
#define BENCH		      SONDE_BENCH
#define BENCH_TABLE	      SONDE_BENCH_TABLE
#define bench_loop	      sonde_bench_loop
#define pb_next		      sonde_bench_pb_next
#define bench_start_timer     sonde_bench_start_timer
#define bench_stop_timer      sonde_bench_stop_timer
#define bench_reset_timer     sonde_bench_reset_timer
#define bench_elapsed	      sonde_bench_elapsed
#define bench_set_bytes	      sonde_bench_set_bytes
#define bench_report_allocs   sonde_bench_report_allocs
#define bench_report_metric   sonde_bench_report_metric
#define bench_run	      sonde_bench_run
#define bench_run_parallel    sonde_bench_run_parallel
#define bench_set_parallelism sonde_bench_set_parallelism
#define bench_name	      sonde_bench_name
#define bench_fail	      sonde_bench_fail
#define bench_fail_now	      sonde_bench_fail_now
#define bench_skip_now	      sonde_bench_skip_now
#define bench_failed	      sonde_bench_failed
#define bench_skipped	      sonde_bench_skipped
#define bench_log	      sonde_bench_log
#define bench_error	      sonde_bench_error
#define bench_fatal	      sonde_bench_fatal
#define bench_skip	      sonde_bench_skip
#define bench_cleanup	      sonde_bench_cleanup
#define bench_temp_dir	      sonde_bench_temp_dir
#define bench_clobber	      sonde_bench_clobber
#define bench_keep	      sonde_bench_keep
#define bench_measure	      sonde_bench_measure
#define bench_main	      sonde_bench_main
#define bench_short	      sonde_bench_short
#endif

#ifdef __cplusplus
}
#endif

#endif

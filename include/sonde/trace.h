/*
 * sonde/trace.h: execution traces of the running program, from inside it.
 *
 * The C form of Go's package runtime/trace. Link with -lsonde (pkg-config sonde). A trace names
 * functions, and what finds names is in libsonde-http, which is loaded when a trace is started. (A
 * program that links both statically needs -Wl,-u,sonde_private_trace_writer besides.)
 *
 *	if (sonde_trace_start("trace.out") == 0) {
 *		work();
 *		sonde_trace_stop();
 *	}
 *
 * and then `go tool trace trace.out`, or gotraceui. A trace says of each thread when it ran and
 * when it waited, for what, with the stack, and who woke it; who created it, and when it ended;
 * and, while a CPU profile is being recorded as well, where its samples were. A thread is a
 * goroutine there. docs/trace.md says what is and is not in it. Of a program that is not to be
 * changed `sonde run -trace` and /debug/pprof/trace make the same.
 *
 * What the program itself has to say goes between the two: which task it works for, which part of
 * its work (a region) a thread is at, and a line of text now and then.
 *
 *	uint64_t task = sonde_trace_task_begin(SONDE_TRACE_NO_TASK, "order");
 *	{
 *		SONDE_TRACE_REGION(task, "parse");
 *		sonde_trace_logf(task, "bytes", "%zu", n);
 *		parse(order, n);
 *	}
 *	sonde_trace_task_end(task);
 *
 * Events take 40 bytes each of memory that is not malloc's, and the text of the latter; 128 MiB at
 * most: those that come when it is full are left out, and counted.
 *
 * Functions return 0, false or a negative error number. They may be called from any thread, but not
 * from a signal handler, and not between fork and exec; in a child made by fork nothing is traced.
 */
#ifndef SONDE_TRACE_H_PUBLIC
#define SONDE_TRACE_H_PUBLIC

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Starts a trace; trace.Start. The file is made or emptied now and written by sonde_trace_stop().
 *
 * Returns 0, or
 *
 *	-EBUSY	   a trace is being recorded already (`sonde run -trace` and HTTP count);
 *	-ELIBACC   libsonde-http is not installed, or of another version than libsonde;
 *	-ENOMEM, -ENOTSUP, -ENOEXEC, -EAGAIN  as sonde_cpu_profile_start() of sonde/pprof.h;
 *	-errno	   of open(2).
 */
int sonde_trace_start(const char *path);

/* The same, writing to a descriptor, which stays the caller's: to be kept open until
 * sonde_trace_stop() has returned. */
int sonde_trace_start_fd(int fd);

/*
 * Ends the trace and writes it; trace.Stop. Returns when it is written: 0, -ENOENT when no trace
 * was started by the functions above, or the negative error number of writing it (the trace is
 * then lost, and ended all the same).
 */
int sonde_trace_stop(void);

/* Whether a trace is being recorded, by whomever; trace.IsEnabled. */
bool sonde_trace_is_enabled(void);

/*
 * Tasks, regions and logs, for `go tool trace`'s pages of the same names. Calls cost a look at one
 * word while no trace is being recorded. Of types, categories and messages the first 1,024 bytes
 * are kept, copied as they are; NULL is "".
 */

#define SONDE_TRACE_NO_TASK ((uint64_t)0)

/* A task: work of one kind that several threads may do parts of; trace.NewTask. `parent`: the task
 * that this one is part of. Returns its number, never 0, also when there is no trace. */
uint64_t sonde_trace_task_begin(uint64_t parent, const char *type);
/* From any thread; Task.End. */
void sonde_trace_task_end(uint64_t task);

/* Treat as opaque. */
struct sonde_trace_region {
	uint64_t task;
	const char *type;
};

/*
 * A part of the calling thread's work, for a task or for none; trace.StartRegion and Region.End.
 * `type` must live until the end, which must be on the same thread. Regions nest: one that was
 * begun inside this one and has not ended ends with it. Without a trace at its beginning a region
 * is in none.
 */
struct sonde_trace_region sonde_trace_region_begin(uint64_t task, const char *type);
void sonde_trace_region_end(const struct sonde_trace_region *region);

/* fn(arg) in a region; trace.WithRegion. */
void sonde_trace_with_region(uint64_t task, const char *type, void (*fn)(void *), void *arg);

/*
 * A region until the end of the block, however that is left (in C++ also by an exception; not by
 * longjmp):
 *
 *	SONDE_TRACE_REGION(task, "parse");
 */
#define SONDE_TRACE_REGION(task, type)	      SONDE_TRACE_REGION_AT(task, type, __COUNTER__)
#define SONDE_TRACE_REGION_AT(task, type, at) SONDE_TRACE_REGION_NAMED(task, type, at)
#define SONDE_TRACE_REGION_NAMED(task, type, at)                           \
	const struct sonde_trace_region sonde_trace_region_##at            \
		__attribute__((cleanup(sonde_trace_region_end), unused)) = \
			sonde_trace_region_begin(task, type)

/* A line of text; trace.Log and trace.Logf, whose format here is printf's. */
void sonde_trace_log(uint64_t task, const char *category, const char *message);
void sonde_trace_logf(uint64_t task, const char *category, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif

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
 * Events take 40 bytes each of memory that is not malloc's, 128 MiB at most: those that come when
 * it is full are left out, and counted.
 *
 * Functions return 0, false or a negative error number. They may be called from any thread, but not
 * from a signal handler, and not between fork and exec; in a child made by fork nothing is traced.
 */
#ifndef SONDE_TRACE_H_PUBLIC
#define SONDE_TRACE_H_PUBLIC

#include <stdbool.h>

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

#ifdef __cplusplus
}
#endif

#endif

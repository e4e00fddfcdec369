/*
 * sonde/profile.h: profiles of a whole program by one line at the top of main.
 *
 * The C form of github.com/pkg/profile. Link with -lsonde.
 *
 *	int main(void)
 *	{
 *		SONDE_PROFILE(.cpu = true, .mem = true, .path = "profiles");
 *		...
 *	}
 *
 * begins to record and writes profiles/cpu.pprof and profiles/mem.pprof when main returns, the
 * program calls exit(), or it is interrupted (SIGINT, where the program leaves that to the system).
 * Without arguments it is a CPU profile in a new directory of $TMPDIR or /tmp. Said on stderr, as
 * pkg/profile does: what is recorded, and where it is.
 *
 * An interrupt is answered by a thread of its own, which writes and then ends the program; calls
 * that signals interrupt (pause, poll) return with EINTR meanwhile, as they do with any handler.
 *
 * What differs from pkg/profile: profiles combine, as many as are asked for; a directory is made
 * only when it is not there; what cannot be recorded is said and leaves the others alone; nothing
 * ends the program.
 */
#ifndef SONDE_PROFILE_H_PUBLIC
#define SONDE_PROFILE_H_PUBLIC

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * 0, false or NULL in a member means its default. Files are named in brackets.
 */
struct sonde_profile_options {
	bool cpu;    /* CPUProfile [cpu.pprof]; the default if no other profile is asked for */
	bool mem;    /* MemProfile, MemProfileHeap: what is in use at the end [mem.pprof] */
	bool allocs; /* MemProfileAllocs: all that was allocated [mem.pprof, or allocs.pprof
			    * beside mem] */
	bool block;  /* BlockProfile: waits [block.pprof] */
	bool mutex;  /* MutexProfile: contention [mutex.pprof] */
	bool threadcreate; /* ThreadcreationProfile [threadcreation.pprof] */
	bool clock;	   /* ClockProfile: time on and off the CPU [clock.pprof] */
	bool goroutine;	   /* GoroutineProfile: where threads are at the end [goroutine.pprof] */
	bool trace;	   /* TraceProfile: trace.out, see sonde/trace.h */
	unsigned hz;	   /* of cpu and clock; default 100 */
	int64_t mem_rate; /* MemProfileRate: bytes between samples; default 4096, as pkg/profile's */
	int64_t block_rate;	/* ns; default 1: every wait */
	int64_t mutex_fraction; /* default 1: every contention */
	const char *path;	/* ProfilePath: the directory; made if it is not there */
	bool quiet;		/* Quiet: says nothing but errors */
	bool no_shutdown_hook;	/* NoShutdownHook: leaves SIGINT alone */
};

/*
 * Begins; profile.Start. One at a time. 0; -EBUSY: one is running, or something else records CPU
 * time; -EINVAL: a rate; or another -errno, in which case nothing runs. Thread-safe.
 */
int sonde_profile_start(const struct sonde_profile_options *options);
/* Stops and writes; Stop. 0, -ENOENT: none is running here, or the first -errno of writing. */
int sonde_profile_stop(void);

/* For the macro. */
static inline void sonde_profile_leave(const int *started)
{
	if (*started == 0)
		sonde_profile_stop();
}

#define SONDE_PROFILE(...)                                                                       \
	const struct sonde_profile_options sonde_profile_options_ = {__VA_ARGS__};               \
	__attribute__((cleanup(sonde_profile_leave), unused)) const int sonde_profile_started_ = \
		sonde_profile_start(&sonde_profile_options_)

#ifdef __cplusplus
}
#endif

#endif

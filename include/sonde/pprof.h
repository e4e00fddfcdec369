/*
 * sonde/pprof.h: profiles of the running program, from inside it.
 *
 * The C form of Go's package runtime/pprof. Link with -lsonde (pkg-config sonde); what is written
 * is profile.proto, gzipped, as Go writes it: `sonde pprof`, `go tool pprof` and everything else
 * that reads pprof open it, and find functions and lines in the program's own files.
 *
 *	struct sonde_cpu_profile_opts opts = SONDE_CPU_PROFILE_OPTS(.hz = 500);
 *	if (sonde_cpu_profile_start("cpu.pb.gz", &opts) == 0) {
 *		work();
 *		sonde_cpu_profile_stop();
 *	}
 *
 * A program can also be profiled without a call, from its start to its exit, by the environment:
 * SONDE_CPUPROFILE=FILE and SONDE_HZ=N; or unchanged and unlinked, by `sonde run`.
 *
 * All functions may be called from any thread, but not from a signal handler, and not between fork
 * and exec. Samples are recorded and written without taking memory from malloc. In a child made by
 * fork no profile is running, whatever its parent does.
 */
#ifndef SONDE_PPROF_H_PUBLIC
#define SONDE_PPROF_H_PUBLIC

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SONDE_CPU_PROFILE_HZ 100 /* Go's rate */

/*
 * Grows by appending members; `size` says which of them the caller knows. 0 in a member means its
 * default.
 */
struct sonde_cpu_profile_opts {
	size_t size;	   /* sizeof(struct sonde_cpu_profile_opts): set by the macro below */
	unsigned hz;	   /* samples a second of each thread's CPU time, 1 to 10000; default 100 */
	size_t memory_max; /* bytes the recording may take; default 64 MiB, at least 1 MiB. What
			    * finds no room keeps its time in the profile and loses its stack. */
};

#ifdef __cplusplus
#define SONDE_CPU_PROFILE_OPTS_SIZE sizeof(sonde_cpu_profile_opts)
#else
#define SONDE_CPU_PROFILE_OPTS_SIZE sizeof(struct sonde_cpu_profile_opts)
#endif
#define SONDE_CPU_PROFILE_OPTS(...)                              \
	{                                                        \
		.size = SONDE_CPU_PROFILE_OPTS_SIZE, __VA_ARGS__ \
	}

/*
 * Starts to record where all threads of the process, those there are and those to come, spend their
 * CPU time; pprof.StartCPUProfile. The file is made or emptied now and written by
 * sonde_cpu_profile_stop(). `opts` may be NULL.
 *
 * Returns 0, or
 *
 *	-EBUSY	  a CPU profile is running already (`sonde run` and SONDE_CPUPROFILE count), or the
 *		  program has a handler for SIGPROF, which the profiler needs for itself;
 *	-EINVAL	  an option is out of its range;
 *	-ENOMEM	  there is no memory for the recording;
 *	-ENOTSUP  the program is built with ThreadSanitizer, which holds signals back;
 *	-ENOEXEC  the program holds Go code, whose stacks have no room for signal handlers;
 *	-errno	  of open(2), or of the system calls that arm timers.
 */
int sonde_cpu_profile_start(const char *path, const struct sonde_cpu_profile_opts *opts);

/*
 * The same, writing to a descriptor, which stays the caller's: to be kept open until
 * sonde_cpu_profile_stop() has returned.
 */
int sonde_cpu_profile_start_fd(int fd, const struct sonde_cpu_profile_opts *opts);

/*
 * Stops and writes the profile; pprof.StopCPUProfile. Returns when it is written: 0, -ENOENT when
 * no profile was started by the functions above, or the negative error number of writing it (the
 * profile is then lost, and stopped all the same).
 */
int sonde_cpu_profile_stop(void);

/*
 * Records where threads wait and how long: for locks, condition variables, semaphores, other
 * threads and children, in sleep and poll, and in system calls that block. `ns`: each wait of that
 * length or more is counted, a shorter one with the probability of its length over `ns`, and then
 * for `ns`, so that sums are right at any rate. 1 counts everything, 0 switches it off, a negative
 * number changes nothing. What was counted stays. runtime.SetBlockProfileRate.
 *
 * Returns the rate before, or
 *
 *	-EINVAL	  the rate is above 2^47;
 *	-ENOMEM, -ENOTSUP, -ENOEXEC, -EAGAIN  as sonde_cpu_profile_start().
 */
int64_t sonde_block_rate_set(int64_t ns);

/*
 * Records who kept others waiting for locks: what threads waited for a mutex or a read-write lock
 * is charged to the stacks that released it meanwhile. One release in `n` is counted, for `n`; 1
 * counts all, 0 switches it off, a negative number changes nothing.
 * runtime.SetMutexProfileFraction.
 *
 * Returns the fraction before, or as above (-EINVAL: above 2^31).
 */
int64_t sonde_mutex_fraction_set(int64_t n);

/*
 * Records what is allocated, one allocation in `bytes` bytes on average, and whether it is freed;
 * 1 records all, 0 stops recording (frees of what was recorded are still seen), a negative number
 * changes nothing. Unlike in Go the rate may change at any time without biasing the profile, and it
 * is 0 until it is set. runtime.MemProfileRate, of which Go's default is 512 KiB.
 *
 * Returns the rate before, or as above (-ENOSPC: the recording has had 64 different rates).
 */
int64_t sonde_heap_rate_set(int64_t bytes);

/*
 * What a pool, an arena or an allocator that is linked in statically gives out is not seen by
 * itself: it says so. sonde_heap_alloc() after it gave out a block, with the size that was asked
 * for, and sonde_heap_free() before it takes one back; the heap profile then shows it as it shows a
 * block of malloc's, sampled at the same rate, under the stack from the caller on. Two blocks must
 * not have the same address at once, or the wrong one is freed: a pool that empties itself at a
 * stroke frees its blocks one by one, and what is hidden is hidden first. NULL and blocks that were
 * never told of do nothing.
 *
 * A pool that takes its memory from malloc would show twice, the chunk and what is in it.
 * sonde_heap_hide() takes a block out of the profile, as if it had not been recorded: to be called
 * of a chunk before anything in it is given out. The chunk's own free() needs nothing.
 *
 *	void *chunk = malloc(CHUNK);
 *	sonde_heap_hide(chunk);
 *	...
 *	sonde_heap_alloc(block, size);
 *
 * May be called from signal handlers. While the heap profile is off each costs a call, a load and a
 * branch. Declared weak by a program that is not linked with libsonde (and tested for NULL), they
 * are there when `sonde run` brings it. Go has one allocator and no such thing.
 */
#if defined(__GNUC__) && __GNUC__ >= 11 && !defined(__clang__)
#define SONDE_NOT_READ __attribute__((access(none, 1))) /* the block may be uninitialized */
#else
#define SONDE_NOT_READ
#endif
SONDE_NOT_READ void sonde_heap_alloc(const void *block, size_t size);
SONDE_NOT_READ void sonde_heap_free(const void *block);
SONDE_NOT_READ void sonde_heap_hide(const void *block);

/*
 * Records where threads spend their time, whether they run or not: `hz` samples a second of each
 * thread, 1 to 10000, with what it did as the label `state`: "running" (the CPU profile's part),
 * "waiting", with the label `wait` for what, or "other" (runnable without a CPU, or waiting in a
 * call that is not hooked). Waiting threads are neither woken nor interrupted: what they wait for
 * is charged when it is over, or when the profile is read. 0 switches it off, a negative number
 * changes nothing. The CPU profile's rate, where that runs too, is also this one's for what runs.
 * Go has none (github.com/felixge/fgprof).
 *
 * Returns the rate before, or as above (-EINVAL: above 10000; -EBUSY: the program has a handler for
 * SIGPROF).
 */
int64_t sonde_wall_rate_set(int64_t hz);

/*
 * Profiles by name, as /debug/pprof/NAME has them: "threadcreate" of everything since recording
 * began, "block" and "mutex" where they were switched on, ..., in short all that
 * sonde_profile_name() says for 0, 1, 2, ... until it says NULL. pprof.Profiles.
 */
const char *sonde_profile_name(size_t i);

/*
 * Writes the profile as it is now, while recording goes on; pprof.Lookup(name).WriteTo(w, 0). Of
 * "goroutine" that is where all threads are at this moment. The forms for people, debug=1 and 2,
 * need names of functions, which libsonde leaves to readers: sonde_http_serve() of sonde/http.h has
 * them. The descriptor stays the caller's; a file is made or emptied. Returns 0, -ENOENT where
 * there is no profile of that name or nothing is recorded, -ENOMEM, or -errno of open(2) or
 * write(2).
 */
int sonde_profile_write(const char *name, int fd);
int sonde_profile_write_file(const char *name, const char *path);

/*
 * The difference between two moments, net/http/pprof's ?seconds=: sonde_profile_delta_new() is the
 * first, each sonde_profile_delta_write() a second one. Counts are subtracted, not profiles:
 * nothing is rounded. Recording goes on until it is freed, even if all profiles are switched off.
 * Returns as above, and -ECHILD in a child made by fork. Freeing NULL is fine.
 */
struct sonde_profile_delta;
int sonde_profile_delta_new(const char *name, struct sonde_profile_delta **ret);
int sonde_profile_delta_write(const struct sonde_profile_delta *delta, int fd);
void sonde_profile_delta_free(struct sonde_profile_delta *delta);

/*
 * Where the heap grows: what was allocated in the first half of the time since the delta, of "heap"
 * or "allocs", began and is still there, of stacks that hold more than they did then. Written as a
 * profile of inuse_objects and inuse_space; /debug/pprof/heap?leak=1&seconds=N. Go has no such
 * thing.
 *
 * Returns 0 or -errno as above, -EINVAL: the delta is of another profile, or a code below -10000
 * where nothing has been sampled yet.
 */
int sonde_heap_leaks_since(const struct sonde_profile_delta *delta, int fd);

/*
 * What is lost: recorded blocks that no pointer in memory or registers leads to, nor through other
 * recorded blocks. Written as above; /debug/pprof/heap?leak=1. With the heap's rate at 1 these are
 * all there are, but those that a stale pointer still leads to; at other rates they are a sample of
 * them, scaled. A block whose address is kept in disguise (an exclusive or, a tag in its upper
 * bits, in a file, by the kernel alone) looks lost.
 *
 * All memory of the process that can be written is read, 1 GB in some 3 seconds, and several times
 * over where there are other threads, which go on meanwhile. Takes some 120 bytes for each recorded
 * block, not from malloc.
 *
 * Returns 0 or -errno as above: -ENOENT, the heap profile is off; -ETIMEDOUT, half a minute was not
 * enough; -EPERM, the process may not read its own memory by process_vm_readv(2).
 */
int sonde_heap_leaks(int fd);

/*
 * A profile of the program's own: what it holds (sessions, files, handles), by the stacks that
 * added it; pprof.NewProfile, Lookup, Add, Remove and Count. It is written by name, as all profiles
 * are, and stays until the process ends. Values are only compared, never followed. `skip` leaves
 * out that many innermost frames: 0 begins with the caller of sonde_profile_add(), 1 with the
 * caller's.
 *
 * sonde_profile_new() returns 0, or -EEXIST where there is a profile of that name, -EINVAL where it
 * is empty or has 128 bytes or more, or an error of sonde_cpu_profile_start(). The others return
 * -EEXIST: the value is in the profile already, -ENOENT: it is not, -EINVAL: it is NULL, -ENOMEM,
 * or -ECHILD in a child made by fork.
 */
struct sonde_profile;
int sonde_profile_new(const char *name, struct sonde_profile **ret);
struct sonde_profile *sonde_profile_lookup(const char *name); /* NULL: none made by it */
int sonde_profile_add(struct sonde_profile *profile, const void *value, unsigned skip);
int sonde_profile_remove(struct sonde_profile *profile, const void *value);
int64_t sonde_profile_count(struct sonde_profile *profile);

/*
 * Labels say what a thread works for: a request, a tenant, a phase. The samples of every profile
 * carry the labels that the thread had then, and `sonde pprof -tags -tagfocus` tells them apart.
 * Threads inherit the labels of the thread that creates them. A label that was set before a profile
 * began shows in it. A thread has at most 32, of at most 1024 bytes together, which are copied; the
 * recording keeps each distinct set it has met, so a label that is never the same twice fills it.
 *
 * Sets one label of the calling thread, in place of one with the same key;
 * pprof.SetGoroutineLabels(pprof.WithLabels(...)). Returns 0, or
 *	-EINVAL		the key is empty;
 *	-E2BIG		the thread would have too many labels, or too long ones;
 *	-EAGAIN		there are too many threads;
 *	-ENOMEM, -ENOTSUP, -ENOEXEC	as sonde_cpu_profile_start().
 */
int sonde_label_set(const char *key, const char *value);

/* Takes one label of the calling thread away, if it has it. 0, or as above. */
int sonde_label_del(const char *key);

/*
 * A label of the calling thread; pprof.Label. Like snprintf: returns the value's length and writes
 * what fits of it into `size` bytes, with a NUL; -ENOENT when there is none. May be called from
 * signal handlers.
 */
int sonde_label_get(const char *key, char *ret_value, size_t size);

struct sonde_label {
	const char *key, *value;
};

/*
 * Runs fn(arg) with more labels, and puts back those before; pprof.Do. fn runs in any case and must
 * return. 0, or the error of the first label that could not be set.
 */
int sonde_do(const struct sonde_label *labels, size_t n, void (*fn)(void *), void *arg);

/* What a thread's labels were. */
struct sonde_label_scope {
	uint64_t recording;
	uint32_t set;
	int error; /* 0, or why a label was not set */
};

/* The two halves of sonde_do(), on one thread. An end puts back what its begin found. */
struct sonde_label_scope sonde_label_scope_begin(const struct sonde_label *labels, size_t n);
void sonde_label_scope_end(const struct sonde_label_scope *scope);

/*
 * The calling thread has a label until the end of the block, however that is left (in C++ also by
 * an exception; not by longjmp):
 *
 *	SONDE_LABEL_SCOPE("handler", "search");
 */
#define SONDE_LABEL_SCOPE(key, value)	     SONDE_LABEL_SCOPE_AT(key, value, __COUNTER__)
#define SONDE_LABEL_SCOPE_AT(key, value, at) SONDE_LABEL_SCOPE_NAMED(key, value, at)
#define SONDE_LABEL_SCOPE_NAMED(key, value, at)                           \
	const struct sonde_label sonde_label_##at = {key, value};         \
	const struct sonde_label_scope sonde_label_scope_##at             \
		__attribute__((cleanup(sonde_label_scope_end), unused)) = \
			sonde_label_scope_begin(&sonde_label_##at, 1)

#ifdef __cplusplus
}
#endif

#endif

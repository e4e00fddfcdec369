/*
 * export_threads: the threads of a snapshot one by one, with all that is known of each; the
 * goroutine profile counts them by stack.
 *
 * They come with a profile, of the goroutine view, that has one sample for each thread, and behind
 * these one for each stack that created one, so that all stacks are symbolized together.
 */
#ifndef SONDE_AGENT_EXPORT_THREADS_H
#define SONDE_AGENT_EXPORT_THREADS_H

#include "agent/recording.h"
#include "agent/wait_kinds.h"
#include "base/base.h"

#define EXPORT_THREAD_NAME 16
#define THREADS_READ_MAX   (1u << 20)

struct builder;
struct export_source;

struct export_thread {
	int tid;
	int creator;		       /* 0: not known */
	char name[EXPORT_THREAD_NAME]; /* "" if it has ended since; see export_threads_name() */
	unsigned wait;		       /* enum wait_kind */
	int fd;			       /* -1: none */
	int owner;		       /* of the lock, or the thread that is joined; 0: not known */
	uint64_t object;	       /* 0: none */
	uint64_t waited_ns, age_ns;    /* at the snapshot; 0: not known */
	uint64_t handle;
	uint32_t sample;  /* of its stack, in the profile */
	uint32_t created; /* of its creator's; PROFILE_NONE: not known */
	uint32_t cycle;	  /* of threads that wait for each other, from 1; 0: in none */
	uint32_t next;	  /* whom it waits for; PROFILE_NONE: not known */
};

struct export_threads {
	struct export_thread *of; /* by tid */
	uint32_t n, cap;
	uint32_t cycles;
};
#define EXPORT_THREADS_INIT \
	{                   \
		0           \
	}

void export_threads_release(struct export_threads *threads);
/* Finds the names of threads, which are the kernel's to tell: three system calls each. */
void export_threads_name(struct export_threads *threads, int pid);

/* --- for export.c --- */

/* Adds a sample of value 1; PROFILE_NONE if that is no stack. */
uint32_t export_add_stack(struct builder *b, rec_ref stack, rec_ref labels);
/* Reads the newest snapshot of the recording that `b` reads. */
void export_threads_read(
	struct export_threads *threads, struct builder *b, const struct export_source *source);

#endif

/*
 * The thread hooks; see threads.c.
 */
#ifndef SONDE_AGENT_HOOKS_THREADS_H
#define SONDE_AGENT_HOOKS_THREADS_H

/* Makes the key that tells a thread's end. 0 or -errno; without it no thread is followed. */
int hooks_threads_init(void);

#endif

/*
 * The loader's hooks; see dl.c.
 */
#ifndef SONDE_AGENT_HOOKS_DL_H
#define SONDE_AGENT_HOOKS_DL_H

/* The next dlsym; NULL if there is none. */
void *hooks_next_dlsym(void);

#endif

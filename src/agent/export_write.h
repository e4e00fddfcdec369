/*
 * export_write: writes a recording as a profile from inside the program that made it.
 */
#ifndef SONDE_AGENT_EXPORT_WRITE_H
#define SONDE_AGENT_EXPORT_WRITE_H

#include "agent/recording.h"

/* profile.proto, gzipped, to the descriptor: 0 or a negative code. For ordinary threads; takes no
 * memory from the program's malloc, and gives all it took back. */
int export_write(const struct recording *rec, int fd);

#endif

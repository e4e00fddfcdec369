/*
 * custom: profiles the program makes itself, by name, of what it says it holds.
 */
#ifndef SONDE_AGENT_CUSTOM_H
#define SONDE_AGENT_CUSTOM_H

#include "agent/export_view.h"

/* The view of the custom profile of this name, or the i-th made; NULL: there is none. Thread-safe.
 * Profiles are never taken away. */
const struct export_view *custom_view(const char *name);
const struct export_view *custom_view_at(size_t i);

/* In a fork's child: nobody is making one. */
void custom_after_fork_child(void);

#endif

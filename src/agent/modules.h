/*
 * modules: which file an address belonged to when it was recorded.
 *
 * A program that loads and unloads libraries gives one address to several of them in turn. Modules
 * are kept in layouts, sets in which no two overlap; a stack names the layout in force when it was
 * taken. A module that fits the current layout joins it; one that does not makes the recording move
 * to another layout that all loaded modules fit, an old one if there is any, so that a program
 * which loads and unloads the same plugins for ever needs no more layouts than it has conflicts.
 * (Rejected: a generation in each stack, which stores every stack anew at each dlopen.)
 */
#ifndef SONDE_AGENT_MODULES_H
#define SONDE_AGENT_MODULES_H

#include "agent/recording.h"

/* Ordinary thread, one caller at a time: takes over the modules the unwinder knows now. 0, or
 * -ENOMEM: some modules could not be noted. */
int modules_update(struct recording *rec);

#endif

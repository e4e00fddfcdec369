/*
 * libedit, loaded when the shell first reads a line from a terminal.
 */
#ifndef SONDE_CLI_EDITLINE_H
#define SONDE_CLI_EDITLINE_H

#include <histedit.h>

#include "base/base.h"

#define EDITLINE_FUNCTIONS(X) \
	X(el_init)            \
	X(el_end)             \
	X(el_set)             \
	X(el_get)             \
	X(el_source)          \
	X(el_gets)            \
	X(el_line)            \
	X(el_insertstr)       \
	X(el_deletestr)       \
	X(history_init)       \
	X(history_end)        \
	X(history)

struct editline {
	EDITLINE_FUNCTIONS(LIBRARY_MEMBER)
};

#endif

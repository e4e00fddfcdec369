/*
 * The reader's state, for the functions that say what an event means. Private to gotrace.
 */
#ifndef SONDE_GOTRACE_READER_H
#define SONDE_GOTRACE_READER_H

#include "gotrace/order.h"

struct gotrace_reader {
	struct input in;
	int version;
	int64_t last; /* ns, of the event delivered last */
	int64_t at;   /* offset of the event tried last */
	struct generation gen;
	bool has_gen;  /* gen is one, not what is left of a failed attempt or the end */
	size_t sample; /* the next CPU sample */
	struct frontier frontier;
	struct order order;
	uint64_t events, waits; /* tried first; tried beyond those */
	uint64_t syncs;
	struct spill spill;
	struct err after; /* what comes after the last good generation; code 0: nothing */
	bool done;
	struct err failed; /* code 0: nothing so far */
};

#endif

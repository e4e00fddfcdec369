/*
 * export_blocks: the blocks that a process has recorded and not freed, as its table of them says
 * now.
 *
 * The process may be this one or another: its memory is read by process_vm_readv(), which finds out
 * by itself what cannot be read. (Rejected: the table in the recording, which would be written to a
 * file for nobody most of the time.) Addresses stay as the table has them, which may be our own
 * process's: a search of its memory must not find them here. Needs the right to trace the process,
 * as a parent has and a debugger.
 */
#ifndef SONDE_AGENT_EXPORT_BLOCKS_H
#define SONDE_AGENT_EXPORT_BLOCKS_H

#include "agent/export_baseline.h"
#include "agent/recording.h"
#include "base/base.h"

struct block {
	uint64_t address, size; /* live_hide(); what was asked for */
	rec_ref count;
	uint32_t born; /* recording_heap_tick() */
};

struct blocks {
	struct block *items; /* in no order */
	uint32_t n, cap;
};

/* The blocks of the process whose recording (its newest) this is. Those that come or go
 * meanwhile may be in it or not. 0, or an error. */
must_check int blocks_read(
	struct blocks *ret, const struct export_source *recording, struct err *err);
void blocks_release(struct blocks *b);

#endif

/*
 * export_reach: which recorded blocks no pointer leads to any more.
 *
 * All memory of the process that can be written, and its registers, is searched for words that look
 * like the address of a recorded block, of its beginning or of anything in it. What is found from
 * outside the recorded blocks is reachable, and so is what is found in a reachable block. The rest
 * is unreachable: chains and rings of lost blocks as well.
 *
 * Sampling makes this no less certain. A block that was not recorded counts as memory that can be
 * reached, so a leak may be missed where a lost block that was not recorded still points to it, or
 * where a stale pointer does; a block is never called lost while a pointer to it is in memory. What
 * is not seen are pointers that do not look like any: disguised ones (an exclusive or, bits set in
 * the upper half), what only the kernel or a file holds, addresses that are not aligned to 8 bytes,
 * and a pointer just past the end of its block.
 *
 * The process runs on while it is searched: a pointer that moves may be missed where it came from
 * and where it went. A block that is lost stays lost, so the search is done again, from what was
 * found before as well, until five searches in a row have found nothing more. A process of one
 * thread that searches itself needs to do it once. (Rejected: stopping the threads for as long as
 * reading the memory takes.)
 */
#ifndef SONDE_AGENT_EXPORT_REACH_H
#define SONDE_AGENT_EXPORT_REACH_H

#include "agent/export_blocks.h"
#include "agent/export_roots.h"

struct reach {
	struct block *lost;
	uint32_t n, cap;
	uint32_t of;	   /* blocks looked at */
	uint64_t read;	   /* bytes searched */
	uint32_t searches; /* how often */
	uint32_t silent;   /* threads that did not say what is in their registers */
	uint64_t took_ns;
};

/* Searches the process whose recording (its newest) this is, this process or another one, for no
 * longer than `patience_ns`. 0, or an error: -ETIMEDOUT, or memory or /proc cannot be read. */
must_check int reach_find(struct reach *ret, const struct export_source *recording,
	const struct roots_question *question, uint64_t patience_ns, struct err *err);
void reach_release(struct reach *r);

#endif

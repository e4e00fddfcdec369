/*
 * Numbers that were packed: each in as many bits as the largest of them needs, one right behind the
 * other, lowest bits first. Private to pprof.
 */
#ifndef SONDE_PPROF_UNPACK_H
#define SONDE_PPROF_UNPACK_H

enum {
	UNPACK_OVER = 8,   /* numbers that may be written behind the last one wanted */
	UNPACK_BEHIND = 32 /* bytes behind the last number that have to be readable */
};

/* Numbers `from` to n - 1 of those at `run`, of at most 32 bits each, to `to`. */
void unpack(const uint8_t *run, unsigned bits, uint32_t from, uint32_t n, uint32_t *to);

#endif

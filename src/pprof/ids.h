/*
 * Packed ids: the varints of a sample's location_id. Private to pprof.
 */
#ifndef SONDE_PPROF_IDS_H
#define SONDE_PPROF_IDS_H

enum {
	IDS_OVER = 4 /* numbers that may be written behind the last one taken */
};

/* Takes the ids from *p on, up to `end`, each less one to `to`, and says how many. May stop before
 * any, and does before an id that is 0, longer than four bytes, or cut off: the caller reads that
 * one itself and comes again. Bytes up to `readable_end`, which may lie behind `end`, are looked
 * at. */
size_t ids_take(const uint8_t **p, const uint8_t *end, const uint8_t *readable_end, uint32_t *to);

#endif

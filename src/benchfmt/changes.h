/*
 * Change points: where in a series of samples (a benchmark over commits) the level changed and
 * stayed changed. docs/benchstat.md explains the method; it is deterministic.
 */
#ifndef SONDE_BENCHFMT_CHANGES_H
#define SONDE_BENCHFMT_CHANGES_H

struct change {
	uint32_t at; /* the first sample of the new level */
	double p;
};

struct changes {
	struct change *all; /* by `at` */
	uint32_t n, cap;
};

/* What can be shared by the series of one run: what chance alone brings about for each length. */
struct change_finder {
	double alpha;
	/* private */
	struct map known; /* length and kind -> place in chances */
	double **chances;
	uint32_t chance_n, chance_cap;
};

void change_finder_init(struct change_finder *f, double alpha);
void change_finder_release(struct change_finder *f);
/* Adds the changes of the series to *ret, which starts zeroed. No sample is empty. */
void changes_find(
	struct change_finder *f, const struct sample *series, uint32_t n, struct changes *ret);
void changes_release(struct changes *c);

#endif

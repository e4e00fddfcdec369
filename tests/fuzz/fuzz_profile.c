/*
 * The profile.proto reader, gzip included, and what is done to whatever it lets through: print,
 * write and read back, merge, compact, aggregate, prune.
 */
#include "pprof/pprof.h"

static const struct profile_limits limits = {
	.inflated_max = 64 << 20, .samples_max = 1 << 20, .memory_max = 256 << 20};

static void must(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static int count(struct sink *sink, const void *p, size_t n)
{
	*(size_t *)sink->ctx += n;
	return 0;
}

/* Written once and written twice are the same, and so is what is read from them. */
static void round_trip(const struct profile *p)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;
	struct profile again;
	profile_encode(p, &once);
	must(profile_parse(&again, once.data, once.len, &limits, NULL) >= 0);
	profile_encode(&again, &twice);
	must(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	profile_release(&again);
	buf_release(&once);
	buf_release(&twice);
}

static void encode(const struct profile *p, struct buf *ret)
{
	must(profile_check(p, NULL) >= 0);
	profile_encode(p, ret);
}

/* Profiles that may be taken merge to the same as profiles that must stay. */
static void merge_taken(const struct profile *both, const struct profile *merged)
{
	struct profile taken[2], other;
	struct buf expected = BUF_INIT, got = BUF_INIT;
	profile_copy(&taken[0], &both[0]);
	profile_copy(&taken[1], &both[1]);
	must(profile_merge_take(&other, taken, 2, NULL) >= 0);
	encode(merged, &expected);
	encode(&other, &got);
	must(got.len == expected.len && memcmp(got.data, expected.data, got.len) == 0);
	profile_release(&other);
	buf_release(&expected);
	buf_release(&got);
}

static void transform(struct profile *p)
{
	struct err err = ERR_INIT;
	struct profile both[2] = {*p}, merged;
	profile_copy(&both[1], p);
	profile_scale(&both[1], -0.5);
	profile_set_label(&both[1], "base", "true");
	must(profile_merge(&merged, both, 2, &err) >= 0);
	merge_taken(both, &merged);
	profile_aggregate(&merged, PROFILE_KEEP_FUNCTIONS);
	profile_compact(&merged);
	if (profile_remove_uninteresting(&merged, &err) >= 0)
		must(profile_check(&merged, NULL) >= 0);
	profile_release(&merged);
	profile_release(&both[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct profile p;
	struct err err = ERR_INIT;
	size_t printed = 0;
	struct sink sink = {.write = count, .ctx = &printed};
	if (profile_parse(&p, data, n, &limits, &err) < 0) {
		must(err.msg[0] != '\0');
		return 0;
	}
	must(profile_check(&p, NULL) >= 0);
	must(profile_string(&p, &sink) == 0 && printed);
	round_trip(&p);
	transform(&p);
	profile_release(&p);
	return 0;
}

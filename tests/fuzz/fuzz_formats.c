/*
 * The formats that are not pprof's: the first byte names the reader (0: whichever the content
 * shows), the rest is the input. What is read is checked, and exported again.
 */
#include "pprof/pprof.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct profile_limits limits = {
		.inflated_max = 16 << 20, .samples_max = 1 << 20, .memory_max = 64 << 20};
	struct profile p;
	struct err err = ERR_INIT;
	size_t written = 0;
	struct sink sink = {.write = count, .ctx = &written};
	if (n == 0)
		return 0;
	enum profile_format format = data[0] % FORMAT_N;
	if (profile_read(&p, data + 1, n - 1, format, &limits, &err) < 0) {
		must(err.msg[0] != '\0');
		return 0;
	}
	must(profile_check(&p, NULL) >= 0);
	if (p.sample_type_n) {
		must(profile_write_folded(&p, p.sample_type_n - 1, &sink) == 0);
		must(profile_write_speedscope(&p, "fuzz", 0, &sink) == 0 && written);
	}
	profile_release(&p);
	return 0;
}

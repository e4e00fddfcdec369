/*
 * The legacy readers. The first byte chooses a beginning, so that the fuzzer need not find the
 * headers by itself; 0 stands for none.
 */
#include "pprof/pprof.h"

static const struct {
	const char *bytes;
	size_t n;
} beginnings[] = {
#define BEGINNING(s)             \
	{                        \
		s, sizeof(s) - 1 \
	}
	BEGINNING(""),
	BEGINNING("heap profile: 1: 2 [3: 4] @ heap_v2/524288\n"),
	BEGINNING("heap profile: 1: 2 [1: 2] @ growthz\n"),
	BEGINNING("goroutine profile: total 1\n"),
	BEGINNING("--- threadz 1 ---\n\n--- Thread 7f01 (name: main/11) stack: ---\n"),
	BEGINNING("--- contentionz 1 ---\ncycles/second = 1000\n"),
	BEGINNING("--- heapz 1 ---\nformat = java\nresolution = bytes\n"),
	BEGINNING("\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"),
	BEGINNING("\0\0\0\0\3\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0"),
	BEGINNING("\0\0\0\0\3\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"),
	BEGINNING("heap profile: 1: 2 [3: 4] @ heap/4\n1: 2 [3: 4] @ 0x1234\nMAPPED_LIBRARIES:\n"),
};

static void must(bool ok)
{
	if (!ok)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf input = BUF_INIT;
	struct profile p;
	struct err err = ERR_INIT;
	if (n == 0)
		return 0;
	size_t i = data[0] % array_len(beginnings);
	buf_add(&input, beginnings[i].bytes, beginnings[i].n);
	buf_add(&input, data + 1, n - 1);
	if (profile_parse(&p, input.data, input.len, NULL, &err) >= 0) {
		struct buf message = BUF_INIT;
		struct profile again;
		must(profile_check(&p, NULL) >= 0);
		profile_encode(&p, &message);
		must(profile_parse(&again, message.data, message.len, NULL, NULL) >= 0);
		profile_release(&again);
		profile_release(&p);
		buf_release(&message);
	} else {
		must(err.msg[0] != '\0');
	}
	buf_release(&input);
	return 0;
}

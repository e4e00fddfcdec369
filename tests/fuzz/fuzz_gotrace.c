/*
 * Any bytes as an execution trace: every event read, validated and put in words, and the wire.
 */
#include "gotrace/gotrace.h"

static void read_events(const uint8_t *data, size_t n)
{
	struct gotrace_bytes bytes;
	struct gotrace_reader *r;
	struct gotrace_event ev;
	struct err err = ERR_INIT;
	int64_t last = 0;
	gotrace_bytes_init(&bytes, data, n);
	if (gotrace_reader_new(&bytes.source, &r, &err) < 0)
		return;
	struct gotrace_validator *v = gotrace_validator_new();
	struct buf text = BUF_INIT;
	while (gotrace_reader_next(r, &ev, &err) > 0) {
		(void)!gotrace_validator_event(v, r, &ev, &err);
		buf_clear(&text);
		gotrace_event_text(r, &ev, &text);
		/* Times go up, but for those that come round the end of the numbers. */
		if (ev.time <= last && last != INT64_MAX)
			__builtin_trap();
		last = ev.time;
	}
	buf_release(&text);
	gotrace_validator_free(v);
	gotrace_reader_free(r);
}

static void read_wire(const uint8_t *data, size_t n)
{
	struct gotrace_bytes bytes;
	struct gotrace_raw *r;
	struct gotrace_raw_event ev;
	gotrace_bytes_init(&bytes, data, n);
	if (gotrace_raw_new(&bytes.source, &r, NULL) < 0)
		return;
	struct buf text = BUF_INIT;
	while (gotrace_raw_next(r, &ev, NULL) > 0) {
		buf_clear(&text);
		gotrace_raw_text(&ev, &text);
	}
	buf_release(&text);
	gotrace_raw_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	read_events(data, n);
	read_wire(data, n);
	return 0;
}

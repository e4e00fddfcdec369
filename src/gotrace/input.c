/*
 * Buffering, and the header of a trace. See input.h.
 */
#include "gotrace/input.h"

#include <stdio.h>

#define CHUNK	   ((size_t)256 * 1024)
#define DIGITS_MAX 9 /* of a version, so that it fits an int */

static void input_init(struct input *in, struct gotrace_source *source)
{
	*in = (struct input){.source = source, .buf = mem_alloc(CHUNK)};
}

void input_release(struct input *in)
{
	mem_free(in->buf);
}

/* At least one more byte in the buffer, if there is one. */
static bool fill(struct input *in)
{
	if (in->pos < in->len)
		return true;
	in->start += (int64_t)in->len;
	in->pos = in->len = 0;
	if (in->failed)
		return false;
	int64_t n = in->source->read(in->source, in->buf, CHUNK);
	if (n < 0)
		in->failed = (int)n;
	else
		in->len = (size_t)n;
	return n > 0;
}

int input_byte(struct input *in, uint8_t *ret)
{
	if (!fill(in))
		return 0;
	*ret = in->buf[in->pos++];
	return 1;
}

enum varint input_varint(struct input *in, uint64_t *ret)
{
	uint8_t bytes[VARINT_MAX];
	const uint8_t *p = bytes;
	size_t n = 0;
	while (n < VARINT_MAX && input_byte(in, &bytes[n]))
		if (bytes[n++] < 0x80)
			break;
	return varint_read(&p, bytes + n, ret);
}

size_t input_bytes(struct input *in, void *p, size_t n)
{
	size_t done = 0;
	while (done < n && fill(in)) {
		size_t part = in->len - in->pos < n - done ? in->len - in->pos : n - done;
		memcpy((char *)p + done, in->buf + in->pos, part);
		in->pos += part;
		done += part;
	}
	return done;
}

int input_failed(const struct input *in, struct err *err)
{
	if (!in->failed)
		return 0;
	return err_at(err, in->failed, input_offset(in), "reading: %s", err_name(in->failed));
}

/* The number between "go 1." and " trace", or -1. */
static int parse_version(struct input *in)
{
	static const char before[] = "go 1.", after[] = " trace\0\0"; /* and its own NUL */
	char text[sizeof(after)];
	uint8_t c = 0;
	int version = 0;
	if (input_bytes(in, text, sizeof(before) - 1) < sizeof(before) - 1 ||
		memcmp(text, before, sizeof(before) - 1) != 0)
		return -1;
	for (int digits = 0;; digits++) {
		if (!input_byte(in, &c))
			return -1;
		bool digit = c >= '0' && c <= '9';
		if (digit ? digits == DIGITS_MAX : !digits)
			return -1;
		if (!digit)
			break;
		version = version * 10 + (c - '0');
	}
	text[0] = (char)c;
	if (input_bytes(in, text + 1, sizeof(text) - 1) < sizeof(text) - 1 ||
		memcmp(text, after, sizeof(after)) != 0)
		return -1;
	return version;
}

static int input_header(struct input *in, struct err *err)
{
	int version = parse_version(in);
	if (version < 0) {
		int rc = input_failed(in, err);
		return rc < 0 ? rc
			      : err_at(err, ERR_FORMAT, 0,
					"bad file format: not a Go execution trace?");
	}
	switch (version) {
	case GOTRACE_V22:
	case GOTRACE_V23:
	case GOTRACE_V25:
	case GOTRACE_V26:
		return version;
	case 11:
	case 19:
	case 21:
		return err_at(err, ERR_UNSUPPORTED, 0,
			"a trace in the old format, of Go 1.21 or before (its header says go "
			"1.%d); "
			"only traces of Go 1.22 and later are read",
			version);
	default:
		return err_at(err, ERR_UNSUPPORTED, 0,
			"unknown or unsupported trace version go 1.%d", version);
	}
}

int input_open(struct input *in, struct gotrace_source *source, struct err *err)
{
	input_init(in, source);
	int version = input_header(in, err);
	if (version < 0)
		input_release(in);
	return version;
}

static int64_t read_bytes(struct gotrace_source *source, void *p, size_t n)
{
	struct gotrace_bytes *b = source->ctx;
	if (n > b->n)
		n = b->n;
	if (!n)
		return 0;
	memcpy(p, b->p, n);
	b->p += n;
	b->n -= n;
	return (int64_t)n;
}

void gotrace_bytes_init(struct gotrace_bytes *bytes, const void *p, size_t n)
{
	*bytes = (struct gotrace_bytes){{read_bytes, bytes}, p, n};
}

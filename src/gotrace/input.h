/*
 * The bytes of a trace in order, buffered, with their offsets. Private to gotrace.
 *
 * Both readers, of events and of the wire, take the container apart with this.
 */
#ifndef SONDE_GOTRACE_INPUT_H
#define SONDE_GOTRACE_INPUT_H

#include "gotrace/gotrace.h"
#include "gotrace/varint.h"

struct input {
	struct gotrace_source *source;
	uint8_t *buf;
	size_t pos, len; /* of what is in buf */
	int64_t start;	 /* offset of buf[0] in the file */
	int failed;	 /* the source's code: it then gives nothing more */
};

/* Reads the header: the version (22, 23, ...), or an error, and nothing is to be released; v1 is
 * ERR_UNSUPPORTED. */
must_check int input_open(struct input *in, struct gotrace_source *source, struct err *err);
void input_release(struct input *in);
/* 1, or 0 if there is none. Where the source fails it is as if the bytes ended: ask input_failed()
 * before taking an end for one. */
int input_byte(struct input *in, uint8_t *ret);
enum varint input_varint(struct input *in, uint64_t *ret);
/* As many of n bytes as there are. */
size_t input_bytes(struct input *in, void *p, size_t n);
/* 0, or the source's code with a message. */
must_check int input_failed(const struct input *in, struct err *err);

static inline int64_t input_offset(const struct input *in)
{
	return in->start + (int64_t)in->pos;
}

#endif

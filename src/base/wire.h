/*
 * Protocol Buffers wire format, both ways (protobuf.dev/programming-guides/encoding).
 *
 * The reader walks a span of bytes without copying; every length is checked against the span. The
 * writer appends to a buffer. Like Go's encoder in runtime/pprof, the *_opt writers skip zero.
 */
#ifndef SONDE_BASE_WIRE_H
#define SONDE_BASE_WIRE_H

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
	WIRE_FIXED32 = 5,
};

struct wire {
	const uint8_t *p, *end;
	const uint8_t *start; /* of the whole input: offsets in errors count from here */
};

struct wire_field {
	uint32_t num;
	enum wire_type type;
	uint64_t value;	     /* VARINT, FIXED64, FIXED32 */
	struct wire bytes;   /* BYTES */
	const uint8_t *from; /* first byte of the tag: [from, wire.p) is the whole field, raw */
};

static inline struct wire wire_of(const void *p, size_t n)
{
	const uint8_t *s = p;
	return (struct wire){.p = s, .end = s + n, .start = s};
}

static inline int64_t wire_offset(const struct wire *w, const uint8_t *p)
{
	return p - w->start;
}

/* One varint: 0, or ERR_TRUNCATED / ERR_FORMAT (longer than 10 bytes) with w->p unmoved. */
int wire_varint_slow(struct wire *w, uint64_t *ret);

static inline must_check int wire_varint(struct wire *w, uint64_t *ret)
{
	if (w->p < w->end && *w->p < 0x80) {
		*ret = *w->p++;
		return 0;
	}
	return wire_varint_slow(w, ret);
}

/* The next field, whatever it is; wire_next() calls it for what it does not do inline. */
must_check int wire_next_slow(struct wire *w, struct wire_field *ret, struct err *err);

/* The next field: 1, 0 at the end, or an error with its offset. Inline for fields 1 to 15 with a
 * value of one byte or a length of one or two, which are nearly all there are. */
static inline must_check int wire_next(struct wire *w, struct wire_field *ret, struct err *err)
{
	const uint8_t *p = w->p;
	if (w->end - p < 2)
		return p == w->end ? 0 : wire_next_slow(w, ret, err);
	if (p[0] >= 0x80 || p[0] < 8)
		return wire_next_slow(w, ret, err);
	ret->num = p[0] >> 3;
	ret->type = p[0] & 7;
	ret->from = p;
	if (ret->type == WIRE_VARINT && p[1] < 0x80) {
		ret->value = p[1];
		w->p = p + 2;
		return 1;
	}
	uint32_t n = p[1];
	const uint8_t *bytes = p + 2;
	if (n >= 0x80 && bytes < w->end)
		n += (uint32_t)*bytes++ * 0x80 - 0x80;
	if (ret->type != WIRE_BYTES || n > w->end - bytes || n >= 1 << 14)
		return wire_next_slow(w, ret, err);
	ret->bytes = (struct wire){.p = bytes, .end = bytes + n, .start = w->start};
	w->p = ret->bytes.end;
	return 1;
}

void wire_put_varint(struct buf *buf, uint64_t v);
void wire_put_tag(struct buf *buf, uint32_t num, enum wire_type type);
void wire_put_uint(struct buf *buf, uint32_t num, uint64_t v);
void wire_put_uint_opt(struct buf *buf, uint32_t num, uint64_t v);
void wire_put_bytes(struct buf *buf, uint32_t num, const void *p, size_t n);
void wire_put_packed(struct buf *buf, uint32_t num, const uint64_t *v, size_t n);
/* A nested message: begin returns a mark; end moves the body to make room for its length. */
size_t wire_begin(struct buf *buf, uint32_t num);
void wire_end(struct buf *buf, size_t mark);
/* The bytes of a varint: a seventh of the bits, and 9/64 is near enough. */
static inline size_t wire_varint_size(uint64_t v)
{
	return ((size_t)(63 - __builtin_clzll(v | 1)) * 9 + 73) / 64;
}

#endif

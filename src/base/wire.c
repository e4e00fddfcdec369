/*
 * Protocol Buffers wire format: see wire.h. (Rejected: protobuf-c, whose generated code copies
 * every string and cannot compile OTLP's metrics.proto.)
 */
#include "base/base.h"

int wire_varint_slow(struct wire *w, uint64_t *ret)
{
	uint64_t v = 0;
	const uint8_t *p = w->p;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		if (p == w->end)
			return ERR_TRUNCATED;
		uint8_t b = *p++;
		v |= shift < 64 ? (uint64_t)(b & 0x7f) << shift : 0;
		if (b < 0x80) {
			*ret = v;
			w->p = p;
			return 0;
		}
	}
	return ERR_FORMAT;
}

static int bad_varint(struct wire *w, int rc, struct err *err)
{
	return err_at(err, rc, wire_offset(w, w->p),
		rc == ERR_TRUNCATED ? "varint runs past the end" : "varint longer than 10 bytes");
}

static int fixed(struct wire *w, size_t n, uint64_t *ret, struct err *err)
{
	if ((size_t)(w->end - w->p) < n)
		return err_at(err, ERR_TRUNCATED, wire_offset(w, w->p),
			"fixed-width field runs past the end");
	*ret = 0;
	memcpy(ret, w->p, n); /* little endian, as are both architectures */
	w->p += n;
	return 1;
}

static int bytes(struct wire *w, struct wire_field *f, struct err *err)
{
	uint64_t n;
	int rc = wire_varint(w, &n);
	if (rc < 0)
		return bad_varint(w, rc, err);
	if (n > (uint64_t)(w->end - w->p))
		return err_at(err, ERR_TRUNCATED, wire_offset(w, f->from),
			"field %u says %llu bytes, only %lld are left", f->num,
			(unsigned long long)n, (long long)(w->end - w->p));
	f->bytes = (struct wire){.p = w->p, .end = w->p + n, .start = w->start};
	w->p += n;
	return 1;
}

int wire_next_slow(struct wire *w, struct wire_field *f, struct err *err)
{
	if (w->p == w->end)
		return 0;
	f->from = w->p;
	uint64_t tag;
	int rc = wire_varint(w, &tag);
	if (rc < 0)
		return bad_varint(w, rc, err);
	if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return err_at(err, ERR_FORMAT, wire_offset(w, f->from),
			"field number %llu is not valid", (unsigned long long)(tag >> 3));
	f->num = (uint32_t)(tag >> 3);
	f->type = tag & 7;
	switch (f->type) {
	case WIRE_VARINT:
		rc = wire_varint(w, &f->value);
		return rc < 0 ? bad_varint(w, rc, err) : 1;
	case WIRE_FIXED64:
		return fixed(w, 8, &f->value, err);
	case WIRE_FIXED32:
		return fixed(w, 4, &f->value, err);
	case WIRE_BYTES:
		return bytes(w, f, err);
	}
	return err_at(err, ERR_FORMAT, wire_offset(w, f->from), "field %u has unknown wire type %d",
		f->num, (int)f->type);
}

static size_t encode(uint8_t *p, uint64_t v)
{
	size_t n = 0;
	while (v >= 0x80) {
		p[n++] = (uint8_t)v | 0x80;
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	return n;
}

void wire_put_varint(struct buf *buf, uint64_t v)
{
	uint8_t tmp[10];
	buf_add(buf, tmp, encode(tmp, v));
}

void wire_put_tag(struct buf *buf, uint32_t num, enum wire_type type)
{
	wire_put_varint(buf, (uint64_t)num << 3 | type);
}

void wire_put_uint(struct buf *buf, uint32_t num, uint64_t v)
{
	wire_put_tag(buf, num, WIRE_VARINT);
	wire_put_varint(buf, v);
}

void wire_put_uint_opt(struct buf *buf, uint32_t num, uint64_t v)
{
	if (v)
		wire_put_uint(buf, num, v);
}

void wire_put_bytes(struct buf *buf, uint32_t num, const void *p, size_t n)
{
	wire_put_tag(buf, num, WIRE_BYTES);
	wire_put_varint(buf, n);
	buf_add(buf, p, n);
}

void wire_put_packed(struct buf *buf, uint32_t num, const uint64_t *v, size_t n)
{
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++)
		bytes += wire_varint_size(v[i]);
	wire_put_tag(buf, num, WIRE_BYTES);
	wire_put_varint(buf, bytes);
	buf_reserve(buf, bytes);
	for (size_t i = 0; i < n; i++)
		wire_put_varint(buf, v[i]);
}

size_t wire_begin(struct buf *buf, uint32_t num)
{
	wire_put_tag(buf, num, WIRE_BYTES);
	buf_addch(buf, 0); /* room for a length below 128, the common case */
	return buf->len;
}

void wire_end(struct buf *buf, size_t mark)
{
	size_t n = buf->len - mark;
	size_t extra = wire_varint_size(n) - 1;
	if (extra) {
		buf_fill(buf, 0, extra);
		memmove(buf->data + mark + extra, buf->data + mark, n);
	}
	encode((uint8_t *)buf->data + mark - 1, n);
}

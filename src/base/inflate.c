/*
 * Inflating gzip: ISA-L, and zlib to say what is wrong.
 *
 * ISA-L inflates two to three times as fast as zlib and takes its input and gives its output in
 * pieces, so that neither the file nor the message ever need be in memory whole. Of a bad stream it
 * says little; so where it fails zlib inflates that member again, into nothing, and names the
 * fault. (Rejected: libdeflate, as fast, but a whole member at a time into a buffer that holds it.)
 *
 * This file and deflate.c are apart from gzip.c so that libsonde, which only deflates and does so
 * with zlib, need not link ISA-L.
 */
#include "base/base.h"

#include <isa-l/igzip_lib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define STEP	   (256u * 1024) /* of input, between two releases of its pages */
#define MEMBER_MIN 18
#define RATIO_MAX  1032 /* deflate cannot do better */

struct gzip_reader {
	const uint8_t *start;
	size_t n, at;	 /* the input, and how much of it was taken */
	size_t member;	 /* where the current member begins */
	size_t max, got; /* of the output */
	bool in_member;
	bool mapped;
	size_t released; /* up to here */
	struct inflate_state state;
};

struct gzip_reader *gzip_reader_new(const void *p, size_t n, size_t max, bool mapped)
{
	struct gzip_reader *r = mem_alloc(sizeof(*r));
	memset(r, 0, offsetof(struct gzip_reader, state));
	r->start = p;
	r->n = n;
	r->max = max;
	r->mapped = mapped;
	return r;
}

void gzip_reader_free(struct gzip_reader *r)
{
	mem_free(r);
}

/* --- what is wrong --- */

static voidpf z_alloc(voidpf ctx, uInt n, uInt size)
{
	return mem_array(n, size);
}

static void z_free(voidpf ctx, voidpf p)
{
	mem_free(p);
}

static int member_error(z_stream *z, const uint8_t *start, size_t member, struct err *err)
{
	uint8_t nowhere[4096];
	int rc;
	do {
		z->next_out = nowhere;
		z->avail_out = sizeof(nowhere);
		rc = inflate(z, Z_NO_FLUSH);
	} while (rc == Z_OK && (z->avail_in || !z->avail_out));
	if (rc == Z_BUF_ERROR || rc == Z_OK)
		return err_at(err, ERR_TRUNCATED, (int64_t)member, "gzip stream ends too early");
	return err_at(err, ERR_FORMAT, z->next_in - start, "gzip: %s",
		z->msg ? z->msg : "corrupt stream");
}

/* The current member's fault, in zlib's words. */
static int name_fault(struct gzip_reader *r, struct err *err)
{
	size_t left = r->n - r->member;
	z_stream z = {.zalloc = z_alloc, .zfree = z_free};
	z.next_in = (uint8_t *)r->start + r->member;
	z.avail_in = left < UINT32_MAX ? (uInt)left : UINT32_MAX;
	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return err_at(err, ERR_FORMAT, (int64_t)r->member, "gzip: cannot start inflating");
	int rc = member_error(&z, r->start, r->member, err);
	inflateEnd(&z);
	return rc;
}

/* --- reading --- */

static void begin_member(struct gzip_reader *r)
{
	isal_inflate_init(&r->state);
	r->state.crc_flag = ISAL_GZIP;
	r->member = r->at;
	r->in_member = true;
}

static void release_taken(struct gzip_reader *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t to = r->at / page * page;
	if (!r->mapped || to < r->released + STEP)
		return;
	if (madvise((void *)(r->start + r->released), to - r->released, MADV_DONTNEED) == 0)
		r->released = to;
}

/* Inflates some; how much is for *ret_n. It is an error if nothing comes of it. */
static int inflate_some(
	struct gzip_reader *r, uint8_t *to, size_t room, size_t *ret_n, struct err *err)
{
	struct inflate_state *s = &r->state;
	size_t left = r->n - r->at;
	uint32_t in = left < STEP ? (uint32_t)left : STEP;
	uint32_t out = room < UINT32_MAX / 2 ? (uint32_t)room : UINT32_MAX / 2;
	s->next_in = (uint8_t *)r->start + r->at;
	s->avail_in = in;
	s->next_out = to;
	s->avail_out = out;
	int rc = isal_inflate(s);
	*ret_n = out - s->avail_out;
	r->at += in - s->avail_in;
	r->in_member = s->block_state != ISAL_BLOCK_FINISH;
	bool stuck = r->in_member && s->avail_in == in && s->avail_out == out;
	if (rc < 0 || stuck)
		return name_fault(r, err);
	release_taken(r);
	return 0;
}

int gzip_read(struct gzip_reader *r, void *to, size_t room, size_t *ret_n, struct err *err)
{
	size_t n = 0;
	int rc = 0;
	/* One past the limit, so that reaching it is not passing it. */
	size_t most = r->max - r->got < SIZE_MAX ? r->max - r->got + 1 : SIZE_MAX;
	room = room < most ? room : most;
	while (rc >= 0 && n < room && (r->in_member || r->at < r->n)) {
		size_t some = 0;
		if (!r->in_member)
			begin_member(r);
		rc = inflate_some(r, (uint8_t *)to + n, room - n, &some, err);
		n += some;
	}
	r->got += n;
	if (r->got > r->max) {
		n -= r->got - r->max;
		r->got = r->max;
		rc = err_at(err, ERR_LIMIT, (int64_t)r->member, "inflates to more than %zu bytes",
			r->max);
	}
	*ret_n = n;
	return rc;
}

/* --- whole buffers --- */

/* The size the last member claims, as far as it can be believed of n bytes. */
static size_t guess(const uint8_t *p, size_t n, size_t max)
{
	uint32_t size = 0;
	if (n >= MEMBER_MIN)
		memcpy(&size, p + n - 4, sizeof(size));
	size_t most = n < SIZE_MAX / RATIO_MAX ? n * RATIO_MAX : SIZE_MAX;
	most = most < max ? most : max;
	return size < most ? size : most;
}

int gzip_inflate(const void *p, size_t n, size_t max, struct buf *out, struct err *err)
{
	if (n == 0)
		return err_at(err, ERR_TRUNCATED, 0, "gzip stream ends too early");
	struct gzip_reader *r = gzip_reader_new(p, n, max - out->len, false);
	size_t got, room = guess(p, n, max) + 1;
	int rc;
	do {
		buf_reserve(out, room);
		rc = gzip_read(r, out->data + out->len, room, &got, err);
		out->len += got;
		out->data[out->len] = '\0';
		size_t next = out->len / 2 < STEP ? STEP : out->len / 2;
		bool ended = got < room;
		room = ended ? 0 : next;
	} while (rc >= 0 && room);
	gzip_reader_free(r);
	return rc;
}

/*
 * gzip (RFC 1952): whole buffers, or streams read and written piece by piece; several members in a
 * row are one stream.
 */
#ifndef SONDE_BASE_GZIP_H
#define SONDE_BASE_GZIP_H

static inline bool gzip_is(const void *p, size_t n)
{
	const uint8_t *s = p;
	return n >= 2 && s[0] == 0x1f && s[1] == 0x8b;
}

/* Inflates all members of [p, n) onto `out`. ERR_LIMIT past `max` bytes (a bomb), ERR_TRUNCATED or
 * ERR_FORMAT with the compressed offset of the member that is bad. What was inflated before the
 * error stays in `out`. */
must_check int gzip_inflate(const void *p, size_t n, size_t max, struct buf *out, struct err *err);

/* The same, piece by piece. [p, n) stays the caller's, and must live as long as the reader;
 * `mapped` says that it is a file mapped read-only: pages already inflated may leave memory. */
struct gzip_reader;
struct gzip_reader *gzip_reader_new(const void *p, size_t n, size_t max, bool mapped);
void gzip_reader_free(struct gzip_reader *r);
/* The next `room` bytes, fewer only at the end or before an error; *ret_n says how many. */
must_check int gzip_read(
	struct gzip_reader *r, void *to, size_t room, size_t *ret_n, struct err *err);

/* One member, level 0 to 9. No name, no time: the same input gives the same bytes. */
void gzip_deflate(const void *p, size_t n, int level, struct buf *out);

/* The rest is ISA-L's: about as small as level 1, seven times as fast, with memory that is not the
 * thread's heap's: for the sonde command only. Machines may differ in the bytes. */
void gzip_deflate_fast(const void *p, size_t n, struct buf *out);

/* One member, written to `to` as it is made. */
struct gzip_writer;
struct gzip_writer *gzip_writer_new(struct sink *to);
/* 0, or what `to` returned. */
must_check int gzip_write(struct gzip_writer *w, const void *p, size_t n);
/* One that compresses what is written to it. */
struct sink gzip_sink(struct gzip_writer *w);
/* Writes the end, if all went well so far, and frees. */
must_check int gzip_writer_finish(struct gzip_writer *w);

#endif

/*
 * Buffer: bytes that grow. `data` is NUL-terminated at `len` whenever it is not NULL, and never
 * NULL after buf_init(), so that it can be printed as a string.
 */
#ifndef SONDE_BASE_BUF_H
#define SONDE_BASE_BUF_H

struct buf {
	char *data; /* len bytes and a NUL */
	size_t len;
	size_t cap; /* 0: data is the shared empty string */
};

#define BUF_INIT                  \
	{                         \
		.data = buf_empty \
	}
extern char buf_empty[1];

void buf_init(struct buf *buf);
void buf_release(struct buf *buf);
void buf_clear(struct buf *buf); /* keeps the room */
/* Room for `more` bytes past len, and the NUL. */
void buf_reserve(struct buf *buf, size_t more);
/* What buf_add() does when there is no room. */
void buf_add_growing(struct buf *buf, const void *p, size_t n);

static inline void buf_add(struct buf *buf, const void *p, size_t n)
{
	if (!n || n >= buf->cap - buf->len) {
		buf_add_growing(buf, p, n);
		return;
	}
	memcpy(buf->data + buf->len, p, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
}

static inline void buf_addstr(struct buf *buf, const char *s)
{
	buf_add(buf, s, strlen(s));
}

static inline void buf_addch(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_fill(struct buf *buf, char c, size_t n); /* c, n times */
/* printf's %*PRId64, %*PRIu64 and 0x%PRIx64, in a fraction of its time. */
void buf_addint(struct buf *buf, int64_t v, size_t width);
void buf_adduint(struct buf *buf, uint64_t v, size_t width);
void buf_addhex(struct buf *buf, uint64_t v);
void buf_printf(struct buf *buf, const char *fmt, ...) attr_printf(2, 3);
void buf_vprintf(struct buf *buf, const char *fmt, va_list ap);
/* The bytes, now the caller's (mem_free); the buffer is empty again. */
char *buf_detach(struct buf *buf, size_t *ret_len);

/* Where output goes, when it should not be held whole: returns 0, or a negative code that the
 * writer passes on. buf_sink() appends to a buffer. */
struct sink {
	int (*write)(struct sink *sink, const void *p, size_t n);
	void *ctx;
};
struct sink buf_sink(struct buf *buf);

#endif

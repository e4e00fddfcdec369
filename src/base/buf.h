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
void buf_add(struct buf *buf, const void *p, size_t n);
void buf_addstr(struct buf *buf, const char *s);
void buf_addch(struct buf *buf, char c);
void buf_fill(struct buf *buf, char c, size_t n); /* c, n times */
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

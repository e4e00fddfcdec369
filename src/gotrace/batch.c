/*
 * Reading the frame of a batch. See batch.h.
 *
 *	01 gen m time size data[size]		a thread's events, or a table
 *	31h exp gen m time size data[size]	data of an experiment; exp is one byte
 *	34h					the end of a generation, since 1.26
 */
#include "gotrace/batch.h"

/* One number of the header. */
static int field(struct input *in, const char *what, uint64_t *ret, struct err *err)
{
	int64_t offset = input_offset(in);
	enum varint status = input_varint(in, ret);
	if (status == VARINT_OK)
		return 0;
	int rc = input_failed(in, err);
	if (rc < 0)
		return rc;
	return err_at(err, status == VARINT_OVERFLOW ? ERR_FORMAT : ERR_TRUNCATED, offset,
		"error reading batch %s: %s", what, varint_words(status));
}

static int read_data(
	struct input *in, struct arena *arena, uint64_t size, struct batch *ret, struct err *err)
{
	int64_t offset = input_offset(in);
	if (size > GOTRACE_BATCH_MAX)
		return err_at(err, ERR_LIMIT, offset, "invalid batch size %llu, maximum is %d",
			(unsigned long long)size, GOTRACE_BATCH_MAX);
	uint8_t *data = arena_alloc(arena, size ? size : 1); /* an address, also of nothing */
	size_t got = input_bytes(in, data, size);
	if (got < size) {
		int rc = input_failed(in, err);
		return rc < 0 ? rc
			      : err_at(err, ERR_TRUNCATED, offset,
					"failed to read full batch: read %zu but wanted %llu", got,
					(unsigned long long)size);
	}
	ret->offset = offset;
	ret->data = data;
	ret->len = (uint32_t)size;
	return 1;
}

int batch_read(struct input *in, struct arena *arena, struct batch *ret, struct err *err)
{
	uint64_t m, size;
	uint8_t type;
	*ret = (struct batch){.offset = input_offset(in)};
	if (!input_byte(in, &type))
		return input_failed(in, err);
	if (type == GOTRACE_EV_END_OF_GENERATION) {
		ret->end_mark = true;
		return 1;
	}
	if (type != GOTRACE_EV_EVENT_BATCH && type != GOTRACE_EV_EXPERIMENTAL_BATCH)
		return err_at(
			err, ERR_FORMAT, ret->offset, "expected batch event, got event %u", type);
	if (type == GOTRACE_EV_EXPERIMENTAL_BATCH && !input_byte(in, &ret->experiment))
		return input_failed(in, err);
	int rc = field(in, "gen", &ret->gen, err);
	if (rc >= 0)
		rc = field(in, "M ID", &m, err);
	if (rc >= 0)
		rc = field(in, "timestamp", &ret->time, err);
	if (rc >= 0)
		rc = field(in, "size", &size, err);
	if (rc < 0)
		return rc;
	ret->m = (int64_t)m;
	return read_data(in, arena, size, ret, err);
}

/*
 * The wire, event by event. See raw.h.
 */
#include "gotrace/input.h"
#include "gotrace/quote.h"

#include <inttypes.h>

struct gotrace_raw {
	struct input in;
	int version;
	uint8_t data[GOTRACE_BATCH_MAX];
};

int gotrace_raw_new(struct gotrace_source *source, struct gotrace_raw **ret, struct err *err)
{
	struct input in;
	int version = input_open(&in, source, err);
	if (version < 0)
		return version;
	struct gotrace_raw *r = mem_alloc(sizeof(*r));
	r->in = in;
	r->version = version;
	*ret = r;
	return 0;
}

void gotrace_raw_free(struct gotrace_raw *r)
{
	if (!r)
		return;
	input_release(&r->in);
	mem_free(r);
}

int64_t gotrace_raw_offset(const struct gotrace_raw *r)
{
	return input_offset(&r->in);
}

static int numbers(struct gotrace_raw *r, uint64_t *to, unsigned n, struct gotrace_raw_event *ev,
	struct err *err)
{
	for (unsigned i = 0; i < n; i++) {
		int64_t offset = input_offset(&r->in);
		enum varint status = input_varint(&r->in, &to[i]);
		if (status != VARINT_OK) {
			int rc = input_failed(&r->in, err);
			return rc < 0 ? rc
				      : err_at(err, ERR_TRUNCATED, offset, "%s: %s",
						gotrace_specs[ev->type].name, varint_words(status));
		}
		ev->size += wire_varint_size(to[i]);
	}
	return 0;
}

static int read_frames(struct gotrace_raw *r, struct gotrace_raw_event *ev, struct err *err)
{
	if (ev->args[1] > GOTRACE_FRAMES_MAX)
		return err_at(err, ERR_LIMIT, input_offset(&r->in),
			"invalid stack size %" PRIu64 ", maximum is %d", ev->args[1],
			GOTRACE_FRAMES_MAX);
	ev->frames_n = (uint32_t)ev->args[1];
	return numbers(r, ev->frames[0], 4 * ev->frames_n, ev, err);
}

static int read_data(struct gotrace_raw *r, struct gotrace_raw_event *ev, struct err *err)
{
	uint64_t n;
	int rc = numbers(r, &n, 1, ev, err);
	if (rc < 0)
		return rc;
	if (n > sizeof(r->data))
		return err_at(err, ERR_LIMIT, input_offset(&r->in),
			"invalid size of data %" PRIu64 ", maximum is %zu", n, sizeof(r->data));
	size_t got = input_bytes(&r->in, r->data, n);
	if (got < n) {
		rc = input_failed(&r->in, err);
		return rc < 0 ? rc
			      : err_at(err, ERR_TRUNCATED, input_offset(&r->in),
					"data ends early: read %zu but wanted %" PRIu64, got, n);
	}
	ev->data = n ? r->data : NULL;
	ev->data_n = (uint32_t)n;
	ev->size += n;
	return 0;
}

int gotrace_raw_next(struct gotrace_raw *r, struct gotrace_raw_event *ret, struct err *err)
{
	int64_t offset = input_offset(&r->in);
	ret->frames_n = ret->data_n = 0;
	ret->data = NULL;
	ret->size = 1;
	if (!input_byte(&r->in, &ret->type))
		return input_failed(&r->in, err);
	if (ret->type >= gotrace_ev_limit(r->version) || !gotrace_specs[ret->type].name)
		return err_at(err, ERR_FORMAT, offset, "invalid event type: %u", ret->type);
	const struct gotrace_spec *spec = &gotrace_specs[ret->type];
	int rc = numbers(r, ret->args, spec->args_n, ret, err);
	if (rc >= 0 && spec->flags & GOTRACE_STACK)
		rc = read_frames(r, ret, err);
	if (rc >= 0 && spec->flags & GOTRACE_DATA)
		rc = read_data(r, ret, err);
	return rc < 0 ? rc : 1;
}

void gotrace_raw_text(const struct gotrace_raw_event *ev, struct buf *out)
{
	const struct gotrace_spec *spec = &gotrace_specs[ev->type];
	buf_addstr(out, spec->name);
	for (unsigned i = 0; i < spec->args_n; i++)
		buf_printf(out, " %s=%" PRIu64, spec->args[i], ev->args[i]);
	for (uint32_t i = 0; i < ev->frames_n; i++)
		buf_printf(out,
			"\n\tpc=%" PRIu64 " func=%" PRIu64 " file=%" PRIu64 " line=%" PRIu64,
			ev->frames[i][0], ev->frames[i][1], ev->frames[i][2], ev->frames[i][3]);
	if (ev->data) {
		buf_addstr(out, "\n\tdata=");
		go_quote((const char *)ev->data, ev->data_n, out);
	}
}

/*
 * profile_string(): the text of `-raw`, which is Go's Profile.String() to the byte.
 *
 * A big profile's text is several times the profile, so it goes to a sink as it is made, through a
 * buffer of a few pages, and numbers are formatted by hand: printf would be half the time.
 */
#include "pprof/internal.h"

#include <stdio.h>
#include <time.h>

#define FLUSH_AT     (64u * 1024)
#define LABEL_INDENT "                "
#define LINE_INDENT  "             "

/* A location's id and a space, copied as one word: a big profile names some fifty times. */
struct id_text {
	char text[15];
	uint8_t n; /* 0: too long */
};

struct printer {
	const struct profile *p;
	struct sink *sink;
	struct buf buf;
	struct stack stack;  /* the sample's */
	struct id_text *ids; /* of the locations */
	int rc;		     /* the first error of the sink */
};

static void flush(struct printer *pr)
{
	if (pr->rc >= 0 && pr->buf.len)
		pr->rc = pr->sink->write(pr->sink, pr->buf.data, pr->buf.len);
	buf_clear(&pr->buf);
}

static void end_line(struct printer *pr)
{
	buf_addch(&pr->buf, '\n');
	if (pr->buf.len >= FLUSH_AT)
		flush(pr);
}

/* Whole, should it have a NUL in it. */
static void add_str(const struct profile *p, uint32_t id, struct buf *out)
{
	buf_add(out, profile_str(p, id), strtab_len(&p->strings, id));
}

static void put_str(struct printer *pr, uint32_t id)
{
	add_str(pr->p, id, &pr->buf);
}

static void put_time(struct printer *pr)
{
	int64_t nanos = pr->p->time_nanos;
	int64_t secs = nanos / 1000000000, rest = nanos % 1000000000;
	if (rest < 0) {
		secs--;
		rest += 1000000000;
	}
	time_t t = secs;
	struct tm tm;
	char text[128];
	if (!localtime_r(&t, &tm))
		return;
	strftime(text, sizeof(text), "Time: %Y-%m-%d %H:%M:%S", &tm);
	buf_addstr(&pr->buf, text);
	if (rest) {
		int n = snprintf(text, sizeof(text), ".%09lld", (long long)rest);
		while (text[n - 1] == '0')
			n--;
		buf_add(&pr->buf, text, (size_t)n);
	}
	strftime(text, sizeof(text), " %z %Z", &tm);
	buf_addstr(&pr->buf, text);
	end_line(pr);
}

/* Go's "%.4v" of a time.Duration: the first four characters of its text, as it happens. */
static void put_duration(struct printer *pr)
{
	struct buf text = BUF_INIT;
	goflag_duration_string(pr->p->duration_nanos, &text);
	size_t n = 0, at = 0;
	for (; at < text.len && n < 4; n++)
		for (at++; at < text.len && (text.data[at] & 0xc0) == 0x80;)
			at++;
	buf_addstr(&pr->buf, "Duration: ");
	buf_add(&pr->buf, text.data, at);
	end_line(pr);
	buf_release(&text);
}

static void put_header(struct printer *pr)
{
	const struct profile *p = pr->p;
	for (uint32_t i = 0; i < p->comment_n; i++) {
		buf_addstr(&pr->buf, "Comment: ");
		put_str(pr, p->comments[i]);
		end_line(pr);
	}
	if (strtab_len(&p->strings, p->doc_url)) {
		buf_addstr(&pr->buf, "Doc: ");
		put_str(pr, p->doc_url);
		end_line(pr);
	}
	buf_addstr(&pr->buf, "PeriodType: ");
	put_str(pr, p->period_type.type);
	buf_addch(&pr->buf, ' ');
	put_str(pr, p->period_type.unit);
	end_line(pr);
	buf_addstr(&pr->buf, "Period: ");
	buf_addint(&pr->buf, p->period, 0);
	end_line(pr);
	if (p->time_nanos)
		put_time(pr);
	if (p->duration_nanos)
		put_duration(pr);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void put_sample_types(struct printer *pr)
{
	const struct profile *p = pr->p;
	struct buf line = BUF_INIT;
	for (uint32_t i = 0; i < p->sample_type_n; i++) {
		const struct value_type *vt = &p->sample_types[i];
		add_str(p, vt->type, &line);
		buf_addch(&line, '/');
		add_str(p, vt->unit, &line);
		buf_addstr(&line, vt->type == p->default_sample_type ? "[dflt] " : " ");
	}
	const char *from = line.data, *to = line.data + line.len;
	while (from < to && is_space(*from))
		from++;
	while (to > from && is_space(to[-1]))
		to--;
	buf_addstr(&pr->buf, "Samples:\n");
	buf_add(&pr->buf, from, (size_t)(to - from));
	end_line(pr);
	buf_release(&line);
}

/* One key's labels: "key:[a b]", "key:[1 2]" or, if any has a unit, "key:[1 bytes 2 ]". */
static void put_label_group(
	const struct profile *p, const struct label *labels, uint32_t n, struct buf *out)
{
	bool units = false;
	for (uint32_t i = 0; i < n; i++)
		units |= labels[i].is_num && labels[i].num_unit;
	add_str(p, labels->key, out);
	buf_addstr(out, ":[");
	for (uint32_t i = 0; i < n; i++) {
		const struct label *l = &labels[i];
		if (i)
			buf_addch(out, ' ');
		if (!l->is_num) {
			add_str(p, l->str, out);
			continue;
		}
		buf_addint(out, l->num, 0);
		if (units) {
			buf_addch(out, ' ');
			add_str(p, l->num_unit, out);
		}
	}
	buf_addch(out, ']');
}

struct span {
	size_t from, to;
};

static int span_cmp(const struct buf *text, struct span a, struct span b)
{
	size_t na = a.to - a.from, nb = b.to - b.from;
	int cmp = memcmp(text->data + a.from, text->data + b.from, na < nb ? na : nb);
	return cmp ? cmp : na < nb ? -1 : na > nb;
}

/* Go sorts the texts of the groups, not their keys. */
static void put_label_line(struct printer *pr, const struct label *labels, uint32_t n)
{
	struct buf text = BUF_INIT;
	struct span *spans = mem_array(n, sizeof(*spans));
	uint32_t span_n = 0;
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && labels[end].key == labels[i].key;)
			end++;
		struct span span = {.from = text.len};
		put_label_group(pr->p, labels + i, end - i, &text);
		span.to = text.len;
		uint32_t at = span_n++;
		for (; at > 0 && span_cmp(&text, spans[at - 1], span) > 0; at--)
			spans[at] = spans[at - 1];
		spans[at] = span;
	}
	buf_addstr(&pr->buf, LABEL_INDENT);
	for (uint32_t i = 0; i < span_n; i++) {
		if (i)
			buf_addch(&pr->buf, ' ');
		buf_add(&pr->buf, text.data + spans[i].from, spans[i].to - spans[i].from);
	}
	end_line(pr);
	mem_free(spans);
	buf_release(&text);
}

static void render_ids(struct printer *pr)
{
	const struct profile *p = pr->p;
	struct buf text = BUF_INIT;
	pr->ids = mem_zalloc((p->location_n + (size_t)1) * sizeof(*pr->ids));
	for (uint32_t i = 0; i < p->location_n; i++) {
		buf_clear(&text);
		buf_adduint(&text, p->locations[i].id, 0);
		buf_addch(&text, ' ');
		if (text.len > sizeof(pr->ids[i].text))
			continue;
		memcpy(pr->ids[i].text, text.data, text.len);
		pr->ids[i].n = (uint8_t)text.len;
	}
	buf_release(&text);
}

enum {
	ID_MAX = 21, /* of 64 bits, and a space */
};

static void put_stack(struct printer *pr, const struct stack *stack)
{
	struct buf *buf = &pr->buf;
	buf_reserve(buf, (size_t)stack->n * ID_MAX + sizeof(struct id_text));
	for (uint32_t i = 0; i < stack->n; i++) {
		const struct id_text *id = &pr->ids[stack->at[i]];
		if (id->n) {
			memcpy(buf->data + buf->len, id, sizeof(*id));
			buf->len += id->n;
		} else {
			buf_adduint(buf, pr->p->locations[stack->at[i]].id, 0);
			buf_addch(buf, ' ');
		}
	}
}

static void put_sample(struct printer *pr, uint32_t i)
{
	const struct profile *p = pr->p;
	const int64_t *values = profile_values(p, i);
	for (uint32_t j = 0; j < p->sample_type_n; j++) {
		buf_addch(&pr->buf, ' ');
		buf_addint(&pr->buf, values[j], 10);
	}
	buf_addstr(&pr->buf, ": ");
	profile_stack(p, i, &pr->stack);
	put_stack(pr, &pr->stack);
	end_line(pr);
	uint32_t n;
	const struct label *labels = profile_labels(p, i, &n);
	uint32_t strings = 0;
	while (strings < n && !labels[strings].is_num)
		strings++;
	if (strings)
		put_label_line(pr, labels, strings);
	if (strings < n)
		put_label_line(pr, labels + strings, n - strings);
}

static void put_line(struct printer *pr, const struct line *line)
{
	const struct profile *p = pr->p;
	if (line->function == PROFILE_NONE) {
		buf_addstr(&pr->buf, "??");
		return;
	}
	const struct function *f = &p->functions[line->function];
	put_str(pr, f->name);
	buf_addch(&pr->buf, ' ');
	put_str(pr, f->filename);
	buf_addch(&pr->buf, ':');
	buf_addint(&pr->buf, line->line, 0);
	buf_addch(&pr->buf, ':');
	buf_addint(&pr->buf, line->column, 0);
	buf_addstr(&pr->buf, " s=");
	buf_addint(&pr->buf, f->start_line, 0);
	if (f->name != f->system_name) {
		buf_addch(&pr->buf, '(');
		put_str(pr, f->system_name);
		buf_addch(&pr->buf, ')');
	}
}

static void put_location(struct printer *pr, const struct location *l)
{
	buf_adduint(&pr->buf, l->id, 6);
	buf_addstr(&pr->buf, ": ");
	buf_addhex(&pr->buf, l->address);
	buf_addch(&pr->buf, ' ');
	if (l->mapping != PROFILE_NONE) {
		buf_addstr(&pr->buf, "M=");
		buf_adduint(&pr->buf, pr->p->mappings[l->mapping].id, 0);
		buf_addch(&pr->buf, ' ');
	}
	if (l->is_folded)
		buf_addstr(&pr->buf, "[F] ");
	for (uint32_t i = 0; i < l->line_n; i++) {
		if (i) {
			end_line(pr);
			buf_addstr(&pr->buf, LINE_INDENT);
		}
		put_line(pr, &pr->p->lines[l->line_first + i]);
	}
	end_line(pr);
}

static void put_mapping(struct printer *pr, const struct mapping *m)
{
	buf_adduint(&pr->buf, m->id, 0);
	buf_addstr(&pr->buf, ": ");
	buf_addhex(&pr->buf, m->start);
	buf_addch(&pr->buf, '/');
	buf_addhex(&pr->buf, m->limit);
	buf_addch(&pr->buf, '/');
	buf_addhex(&pr->buf, m->offset);
	buf_addch(&pr->buf, ' ');
	put_str(pr, m->file);
	buf_addch(&pr->buf, ' ');
	put_str(pr, m->build_id);
	buf_printf(&pr->buf, " %s%s%s%s", m->has_functions ? "[FN]" : "",
		m->has_filenames ? "[FL]" : "", m->has_line_numbers ? "[LN]" : "",
		m->has_inline_frames ? "[IN]" : "");
	end_line(pr);
}

int profile_string(const struct profile *p, struct sink *sink)
{
	struct printer pr = {.p = p, .sink = sink, .buf = BUF_INIT};
	render_ids(&pr);
	put_header(&pr);
	put_sample_types(&pr);
	for (uint32_t i = 0; i < p->sample_n && pr.rc >= 0; i++)
		put_sample(&pr, i);
	buf_addstr(&pr.buf, "Locations\n");
	for (uint32_t i = 0; i < p->location_n && pr.rc >= 0; i++)
		put_location(&pr, &p->locations[i]);
	buf_addstr(&pr.buf, "Mappings\n");
	for (uint32_t i = 0; i < p->mapping_n && pr.rc >= 0; i++)
		put_mapping(&pr, &p->mappings[i]);
	flush(&pr);
	buf_release(&pr.buf);
	stack_release(&pr.stack);
	mem_free(pr.ids);
	return pr.rc;
}

/*
 * One screen of `sonde top`: who it is, what is shown, and the rows of `pprof -top`.
 */
#include "cli/top.h"

#include "report/report.h"

#define HEADING 4 /* lines above the rows */

const struct top_view top_views[] = {
	{'c', "cpu", "cpu", true, "CPU time"},
	{'w', "wall", "wall", true, "wall time"},
	{'h', "heap", "inuse_space", false, "live heap memory"},
	{'a', "allocs", "alloc_space", true, "memory allocated"},
	{'b', "block", "delay", true, "time blocked"},
	{'m', "mutex", "delay", true, "waiting caused, by who released the lock"},
	{'g', "goroutine", "goroutine", false, "threads"},
	{'t', "threadcreate", "threadcreate", false, "threads created"},
	{0},
};

const struct top_view *top_view_find(const char *name)
{
	for (const struct top_view *v = top_views; v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static void add_who(const struct top_source *s, const struct top_profile *p, struct buf *out)
{
	buf_addstr(out, "sonde top - ");
	if (!s->pid) {
		buf_printf(out, "%s\n", s->url);
		return;
	}
	const char *slash = strrchr(s->exe, '/');
	buf_printf(out, "%d %s, %u thread%s seen, recording %.1f MiB", s->pid,
		slash ? slash + 1 : s->exe, p->threads, p->threads == 1 ? "" : "s",
		(double)p->memory / (1 << 20));
	if (p->lost)
		buf_printf(out, ", %llu events lost: it is full", (unsigned long long)p->lost);
	buf_addstr(out, p->ended ? ", has ended\n" : "\n");
}

static void add_what(const struct top_view *view, const struct top_profile *p,
	const struct report *r, const struct top_shape *shape, struct buf *out)
{
	buf_printf(out, "%s", view->title);
	if (p->seconds > 0)
		buf_printf(out, " in the last %.1f s", p->seconds);
	else if (view->since)
		buf_addstr(out, " since the start");
	buf_addstr(out, ": ");
	report_value(r, r->total, out);
	if (p->seconds > 0 && strcmp(r->unit, "nanoseconds") == 0)
		buf_printf(
			out, ", %.0f%% of one CPU or thread", (double)r->total / p->seconds / 1e7);
	buf_printf(out, "; by %s\n\n", shape->cum ? "cum" : "flat");
}

/* Longer names than the screen is wide would wrap and push the others off it. */
static void add_row(
	const struct report *r, const struct report_item *item, int columns, struct buf *out)
{
	struct buf row = BUF_INIT;
	report_value_padded(r, item->flat, 10, &row);
	buf_addch(&row, ' ');
	unit_percentage(item->flat, r->total, &row);
	buf_addch(&row, ' ');
	report_value_padded(r, item->cum, 10, &row);
	buf_addch(&row, ' ');
	unit_percentage(item->cum, r->total, &row);
	buf_printf(
		&row, "  %s%s%s", item->name, *item->inline_label ? " " : "", item->inline_label);
	size_t n = row.len;
	if (columns > 0 && n > (size_t)columns) {
		n = (size_t)columns;
		while (n && ((unsigned char)row.data[n] & 0xc0) == 0x80)
			n--; /* not in the middle of a character */
	}
	for (size_t i = 0; i < n; i++) /* a name may hold what a terminal obeys */
		if ((unsigned char)row.data[i] < 0x20 || row.data[i] == 0x7f)
			row.data[i] = '?';
	buf_add(out, row.data, n);
	buf_addch(out, '\n');
	buf_release(&row);
}

static void configure(struct config *c, const struct top_view *view, const struct top_shape *shape)
{
	int rows = shape->rows - HEADING;
	config_init(c);
	c->nodecount = rows > 1 ? rows : 1;
	config_set_string(&c->sort, shape->cum ? "cum" : "flat");
	config_set_string(&c->sample_index, view->sample_index);
}

int top_frame(const struct top_source *s, const struct top_view *view, struct top_profile *p,
	const struct top_shape *shape, struct buf *out, struct err *err)
{
	struct config config;
	struct report r;
	configure(&config, view, shape);
	int rc = report_init(&r, &p->profile, REPORT_TEXT, "top", NULL, &config, NULL, err);
	config_release(&config);
	if (rc)
		return rc;
	struct report_items items;
	report_items_init(&r, &items);
	add_who(s, p, out);
	add_what(view, p, &r, shape, out);
	buf_addstr(out, "      flat  flat%        cum   cum%\n");
	for (uint32_t i = 0; i < items.n; i++)
		add_row(&r, &items.items[i], shape->columns, out);
	report_items_release(&items);
	report_release(&r);
	return 0;
}

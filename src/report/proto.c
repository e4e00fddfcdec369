/*
 * Reports that are profiles: the profile itself (proto), its text (raw), and the rows of top as a
 * profile (topproto).
 */
#include "report/out.h"
#include "report/report.h"

static int put_profile(const struct profile *p, struct sink *to, struct err *err)
{
	struct gzip_writer *gzip = gzip_writer_new(to);
	struct sink message = gzip_sink(gzip);
	int rc = profile_encode_to(p, &message);
	int end = gzip_writer_finish(gzip);
	return out_result(rc < 0 ? rc : end, err);
}

int report_proto(struct report *r, struct sink *to, struct err *err)
{
	struct profile *p = r->profile;
	size_t values = (size_t)p->sample_n * p->sample_type_n;
	if (r->ratio > 0 && r->ratio != 1)
		for (size_t i = 0; i < values; i++)
			p->values[i] = unit_truncate((double)p->values[i] * r->ratio);
	return put_profile(p, to, err);
}

int report_raw(struct report *r, struct sink *to, struct err *err)
{
	return out_result(profile_string(r->profile, to), err);
}

/* The function of a row, one for all rows of its name, file and start line. */
static uint32_t row_function(struct profile *top, struct map *functions, const struct profile *p,
	const struct node_info *info)
{
	uint64_t key = hash_u64((uint64_t)info->name << 32 | info->file);
	bool is_new;
	uint32_t *slot = map_put(functions, hash_u64(key ^ (uint64_t)info->start_line), &is_new);
	if (is_new) {
		struct function f = {
			.name = strtab_addstr(&top->strings, profile_str(p, info->name)),
			.filename = strtab_addstr(&top->strings, profile_str(p, info->file)),
			.start_line = info->start_line,
		};
		*slot = profile_add_function(top, &f);
	}
	return *slot;
}

static int64_t scaled(const struct report *r, int64_t v)
{
	const char *unit;
	return unit_truncate(unit_conv_apply(&r->conv, v, &unit));
}

static void add_row(struct report *r, struct profile *top, struct map *functions,
	const struct node_info *info, const struct node *n)
{
	struct line line = {
		.function = row_function(top, functions, r->profile, info),
		.line = info->line,
		.column = info->column,
	};
	uint32_t location = profile_add_location(top, PROFILE_NONE, info->address, &line, 1);
	int64_t values[2] = {scaled(r, node_cum(n)), scaled(r, node_flat(n))};
	profile_add_sample(top, &location, 1, values, NULL, 0);
}

int report_topproto(struct report *r, struct sink *to, struct err *err)
{
	struct report_graph rg;
	struct profile top, *p = r->profile;
	struct map functions;
	report_graph_init(r, &rg);
	const struct graph *g = &rg.graph;
	profile_init(&top);
	map_init(&functions);
	profile_add_sample_type(&top, "cum", r->output_unit);
	profile_add_sample_type(&top, "flat", r->output_unit);
	top.time_nanos = p->time_nanos;
	top.duration_nanos = p->duration_nanos;
	top.period = p->period;
	top.period_type.type = strtab_addstr(&top.strings, profile_str(p, p->period_type.type));
	top.period_type.unit = strtab_addstr(&top.strings, profile_str(p, p->period_type.unit));
	for (uint32_t i = 0; i < g->order_n; i++)
		add_row(r, &top, &functions, graph_info(g, g->order[i]), &g->nodes[g->order[i]]);
	int rc = put_profile(&top, to, err);
	map_release(&functions);
	profile_release(&top);
	report_graph_release(&rg);
	return rc;
}

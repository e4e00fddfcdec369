/*
 * The command line of sonde pprof. The options of a report come from the table of config.h, the
 * formats from the table of commands; only the options about sources are named here.
 */
#include "cli/pprof_tool.h"

#include <stdlib.h>

/* A flag of the config table or of a command, until it is known that all were right. */
struct flag_value {
	bool b;
	int i;
	double f;
	const char *s;
};

enum {
	FLAGS_MAX = 128,
};

struct parser {
	struct pprof_args *args;
	struct goflag flags[FLAGS_MAX];
	struct flag_value values[FLAGS_MAX]; /* of the flags of the two tables */
	size_t n;
	struct notes *notes;
	bool inuse_space, inuse_objects, alloc_space, alloc_objects;
	bool total_delay, contentions, mean_delay;
	const char *tools; /* accepted: sonde reads object files by itself */
	const char **plain_bases, **diff_bases;
	uint32_t plain_n, plain_cap, diff_n, diff_cap;
};

static void add_flag(struct parser *p, const char *name, enum goflag_kind kind, void *value)
{
	p->flags[p->n++] = (struct goflag){.name = name, .kind = kind, .value = value};
}

static void add_table_flag(struct parser *p, const char *name, enum config_kind kind)
{
	struct flag_value *v = &p->values[p->n];
	switch (kind) {
	case CONFIG_BOOL:
		add_flag(p, name, GOFLAG_BOOL, &v->b);
		break;
	case CONFIG_INT:
		add_flag(p, name, GOFLAG_INT, &v->i);
		break;
	case CONFIG_FLOAT:
		add_flag(p, name, GOFLAG_FLOAT, &v->f);
		break;
	case CONFIG_STRING:
		v->s = "";
		add_flag(p, name, GOFLAG_STRING, &v->s);
		break;
	}
}

static void add_config_flags(struct parser *p)
{
	for (const struct config_field *f = config_fields; f->name; f++) {
		for (size_t i = 0; f->choices && f->choices[i]; i++)
			add_table_flag(p, f->choices[i], CONFIG_BOOL);
		if (!f->choices)
			add_table_flag(p, f->name, f->kind);
	}
}

static int add_header(struct goflag_func *self, const char *value, struct err *err)
{
	struct pprof_args *args = self->ctx;
	if (!strchr(value, ':'))
		return err_set(err, ERR_USAGE, "a header is \"Name: value\"");
	vec_push(args->headers, args->header_n, args->header_cap, value);
	return 0;
}

static int add_base(struct goflag_func *self, const char *value, struct err *err)
{
	struct parser *p = self->ctx;
	if (*value)
		vec_push(p->plain_bases, p->plain_n, p->plain_cap, value);
	return 0;
}

static int add_diff_base(struct goflag_func *self, const char *value, struct err *err)
{
	struct parser *p = self->ctx;
	if (*value)
		vec_push(p->diff_bases, p->diff_n, p->diff_cap, value);
	return 0;
}

static void add_source_flags(struct parser *p)
{
	struct pprof_args *a = p->args;
	add_flag(p, "symbolize", GOFLAG_STRING, &a->symbolize);
	add_flag(p, "buildid", GOFLAG_STRING, &a->build_id);
	add_flag(p, "timeout", GOFLAG_INT, &a->timeout);
	add_flag(p, "seconds", GOFLAG_INT, &a->seconds);
	add_flag(p, "add_comment", GOFLAG_STRING, &a->comment);
	add_flag(p, "all_frames", GOFLAG_BOOL, &a->all_frames);
	add_flag(p, "inuse_space", GOFLAG_BOOL, &p->inuse_space);
	add_flag(p, "inuse_objects", GOFLAG_BOOL, &p->inuse_objects);
	add_flag(p, "alloc_space", GOFLAG_BOOL, &p->alloc_space);
	add_flag(p, "alloc_objects", GOFLAG_BOOL, &p->alloc_objects);
	add_flag(p, "total_delay", GOFLAG_BOOL, &p->total_delay);
	add_flag(p, "contentions", GOFLAG_BOOL, &p->contentions);
	add_flag(p, "mean_delay", GOFLAG_BOOL, &p->mean_delay);
	add_flag(p, "tools", GOFLAG_STRING, &p->tools);
	add_flag(p, "http", GOFLAG_STRING, &a->http);
	add_flag(p, "no_browser", GOFLAG_BOOL, &a->no_browser);
	add_flag(p, "tls_cert", GOFLAG_STRING, &a->tls_cert);
	add_flag(p, "tls_key", GOFLAG_STRING, &a->tls_key);
	add_flag(p, "tls_ca", GOFLAG_STRING, &a->tls_ca);
	add_flag(p, "max_memory", GOFLAG_INT64, &a->max_memory);
}

static int apply_choice(struct parser *p, const struct config_field *f, struct err *err)
{
	const char *chosen = NULL;
	struct buf all = BUF_INIT;
	int rc = 0;
	for (size_t i = 0; f->choices[i]; i++) {
		if (!*(bool *)goflag_find(p->flags, p->n, f->choices[i])->value)
			continue;
		buf_printf(&all, "%s%s", chosen ? " " : "", f->choices[i]);
		if (chosen)
			rc = err_set(err, ERR_USAGE, "conflicting options set: [%s]", all.data);
		chosen = f->choices[i];
	}
	buf_release(&all);
	return chosen && rc >= 0 ? config_set(&p->args->config, f, chosen, err) : rc;
}

static int apply_config(struct parser *p, struct err *err)
{
	for (const struct config_field *f = config_fields; f->name; f++) {
		int rc = 0;
		struct goflag *flag = goflag_find(p->flags, p->n, f->name);
		void *field = (char *)&p->args->config + f->offset;
		if (f->choices)
			rc = apply_choice(p, f, err);
		else if (!flag->was_set)
			continue;
		else if (f->kind == CONFIG_BOOL)
			*(bool *)field = *(bool *)flag->value;
		else if (f->kind == CONFIG_INT)
			*(int *)field = *(int *)flag->value;
		else if (f->kind == CONFIG_FLOAT)
			*(double *)field = *(double *)flag->value;
		else
			config_set_string(field, *(const char **)flag->value);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int choose_command(struct parser *p, struct err *err)
{
	for (const struct pprof_command *c = pprof_commands; c->name; c++) {
		struct goflag *flag = goflag_find(p->flags, p->n, c->name);
		const char *param = c->has_param ? *(const char **)flag->value : NULL;
		bool given = c->has_param ? *param : *(bool *)flag->value;
		if (given && p->args->command)
			return err_set(err, ERR_USAGE, "must set at most one output format");
		if (given) {
			p->args->command = c;
			p->args->param = param;
		}
	}
	return 0;
}

/* The options from before sample types had names. */
static void apply_legacy(struct parser *p)
{
	const struct {
		bool given;
		const char *type, *option;
	} legacy[] = {
		{p->total_delay, "delay", "-total_delay"},
		{p->mean_delay, "delay", "-mean_delay"},
		{p->contentions, "contentions", "-contentions"},
		{p->inuse_space, "inuse_space", "-inuse_space"},
		{p->inuse_objects, "inuse_objects", "-inuse_objects"},
		{p->alloc_space, "alloc_space", "-alloc_space"},
		{p->alloc_objects, "alloc_objects", "-alloc_objects"},
	};
	struct config *c = &p->args->config;
	for (size_t i = 0; i < array_len(legacy); i++) {
		if (!legacy[i].given)
			continue;
		if (*c->sample_index)
			notes_printf(p->notes, "Multiple value selections, ignoring %s",
				legacy[i].option);
		else
			config_set_string(&c->sample_index, legacy[i].type);
	}
	c->mean |= p->mean_delay;
}

static int apply_bases(struct parser *p, struct err *err)
{
	struct pprof_args *a = p->args;
	if (p->plain_n && p->diff_n)
		return err_set(
			err, ERR_USAGE, "-base and -diff_base flags cannot both be specified");
	a->is_diff = p->diff_n > 0;
	const char **bases = a->is_diff ? p->diff_bases : p->plain_bases;
	uint32_t n = p->plain_n + p->diff_n;
	for (uint32_t i = 0; i < n; i++)
		vec_push(a->bases, a->base_n, a->base_cap, bases[i]);
	a->normalize = a->config.normalize;
	if (a->normalize && !n)
		return err_set(err, ERR_USAGE, "must have base profile to normalize by");
	return 0;
}

static int apply(struct parser *p, struct err *err)
{
	struct pprof_args *a = p->args;
	if (!a->source_n)
		return err_set(err, ERR_USAGE, "no profile source specified");
	if (a->source_n > 1 && pprof_is_object_file(a->sources[0])) {
		a->exec_name = a->sources[0];
		a->sources++;
		a->source_n--;
	}
	int rc = apply_config(p, err);
	if (rc >= 0)
		rc = choose_command(p, err);
	if (rc < 0)
		return rc;
	if (a->command && *a->http)
		return err_set(err, ERR_USAGE,
			"-http is not compatible with an output format on the command line");
	if (a->no_browser && !*a->http)
		return err_set(err, ERR_USAGE, "-no_browser only makes sense with -http");
	if (*a->tls_key && !*a->tls_cert)
		return err_set(err, ERR_USAGE,
			"-tls_key is specified, so -tls_cert must also be specified");
	if (*a->tls_cert && !*a->tls_key)
		return err_set(err, ERR_USAGE,
			"-tls_cert is specified, so -tls_key must also be specified");
	apply_legacy(p);
	return apply_bases(p, err);
}

static void init_args(struct pprof_args *a)
{
	memset(a, 0, sizeof(*a));
	config_init(&a->config);
	a->seconds = a->timeout = -1;
	a->exec_name = a->build_id = a->symbolize = a->http = a->comment = "";
	a->tls_cert = a->tls_key = a->tls_ca = "";
}

int pprof_args_parse(
	struct pprof_args *args, int argc, char **argv, struct notes *notes, struct err *err)
{
	struct parser p = {.args = args, .notes = notes, .tools = ""};
	struct goflag_func base = {.set = add_base, .ctx = &p};
	struct goflag_func diff_base = {.set = add_diff_base, .ctx = &p};
	struct goflag_func header = {.set = add_header, .ctx = args};
	init_args(args);
	add_config_flags(&p);
	for (const struct pprof_command *c = pprof_commands; c->name; c++)
		add_table_flag(&p, c->name, c->has_param ? CONFIG_STRING : CONFIG_BOOL);
	add_source_flags(&p);
	add_flag(&p, "base", GOFLAG_FUNC, &base);
	add_flag(&p, "diff_base", GOFLAG_FUNC, &diff_base);
	add_flag(&p, "header", GOFLAG_FUNC, &header);

	int rc = goflag_parse(p.flags, p.n, argc, argv, err);
	if (rc == GOFLAG_HELP) {
		rc = PARSED_HELP;
	} else if (rc < 0) {
		rc = PARSED_USAGE;
	} else {
		args->sources = argv + rc;
		args->source_n = argc - rc;
		rc = apply(&p, err);
		rc = rc < 0 ? rc : PARSED_OK;
	}
	mem_free(p.plain_bases);
	mem_free(p.diff_bases);
	return rc;
}

void pprof_args_release(struct pprof_args *args)
{
	config_release(&args->config);
	mem_free(args->bases);
	mem_free(args->headers);
}

/*
 * Reports of arbitrary profiles with arbitrary options.
 *
 * The input is text up to its first NUL, then a profile: the first character chooses the format,
 * the lines after it are options as in the shell ("focus=main", "mean=true").
 */
#include "report/report.h"

/* Not those that open the files a profile names. */
static const struct {
	enum report_format format;
	const char *command, *arg;
} reports[] = {
	{REPORT_TEXT, "top", NULL},
	{REPORT_TREE, "tree", NULL},
	{REPORT_TREE, "peek", "a|main"},
	{REPORT_DOT, "dot", NULL},
	{REPORT_TRACES, "traces", NULL},
	{REPORT_TAGS, "tags", NULL},
	{REPORT_CALLGRIND, "callgrind", NULL},
	{REPORT_COMMENTS, "comments", NULL},
	{REPORT_RAW, "raw", NULL},
	{REPORT_PROTO, "proto", NULL},
	{REPORT_TOPPROTO, "topproto", NULL},
	{REPORT_FLAME, "flame", NULL},
};

static int swallow(struct sink *sink, const void *p, size_t n)
{
	size_t *total = sink->ctx;
	*total += n;
	return 0;
}

static void set_options(struct config *c, char *text)
{
	for (char *line; (line = strsep(&text, "\n"));) {
		char *value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (config_assign(c, line, value, NULL) < 0)
			continue;
	}
}

static void report(struct profile *p, size_t which, const struct config *c)
{
	struct report r;
	size_t total = 0;
	struct sink to = {.write = swallow, .ctx = &total};
	which %= array_len(reports);
	if (report_init(&r, p, reports[which].format, reports[which].command, reports[which].arg, c,
		    NULL, NULL) < 0)
		return;
	if (report_write(&r, &to, NULL) < 0 && total)
		__builtin_trap(); /* half a report and an error */
	report_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *end = memchr(data, '\0', n);
	if (!end || end == data)
		return 0;
	struct config c;
	struct profile p;
	struct profile_limits limits = {.inflated_max = 1 << 20, .samples_max = 1 << 16};
	config_init(&c);
	char *text = mem_strndup((const char *)data + 1, (size_t)(end - data - 1));
	set_options(&c, text);
	size_t rest = n - (size_t)(end + 1 - data);
	if (profile_parse(&p, end + 1, rest, &limits, NULL) >= 0) {
		if (profile_check(&p, NULL) >= 0)
			report(&p, data[0], &c);
		profile_release(&p);
	}
	mem_free(text);
	config_release(&c);
	return 0;
}

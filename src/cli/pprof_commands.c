/*
 * The table of commands: flags of the command line and words of the shell. Names, one-line
 * descriptions and usages are google/pprof's; the commands marked as own are sonde's.
 */
#include "cli/pprof_tool.h"

#define SAMPLES	 "Include up to n samples\n"
#define MATCHING "Include samples matching focus_regex, and exclude ignore_regex."
#define CUM	 "\n-cum sorts the output by cumulative weight"
#define SAVE	 "\nOptionally save the report on the file f"

#define REPORT_USAGE(name) name " [n] [focus_regex]* [-ignore_regex]*\n" SAMPLES MATCHING
#define REPORT_USAGE_SAVE(name) \
	name " [n] [focus_regex]* [-ignore_regex]* >f\n" SAMPLES MATCHING SAVE
#define REPORT_USAGE_CUM(name) \
	name " [n] [focus_regex]* [-ignore_regex]* [-cum] >f\n" SAMPLES MATCHING CUM SAVE

#define LIST_MATCHING \
	"Include functions matching func_regex, or including the address specified.\n" MATCHING
#define LIST_USAGE(name) \
	name "<func_regex|address> [-focus_regex]* [-ignore_regex]*\n" LIST_MATCHING
#define LIST_USAGE_SAVE(name) \
	name "<func_regex|address> [-focus_regex]* [-ignore_regex]* >f\n" LIST_MATCHING SAVE

#define PRINT(name_, format_, description_, usage_)                                     \
	{                                                                               \
		.name = name_, .format = REPORT_##format_, .description = description_, \
		.usage = usage_,                                                        \
	}
#define PRINT_OF(name_, format_, description_, usage_)                        \
	{                                                                     \
		.name = name_, .format = REPORT_##format_, .has_param = true, \
		.description = description_, .usage = usage_,                 \
	}
#define IMAGE(name_, description_)                                                         \
	{                                                                                  \
		.name = name_, .format = REPORT_DOT, .dot_type = name_, .view = VIEW_FILE, \
		.extension = name_, .description = description_,                           \
		.usage = REPORT_USAGE_SAVE(name_),                                         \
	}
#define SHOW(name_, type_, viewer_, description_)                                          \
	{                                                                                  \
		.name = name_, .format = REPORT_DOT, .dot_type = type_, .view = VIEW_OPEN, \
		.extension = type_, .viewer = viewer_, .description = description_,        \
		.usage = REPORT_USAGE(name_),                                              \
	}

const struct pprof_command pprof_commands[] = {
	{
		.name = "callgrind",
		.format = REPORT_CALLGRIND,
		.view = VIEW_FILE,
		.extension = "callgraph.out",
		.description = "Outputs a graph in callgrind format",
		.usage = REPORT_USAGE_SAVE("callgrind"),
	},
	PRINT("comments", COMMENTS, "Output all profile comments", NULL),
	PRINT_OF("disasm", DISASM, "Output assembly listings annotated with samples",
		LIST_USAGE_SAVE("disasm")),
	PRINT("dot", DOT, "Outputs a graph in DOT format", REPORT_USAGE_SAVE("dot")),
	SHOW("eog", "svg", "eog", "Visualize graph through eog"),
	SHOW("evince", "pdf", "evince", "Visualize graph through evince"),
	{
		.name = "flame",
		.format = REPORT_FLAME,
		.view = VIEW_FILE,
		.extension = "html",
		.description = "Outputs a flame graph as one self-contained HTML page",
		.own = true,
		.usage = REPORT_USAGE_SAVE("flame"),
	},
	IMAGE("gif", "Outputs a graph image in GIF format"),
	SHOW("gv", "ps", "gv --noantialias", "Visualize graph through gv"),
	{
		.name = "kcachegrind",
		.format = REPORT_CALLGRIND,
		.view = VIEW_OPEN,
		.extension = "grind",
		.viewer = "kcachegrind",
		.description = "Visualize report in KCachegrind",
		.usage = REPORT_USAGE("kcachegrind"),
	},
	PRINT_OF("list", LIST, "Output annotated source for functions matching regexp",
		LIST_USAGE("list")),
	IMAGE("pdf", "Outputs a graph in PDF format"),
	PRINT_OF("peek", TREE, "Output callers/callees of functions matching regexp",
		"peek func_regex\n"
		"Display callers and callees of functions matching func_regex."),
	IMAGE("png", "Outputs a graph image in PNG format"),
	{
		.name = "proto",
		.format = REPORT_PROTO,
		.view = VIEW_FILE,
		.extension = "pb.gz",
		.description = "Outputs the profile in compressed protobuf format",
	},
	IMAGE("ps", "Outputs a graph in PS format"),
	PRINT("raw", RAW, "Outputs a text representation of the raw profile", NULL),
	IMAGE("svg", "Outputs a graph in SVG format"),
	PRINT("tags", TAGS, "Outputs all tags in the profile",
		"tags [tag_regex]* [-ignore_regex]* [>file]\n"
		"List tags with key:value matching tag_regex and exclude ignore_regex."),
	PRINT("text", TEXT, "Outputs top entries in text form", REPORT_USAGE_CUM("text")),
	PRINT("top", TEXT, "Outputs top entries in text form", REPORT_USAGE_CUM("top")),
	{
		.name = "topproto",
		.format = REPORT_TOPPROTO,
		.view = VIEW_FILE,
		.extension = "pb.gz",
		.description = "Outputs top entries in compressed protobuf format",
	},
	PRINT("traces", TRACES, "Outputs all profile samples in text form", NULL),
	PRINT("tree", TREE, "Outputs a text rendering of call graph", REPORT_USAGE_CUM("tree")),
	SHOW("web", "svg", NULL, "Visualize graph through web browser"),
	{
		.name = "weblist",
		.format = REPORT_WEBLIST,
		.view = VIEW_OPEN,
		.extension = "html",
		.has_param = true,
		.description = "Display annotated source in a web browser",
		.usage = LIST_USAGE("weblist"),
	},
	{0},
};

const struct pprof_command *pprof_command_find(const char *name)
{
	for (const struct pprof_command *c = pprof_commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

void pprof_command_help(const struct pprof_command *c, struct buf *out)
{
	buf_printf(out, "%s\n", c->description);
	if (c->usage) {
		buf_addstr(out, "  Usage:\n");
		for (const char *s = c->usage; *s;) {
			size_t n = strcspn(s, "\n");
			buf_printf(out, "    %.*s\n", (int)n, s);
			s += n + (s[n] == '\n');
		}
	}
	buf_addch(out, '\n');
}

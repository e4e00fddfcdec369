/*
 * The usage of sonde pprof. What google/pprof says is said in its words; what is sonde's own comes
 * after it.
 */
#include "cli/pprof_tool.h"

#include <stdlib.h>

static const char header[] =
	"usage:\n"
	"\n"
	"Produce output in the specified format.\n"
	"\n"
	"   pprof <format> [options] [binary] <source> ...\n"
	"\n"
	"Omit the format to get an interactive shell whose commands can be used\n"
	"to generate various views of a profile\n"
	"\n"
	"   pprof [options] [binary] <source> ...\n"
	"\n"
	"Omit the format and provide the \"-http\" flag to get an interactive web\n"
	"interface at the specified host:port that can be used to navigate through\n"
	"various views of a profile.\n"
	"\n"
	"   pprof -http [host]:[port] [options] [binary] <source> ...\n"
	"\n"
	"Details:\n";

static const char sources[] =
	"\n\n"
	"  Source options:\n"
	"    -seconds              Duration for time-based profile collection\n"
	"    -timeout              Timeout in seconds for profile collection\n"
	"    -buildid              Override build id for main binary\n"
	"    -add_comment          Free-form annotation to add to the profile\n"
	"                          Displayed on some reports or with pprof -comments\n"
	"    -diff_base source     Source of base profile for comparison\n"
	"    -base source          Source of base profile for profile subtraction\n"
	"    profile.pb.gz         Profile in compressed protobuf format\n"
	"    legacy_profile        Profile in legacy pprof format\n"
	"    http://host/profile   URL for profile handler to retrieve\n"
	"    -symbolize=           Controls source of symbol information\n"
	"      none                  Do not attempt symbolization\n"
	"      local                 Examine only local binaries\n"
	"      fastlocal             Only get function names from local binaries\n"
	"      remote                Do not examine local binaries\n"
	"      force                 Force re-symbolization\n"
	"    Binary                  Local path or build id of binary for symbolization\n"
	"    -tls_cert             TLS client certificate file for fetching profile and symbols\n"
	"    -tls_key              TLS private key file for fetching profile and symbols\n"
	"    -tls_ca               TLS CA certs file for fetching profile and symbols";

static const char misc[] =
	"\n\n"
	"  Misc options:\n"
	"   -http              Provide web interface at host:port.\n"
	"                      Host is optional and 'localhost' by default.\n"
	"                      Port is optional and a randomly available port by default.\n"
	"   -no_browser        Skip opening a browser for the interactive web UI.\n"
	"   -tools             Search path for object tools\n"
	"   -all_frames        Ignore drop_frames and keep_frames regexps in the profile\n"
	"                      Rarely needed, mainly used for debugging pprof itself\n"
	"\n"
	"  Legacy convenience options:\n"
	"   -inuse_space           Same as -sample_index=inuse_space\n"
	"   -inuse_objects         Same as -sample_index=inuse_objects\n"
	"   -alloc_space           Same as -sample_index=alloc_space\n"
	"   -alloc_objects         Same as -sample_index=alloc_objects\n"
	"   -total_delay           Same as -sample_index=delay\n"
	"   -contentions           Same as -sample_index=contentions\n"
	"   -mean_delay            Same as -mean -sample_index=delay\n"
	"\n"
	"  Environment Variables:\n"
	"   PPROF_TMPDIR       Location for saved profiles (default $HOME/pprof)\n"
	"   PPROF_TOOLS        Search path for object-level tools\n"
	"   PPROF_BINARY_PATH  Search path for local binary files\n"
	"                      default: $HOME/pprof/binaries\n"
	"                      searches $buildid/$name, $buildid/*, $path/$buildid,\n"
	"                      ${buildid:0:2}/${buildid:2}.debug, $name, $path,\n"
	"                      ${name}.debug, $dir/.debug/${name}.debug,\n"
	"                      usr/lib/debug/$dir/${name}.debug\n"
	"   * On Windows, %USERPROFILE% is used instead of $HOME\n";

static const char own[] =
	"\n"
	"  sonde's own:\n"
	"    -flame             Outputs a flame graph as one self-contained HTML page\n"
	"    -header            Header (\"Name: value\") for requests over HTTP; repeatable\n"
	"    -max_memory        Bytes an input may take, inflated or read (default 1073741824)\n"
	"    -base, -diff_base  May be repeated: the bases are merged\n"
	"    -                  As a source: standard input\n";

/* "    name             first line of its help". */
static char *entry(const char *indent, const char *prefix, const char *name, const char *help)
{
	struct buf label = BUF_INIT, line = BUF_INIT;
	buf_printf(&label, "%s%s", prefix, name);
	buf_printf(&line, "%s    %-16s %.*s", indent, label.data, (int)strcspn(help, "\n"), help);
	buf_release(&label);
	return buf_detach(&line, NULL);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct lines {
	char **line;
	uint32_t n, cap;
};

static void add(struct lines *l, char *line)
{
	vec_push(l->line, l->n, l->cap, line);
}

/* Joins and releases. */
static void put_sorted(struct lines *l, struct buf *out)
{
	qsort(l->line, l->n, sizeof(*l->line), compare_lines);
	for (uint32_t i = 0; i < l->n; i++) {
		buf_addstr(out, i ? "\n" : "");
		buf_addstr(out, l->line[i]);
		mem_free(l->line[i]);
	}
	mem_free(l->line);
}

static char *group_entry(const struct config_field *f, const char *prefix)
{
	struct buf text = BUF_INIT;
	char *line = entry("", "", f->name, "");
	buf_addstr(&text, line);
	mem_free(line);
	for (size_t i = 0; f->choices[i]; i++) {
		line = entry("  ", prefix, f->choices[i], config_help(f->choices[i]));
		buf_printf(&text, "\n%s", line);
		mem_free(line);
	}
	return buf_detach(&text, NULL);
}

void pprof_usage_options(bool command_line, struct buf *out)
{
	const char *prefix = command_line ? "-" : "";
	struct lines commands = {0}, variables = {0}, groups = {0};
	for (const struct pprof_command *c = pprof_commands; c->name; c++)
		if (!c->own)
			add(&commands, entry("", prefix, c->name, c->description));
	for (const struct config_field *f = config_fields; f->name; f++) {
		if (f->choices)
			add(&groups, group_entry(f, prefix));
		else
			add(&variables, entry("", prefix, f->name, f->help));
	}
	buf_addstr(
		out, command_line ? "  Output formats (select at most one):\n" : "  Commands:\n");
	put_sorted(&commands, out);
	if (!command_line)
		buf_addstr(out, "\n    o/options        List options and their current values"
				"\n    q/quit/exit/^D   Exit pprof");
	buf_addstr(out, "\n\n  Options:\n");
	put_sorted(&variables, out);
	buf_addstr(out, "\n\n  Option groups (only set one per group):\n");
	put_sorted(&groups, out);
}

void pprof_usage(struct buf *out)
{
	buf_addstr(out, header);
	pprof_usage_options(true, out);
	buf_addstr(out, sources);
	buf_addstr(out, misc);
}

void pprof_usage_own(struct buf *out)
{
	buf_addstr(out, own);
}

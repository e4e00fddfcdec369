/*
 * Runs disasm or weblist over binaries that are a table of text:
 *
 *	mock_report disasm|weblist REGEXP PROFILE TABLE [NAME=VALUE...]
 *
 * TABLE has lines of tab-separated fields: "inst ADDR TEXT FUNCTION FILE LINE", "symbol NAME START
 * END" (found by every pattern), "frame ADDR FUNCTION FILE LINE" (innermost first). NAME=VALUE are
 * options of the report.
 */
#include <stdio.h>
#include <stdlib.h>

#include "report/annotate.h"

struct mock_frame {
	uint64_t addr;
	struct object_frame frame;
};

static struct {
	struct objtool_insts insts;
	struct objtool_symbols symbols;
	struct mock_frame *frames;
	size_t frame_n, frame_cap;
} mock;

static void *mock_open(
	struct objtool *tool, const char *path, const struct object_mapping *map, struct err *err)
{
	return &mock;
}

static void mock_close(struct objtool *tool, void *file)
{
}

static bool mock_addr(struct objtool *tool, void *file, uint64_t addr, uint64_t *ret)
{
	*ret = addr;
	return true;
}

static bool mock_frames(struct objtool *tool, void *file, uint64_t addr,
	const struct object_frame **ret, size_t *ret_n)
{
	static struct object_frame found[16];
	size_t n = 0;
	for (size_t i = 0; i < mock.frame_n && n < array_len(found); i++) {
		if (mock.frames[i].addr == addr)
			found[n++] = mock.frames[i].frame;
	}
	*ret = found;
	*ret_n = n;
	return true;
}

static void mock_symbols(struct objtool *tool, void *file, struct regex *name,
	const uint64_t *address, struct arena *arena, struct objtool_symbols *ret)
{
	for (size_t i = 0; i < mock.symbols.n; i++)
		vec_push(ret->all, ret->n, ret->cap, mock.symbols.all[i]);
}

static int mock_disasm(struct objtool *tool, void *file, uint64_t start, uint64_t end, bool intel,
	struct arena *arena, struct objtool_insts *ret, struct err *err)
{
	for (size_t i = 0; i < mock.insts.n; i++) {
		if (mock.insts.all[i].addr >= start && mock.insts.all[i].addr < end)
			vec_push(ret->all, ret->n, ret->cap, mock.insts.all[i]);
	}
	return 0;
}

/* --- the table --- */

static void add_line(const char **f)
{
	uint64_t addr = strtoull(f[1], NULL, 0);
	if (!strcmp(f[0], "inst")) {
		struct objtool_inst inst = {.addr = addr,
			.text = f[2],
			.function = f[3],
			.file = f[4],
			.line = (uint32_t)atoi(f[5])};
		vec_push(mock.insts.all, mock.insts.n, mock.insts.cap, inst);
	} else if (!strcmp(f[0], "symbol")) {
		const char **names = mem_alloc(sizeof(*names));
		*names = f[1];
		struct objtool_symbol symbol = {.names = names,
			.name_n = 1,
			.start = strtoull(f[2], NULL, 0),
			.end = strtoull(f[3], NULL, 0)};
		vec_push(mock.symbols.all, mock.symbols.n, mock.symbols.cap, symbol);
	} else if (!strcmp(f[0], "frame")) {
		struct mock_frame frame = {.addr = addr,
			.frame = {.function = f[2], .file = f[3], .line = (uint32_t)atoi(f[4])}};
		vec_push(mock.frames, mock.frame_n, mock.frame_cap, frame);
	}
}

static void read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? 1 : 0;
	if (!f) {
		perror(path);
		exit(2);
	}
	while (n) {
		buf_reserve(out, 65536);
		n = fread(out->data + out->len, 1, 65536, f);
		out->len += n;
	}
	out->data[out->len] = 0;
	fclose(f);
}

static void read_table(const char *path, struct buf *table)
{
	char *rest;
	read_file(path, table);
	rest = table->data;
	for (char *line; (line = strsep(&rest, "\n"));) {
		const char *fields[6] = {"", "", "", "", "", ""}, *field;
		for (int i = 0; i < 6 && (field = strsep(&line, "\t")); i++)
			fields[i] = field;
		add_line(fields);
	}
}

static int fail(const struct err *err)
{
	fprintf(stderr, "%s\n", err->msg);
	return 1;
}

int main(int argc, char **argv)
{
	struct objtool tool = {.open = mock_open,
		.close = mock_close,
		.addr = mock_addr,
		.frames = mock_frames,
		.symbols = mock_symbols,
		.disasm = mock_disasm};
	struct weblist_opts opts = {.tool = &tool, .files_max = -1};
	struct buf data = BUF_INIT, table = BUF_INIT, out = BUF_INIT;
	struct sink sink = buf_sink(&out);
	struct err err = ERR_INIT;
	struct profile p;
	struct report r;
	struct config config;
	if (argc < 5)
		return 2;
	bool is_disasm = !strcmp(argv[1], "disasm");
	read_file(argv[3], &data);
	read_table(argv[4], &table);
	config_init(&config);
	for (int i = 5; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		*value++ = 0;
		if (config_assign(&config, argv[i], value, &err) < 0)
			return fail(&err);
	}
	if (profile_parse(&p, data.data, data.len, NULL, &err) < 0)
		return fail(&err);
	if (report_init(&r, &p, is_disasm ? REPORT_DISASM : REPORT_WEBLIST, argv[1], argv[2],
		    &config, NULL, &err) < 0)
		return fail(&err);
	int rc = is_disasm ? report_disasm_with(&r, &tool, &sink, &err)
			   : report_weblist_with(&r, &opts, &sink, &err);
	if (rc < 0)
		fail(&err);
	fwrite(out.data, 1, out.len, stdout);
	report_release(&r);
	config_release(&config);
	profile_release(&p);
	buf_release(&data);
	buf_release(&table);
	buf_release(&out);
	for (size_t i = 0; i < mock.symbols.n; i++)
		mem_free(mock.symbols.all[i].names);
	mem_free(mock.symbols.all);
	mem_free(mock.insts.all);
	mem_free(mock.frames);
	return rc < 0;
}

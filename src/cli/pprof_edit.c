/*
 * The shell's lines as they are typed: editing, history and completion (libedit).
 */
#include "cli/pprof_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/editline.h"

static struct editline edit;

struct editor {
	const struct profile *profile;
	pprof_line_fn *run;
	void *ctx;
};

static char *prompt(EditLine *el)
{
	static char text[] = "(pprof) ";
	return text;
}

static void list_words(const struct pprof_completions *c)
{
	enum {
		LISTED_MAX = 100,
	};
	putchar('\n');
	for (uint32_t i = 0; i < c->n && i < LISTED_MAX; i++)
		printf("%s\n", c->words[i]);
	if (c->n > LISTED_MAX)
		printf("... %u more\n", c->n - LISTED_MAX);
	fflush(stdout);
}

static size_t common_length(const struct pprof_completions *c)
{
	size_t n = strlen(c->words[0]);
	for (uint32_t i = 1; i < c->n; i++)
		for (size_t k = 0; k < n; k++)
			if (c->words[i][k] != c->words[0][k])
				n = k;
	return n;
}

/* Tab: what all words have in common replaces the one being typed; where that adds nothing they
 * are listed. */
static unsigned char complete(EditLine *el, int ch)
{
	struct editor *e;
	edit.el_get(el, EL_CLIENTDATA, &e);
	const LineInfo *info = edit.el_line(el);
	size_t typed = (size_t)(info->cursor - info->buffer);
	struct pprof_completions c;
	unsigned char result = CC_REFRESH_BEEP;
	pprof_complete(e->profile, info->buffer, typed, &c);
	size_t word = typed - c.from, common = c.n ? common_length(&c) : 0;
	if (common > word || c.n == 1) {
		struct buf text = BUF_INIT;
		buf_add(&text, c.words[0], common);
		if (c.n == 1 && common && text.data[common - 1] != '=')
			buf_addch(&text, ' ');
		edit.el_deletestr(el, (int)word);
		edit.el_insertstr(el, text.data);
		buf_release(&text);
		result = CC_REFRESH;
	} else if (c.n) {
		list_words(&c);
		result = CC_REDISPLAY;
	}
	pprof_completions_release(&c);
	return result;
}

/* $XDG_STATE_HOME/sonde/pprof_history, or NULL if there is no home. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct buf path = BUF_INIT;
	if (state && *state)
		buf_addstr(&path, state);
	else if (home && *home)
		buf_printf(&path, "%s/.local/state", home);
	else
		return NULL;
	mkdir(path.data, 0700);
	buf_addstr(&path, "/sonde");
	mkdir(path.data, 0700);
	buf_addstr(&path, "/pprof_history");
	return buf_detach(&path, NULL);
}

/* Runs lines until one of them says that it was the last. */
static void edit_lines(struct editor *e, EditLine *el, History *past)
{
	HistEvent event;
	for (;;) {
		int n;
		const char *line = edit.el_gets(el, &n);
		if (!line || n <= 0)
			return;
		if (line[strspn(line, " \t\n")])
			edit.history(past, &event, H_ENTER, line);
		if (!e->run(e->ctx, line))
			return;
	}
}

static int load_editline(void)
{
	static const char *const names[] = {EDITLINE_FUNCTIONS(LIBRARY_NAME)};
	return library_load("libedit.so.2", "libedit2", names, sizeof(edit), &edit, NULL);
}

int pprof_edit(const struct profile *p, pprof_line_fn *run, void *ctx)
{
	struct editor e = {.profile = p, .run = run, .ctx = ctx};
	int rc = load_editline();
	if (rc < 0)
		return rc;
	EditLine *el = edit.el_init("pprof", stdin, stdout, stderr);
	if (!el)
		return ERR_UNSUPPORTED;
	History *past = edit.history_init();
	HistEvent event;
	char *path = history_path();
	edit.history(past, &event, H_SETSIZE, 1000);
	edit.history(past, &event, H_SETUNIQUE, 1);
	if (path)
		edit.history(past, &event, H_LOAD, path);
	edit.el_set(el, EL_CLIENTDATA, &e);
	edit.el_set(el, EL_PROMPT, prompt);
	edit.el_set(el, EL_EDITOR, "emacs");
	edit.el_set(el, EL_SIGNAL, 1);
	edit.el_set(el, EL_HIST, edit.history, past);
	edit.el_set(el, EL_ADDFN, "pprof-complete", "complete a command, variable or function",
		complete);
	edit.el_set(el, EL_BIND, "^I", "pprof-complete", NULL);
	edit.el_source(el, NULL);
	edit_lines(&e, el, past);
	if (path)
		edit.history(past, &event, H_SAVE, path);
	edit.history_end(past);
	edit.el_end(el);
	mem_free(path);
	return 0;
}

/*
 * The shell of sonde pprof: reports of one profile, one after the other.
 *
 * A line is an assignment (variable=value), a command with arguments, or one of the few words of
 * its own. On a terminal it is edited with history and completion (libedit); from a pipe it is read
 * plainly, without a prompt.
 */
#include "cli/pprof_tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct shell {
	struct profile *profile;
	struct config config;
	struct notes *notes;
	bool done;
};

struct words {
	char *text; /* what they are cut from */
	char **word;
	uint32_t n, cap;
};

static void say(struct shell *sh, const char *text)
{
	/* Go's Print is not PrintErr: no colour. */
	fflush(stdout);
	size_t n = strlen(text);
	fprintf(stderr, "%s%s", text, n && text[n - 1] == '\n' ? "" : "\n");
}

static void split_words(struct words *w, const char *line)
{
	memset(w, 0, sizeof(*w));
	char *rest = w->text = mem_strdup(line), *save;
	for (char *word = strtok_r(rest, " \t\n\v\f\r", &save); word;
		word = strtok_r(NULL, " \t\n\v\f\r", &save))
		vec_push(w->word, w->n, w->cap, word);
}

static void words_release(struct words *w)
{
	mem_free(w->text);
	mem_free(w->word);
}

static char *trimmed(const char *s, size_t n)
{
	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	while (n && isspace((unsigned char)*s))
		s++, n--;
	return mem_strndup(s, n);
}

/* --- variables --- */

/* The comment that `options` prints after a value is cut off, so that its lines can be pasted. */
static char *assigned_value(const char *text)
{
	size_t n = strlen(text);
	for (const char *c = strstr(text, "//:"); c; c = strstr(c + 1, "//:"))
		n = (size_t)(c - text);
	return trimmed(text, n);
}

static bool is_switch(const char *name)
{
	const struct config_field *f = config_find(name);
	return strcmp(f->name, name) != 0 || f->kind == CONFIG_BOOL;
}

/* Sample types are kept by name: a later profile may order them otherwise. */
static int name_sample_type(struct shell *sh, char **value, struct err *err)
{
	uint32_t index;
	int rc = report_sample_index(sh->profile, *value, &index, err);
	if (rc >= 0)
		config_set_string(
			value, profile_str(sh->profile, sh->profile->sample_types[index].type));
	return rc;
}

static int assign(struct shell *sh, const char *name, const char *text, struct err *err)
{
	if (!text && !is_switch(name))
		return err_set(err, ERR_USAGE, "please specify a value, e.g. %s=<val>", name);
	char *value = assigned_value(text ? text : "");
	int rc = strcmp(name, "sample_index") == 0 ? name_sample_type(sh, &value, err) : 0;
	if (rc >= 0)
		rc = config_assign(&sh->config, name, value, err);
	mem_free(value);
	return rc;
}

/* Whether the line is an assignment; then it was carried out. */
static bool try_assign(struct shell *sh, const char *line)
{
	const char *equals = strchr(line, '=');
	char *name = trimmed(line, equals ? (size_t)(equals - line) : strlen(line));
	bool is_variable = config_find(name) != NULL;
	if (is_variable) {
		struct err err = ERR_INIT;
		if (assign(sh, name, equals ? equals + 1 : NULL, &err) < 0)
			notes_printf(sh->notes, "%s", err.msg);
	}
	mem_free(name);
	return is_variable;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_choices(const char *const *choices, uint32_t n, struct buf *out)
{
	buf_addstr(out, "//: [");
	for (uint32_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? " | " : "", choices[i]);
	buf_addch(out, ']');
}

static void sorted_choices(const struct config_field *f, struct buf *out)
{
	const char *sorted[8];
	uint32_t n = 0;
	for (; f->choices[n]; n++)
		sorted[n] = f->choices[n];
	qsort(sorted, n, sizeof(*sorted), compare_strings);
	put_choices(sorted, n, out);
}

static void sample_types(struct shell *sh, struct buf *value, struct buf *comment)
{
	const struct profile *p = sh->profile;
	const char **types = mem_array((size_t)p->sample_type_n + 1, sizeof(*types));
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		types[i] = profile_str(p, p->sample_types[i].type);
	if (!value->len && p->sample_type_n)
		buf_addstr(value, types[p->sample_type_n - 1]);
	put_choices(types, p->sample_type_n, comment);
	mem_free(types);
}

static char *option_line(struct shell *sh, const struct config_field *f)
{
	struct buf value = BUF_INIT, comment = BUF_INIT, line = BUF_INIT;
	config_get(&sh->config, f, &value);
	if (f->choices)
		sorted_choices(f, &comment);
	else if (strcmp(f->name, "sample_index") == 0)
		sample_types(sh, &value, &comment);
	else if (strcmp(f->name, "nodecount") == 0 && sh->config.nodecount == -1)
		buf_addstr(&comment, "//: default");
	else if (!value.len)
		buf_addstr(&value, "\"\"");
	if (!value.len && f->choices)
		buf_addstr(&value, "(default)");
	buf_printf(&line, "  %-25s = %-20s %s", f->name, value.data, comment.data);
	buf_release(&value);
	buf_release(&comment);
	return buf_detach(&line, NULL);
}

static void show_options(struct shell *sh)
{
	char *lines[64];
	uint32_t n = 0;
	struct buf text = BUF_INIT;
	for (const struct config_field *f = config_fields; f->name; f++)
		if (strcmp(f->name, "source_path") != 0)
			lines[n++] = option_line(sh, f);
	qsort(lines, n, sizeof(*lines), compare_strings);
	for (uint32_t i = 0; i < n; i++) {
		buf_printf(&text, "%s\n", lines[i]);
		mem_free(lines[i]);
	}
	say(sh, text.data);
	buf_release(&text);
}

/* --- help --- */

static void put_sample_types(const struct shell *sh, struct buf *out)
{
	const struct profile *p = sh->profile;
	buf_addstr(out, "Or use sample_index=name, with name in [");
	for (uint32_t i = 0; i < p->sample_type_n; i++)
		buf_printf(out, "%s%s", i ? " " : "", profile_str(p, p->sample_types[i].type));
	buf_addstr(out, "].\n");
}

static void help(struct shell *sh, const char *topic)
{
	struct buf text = BUF_INIT;
	const struct pprof_command *c = pprof_command_find(topic);
	const char *variable = config_help(topic);
	if (!*topic) {
		pprof_usage_options(false, &text);
		buf_addstr(&text, "\n  :   Clear focus/ignore/hide/tagfocus/tagignore\n"
				  "\n  type \"help <cmd|option>\" for more information\n");
	} else if (c) {
		pprof_command_help(c, &text);
	} else if (variable) {
		buf_addstr(&text, variable);
		if (strcmp(topic, "sample_index") == 0)
			put_sample_types(sh, &text);
		buf_addch(&text, '\n');
	}
	if (text.len)
		say(sh, text.data);
	else
		notes_printf(sh->notes, "Unknown command: %s", topic);
	buf_release(&text);
}

/* --- commands --- */

/* What a line asks for. */
struct request {
	const struct pprof_command *command;
	const char *param;
	struct config config; /* the current one, with the line's own settings */
	char *focus, *ignore;
	const char *pipe; /* rest of the line after "|", in `line`; NULL: none */
};

static void add_pattern(char **pattern, const char *more)
{
	struct buf both = BUF_INIT;
	if (*pattern)
		buf_printf(&both, "%s%s", *pattern, **pattern && *more ? "|" : "");
	buf_addstr(&both, more);
	mem_free(*pattern);
	*pattern = buf_detach(&both, NULL);
}

static bool parse_count(const char *s, int *ret)
{
	char *end;
	errno = 0;
	long v = strtol(s, &end, 10);
	if (*end || end == s || errno || v != (int)v)
		return false;
	*ret = (int)v;
	return true;
}

/* "top10" is "top 10": the command, and its digits in *ret_digits. */
static const struct pprof_command *find_command(const char *word, const char **ret_digits)
{
	const struct pprof_command *c = pprof_command_find(word);
	size_t n = strlen(word), digits = n;
	while (digits > 0 && isdigit((unsigned char)word[digits - 1]))
		digits--;
	*ret_digits = NULL;
	if (c || digits == n || digits == 0)
		return c;
	char *name = mem_strndup(word, digits);
	c = pprof_command_find(name);
	mem_free(name);
	*ret_digits = word + digits;
	return c;
}

static int unknown_command(const char *name, const char *digits, const char *arg, struct err *err)
{
	/* As pprof: digits are gone from the name once they were split off. */
	char *plain = digits ? mem_strndup(name, (size_t)(digits - name)) : mem_strdup(name);
	int rc;
	if (config_help(plain))
		rc = err_set(err, ERR_USAGE, "did you mean: %s=%s", plain,
			digits ? digits
			: arg  ? arg
			       : "<val>");
	else
		rc = err_set(err, ERR_USAGE, "unrecognized command: \"%s\"", plain);
	mem_free(plain);
	return rc;
}

static int parse_argument(struct request *rq, const struct words *w, uint32_t *i, struct err *err)
{
	const char *t = w->word[*i];
	if (parse_count(t, &rq->config.nodecount))
		return 0;
	if (*t == '>') {
		const char *file = t[1] ? t + 1 : ++*i < w->n ? w->word[*i] : NULL;
		if (!file)
			return err_set(err, ERR_USAGE, "unexpected end of line after >");
		config_set_string(&rq->config.output, file);
	} else if (strcmp(t, "-cum") == 0 || strcmp(t, "--cum") == 0) {
		config_set_string(&rq->config.sort, "cum");
	} else if (*t == '-') {
		add_pattern(&rq->ignore, t + 1);
	} else {
		add_pattern(&rq->focus, t);
	}
	return 0;
}

static void apply_patterns(struct request *rq)
{
	bool tags = rq->command->format == REPORT_TAGS;
	struct config *c = &rq->config;
	if (rq->focus && *rq->focus)
		config_set_string(tags ? &c->tagfocus : &c->focus, rq->focus);
	if (rq->ignore && *rq->ignore)
		config_set_string(tags ? &c->tagignore : &c->ignore, rq->ignore);
	if (c->nodecount == -1 && rq->command->format == REPORT_TEXT)
		c->nodecount = 10;
}

/* The words of a command line. `rq` must be released in any case. */
static int parse_request(
	struct shell *sh, struct request *rq, const struct words *w, struct err *err)
{
	const char *digits;
	uint32_t i = 1;
	rq->command = find_command(w->word[0], &digits);
	if (!rq->command)
		return unknown_command(w->word[0], digits, w->n > 1 ? w->word[1] : NULL, err);
	if (rq->command->has_param) {
		rq->param = digits ? digits : i < w->n ? w->word[i++] : NULL;
		if (!rq->param)
			return err_set(err, ERR_USAGE, "command %s requires an argument",
				rq->command->name);
	} else if (digits && !parse_count(digits, &rq->config.nodecount)) {
		add_pattern(&rq->focus, digits);
	}
	for (; i < w->n; i++) {
		int rc = parse_argument(rq, w, &i, err);
		if (rc < 0)
			return rc;
	}
	apply_patterns(rq);
	return 0;
}

static void request_release(struct request *rq)
{
	config_release(&rq->config);
	mem_free(rq->focus);
	mem_free(rq->ignore);
}

/* Starts `sh -c command` with its input from the returned descriptor. */
static int start_pipe(const char *command, pid_t *ret_pid, struct err *err)
{
	int fd[2];
	if (pipe2(fd, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	fflush(stdout);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		signal(SIGPIPE, SIG_DFL);
		dup2(fd[0], STDIN_FILENO);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(fd[0]);
	if (*ret_pid > 0)
		return fd[1];
	close(fd[1]);
	return err_errno(err, "fork");
}

static int run_request(struct shell *sh, const struct request *rq, struct err *err)
{
	struct pprof_job job = {
		.command = rq->command,
		.param = rq->param,
		.config = &rq->config,
		.in_shell = true,
		.pipe_fd = -1,
	};
	pid_t pid = 0;
	if (rq->pipe) {
		job.pipe_fd = start_pipe(rq->pipe, &pid, err);
		if (job.pipe_fd < 0)
			return job.pipe_fd;
	}
	struct profile copy;
	profile_copy(&copy, sh->profile);
	int rc = pprof_run(&copy, &job, sh->notes, err);
	profile_release(&copy);
	if (rq->pipe) {
		close(job.pipe_fd);
		waitpid(pid, NULL, 0);
	}
	return rc;
}

/* "| command" at the end of a line, the bar a word of its own: cut off and returned. */
static const char *cut_pipe(char *line)
{
	for (char *s = strchr(line, '|'); s; s = strchr(s + 1, '|')) {
		bool alone = s > line && isspace((unsigned char)s[-1]) &&
			     (isspace((unsigned char)s[1]) || !s[1]);
		if (!alone)
			continue;
		*s = '\0';
		return s[1] ? s + 1 : NULL;
	}
	return NULL;
}

static void run_command(struct shell *sh, const char *text)
{
	char *line = mem_strdup(text);
	struct request rq = {.pipe = cut_pipe(line)};
	struct err err = ERR_INIT;
	struct words w;
	config_copy(&rq.config, &sh->config);
	split_words(&w, line);
	int rc = parse_request(sh, &rq, &w, &err);
	if (rc >= 0)
		rc = run_request(sh, &rq, &err);
	if (rc < 0)
		notes_printf(sh->notes, "%s", err.msg);
	request_release(&rq);
	words_release(&w);
	mem_free(line);
}

static void run_line(struct shell *sh, const char *line)
{
	if (try_assign(sh, line))
		return;
	struct words w;
	split_words(&w, line);
	const char *first = w.n ? w.word[0] : "";
	if (!strcmp(first, "o") || !strcmp(first, "options")) {
		show_options(sh);
	} else if (!strcmp(first, "q") || !strcmp(first, "quit") || !strcmp(first, "exit")) {
		sh->done = true;
	} else if (!strcmp(first, "help")) {
		struct buf topic = BUF_INIT;
		for (uint32_t i = 1; i < w.n; i++)
			buf_printf(&topic, "%s%s", i > 1 ? " " : "", w.word[i]);
		help(sh, topic.data);
		buf_release(&topic);
	} else if (*first) {
		run_command(sh, line);
	}
	words_release(&w);
}

/* A sample type's name is a shortcut for choosing it; total_X and mean_X also set `mean`. */
static bool try_sample_type(struct shell *sh, const char *word)
{
	static const struct {
		const char *prefix, *mean;
	} forms[] = {{"", NULL}, {"total_", "mean=0"}, {"mean_", "mean=1"}};
	const struct profile *p = sh->profile;
	for (uint32_t i = 0; i < p->sample_type_n; i++) {
		const char *type = profile_str(p, p->sample_types[i].type);
		for (size_t k = 0; k < array_len(forms); k++) {
			size_t n = strlen(forms[k].prefix);
			if (strncmp(word, forms[k].prefix, n) != 0 || strcmp(word + n, type) != 0)
				continue;
			struct buf line = BUF_INIT;
			buf_printf(&line, "sample_index=%s", type);
			if (forms[k].mean)
				run_line(sh, forms[k].mean);
			run_line(sh, line.data);
			buf_release(&line);
			return true;
		}
	}
	return false;
}

static void run_input(struct shell *sh, const char *input)
{
	static const char *const cleared[] = {
		"focus=", "ignore=", "hide=", "tagfocus=", "tagignore="};
	char *line = trimmed(input, strlen(input));
	if (strcmp(line, ":") == 0) {
		for (size_t i = 0; i < array_len(cleared); i++)
			run_line(sh, cleared[i]);
	} else if (!try_sample_type(sh, line)) {
		run_line(sh, line);
	}
	mem_free(line);
}

/* --- reading lines --- */

static void greet(struct shell *sh)
{
	struct report r;
	if (report_init_header(&r, sh->profile, &sh->config, sh->notes, NULL) >= 0) {
		struct report_labels labels;
		struct buf text = BUF_INIT;
		report_labels_profile(&r, &labels);
		for (uint32_t i = 0; i < labels.n; i++)
			buf_printf(&text, "%s\n", labels.lines[i]);
		say(sh, text.data);
		if (!r.total && sh->profile->sample_type_n > 1)
			say(sh, "No samples were found with the default sample value type.\n"
				"Try \"sample_index\" command to analyze different sample "
				"values.\n");
		buf_release(&text);
		report_labels_release(&labels);
		report_release(&r);
	}
	say(sh, "Entering interactive mode (type \"help\" for commands, \"o\" for options)");
}

static bool run_typed(void *ctx, const char *line)
{
	struct shell *sh = ctx;
	run_input(sh, line);
	return !sh->done;
}

static void read_plain(struct shell *sh)
{
	char *line = NULL;
	size_t cap = 0;
	while (!sh->done && getline(&line, &cap, stdin) > 0)
		run_input(sh, line);
	free(line);
}

int pprof_shell(
	struct profile *p, const struct config *config, struct notes *notes, struct err *err)
{
	struct shell sh = {.profile = p, .notes = notes};
	config_copy(&sh.config, config);
	sh.config.compact_labels = true;
	signal(SIGPIPE, SIG_IGN);
	greet(&sh);
	if (!isatty(STDIN_FILENO) || pprof_edit(p, run_typed, &sh) < 0)
		read_plain(&sh);
	config_release(&sh.config);
	return 0;
}

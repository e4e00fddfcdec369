/*
 * heaptrack's files (heaptrack.PROGRAM.PID.zst or .gz), as heaptrack_interpret leaves them: lines
 * of a letter and numbers in hexadecimal. "s" is a string, "i" an instruction with its object,
 * function and inlined calls, "t" a frame and the trace above it, "a" a size and a trace; each is
 * known by how many of its kind came before it. "+ N" is one more allocation of the Nth "a", "- N"
 * one less.
 *
 * What a trace allocated in all, and what of it was not freed, becomes one sample; sizes are added
 * up. Peaks and times are not kept: a profile has no place for them.
 */
#include "pprof/readers.h"
#include "pprof/stacks.h"

enum {
	DEPTH_MAX = 1024,  /* heaptrack itself stops at 64 */
	VERSION_SIZED = 3, /* from here on strings are preceded by their length */
};

struct trace {
	uint32_t location, parent; /* 1 + trace; 0: none */
	uint32_t depth;
	int64_t values[4]; /* alloc_objects, alloc_space, inuse_objects, inuse_space */
};

struct allocation {
	uint64_t size;
	uint32_t trace; /* 1 + trace */
};

struct heap {
	struct stacks s;
	struct lines lines;
	uint64_t version;
	uint64_t last_ms;
	struct text *strings;
	uint32_t string_n, string_cap;
	uint32_t *locations; /* of each instruction */
	uint32_t location_n, location_cap;
	struct trace *traces;
	uint32_t trace_n, trace_cap;
	struct allocation *allocations;
	uint32_t allocation_n, allocation_cap;
	int64_t lost[4]; /* of what has no trace */
	struct line *inlined;
	uint32_t inlined_n, inlined_cap;
	struct err *err;
};

/* "v 10400 3", and in the next line the command "X …" or, before interpretation, "x PATH". */
bool heaptrack_is(const void *data, size_t n)
{
	struct lines lines = lines_of(data, n < 200 ? n : 200);
	struct text line, word;
	const char *why;
	uint64_t number;
	if (!lines_next(&lines) || !text_has_prefix(lines.line, "v "))
		return false;
	line = (struct text){lines.line.s + 2, lines.line.n - 2};
	for (int i = 0; i < 2; i++)
		if (!text_word(&line, &word) || !text_u64(word, 16, &number, &why))
			return false;
	return lines_next(&lines) &&
	       (text_has_prefix(lines.line, "X ") || text_has_prefix(lines.line, "x "));
}

static int malformed(struct heap *h)
{
	return err_line(h->err, ERR_FORMAT, h->lines.number, "heaptrack: cannot read \"%.*s\"",
		TEXT_ARGS(h->lines.line));
}

static int no_such(struct heap *h, const char *what, uint64_t index, uint32_t n)
{
	return err_line(h->err, ERR_FORMAT, h->lines.number,
		"heaptrack: %s %llx, of which there are %x so far", what, (unsigned long long)index,
		n);
}

/* --- numbers --- */

static int need(struct heap *h, struct text *rest, uint64_t *ret)
{
	struct text word;
	const char *why;
	*ret = 0;
	return text_word(rest, &word) && text_u64(word, 16, ret, &why) ? 0 : malformed(h);
}

/* A number up to n: things are counted from 1, and 0 is none of them. */
static int need_index(
	struct heap *h, struct text *rest, const char *what, uint32_t n, uint32_t *ret)
{
	uint64_t v;
	int rc = need(h, rest, &v);
	if (rc < 0)
		return rc;
	if (v > n)
		return no_such(h, what, v, n);
	*ret = (uint32_t)v;
	return 0;
}

static int need_string(struct heap *h, struct text *rest, struct text *ret)
{
	uint32_t index = 0;
	int rc = need_index(h, rest, "string", h->string_n, &index);
	*ret = rc >= 0 && index ? h->strings[index - 1] : (struct text){"", 0};
	return rc;
}

/* --- lines --- */

static int read_version(struct heap *h, struct text rest)
{
	uint64_t program;
	int rc = need(h, &rest, &program);
	if (rc >= 0)
		rc = need(h, &rest, &h->version);
	if (rc >= 0 && h->version == 0)
		rc = err_line(h->err, ERR_UNSUPPORTED, h->lines.number,
			"heaptrack: a file of before 1.0; open it with heaptrack_print");
	return rc;
}

/* The first string is the program: its object is the first mapping. */
static int read_string(struct heap *h, struct text rest)
{
	uint64_t n = rest.n;
	if (h->version >= VERSION_SIZED) {
		int rc = need(h, &rest, &n);
		if (rc < 0)
			return rc;
		rest.s += rest.n && *rest.s == ' ';
		rest.n = (size_t)(h->lines.line.s + h->lines.line.n - rest.s);
	}
	if (n < rest.n)
		rest.n = n;
	vec_push(h->strings, h->string_n, h->string_cap, rest);
	if (h->string_n == 1 && rest.n && *rest.s == '/')
		stacks_mapping(&h->s, rest);
	return 0;
}

/* Function, file and line, of which the last two may be missing: the innermost first. */
static int read_line(struct heap *h, struct text *rest)
{
	struct text name, file = {"", 0};
	uint64_t line = 0;
	int rc = need_string(h, rest, &name);
	if (rc >= 0 && text_trim(*rest).n) {
		rc = need_string(h, rest, &file);
		if (rc >= 0)
			rc = need(h, rest, &line);
	}
	if (rc < 0)
		return rc;
	struct line l = {.function = stacks_function(&h->s, name, file), .line = (int64_t)line};
	vec_push(h->inlined, h->inlined_n, h->inlined_cap, l);
	return 0;
}

static int read_instruction(struct heap *h, struct text rest)
{
	uint64_t address;
	struct text object;
	int rc = need(h, &rest, &address);
	if (rc >= 0)
		rc = need_string(h, &rest, &object);
	h->inlined_n = 0;
	while (rc >= 0 && (rest = text_trim(rest)).n)
		rc = read_line(h, &rest);
	if (rc < 0)
		return rc;
	uint32_t location = profile_add_location(
		h->s.p, stacks_mapping(&h->s, object), address, h->inlined, h->inlined_n);
	vec_push(h->locations, h->location_n, h->location_cap, location);
	return 0;
}

static int read_trace(struct heap *h, struct text rest)
{
	struct trace t = {0};
	uint32_t instruction = 0;
	int rc = need_index(h, &rest, "instruction", h->location_n, &instruction);
	if (rc >= 0)
		rc = need_index(h, &rest, "trace", h->trace_n, &t.parent);
	if (rc < 0)
		return rc;
	if (!instruction)
		return no_such(h, "instruction", 0, h->location_n);
	t.location = h->locations[instruction - 1];
	t.depth = t.parent ? h->traces[t.parent - 1].depth + 1 : 1;
	if (t.depth > DEPTH_MAX)
		return err_line(h->err, ERR_LIMIT, h->lines.number,
			"heaptrack: a trace of more than %d frames", DEPTH_MAX);
	vec_push(h->traces, h->trace_n, h->trace_cap, t);
	return 0;
}

static int read_allocation(struct heap *h, struct text rest)
{
	struct allocation a;
	int rc = need(h, &rest, &a.size);
	if (rc >= 0)
		rc = need_index(h, &rest, "trace", h->trace_n, &a.trace);
	if (rc >= 0)
		vec_push(h->allocations, h->allocation_n, h->allocation_cap, a);
	return rc;
}

static void add(int64_t *sum, uint64_t v)
{
	*sum = (int64_t)((uint64_t)*sum + v);
}

static int count(struct heap *h, struct text rest, bool is_free)
{
	uint64_t index;
	int rc = need(h, &rest, &index);
	if (rc < 0)
		return rc;
	if (index >= h->allocation_n)
		return no_such(h, "allocation", index, h->allocation_n);
	const struct allocation *a = &h->allocations[index];
	int64_t *values = a->trace ? h->traces[a->trace - 1].values : h->lost;
	if (!is_free) {
		add(&values[0], 1);
		add(&values[1], a->size);
	}
	add(&values[2], is_free ? -(uint64_t)1 : 1);
	add(&values[3], is_free ? -a->size : a->size);
	return 0;
}

static int read_record(struct heap *h, struct text line)
{
	char kind = *line.s;
	struct text rest = {line.s + 2, line.n - 2};
	switch (kind) {
	case 'v':
		return read_version(h, rest);
	case 's':
		return read_string(h, rest);
	case 'i':
		return read_instruction(h, rest);
	case 't':
		return read_trace(h, rest);
	case 'a':
		return read_allocation(h, rest);
	case '+':
	case '-':
		return count(h, rest, kind == '-');
	case 'c':
		return need(h, &rest, &h->last_ms);
	case 'm':
	case 'x':
		return err_line(h->err, ERR_UNSUPPORTED, h->lines.number,
			"heaptrack: a raw recording; run heaptrack_interpret on it first");
	default:
		return 0; /* X the command, I pages, R memory, S suppressions, # comments */
	}
}

/* --- the end --- */

static bool is_zero(const int64_t *values)
{
	return !values[0] && !values[1] && !values[2] && !values[3];
}

static void add_samples(struct heap *h)
{
	uint32_t stack[DEPTH_MAX];
	if (!is_zero(h->lost))
		profile_add_sample(h->s.p, NULL, 0, h->lost, NULL, 0);
	for (uint32_t i = 0; i < h->trace_n; i++) {
		uint32_t n = 0;
		if (is_zero(h->traces[i].values))
			continue;
		for (uint32_t at = i + 1; at; at = h->traces[at - 1].parent)
			stack[n++] = h->traces[at - 1].location;
		profile_add_sample(h->s.p, stack, n, h->traces[i].values, NULL, 0);
	}
}

static void set_up(struct profile *p)
{
	profile_add_sample_type(p, "alloc_objects", "count");
	profile_add_sample_type(p, "alloc_space", "bytes");
	profile_add_sample_type(p, "inuse_objects", "count");
	profile_add_sample_type(p, "inuse_space", "bytes");
	p->default_sample_type = p->sample_types[3].type;
	p->period_type = (struct value_type){
		strtab_addstr(&p->strings, "space"), strtab_addstr(&p->strings, "bytes")};
	p->period = 1;
}

static void release(struct heap *h)
{
	stacks_release(&h->s);
	mem_free(h->strings);
	mem_free(h->locations);
	mem_free(h->traces);
	mem_free(h->allocations);
	mem_free(h->inlined);
}

int heaptrack_parse(struct profile *p, const void *data, size_t n, struct err *err)
{
	struct heap h = {.lines = lines_of(data, n), .err = err};
	int rc = 0;
	stacks_init(&h.s, p);
	set_up(p);
	if (!heaptrack_is(data, n))
		rc = err_line(err, ERR_FORMAT, 1, "not a heaptrack file: no \"v VERSION\"");
	while (rc >= 0 && lines_next(&h.lines))
		if (h.lines.line.n >= 2 && h.lines.line.s[1] == ' ')
			rc = read_record(&h, h.lines.line);
	if (rc >= 0) {
		add_samples(&h);
		p->duration_nanos =
			h.last_ms < INT64_MAX / 1000000 ? (int64_t)h.last_ms * 1000000 : 0;
	}
	release(&h);
	return rc;
}

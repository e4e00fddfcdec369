/*
 * Readable names: C++ (Itanium ABI) and Rust (both manglings).
 *
 * libiberty parses and prints; pprof's demangler is a port of it by the same author, so the words
 * agree. What pprof adds is done here: dropping parameters, clone suffixes and template arguments.
 * The first two are cut from libiberty's tree before it is printed. Template arguments are cut from
 * the text: the tree needs them to print what a template parameter stands for.
 *
 * A mangled name is untrusted input, a few bytes of which can describe gigabytes of text: printing
 * is stopped (by a jump out of libiberty's callback interface, which allocates nothing) at a length
 * no reader would look at.
 */
#include "symbolize/internal.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define MANGLED_MAX   (64u << 10)
#define DEMANGLED_MAX (1u << 20)

/* --- the printer --- */

struct printer {
	struct buf *out;
	size_t limit;
	jmp_buf too_long;
};

static void print(const char *s, size_t n, void *opaque)
{
	struct printer *printer = opaque;
	if (printer->out->len + n > printer->limit)
		longjmp(printer->too_long, 1);
	buf_add(printer->out, s, n);
}

static void cut(struct buf *out, size_t len)
{
	out->len = len;
	if (out->cap)
		out->data[len] = 0;
}

/* Runs one of libiberty's printers; false, and `out` as it was, if it fails. */
#define PRINT(out, call)                                                                      \
	({                                                                                    \
		struct printer printer = {.out = (out), .limit = (out)->len + DEMANGLED_MAX}; \
		size_t from_ = (out)->len;                                                    \
		bool ok_ = !setjmp(printer.too_long) && (call);                               \
		if (!ok_)                                                                     \
			cut(out, from_);                                                      \
		ok_;                                                                          \
	})

/* --- the tree --- */

typedef struct demangle_component node;

/* The parts of a node that are nodes, in left and right. */
static void children(node *n, node **left, node **right)
{
	*left = *right = NULL;
	switch (n->type) {
	case DEMANGLE_COMPONENT_NAME:
	case DEMANGLE_COMPONENT_TEMPLATE_PARAM:
	case DEMANGLE_COMPONENT_FUNCTION_PARAM:
	case DEMANGLE_COMPONENT_SUB_STD:
	case DEMANGLE_COMPONENT_BUILTIN_TYPE:
	case DEMANGLE_COMPONENT_EXTENDED_BUILTIN_TYPE:
	case DEMANGLE_COMPONENT_OPERATOR:
	case DEMANGLE_COMPONENT_CHARACTER:
	case DEMANGLE_COMPONENT_NUMBER:
		return;
	case DEMANGLE_COMPONENT_CTOR:
		*left = n->u.s_ctor.name;
		return;
	case DEMANGLE_COMPONENT_DTOR:
		*left = n->u.s_dtor.name;
		return;
	case DEMANGLE_COMPONENT_EXTENDED_OPERATOR:
		*left = n->u.s_extended_operator.name;
		return;
	case DEMANGLE_COMPONENT_FIXED_TYPE:
		*left = n->u.s_fixed.length;
		return;
	case DEMANGLE_COMPONENT_LAMBDA:
	case DEMANGLE_COMPONENT_UNNAMED_TYPE:
	case DEMANGLE_COMPONENT_DEFAULT_ARG:
		*left = n->u.s_unary_num.sub;
		return;
	default:
		*left = n->u.s_binary.left;
		*right = n->u.s_binary.right;
	}
}

/* The function type of a typed name, below its qualifiers ("const", "&"). */
static node *function_type(node *typed)
{
	node *n = typed->u.s_binary.right;
	for (int i = 0; n && i < 8; i++) {
		if (n->type == DEMANGLE_COMPONENT_FUNCTION_TYPE)
			return n;
		n = n->u.s_binary.left;
	}
	return NULL;
}

/* Of "f(int)::g" leaves "f()::g". */
static void drop_enclosing_params(node *local)
{
	node *outer = local->u.s_binary.left;
	node *type =
		outer && outer->type == DEMANGLE_COMPONENT_TYPED_NAME ? function_type(outer) : NULL;
	if (type)
		type->u.s_binary.left = type->u.s_binary.right = NULL;
}

/* A constructor is called as its class; for one that a class inherits ("using B::B"), libiberty has
 * the name of the base there. */
static void name_constructor(node *qualified)
{
	node *class = qualified->u.s_binary.left, *ctor = qualified->u.s_binary.right;
	if (!class || !ctor || ctor->type != DEMANGLE_COMPONENT_CTOR)
		return;
	if (class->type == DEMANGLE_COMPONENT_QUAL_NAME)
		class = class->u.s_binary.right;
	if (class && class->type == DEMANGLE_COMPONENT_NAME && ctor->u.s_ctor.name &&
		ctor->u.s_ctor.name->type == DEMANGLE_COMPONENT_NAME)
		ctor->u.s_ctor.name = class;
}

static bool is_this_qualifier(const node *n)
{
	switch (n->type) {
	case DEMANGLE_COMPONENT_CONST_THIS:
	case DEMANGLE_COMPONENT_VOLATILE_THIS:
	case DEMANGLE_COMPONENT_RESTRICT_THIS:
	case DEMANGLE_COMPONENT_REFERENCE_THIS:
	case DEMANGLE_COMPONENT_RVALUE_REFERENCE_THIS:
		return true;
	default:
		return false;
	}
}

/* "const" belongs to the parameters that are not shown. libiberty sees to it but in a default
 * argument. */
static void drop_top_qualifiers(node *tree)
{
	node *arg = tree->type == DEMANGLE_COMPONENT_LOCAL_NAME ? tree->u.s_binary.right : NULL;
	if (!arg || arg->type != DEMANGLE_COMPONENT_DEFAULT_ARG)
		return;
	node **sub = &arg->u.s_unary_num.sub;
	while (*sub && is_this_qualifier(*sub))
		*sub = (*sub)->u.s_binary.left;
}

/* Substitutions share nodes, so each is visited once. */
static void edit_tree(node *n, struct map *seen, enum demangle_mode mode, int depth)
{
	node *left, *right;
	while (n && depth < 1024) {
		bool is_new;
		map_put(seen, (uintptr_t)n, &is_new);
		if (!is_new)
			return;
		if (n->type == DEMANGLE_COMPONENT_LOCAL_NAME && mode != DEMANGLE_FULL)
			drop_enclosing_params(n);
		if (n->type == DEMANGLE_COMPONENT_QUAL_NAME)
			name_constructor(n);
		children(n, &left, &right);
		edit_tree(left, seen, mode, depth + 1);
		n = right;
	}
}

static bool print_tree(struct buf *out, node *tree, int options)
{
	return PRINT(out, cplus_demangle_print_callback(options, tree, print, &printer));
}

/* --- template arguments, cut from text --- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* The length of an operator's name if `s` is at one: "operator<", "operator->*". */
static size_t operator_length(const char *start, const char *s)
{
	static const char *const names[] = {
		"<<=", ">>=", "<=>", "->*", "<<", ">>", "<=", ">=", "->", "<", ">", "()"};
	if ((s > start && is_word(s[-1])) || strncmp(s, "operator", 8))
		return 0;
	for (size_t i = 0; i < array_len(names); i++) {
		if (!strncmp(s + 8, names[i], strlen(names[i])))
			return 8 + strlen(names[i]);
	}
	return 0;
}

/* Past the '>' that closes the '<' at s; NULL if none does. */
static const char *skip_arguments(const char *start, const char *s)
{
	int angles = 0, parens = 0;
	for (; *s; s++) {
		size_t op = operator_length(start, s);
		if (op) {
			s += op - 1;
		} else if (*s == '(' || *s == '[') {
			parens++;
		} else if (*s == ')' || *s == ']') {
			parens--;
		} else if (s[0] == '-' && s[1] == '>') {
			s++;
		} else if (*s == '<' && (!parens || is_word(s[-1]))) {
			angles++;
		} else if (*s == '>' && --angles == 0) {
			return s + 1;
		}
	}
	return NULL;
}

/* The parameters a lambda itself declares are no arguments: "{lambda<typename $T>($T)#1}". */
static bool is_after_lambda(const char *start, const char *s)
{
	return s - start >= 7 && !strncmp(s - 7, "{lambda", 7);
}

static void strip_templates(struct buf *out, size_t from)
{
	char *text = mem_strndup(out->data + from, out->len - from);
	cut(out, from);
	for (const char *s = text; *s;) {
		size_t op = operator_length(text, s);
		bool strips = *s == '<' && !is_after_lambda(text, s);
		const char *after = strips ? skip_arguments(text, s) : NULL;
		if (op) {
			buf_add(out, s, op);
			s += op;
			s += s[0] == ' ' && s[1] == '<';
		} else if (after) {
			s = after;
		} else {
			buf_addch(out, *s++);
		}
	}
	mem_free(text);
}

/* The unnamed template parameters of a lambda are counted "$T", "$T0", "$T1", as the ABI writes
 * them; libiberty begins at "$T0". */
static void renumber_lambda_params(struct buf *out, size_t from)
{
	for (size_t i = from; i + 2 < out->len; i++) {
		char *s = out->data + i;
		if (s[0] != '$' || (i > from && is_word(s[-1])))
			continue;
		size_t letters = 1 + strspn(s + 1, "TN"),
		       digits = strspn(s + letters, "0123456789");
		if (letters == 1 || !digits || is_word(s[letters + digits]))
			continue;
		char number[32] = "";
		unsigned long value = strtoul(s + letters, NULL, 10);
		size_t n = value ? (size_t)snprintf(number, sizeof(number), "%lu", value - 1) : 0;
		/* Never longer than what was there. */
		memcpy(s + letters, number, n);
		memmove(s + letters + n, s + letters + digits, out->len - i - letters - digits + 1);
		cut(out, out->len - (digits - n));
	}
}

/* --- C++ --- */

static bool demangle_tree(struct buf *out, const char *mangled, enum demangle_mode mode)
{
	int options = mode == DEMANGLE_FULL ? DMGL_PARAMS | DMGL_ANSI : DMGL_ANSI;
	void *memory = NULL;
	size_t from = out->len;
	node *tree = cplus_demangle_v3_components(mangled, options, &memory);
	if (!tree)
		return false;
	struct map seen;
	map_init(&seen);
	edit_tree(tree, &seen, mode, 0);
	map_release(&seen);
	if (mode != DEMANGLE_FULL)
		drop_top_qualifiers(tree);
	while (tree->type == DEMANGLE_COMPONENT_CLONE && tree->u.s_binary.left)
		tree = tree->u.s_binary.left;
	bool ok = print_tree(out, tree, options);
	free(memory);
	if (ok && mode == DEMANGLE_DEFAULT)
		strip_templates(out, from);
	if (ok)
		renumber_lambda_params(out, from);
	return ok;
}

/* --- manglings younger than libiberty's --- */

#define RETRY_MAX 256 /* length of names worth the trouble */

static bool parses(const char *mangled)
{
	void *memory = NULL;
	bool ok = cplus_demangle_v3_components(mangled, DMGL_PARAMS | DMGL_ANSI, &memory);
	free(memory);
	return ok;
}

/* C++20: "Q" and an expression in template arguments constrain them. Which bytes are the expression
 * is asked of libiberty: the longest run that is one, and without which the name can be read. */
static char *without_constraint(const char *mangled)
{
	size_t n = strlen(mangled), tries = 4;
	for (const char *q = strchr(mangled, 'Q'); q && tries--; q = strchr(q + 1, 'Q')) {
		for (const char *end = mangled + n; end > q + 1; end--) {
			struct buf probe = BUF_INIT, rest = BUF_INIT;
			buf_printf(&probe, "_Z1fIX%.*sEEvv", (int)(end - q - 1), q + 1);
			buf_printf(&rest, "%.*s%s", (int)(q - mangled), mangled, end);
			bool ok = *end && parses(probe.data) && parses(rest.data);
			buf_release(&probe);
			if (ok)
				return buf_detach(&rest, NULL);
			buf_release(&rest);
		}
	}
	return NULL;
}

/* C++23: "H" marks a method with an explicit object parameter. */
static char *without_object_mark(const char *mangled)
{
	if (strncmp(mangled, "_ZNH", 4))
		return NULL;
	struct buf rest = BUF_INIT;
	buf_printf(&rest, "_ZN%s", mangled + 4);
	return buf_detach(&rest, NULL);
}

static bool demangle_cplus(struct buf *out, const char *mangled, enum demangle_mode mode)
{
	if (demangle_tree(out, mangled, mode))
		return true;
	if (strncmp(mangled, "_Z", 2) || strlen(mangled) > RETRY_MAX)
		return false;
	char *older = without_object_mark(mangled);
	if (!older)
		older = without_constraint(mangled);
	bool ok = older && demangle_tree(out, older, mode);
	mem_free(older);
	return ok;
}

/* --- Rust --- */

/* A symbol of the first mangling ends in a 16-digit hash: "17h0123456789abcdefE". */
static bool is_legacy_rust(const char *mangled)
{
	const char *end = mangled + strlen(mangled);
	for (const char *dot = strstr(mangled, "E."); dot; dot = strstr(dot + 1, "E."))
		end = dot + 1;
	size_t n = (size_t)(end - mangled);
	return !strncmp(mangled, "_ZN", 3) && n > 23 && end[-1] == 'E' &&
	       !strncmp(end - 20, "17h", 3);
}

/* Empties the generic arguments, which follow a name or "::"; "<T as Trait>" stays. */
static void strip_generics(struct buf *out, size_t from)
{
	char *text = mem_strndup(out->data + from, out->len - from);
	cut(out, from);
	for (const char *s = text; *s;) {
		bool is_generic = *s == '<' && s > text && (is_word(s[-1]) || s[-1] == ':') &&
				  !(s - text >= 3 && !strncmp(s - 3, "for", 3));
		const char *after = is_generic ? skip_arguments(text, s) : NULL;
		if (after)
			buf_addstr(out, "<>");
		else
			buf_addch(out, *s);
		s = after ? after : s + 1;
	}
	mem_free(text);
}

static bool demangle_rust(struct buf *out, const char *mangled, enum demangle_mode mode)
{
	size_t from = out->len;
	const char *dot = strchr(mangled, '.');
	char *plain =
		mangled[1] == 'R' && dot ? mem_strndup(mangled, (size_t)(dot - mangled)) : NULL;
	bool ok = PRINT(out, rust_demangle_callback(plain ? plain : mangled, 0, print, &printer));
	mem_free(plain);
	if (ok && mangled[1] == 'R' && mode == DEMANGLE_DEFAULT)
		strip_generics(out, from);
	return ok;
}

bool demangle_name(struct buf *out, const char *mangled, enum demangle_mode mode)
{
	if (mode == DEMANGLE_NONE || mangled[0] != '_' || strlen(mangled) > MANGLED_MAX)
		return false;
	if (mangled[1] == 'R')
		return demangle_rust(out, mangled, mode);
	if (is_legacy_rust(mangled) && demangle_rust(out, mangled, mode))
		return true;
	return demangle_cplus(out, mangled, mode);
}

/* --- names of functions --- */

/* Java's "class.<init>" and Go's "foo.(*Bar[...]).Method" are not C++. */
static bool looks_like_cplus(const char *name)
{
	if (strstr(name, ".<") || strstr(name, "])."))
		return false;
	return strpbrk(name, "<>[]") || strstr(name, "::");
}

/* Takes out all from each outermost `open` to its `close`; a name that does not balance stays as
 * far as it got. */
static void remove_matching(struct buf *out, size_t from, char open, char close)
{
	int nesting = 0;
	size_t first = 0;
	for (size_t i = from; i < out->len; i++) {
		if (out->data[i] == open && ++nesting == 1)
			first = i;
		if (out->data[i] != close)
			continue;
		if (--nesting < 0)
			return;
		if (nesting)
			continue;
		memmove(out->data + first, out->data + i + 1, out->len - i);
		out->len -= i + 1 - first;
		i = first - 1;
	}
}

void demangle_function(struct buf *out, const char *system_name, enum demangle_mode mode)
{
	size_t from = out->len;
	if (demangle_name(out, system_name, mode))
		return;
	/* macOS puts one more underscore before every name. */
	if (system_name[0] == '_' && demangle_name(out, system_name + 1, mode))
		return;
	buf_addstr(out, system_name);
	if (mode == DEMANGLE_NONE || mode == DEMANGLE_FULL || !looks_like_cplus(system_name))
		return;
	remove_matching(out, from, '(', ')');
	if (mode == DEMANGLE_DEFAULT)
		remove_matching(out, from, '<', '>');
}

void symbolize_demangle(struct profile *p, bool force, enum demangle_mode mode)
{
	struct buf name = BUF_INIT;
	for (uint32_t i = 0; i < p->function_n; i++) {
		struct function *f = &p->functions[i];
		if (force && f->name && f->system_name)
			f->name = f->system_name;
		/* Another name than the system's: demangled already. */
		if (mode == DEMANGLE_NONE || (f->name && f->name != f->system_name))
			continue;
		buf_clear(&name);
		demangle_function(&name, profile_str(p, f->system_name), mode);
		f->name = strtab_add(&p->strings, name.data, name.len);
	}
	buf_release(&name);
}

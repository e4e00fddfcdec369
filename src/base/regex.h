/*
 * Regular expressions in Go's (RE2's) syntax, searched without anchors as regexp.MatchString does.
 *
 * Built on PCRE2, whose syntax RE2's nearly is a subset of. What RE2 refuses and PCRE2 would accept
 * (lookaround, backreferences, possessive and atomic groups, recursion) is refused here with Go's
 * words, so that a pattern means the same in both tools. Matching has a step limit, for one
 * text and for all that a pattern is tried on: one that would run away gives ERR_LIMIT instead of
 * an answer.
 */
#ifndef SONDE_BASE_REGEX_H
#define SONDE_BASE_REGEX_H

struct regex;

/* On error the message is Go's: "error parsing regexp: missing closing ]: `[`". */
must_check int regex_compile(struct regex **ret, const char *pattern, struct err *err);
/* The same for text of any bytes: each is a character, those above 127 without a class of their
 * own, so that "." and \S match them as Go's do. For patterns in ASCII over file formats. */
must_check int regex_compile_bytes(struct regex **ret, const char *pattern, struct err *err);
/* 1 if the pattern occurs in s, 0 if not, ERR_LIMIT if the step limit was reached. Bytes that are
 * not UTF-8 match no character class but ".". Not thread-safe for one regex. */
int regex_match(struct regex *re, const char *s, size_t n);
/* The first match at or after `from`: 1 and its span, 0, or ERR_LIMIT. */
int regex_find(
	struct regex *re, const char *s, size_t n, size_t from, size_t *ret_start, size_t *ret_end);
/* The first match with its groups, ret_groups[0] being the whole: 1, 0 or ERR_LIMIT. A group that
 * took no part is NULL. They point into `s`. */
struct regex_group {
	const char *s;
	size_t n;
};
int regex_groups(
	struct regex *re, const char *s, size_t n, struct regex_group *ret_groups, size_t group_n);
const char *regex_pattern(const struct regex *re);
void regex_free(struct regex *re); /* NULL is fine */
/* Appends `s` with the characters that mean something in a pattern escaped (regexp.QuoteMeta). */
void regex_quote(struct buf *buf, const char *s);

#endif

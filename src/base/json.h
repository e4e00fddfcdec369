/*
 * JSON (RFC 8259): writing strings, the one part of writing it that is easy to get wrong, and
 * reading documents that are held in memory.
 *
 * Reading checks a document once, then walks the text itself: a value is where it stands, nothing
 * is built. So what a reader does not know it can keep as it is and write back.
 */
#ifndef SONDE_BASE_JSON_H
#define SONDE_BASE_JSON_H

/* `s` in quotes. Control characters, quotes, backslashes, and "<", ">", "&", U+2028 and U+2029 are
 * escaped, so that the text may stand inside a <script> element; bytes that are no UTF-8 become
 * U+FFFD. */
void json_string(struct buf *out, const char *s, size_t n);

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* A value as it stands in a checked document: s[0 .. n), without space around it. Lives as long as
 * the document's text. */
struct json_value {
	enum json_kind kind;
	const char *s;
	size_t n;
};

/* Checks the whole text and finds its value. ERR_FORMAT with the offset of what is wrong; ERR_LIMIT
 * for more than 100 arrays and objects within each other. */
must_check int json_parse(const char *s, size_t n, struct json_value *ret, struct err *err);

/* The elements of an array or the members of an object, one a call: *at is NULL before the first.
 * For a member ret_name is its name, a string. False after the last. */
bool json_each(const struct json_value *of, const char **at, struct json_value *ret_name,
	struct json_value *ret);

/* A string without its quotes and escapes, appended; U+0000 and halves of surrogate pairs become
 * U+FFFD. */
void json_text(const struct json_value *string, struct buf *out);
/* A number; what is too large is infinite. */
double json_number(const struct json_value *number);
bool json_truth(const struct json_value *boolean);

#endif

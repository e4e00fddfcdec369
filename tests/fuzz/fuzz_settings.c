/*
 * settings.json of the web pages: what was read once is written so that it is read as the same
 * again. (Once, because bytes that are no UTF-8 become U+FFFD.)
 */
#include "web/settings.h"

static void parse_own(struct settings *ret, const struct buf *text, const struct config *base)
{
	if (settings_parse(ret, text->data, text->len, base, NULL) < 0)
		__builtin_trap();
}

static void write_again(struct settings *s, const struct config *base)
{
	struct settings again, third;
	struct buf first = BUF_INIT, second = BUF_INIT, last = BUF_INIT;
	settings_write(s, &first);
	parse_own(&again, &first, base);
	settings_write(&again, &second);
	parse_own(&third, &second, base);
	settings_write(&third, &last);
	if (again.n != s->n || strcmp(second.data, last.data) != 0)
		__builtin_trap();
	settings_release(&again);
	settings_release(&third);
	buf_release(&first);
	buf_release(&second);
	buf_release(&last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct config base;
	struct settings s;
	config_init(&base);
	if (settings_parse(&s, (const char *)data, n, &base, NULL) >= 0) {
		write_again(&s, &base);
		settings_release(&s);
	}
	config_release(&base);
	return 0;
}

#include "escape.h"

#include <stdio.h>

void escape(char *out, const char *text)
{
	*out++ = '"';
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c < 0x20) {
			out += sprintf(out, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			*out++ = '\\';
		*out++ = (char)c;
	}
	*out++ = '"';
	*out = '\0';
}

#include "escape.h"

#include <stdio.h>
#include <string.h>

void escape(char *out, const char *text)
{
	strcpy(out, "\"");
	for (size_t i = 0; i < strlen(text); i++) {
		char one[8];
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			snprintf(one, sizeof(one), "\\%c", c);
		else if (c < 0x20)
			snprintf(one, sizeof(one), "\\u%04x", c);
		else
			snprintf(one, sizeof(one), "%c", c);
		strcat(out, one);
	}
	strcat(out, "\"");
}

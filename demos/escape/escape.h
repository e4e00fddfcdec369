#include <stddef.h>
/* JSON's form of a string, quotes included, in `out`, which has 6 * strlen(text) + 3 bytes. */
void escape(char *out, const char *text);

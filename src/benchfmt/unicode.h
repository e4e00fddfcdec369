/*
 * The little of Unicode that the format asks for. Private to benchfmt.
 */
#ifndef SONDE_BENCHFMT_UNICODE_H
#define SONDE_BENCHFMT_UNICODE_H

#include "base/base.h"

bool unicode_is_space(uint32_t c);    /* unicode.IsSpace */
bool unicode_is_lower(uint32_t c);    /* unicode.IsLower */
bool unicode_is_upper(uint32_t c);    /* unicode.IsUpper */
bool unicode_is_graphic(uint32_t c);  /* unicode.IsGraphic */
size_t unicode_length(const char *s); /* code points */

#endif

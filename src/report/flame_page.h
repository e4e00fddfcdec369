/*
 * The flame graph's page without its data, made from ui/flame/ at build time by
 * tools/bundle-page.py.
 */
#ifndef SONDE_REPORT_FLAME_PAGE_H
#define SONDE_REPORT_FLAME_PAGE_H

#include <stddef.h>

extern const char flame_page_head[], flame_page_tail[]; /* before and after the data */
extern const char flame_page_policy[];			/* its Content-Security-Policy */
extern const size_t flame_page_head_len, flame_page_tail_len;

#endif

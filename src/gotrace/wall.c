/*
 * The calendar of any 64-bit second: gmtime_r() gives up on years that do not fit an int, which a
 * broken trace may hold. See wall.h.
 */
#include "gotrace/wall.h"

#include <inttypes.h>

#define DAY	   86400
#define DAYS_400   146097 /* in 400 years */
#define EPOCH_DAYS 719468 /* from 1 March of year 0 to 1970 */

struct date {
	int64_t year;
	unsigned month, day;
};

/* Years here begin with March, so that the leap day is their last. */
static struct date date_of(int64_t days)
{
	days += EPOCH_DAYS;
	int64_t era = (days >= 0 ? days : days - (DAYS_400 - 1)) / DAYS_400;
	unsigned day = (unsigned)(days - era * DAYS_400);
	unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	unsigned of_year = day - (365 * year + year / 4 - year / 100);
	unsigned month = (5 * of_year + 2) / 153;
	return (struct date){era * 400 + year + (month >= 10), month < 10 ? month + 3 : month - 9,
		of_year - (153 * month + 2) / 5 + 1};
}

void wall_text(int64_t sec, uint32_t nsec, const char *between, const char *zone, struct buf *out)
{
	int64_t days = sec / DAY - (sec % DAY < 0);
	unsigned of_day = (unsigned)(sec - days * DAY);
	struct date d = date_of(days);
	if (d.year < 0)
		buf_addch(out, '-');
	buf_printf(out, "%04" PRId64 "-%02u-%02u%s%02u:%02u:%02u", d.year < 0 ? -d.year : d.year,
		d.month, d.day, between, of_day / 3600, of_day / 60 % 60, of_day % 60);
	if (nsec) {
		buf_printf(out, ".%09u", nsec);
		while (out->data[out->len - 1] == '0')
			out->data[--out->len] = '\0';
	}
	buf_addstr(out, zone);
}

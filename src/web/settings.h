/*
 * Saved configurations: google/pprof's settings.json, which its pages and ours share.
 *
 *	{
 *	  "configs": [
 *	    {
 *	      "name": "mine",
 *	      "nodecount": 40,
 *	      "trim": true,
 *	      "focus": "main"
 *	    }
 *	  ]
 *	}
 *
 * The members are the saved fields of config.h under their names. As in Go's struct with
 * "omitempty", a member that is not there is false, 0 or "", whatever the field's default. What we
 * do not know, in a configuration or beside them, stays as it is.
 */
#ifndef SONDE_WEB_SETTINGS_H
#define SONDE_WEB_SETTINGS_H

#include "report/report.h"

struct named_config {
	char *name;
	struct config config;
	struct buf unknown; /* ",\n      \"name\": value" each, as written */
};

struct settings {
	struct named_config *configs;
	uint32_t n, cap;
	struct buf unknown; /* members beside "configs" */
};

/* Text of the file. Fields that are not saved are those of `base`. `ret` is uninitialised, and
 * released again on error. */
must_check int settings_parse(struct settings *ret, const char *text, size_t n,
	const struct config *base, struct err *err);
void settings_write(const struct settings *s, struct buf *out);
void settings_release(struct settings *s);

/* The file; one that is not there holds nothing. It is written anew beside itself and put in its
 * place, readable by its owner only. */
must_check int settings_load(
	struct settings *ret, const char *path, const struct config *base, struct err *err);
must_check int settings_save(const struct settings *s, const char *path, struct err *err);

/* Adds or replaces. ERR_USAGE if it holds a number that JSON has not. */
must_check int settings_set(
	struct settings *s, const char *name, const struct config *config, struct err *err);
/* ERR_NOT_FOUND if there is none of that name. */
must_check int settings_remove(struct settings *s, const char *name, struct err *err);

#endif

/*
 * foreign: parameters of a request that another server got (struct http_foreign of http.h).
 */
#ifndef SONDE_HTTP_FOREIGN_H
#define SONDE_HTTP_FOREIGN_H

#include "http/http.h"

/* "" if it is not there. */
const char *foreign_param(const struct http_foreign *f, const char *name);

#endif

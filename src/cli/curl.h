/*
 * libcurl, loaded when a URL is first asked for.
 *
 * With it come thirty libraries (TLS, Kerberos, LDAP, ...): linked in the ordinary way they would
 * double the time in which `sonde pprof` shows a small profile, and its memory. The functions have
 * their own names with an underscore for the first `curl_`: _easy_init() is curl_easy_init().
 */
#ifndef SONDE_CLI_CURL_H
#define SONDE_CLI_CURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#undef curl_easy_setopt
#undef curl_easy_getinfo

#include "base/base.h"

#define CURL_FUNCTIONS(X)      \
	X(global_init)         \
	X(easy_init)           \
	X(easy_setopt)         \
	X(easy_getinfo)        \
	X(easy_perform)        \
	X(easy_cleanup)        \
	X(easy_strerror)       \
	X(multi_init)          \
	X(multi_add_handle)    \
	X(multi_perform)       \
	X(multi_poll)          \
	X(multi_info_read)     \
	X(multi_remove_handle) \
	X(multi_cleanup)       \
	X(slist_append)        \
	X(slist_free_all)

struct curl_functions {
#define CURL_MEMBER(name) __typeof__(curl_##name) *name;
	CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
};

/* The functions, or NULL with an error that says how to get libcurl. */
const struct curl_functions *curl_load(struct err *err);

#endif

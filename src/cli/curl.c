/*
 * Loading libcurl. See curl.h.
 */
#include "cli/curl.h"

const struct curl_functions *curl_load(struct err *err)
{
	static struct curl_functions functions;
	static bool loaded;
	if (loaded)
		return &functions;
	static const char *const names[] = {
#define CURL_NAME(name) "curl_" #name,
		CURL_FUNCTIONS(CURL_NAME)
#undef CURL_NAME
	};
	if (library_load("libcurl.so.4", "libcurl4", names, sizeof(functions), &functions, err) <
		0) {
		err_prefix(err, "asking a server");
		return NULL;
	}
	if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, ERR_UNSUPPORTED, "libcurl cannot be started");
		return NULL;
	}
	loaded = true;
	return &functions;
}

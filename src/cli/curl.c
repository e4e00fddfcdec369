/*
 * Loading libcurl. See curl.h.
 */
#include "cli/curl.h"

#include <dlfcn.h>

static int find_functions(void *library, struct curl_functions *ret, struct err *err)
{
	const struct {
		const char *name;
		void **function;
	} wanted[] = {
#define CURL_WANTED(name) {"curl_" #name, (void **)&ret->name},
		CURL_FUNCTIONS(CURL_WANTED)
#undef CURL_WANTED
	};
	for (size_t i = 0; i < array_len(wanted); i++) {
		*wanted[i].function = dlsym(library, wanted[i].name);
		if (!*wanted[i].function)
			return err_set(err, ERR_UNSUPPORTED, "libcurl is too old: it has no %s",
				wanted[i].name);
	}
	return 0;
}

const struct curl_functions *curl_load(struct err *err)
{
	static struct curl_functions functions;
	static bool loaded;
	if (loaded)
		return &functions;
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		err_set(err, ERR_UNSUPPORTED, "URLs need libcurl (Debian: libcurl4): %s",
			dlerror());
		return NULL;
	}
	if (find_functions(library, &functions, err) < 0)
		return NULL;
	if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		err_set(err, ERR_UNSUPPORTED, "libcurl cannot be started");
		return NULL;
	}
	loaded = true;
	return &functions;
}

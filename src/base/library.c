/*
 * Loading a library when it is first needed. See library.h.
 */
#include "base/base.h"

#include <dlfcn.h>

int library_load(const char *file, const char *package, const char *const *names, size_t bytes,
	void *functions, struct err *err)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return err_set(err, ERR_UNSUPPORTED, "this needs %s (Debian: %s): %s", file,
			package, dlerror());
	for (size_t i = 0; i < bytes / sizeof(void *); i++) {
		void *function = dlsym(library, names[i]);
		if (!function)
			return err_set(err, ERR_UNSUPPORTED, "%s has no %s: another version? (%s)",
				file, names[i], package);
		memcpy((char *)functions + i * sizeof(function), &function, sizeof(function));
	}
	return 0;
}

/*
 * Shared libraries that are loaded when first needed.
 *
 * For those that bring much memory and are seldom used: linked in the ordinary way, capstone's
 * tables alone are a quarter of what `sonde pprof -top` takes of a small profile. A header beside
 * the code that uses such a library lists its functions,
 *
 *	#define ZOO_FUNCTIONS(X) X(zoo_open) X(zoo_close)
 *	struct zoo {
 *		ZOO_FUNCTIONS(LIBRARY_MEMBER)
 *	};
 *
 * and the struct is filled by library_load(…, (const char *const[]){ZOO_FUNCTIONS(LIBRARY_NAME)},
 * sizeof(struct zoo), …). The types are those of the library's own header.
 */
#ifndef SONDE_BASE_LIBRARY_H
#define SONDE_BASE_LIBRARY_H

#define LIBRARY_MEMBER(name) __typeof__(name) *name;
#define LIBRARY_NAME(name)   #name,

/* Fills `functions`, `bytes` of pointers in the order of `names`. `package` is what the user is
 * told to install if there is no such library. The library stays loaded. */
must_check int library_load(const char *file, const char *package, const char *const *names,
	size_t bytes, void *functions, struct err *err);

#endif

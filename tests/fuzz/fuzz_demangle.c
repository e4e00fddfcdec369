/*
 * Demangling arbitrary names in every mode.
 */
#include "symbolize/symbolize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *name = mem_strndup((const char *)data, n < 4096 ? n : 4096);
	for (int mode = DEMANGLE_DEFAULT; mode <= DEMANGLE_NONE; mode++) {
		struct buf out = BUF_INIT;
		demangle_function(&out, name, (enum demangle_mode)mode);
		if (out.len && strlen(out.data) > out.len)
			__builtin_trap();
		buf_release(&out);
	}
	mem_free(name);
	return 0;
}

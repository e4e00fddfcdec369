/*
 * Any text as a filter, and as a projection.
 */
#include "benchfmt/benchfmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *query = mem_strndup((const char *)data, n);
	struct filter *filter;
	struct query_fields fields = {0};
	struct err err = ERR_INIT;
	if (filter_parse(query, &filter, &err) == 0)
		filter_free(filter);
	(void)!query_fields_parse(query, &fields, &err);
	query_fields_release(&fields);
	mem_free(query);
	return 0;
}

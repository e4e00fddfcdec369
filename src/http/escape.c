/*
 * Text that is put into URLs, and the check of names that clients call us by.
 */
#include "http/http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

void http_escape_query(struct buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (isalnum(c) || strchr("-_.~", c))
			buf_addch(out, *text);
		else
			buf_printf(out, "%%%02X", c);
	}
}

/* The length of the host of "host", "host:port", "[v6]:port"; `ret_host` skips the bracket. */
static size_t host_length(const char *s, const char **ret_host)
{
	*ret_host = *s == '[' ? s + 1 : s;
	return strcspn(*ret_host, *s == '[' ? "]" : ":");
}

static bool is_address(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];
	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

bool http_host_allowed(const char *header, const char *own)
{
	char host[256];
	const char *from, *own_from;
	if (!header)
		return false;
	size_t n = host_length(header, &from), own_n = host_length(own, &own_from);
	if (!n || n >= sizeof(host))
		return false;
	memcpy(host, from, n);
	host[n] = '\0';
	if (strcasecmp(host, "localhost") == 0 || is_address(host))
		return true;
	return n == own_n && strncasecmp(host, own_from, n) == 0;
}

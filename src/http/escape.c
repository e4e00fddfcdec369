/*
 * Text that is put into URLs, and the checks of what clients say of themselves: the name they call
 * us by, where their request comes from, what they have already.
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

bool http_token_matches(const char *given, size_t given_n, const char *want)
{
	size_t want_n = strlen(want);
	unsigned differs = given_n != want_n;
	for (size_t i = 0; i < given_n; i++)
		differs |= (unsigned char)(given[i] ^ want[want_n ? i % want_n : 0]);
	return !differs && want_n;
}

/* --- who asks --- */

static bool is_loopback(const char *host_header)
{
	const char *host;
	size_t n = host_length(host_header, &host);
	return (n == 9 && strncasecmp(host, "localhost", n) == 0) ||
	       (n > 4 && strncmp(host, "127.", 4) == 0) || (n == 3 && strncmp(host, "::1", n) == 0);
}

/* "http://localhost:8080" of Host "localhost:8080". */
static bool is_origin_of(const char *origin, const char *host)
{
	const char *own = strstr(origin, "://");
	return own && strcasecmp(own + 3, host) == 0;
}

bool http_own_allowed(bool is_read, const char *site, const char *origin, const char *host)
{
	if (!host)
		return false;
	if (origin && !is_origin_of(origin, host))
		return false;
	if (site)
		return strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
	/* Browsers name the origin whenever they post, and the site of every request to this
	 * machine. To others they may send a foreign page's GET, an image's say, with neither. */
	return origin || !is_read || is_loopback(host);
}

bool http_etag_matches(const char *header, const char *etag)
{
	size_t n = strlen(etag);
	if (header && strcmp(header, "*") == 0)
		return true;
	while (header && *header) {
		header += strspn(header, " \t,");
		if (strncmp(header, "W/", 2) == 0)
			header += 2;
		if (strncmp(header, etag, n) == 0 && strchr(" \t,", header[n]))
			return true;
		header = strchr(header, ',');
	}
	return false;
}

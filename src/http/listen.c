/*
 * Listening on a port or a path; see listen.h.
 */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int make_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : fd;
}

/* --- a port --- */

/* "[::1]:80" -> "::1" and "80"; "host" alone has no port. */
static void split_address(const char *address, char **ret_host, char **ret_port)
{
	const char *colon = strrchr(address, ':'), *bracket = strrchr(address, ']');
	if (colon && bracket && colon < bracket)
		colon = NULL;
	size_t n = colon ? (size_t)(colon - address) : strlen(address);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']')
		*ret_host = mem_strndup(address + 1, n - 2);
	else
		*ret_host = n ? mem_strndup(address, n) : mem_strdup("localhost");
	*ret_port = mem_strdup(colon && colon[1] ? colon + 1 : "0");
}

static int open_port(const struct addrinfo *to, int backlog)
{
	int one = 1, fd = make_socket(to->ai_family);
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, to->ai_addr, to->ai_addrlen) == 0 && listen(fd, backlog) == 0)
		return fd;
	int rc = -errno;
	close(fd);
	return rc;
}

static int open_host(const char *host, const char *port, int backlog, struct err *err)
{
	struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
	/* "localhost" is the loopback whatever the resolver knows (RFC 6761): a container may have
	 * no /etc/hosts. */
	const char *address = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	char *rest;
	unsigned long number = strtoul(port, &rest, 10); /* getaddrinfo() takes it modulo 65536 */
	if (!*rest && number > UINT16_MAX)
		return err_set(err, ERR_USAGE, "listen %s:%s: a port is at most %u", host, port,
			(unsigned)UINT16_MAX);
	int rc = getaddrinfo(address, port, &want, &found), fd = -EADDRNOTAVAIL;
	if (rc)
		return err_set(err, ERR_USAGE, "listen %s:%s: %s", host, port, gai_strerror(rc));
	for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
		fd = open_port(a, backlog);
	freeaddrinfo(found);
	if (fd < 0)
		return err_set(err, fd, "listen %s:%s: %s", host, port, strerror(-fd));
	return fd;
}

static bool is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
		       IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static void look_at_port(struct listening *l)
{
	struct sockaddr_in6 address; /* the port lies at the same place in both families */
	struct buf url = BUF_INIT;
	socklen_t n = sizeof(address);
	bool v6 = strchr(l->host, ':');
	memset(&address, 0, sizeof(address));
	getsockname(l->fd, (struct sockaddr *)&address, &n);
	l->port = ntohs(address.sin6_port);
	l->is_local = is_loopback((struct sockaddr *)&address);
	buf_printf(&url, "http://%s%s%s:%u", v6 ? "[" : "", l->host, v6 ? "]" : "", l->port);
	l->url = buf_detach(&url, NULL);
}

static int listen_port(struct listening *l, const char *address, int backlog, struct err *err)
{
	char *port;
	split_address(address, &l->host, &port);
	l->fd = open_host(l->host, port, backlog, err);
	mem_free(port);
	if (l->fd < 0) {
		mem_free(l->host);
		return l->fd;
	}
	look_at_port(l);
	return 0;
}

/* --- a path --- */

/* A socket's file stays when its server is killed: then it refuses connections. */
static bool is_stale(const struct sockaddr_un *address)
{
	struct stat st;
	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	int fd = make_socket(AF_UNIX);
	if (fd < 0)
		return false;
	bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
		       errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* Nobody connects before listen(): until then the mode may be any. */
static int open_path(const struct sockaddr_un *address, int backlog)
{
	const struct sockaddr *to = (const struct sockaddr *)address;
	int fd = make_socket(AF_UNIX);
	if (fd < 0)
		return fd;
	if (bind(fd, to, sizeof(*address)) == 0 && chmod(address->sun_path, 0600) == 0 &&
		listen(fd, backlog) == 0)
		return fd;
	int rc = -errno;
	close(fd);
	return rc;
}

static int listen_path(struct listening *l, const char *path, int backlog, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct buf url = BUF_INIT;
	struct stat st;
	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ERR_USAGE, "listen unix:%s: a path has 1 to %zu bytes", path,
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	l->fd = open_path(&address, backlog);
	if (l->fd == -EADDRINUSE && is_stale(&address) && unlink(path) == 0)
		l->fd = open_path(&address, backlog);
	if (l->fd < 0)
		return err_set(err, l->fd, "listen unix:%s: %s", path, strerror(-l->fd));
	if (lstat(path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	buf_printf(&url, "unix:%s:", path);
	l->url = buf_detach(&url, NULL);
	l->host = mem_strdup("localhost");
	l->path = mem_strdup(path);
	l->is_local = true;
	return 0;
}

/* --- either --- */

int listen_on(struct listening *ret, const char *address, int backlog, struct err *err)
{
	*ret = (struct listening){.fd = -1};
	if (strncmp(address, "unix:", 5) == 0)
		return listen_path(ret, address + 5, backlog, err);
	return listen_port(ret, address, backlog, err);
}

void listening_release(struct listening *l)
{
	struct stat st;
	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	mem_free(l->host);
	mem_free(l->url);
	mem_free(l->path);
}

/*
 * listen: the socket a server listens on.
 */
#ifndef SONDE_HTTP_LISTEN_H
#define SONDE_HTTP_LISTEN_H

#include "base/base.h"

#include <sys/types.h>

struct listening {
	int fd;	    /* whoever accepts on it closes it */
	char *host; /* as it was given; "localhost" if it was not */
	char *url;
	unsigned port; /* 0: a Unix socket */
	char *path;    /* of it, or NULL */
	dev_t dev;     /* which file that is */
	ino_t ino;
	bool is_local; /* loopback, or a Unix socket */
};

/* "[host]:[port]" or "unix:PATH". A Unix socket is its owner's alone (mode 0600); one on which
 * nobody listens any more is replaced, and nothing else that has that name. 0 or an error. */
must_check int listen_on(struct listening *ret, const char *address, int backlog, struct err *err);
/* Removes a Unix socket's file if it is still this one. The descriptor is not closed here. */
void listening_release(struct listening *l);

#endif

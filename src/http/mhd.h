/*
 * libmicrohttpd, loaded when a server is started: with it come GnuTLS and eight more libraries.
 */
#ifndef SONDE_HTTP_MHD_H
#define SONDE_HTTP_MHD_H

#include <microhttpd.h>

#include "base/base.h"

#define MICROHTTPD_FUNCTIONS(X)                               \
	X(MHD_start_daemon)                                   \
	X(MHD_get_connection_info)                            \
	X(MHD_stop_daemon)                                    \
	X(MHD_lookup_connection_value)                        \
	X(MHD_get_connection_values)                          \
	X(MHD_create_response_from_buffer_with_free_callback) \
	X(MHD_add_response_header)                            \
	X(MHD_queue_response)                                 \
	X(MHD_destroy_response)

struct microhttpd {
	MICROHTTPD_FUNCTIONS(LIBRARY_MEMBER)
};

#endif

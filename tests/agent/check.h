/*
 * What the programs under the agent tests share: a condition that has to hold, or the program says
 * which one did not and fails. (Rejected: assert(), which NDEBUG takes away and which ends in a
 * signal that some of these programs catch.)
 */
#ifndef TESTS_AGENT_CHECK_H
#define TESTS_AGENT_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(x)                                                        \
	do {                                                            \
		if (!(x)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #x); \
			exit(1);                                        \
		}                                                       \
	} while (0)

#endif

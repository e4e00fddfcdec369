/*
 * Sends a recorded process the profiler's own signal: `poke RECORDING SECONDS`, every other
 * millisecond, as a process that asks for something does. Prints how often.
 */
#include "agent/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

int main(int argc, char **argv)
{
	int fd = open(argv[1], O_RDONLY);
	struct recording *rec = mmap(NULL, RECORDING_HEADER, PROT_READ, MAP_SHARED, fd, 0);
	if (fd < 0 || rec == MAP_FAILED || !rec->wishes.token)
		return 1;
	union sigval token = {.sival_ptr = (void *)(uintptr_t)rec->wishes.token};
	struct timespec pause = {0, 2000000};
	long sent = 0;
	for (long left = (long)(atof(argv[2]) * 500); left > 0; left--) {
		sent += sigqueue((pid_t)rec->pid, SIGPROF, token) == 0;
		nanosleep(&pause, NULL);
	}
	printf("%ld\n", sent);
	return 0;
}

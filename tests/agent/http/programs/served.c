/*
 * A program with a debug server in it, and work that its profiles are to show: `served ADDRESS
 * [TOKEN [OPTIONS]]`, OPTIONS being words of options(). Reads commands, one a line, and answers
 * each with a line:
 *
 *	port, stop, start ADDRESS	what the call returned
 *	fork				0 if all was as it should be in a child
 *	leave				the id of a child that stays
 *	work MS				the CPU time of many short threads, a long one and who made them, in us
 *	quit				ends by exit()
 */
#include <sonde/http.h>
#include <sonde/pprof.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 20
#define BLOCK  100003

static void *volatile kept[BLOCKS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;

__attribute__((noinline)) static void keep(void)
{
	for (int i = 0; i < BLOCKS; i++)
		kept[i] = malloc(BLOCK);
}

static void *idles(void *arg)
{
	pthread_mutex_lock(&lock);
	for (;;)
		pthread_cond_wait(&never, &lock);
	return NULL;
}

static long long cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

__attribute__((noinline)) static long long burn(long long us)
{
	volatile unsigned sink = 0;
	long long end = cpu_us() + us;
	while (cpu_us() < end)
		for (int i = 0; i < 1000; i++)
			sink += (unsigned)i;
	return cpu_us();
}

static void *burns(void *arg)
{
	return (void *)(intptr_t)burn(*(long long *)arg);
}

/* Half of the time in threads of 1 ms each. */
static long long work(long long ms)
{
	long long long_us = ms * 500, short_us = 1000, us = -cpu_us();
	pthread_t longer, shorter;
	void *used;
	pthread_create(&longer, NULL, burns, &long_us);
	for (long long i = 0; i < ms / 2; i++) {
		pthread_create(&shorter, NULL, burns, &short_us);
		pthread_join(shorter, &used);
		us += (intptr_t)used;
	}
	pthread_join(longer, &used);
	return us + (intptr_t)used + cpu_us();
}

static const char *words = "";

static struct sonde_http_options options(void)
{
	return (struct sonde_http_options)SONDE_HTTP_OPTIONS(.open = strstr(words, "open") != NULL,
		.show_cmdline = strstr(words, "cmdline") != NULL,
		.fixed_rates = strstr(words, "fixed") != NULL,
		.heap_rate = strstr(words, "left") ? -1 : 1,
		.clients_max = strstr(words, "few") ? 2 : 0, .seconds_max = 60);
}

static int start(const char *address, const char *token)
{
	const char *const hosts[] = {"served.example", NULL};
	struct sonde_http_options o = options();
	o.address = address;
	o.token = token;
	o.allow_hosts = hosts;
	return sonde_http_start(&o);
}

/* In a child there is no server, and it may have one of its own. */
static int in_child(void)
{
	if (sonde_http_port() != -ENOENT || sonde_http_stop() != -ENOENT)
		return 1;
	if (start("localhost:0", NULL) || sonde_http_port() <= 0)
		return 2;
	return sonde_http_stop() ? 3 : 0;
}

static int forked(void)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0)
		exit(in_child());
	waitpid(pid, &status, 0);
	return status;
}

static pid_t leave_child(void)
{
	pid_t pid = fork();
	while (pid == 0)
		pause();
	return pid;
}

static void answer(const char *line, const char *token)
{
	if (strcmp(line, "port") == 0)
		printf("%d\n", sonde_http_port());
	else if (strcmp(line, "stop") == 0)
		printf("%d\n", sonde_http_stop());
	else if (strncmp(line, "start ", 6) == 0)
		printf("%d\n", start(line + 6, token));
	else if (strncmp(line, "work ", 5) == 0)
		printf("%lld\n", work(atoll(line + 5)));
	else if (strcmp(line, "fork") == 0)
		printf("%d\n", forked());
	else if (strcmp(line, "leave") == 0)
		printf("%d\n", (int)leave_child());
	else
		exit(0);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[256];
	pthread_t thread;
	const char *token = argc > 2 ? argv[2] : NULL;
	words = argc > 3 ? argv[3] : words;
	int rc = start(argc > 1 ? argv[1] : NULL, token);
	printf("%d\n", rc ? rc : sonde_http_port());
	keep();
	sonde_block_rate_set(1);
	sonde_mutex_fraction_set(1);
	pthread_create(&thread, NULL, idles, NULL);
	printf("up\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		answer(line, token);
	}
	return 0;
}

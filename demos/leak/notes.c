/*
 * A server that leaks, for the README: it keeps notes by name and answers lines on a Unix socket,
 *
 *	put NAME TEXT	-> ok
 *	get NAME	-> TEXT, or "none"
 *
 * `notes SOCKET` serves until it is sent SIGTERM. `notes SOCKET N` is its client: N puts and gets
 *over 100 names, as fast as they go. What leaks is left for the heap profile to say.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BUCKETS 64
#define LINE	512
#define NAMES	100

struct note {
	struct note *next;
	char *name, *text;
};

static struct note *buckets[BUCKETS];
static volatile sig_atomic_t stopped;

static struct note **find(const char *name)
{
	unsigned hash = 5381;
	for (const char *c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	struct note **at = &buckets[hash % BUCKETS];
	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void put(const char *name, const char *text)
{
	struct note **at = find(name);
	if (!*at) {
		*at = calloc(1, sizeof(**at));
		(*at)->name = strdup(name);
	}
	(*at)->text = strdup(text);
}

static const char *get(const char *name)
{
	struct note *note = *find(name);
	return note ? note->text : "none";
}

static void answer(FILE *to, char *line)
{
	char *save, *what = strtok_r(line, " \n", &save), *name = strtok_r(NULL, " \n", &save);
	char *text = strtok_r(NULL, "\n", &save);
	if (what && name && text && strcmp(what, "put") == 0) {
		put(name, text);
		fputs("ok\n", to);
	} else if (what && name && strcmp(what, "get") == 0) {
		fprintf(to, "%s\n", get(name));
	} else {
		fputs("what?\n", to);
	}
	fflush(to);
}

static void serve_client(int fd)
{
	char line[LINE];
	FILE *from = fdopen(fd, "r"), *to = fdopen(dup(fd), "w");
	while (!stopped && fgets(line, sizeof(line), from))
		answer(to, line);
	fclose(from);
	fclose(to);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static void on_term(int sig)
{
	(void)sig;
	stopped = 1;
}

static int serve(const char *path)
{
	struct sockaddr_un address = address_of(path);
	struct sigaction act = {.sa_handler = on_term};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	sigaction(SIGTERM, &act, NULL);
	unlink(path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 16)) {
		perror(path);
		return 1;
	}
	while (!stopped) {
		int fd = accept(listener, NULL, NULL);
		if (fd >= 0)
			serve_client(fd);
	}
	unlink(path);
	return 0;
}

static int ask(const char *path, long n)
{
	struct sockaddr_un address = address_of(path);
	char line[LINE], text[200];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(path);
		return 1;
	}
	FILE *from = fdopen(fd, "r"), *to = fdopen(dup(fd), "w");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (long i = 0; i < n; i++) {
		fprintf(to, i % 2 ? "get note%ld\n" : "put note%ld %s\n", i / 2 % NAMES, text);
		fflush(to);
		if (!fgets(line, sizeof(line), from))
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return serve(argv[1]);
	if (argc == 3)
		return ask(argv[1], atol(argv[2]));
	fprintf(stderr, "usage: notes SOCKET [N]\n");
	return 2;
}

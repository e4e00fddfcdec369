/*
 * Storms: what makes profilers hang or crash, done for a number of seconds beside threads that keep
 * the CPU timers firing. `storm KIND SECONDS [PLUGIN...]`; prints how often it happened.
 */
#include "burn.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char **plugins;
static int plugin_n;
static double until;
static _Atomic long turns;

static int going_on(void)
{
	return burn_clock(CLOCK_MONOTONIC) < until;
}

static void fail(const char *what)
{
	fprintf(stderr, "storm: %s\n", what);
	_exit(1);
}

static int visit(struct dl_phdr_info *info, size_t size, void *ctx)
{
	free(malloc(64));
	return 0;
}

/* Loader locks held in one way or another, most of the time. */
static void *walk_modules(void *arg)
{
	while (going_on())
		dl_iterate_phdr(visit, NULL);
	return NULL;
}

static void *load(void *arg)
{
	while (going_on()) {
		for (int i = 0; i < plugin_n; i++) {
			void *handle = dlopen(plugins[i], RTLD_NOW);
			if (!handle)
				fail(dlerror());
			long (*work)(long) = (long (*)(long))dlsym(handle, "plugin_work");
			if (!work || work(2000) <= 0)
				fail("the plugin does not work");
			dlclose(handle);
			turns++;
		}
	}
	return NULL;
}

static void *fork_and_wait(void *arg)
{
	while (going_on()) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			burn(0.0002);
			_exit(7);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
			WEXITSTATUS(status) != 7)
			fail("a child of fork did not end as it should");
		turns++;
	}
	return NULL;
}

static void *exec_and_wait(void *arg)
{
	while (going_on()) {
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(8);
		}
		if (waitpid(pid, &status, 0) != pid || status)
			fail("an executed program did not end as it should");
		turns++;
	}
	return NULL;
}

static void *spawn_and_wait(void *arg)
{
	char *argv[] = {(char[]){"true"}, NULL};
	while (going_on()) {
		int status;
		pid_t pid;
		if (turns++ % 2) {
			pid = vfork();
			if (pid == 0) {
				execve("/bin/true", argv, environ);
				_exit(8);
			}
		} else if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ)) {
			fail("posix_spawn");
		}
		if (waitpid(pid, &status, 0) != pid || status)
			fail("a spawned program did not end as it should");
	}
	return NULL;
}

static void *short_life(void *arg)
{
	burn(0.0001);
	if (arg)
		pthread_exit(arg);
	return NULL;
}

static void *create_threads(void *arg)
{
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 16384);
	while (going_on()) {
		pthread_t threads[8];
		for (int i = 0; i < 8; i++)
			if (pthread_create(&threads[i], i % 2 ? &small : NULL, short_life,
				    i % 3 ? NULL : arg))
				fail("pthread_create");
		for (int i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
		turns += 8;
	}
	return NULL;
}

/* What passes many hooks. */
static void pass_hooks(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct timespec t = {0, 1000};
	char *volatile block = malloc(100);
	pthread_mutex_lock(&mutex);
	block = realloc(block, 3000);
	pthread_mutex_unlock(&mutex);
	nanosleep(&t, NULL);
	free(block);
}

static _Thread_local pid_t in_hook; /* a child made by the handler */
static _Thread_local bool is_child;

/* _Fork(), which POSIX lets handlers call: the child goes on in the middle of whatever hook. */
static void fork_in_handler(int sig)
{
	if (in_hook || is_child)
		return;
	pid_t pid = _Fork();
	is_child = pid == 0;
	in_hook = pid;
}

/* On one thread, whose locks are then its child's own. */
static void *fork_in_hooks(void *arg)
{
	struct sigaction act = {.sa_handler = fork_in_handler, .sa_flags = SA_RESTART};
	sigaction(SIGALRM, &act, NULL);
	while (going_on()) {
		int status;
		struct itimerval soon = {.it_value = {0, 1 + rand() % 300}};
		setitimer(ITIMER_REAL, &soon, NULL);
		while (!in_hook && !is_child)
			pass_hooks();
		for (int i = 0; is_child; i++) {
			pass_hooks();
			if (i == 20)
				_exit(7);
		}
		if (waitpid(in_hook, &status, 0) != in_hook || !WIFEXITED(status) ||
			WEXITSTATUS(status) != 7)
			fail("a child of a handler's fork did not end as it should");
		in_hook = 0;
		turns++;
	}
	return NULL;
}

struct label_api {
	int (*set)(const char *key, const char *value);
	int (*del)(const char *key);
	int (*create)(const char *name, void **ret);
	int (*add)(void *profile, const void *value, unsigned skip);
	int (*drop)(void *profile, const void *value);
};

static void label(const struct label_api *api)
{
	char name[32], value[16];
	void *profile;
	snprintf(name, sizeof(name), "storm %lx", (long)pthread_self());
	if (api->create(name, &profile))
		fail("a profile was not made");
	for (long i = 0; going_on(); i++, turns++) {
		snprintf(value, sizeof(value), "%ld", i % 50);
		if (api->set("phase", value) || api->set("other", value))
			fail("a label was not set");
		if (api->add(profile, value, 0) || api->drop(profile, value))
			fail("a value was not in the profile, or twice");
		pass_hooks();
		if (api->del(i % 2 ? "phase" : "other"))
			fail("a label was not taken away");
	}
}

static void *find(const char *name)
{
	void *at = dlsym(RTLD_DEFAULT, name);
	if (!at)
		fail(name);
	return at;
}

static void *use_labels(void *arg)
{
	struct label_api api = {
		.set = (int (*)(const char *, const char *))find("sonde_label_set"),
		.del = (int (*)(const char *))find("sonde_label_del"),
		.create = (int (*)(const char *, void **))find("sonde_profile_new"),
		.add = (int (*)(void *, const void *, unsigned))find("sonde_profile_add"),
		.drop = (int (*)(void *, const void *))find("sonde_profile_remove"),
	};
	label(&api);
	return NULL;
}

static void *keep_busy(void *arg)
{
	while (going_on())
		burn(0.01);
	return NULL;
}

/* exec with timers armed and signals on their way: the program becomes itself again and again. */
static void become_again(char **argv, double seconds)
{
	char left[32];
	pthread_t thread;
	pthread_create(&thread, NULL, keep_busy, NULL);
	burn(0.005);
	snprintf(left, sizeof(left), "%.6f", until - burn_clock(CLOCK_MONOTONIC));
	if (going_on())
		execl(argv[0], argv[0], "become", left, NULL);
}

int main(int argc, char **argv)
{
	void *(*kinds[2])(void *) = {keep_busy, keep_busy};
	until = burn_clock(CLOCK_MONOTONIC) + atof(argv[2]);
	plugins = argv + 3;
	plugin_n = argc - 3;
	if (!strcmp(argv[1], "become"))
		become_again(argv, atof(argv[2]));
	if (!strcmp(argv[1], "dlopen")) {
		kinds[0] = load;
		kinds[1] = walk_modules;
	}
	if (!strcmp(argv[1], "fork"))
		kinds[0] = fork_and_wait;
	if (!strcmp(argv[1], "exec"))
		kinds[0] = exec_and_wait;
	if (!strcmp(argv[1], "spawn"))
		kinds[0] = spawn_and_wait;
	if (!strcmp(argv[1], "handlers")) {
		fork_in_hooks(NULL);
		printf("%ld\n", (long)turns);
		return 0;
	}
	if (!strcmp(argv[1], "labels")) {
		kinds[0] = use_labels;
		kinds[1] = create_threads;
	}
	if (!strcmp(argv[1], "threads"))
		kinds[0] = kinds[1] = create_threads;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, kinds[i % 2], &turns);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	printf("%ld\n", (long)turns);
	return 0;
}

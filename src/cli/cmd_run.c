/*
 * sonde run: records a CPU profile of a program nobody changed.
 *
 * The program is started with libsonde preloaded and records into a file in a session directory;
 * sonde waits, and when the program has ended, however it did, reads the file and writes the
 * profile. sonde then ends as the program did: with its status, or by its signal.
 */
#include "cli/cli.h"
#include "cli/run.h"
#include "sig/sig.h"
#include "tracer/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_SECONDS 2
#define TOKEN_MAX      4096

static const char synopsis[] =
	"usage: sonde run [-hz N] [-o FILE] [-heap FILE] [-children] [--] PROGRAM [ARGS]\n\n"
	"Runs PROGRAM, unchanged, and writes profiles of it when it ends: of its CPU time, and of\n"
	"what else is asked for.\n\n";

static void usage(FILE *to, const struct goflag *flags, size_t n)
{
	struct buf text = BUF_INIT;
	goflag_usage(flags, n, &text);
	fprintf(to, "%s%s", synopsis, text.data);
	buf_release(&text);
}

/* --- the child's side --- */

/* libsonde lies beside the command in a build, and in the library directory once installed. */
static int find_libsonde(char *ret, size_t size, struct err *err)
{
	static const char *const places[] = {"libsonde.so", "../lib/libsonde.so",
		"../lib/x86_64-linux-gnu/libsonde.so", "../lib/aarch64-linux-gnu/libsonde.so",
		"../lib64/libsonde.so"};
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return err_errno(err, "/proc/self/exe");
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	for (size_t i = 0; i < array_len(places); i++) {
		char path[2 * PATH_MAX];
		snprintf(path, sizeof(path), "%s/%s", exe, places[i]);
		char *real = realpath(path, NULL);
		if (!real)
			continue;
		snprintf(ret, size, "%s", real);
		free(real);
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND,
		"libsonde.so is neither beside the command nor in its library directory; was "
		"`make install` run?");
}

/* LD_PRELOAD has no way to write a space or colon: then a link in the session directory, named as
 * the agent knows itself, stands for it. */
static int preloadable(const struct run_session *s, char *lib, size_t size, struct err *err)
{
	if (!strpbrk(lib, " :"))
		return 0;
	char link[PATH_MAX + 16];
	snprintf(link, sizeof(link), "%s/libsonde.so", s->dir);
	if (symlink(lib, link))
		return err_errno(err, "%s", link);
	snprintf(lib, size, "%s", link);
	return 0;
}

/* jemalloc's caches keep the addresses of what they have given out, and nothing would look lost. */
static void keep_jemalloc_from_hiding_leaks(void)
{
	const char *before = getenv("MALLOC_CONF");
	struct buf conf = BUF_INIT;
	buf_printf(&conf, "%s%stcache:false", before ? before : "", before && *before ? "," : "");
	setenv("MALLOC_CONF", conf.data, 1);
	buf_release(&conf);
}

static void set_environment(
	const struct run_session *s, const struct run_program *program, const char *lib)
{
	const char *before = getenv("LD_PRELOAD");
	struct session session = {.pid = getpid(),
		.children = s->children,
		.leaks = s->outputs[RUN_LEAKS].file[0] != '\0',
		.dir = s->dir};
	struct buf preload = BUF_INIT;
	char text[PATH_MAX + 128];
	if (program->sanitizer[0])
		buf_printf(&preload, "%s:", program->sanitizer);
	buf_addstr(&preload, lib);
	if (before && *before)
		buf_printf(&preload, ":%s", before);
	setenv("LD_PRELOAD", preload.data, 1);
	memcpy(session.rates, s->rates, sizeof(session.rates));
	session_format(text, sizeof(text), &session);
	setenv(SESSION_ENV, text, 1);
	if (session.leaks)
		keep_jemalloc_from_hiding_leaks();
	buf_release(&preload);
}

/* Returns only if the program could not be executed: errno goes through the pipe. */
static void become(const struct run_session *s, const struct run_program *program, const char *lib,
	char **argv, int report)
{
	set_environment(s, program, lib);
	execv(program->path, argv);
	int failed = errno;
	if (write(report, &failed, sizeof(failed)) < 0)
		_exit(126);
	_exit(126);
}

/* --- the parent's side --- */

static volatile sig_atomic_t child_pid, interrupted;

/* A terminal sends its signals to the program as well; others are passed on. */
static void on_signal(int sig, siginfo_t *info, void *context)
{
	interrupted = 1;
	if (info->si_code != SI_KERNEL && child_pid > 0)
		kill((pid_t)child_pid, sig);
}

static const int passed_on[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

/* The signal that asks for profiles now; it is blocked but for the time that we wait. */
static volatile sig_atomic_t dump_wanted;

static void on_dump(int sig)
{
	dump_wanted = 1;
}

/* What signals did before. */
struct signals {
	struct sigaction passed[array_len(passed_on)];
	int dump_signal; /* 0: none */
	struct sigaction dump;
	sigset_t mask;
};

static void catch_dump(struct signals *before)
{
	struct sigaction act = {.sa_handler = on_dump};
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, before->dump_signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(before->dump_signal, &act, &before->dump);
}

static void catch_signals(struct signals *before, int dump_signal)
{
	struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	sigprocmask(SIG_BLOCK, NULL, &before->mask);
	before->dump_signal = dump_signal;
	for (size_t i = 0; i < array_len(passed_on); i++) {
		if (passed_on[i] == dump_signal)
			continue;
		sigaction(passed_on[i], NULL, &before->passed[i]);
		if (before->passed[i].sa_handler != SIG_IGN)
			sigaction(passed_on[i], &act, NULL);
	}
	if (dump_signal)
		catch_dump(before);
}

/* The mask first: a dump that was asked for too late is then for our handler, and harmless. */
static void restore_signals(const struct signals *before)
{
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
	for (size_t i = 0; i < array_len(passed_on); i++)
		if (passed_on[i] != before->dump_signal)
			sigaction(passed_on[i], &before->passed[i], NULL);
	if (before->dump_signal)
		sigaction(before->dump_signal, &before->dump, NULL);
}

/* 0 once the program runs; -errno if it could not be executed. */
static int start(struct run_session *s, const struct run_program *program, const char *lib,
	char **argv, const struct signals *before)
{
	int report[2], failed = 0;
	if (pipe2(report, O_CLOEXEC))
		return -errno;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		restore_signals(before);
		become(s, program, lib, argv, report[1]);
	}
	child_pid = pid;
	s->pid = pid;
	close(report[1]);
	ssize_t n;
	do
		n = read(report[0], &failed, sizeof(failed));
	while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n <= 0)
		return 0;
	waitpid(pid, NULL, 0);
	return -failed;
}

static bool must_settle(const struct run_session *s)
{
	return s->rates[RECORDING_WALL] || s->outputs[RUN_GOROUTINE].file[0];
}

/* Until the program has ended, whose end makes its pidfd readable; meanwhile dumps, when asked, and
 * settles what is open, so that little of it is lost if the program is killed. The mask is lifted
 * by the call itself, so that no signal falls between looking and waiting. */
static void watch(const struct run_session *s, const sigset_t *mask)
{
	int fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	struct pollfd ended = {fd, POLLIN, 0};
	if (fd < 0)
		return;
	const struct timespec every = {SETTLE_SECONDS, 0};
	const struct timespec *timeout = must_settle(s) ? &every : NULL;
	for (int n; (n = ppoll(&ended, 1, timeout, mask)) <= 0;) {
		if (dump_wanted)
			run_session_dump(s);
		else if (n == 0)
			run_session_settle(s, false);
		dump_wanted = 0;
	}
	close(fd);
}

static int await(const struct run_session *s, const sigset_t *mask)
{
	int status = 0;
	if (s->dump_signal || must_settle(s))
		watch(s, mask);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Descendants that outlive the program are ours to wait for (PR_SET_CHILD_SUBREAPER). */
static void await_descendants(void)
{
	child_pid = 0;
	interrupted = 0;
	struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	while (!interrupted && (waitpid(-1, NULL, 0) > 0 || errno == EINTR))
		;
}

/* Ends as the program did. A core file of sonde's own would only be confusing. */
static int end_like(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	int sig = WTERMSIG(status);
	struct rlimit none = {0, 0};
	fflush(NULL);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	signal(sig, SIG_DFL);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	return 128 + sig;
}

/* 0 and the program's wait status, or the status to exit with. */
static int run_and_collect(struct run_session *s, const struct run_program *program,
	const char *lib, char **argv, int *ret_status)
{
	struct signals before;
	catch_signals(&before, s->dump_signal);
	if (s->children)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	uint64_t started = sig_clock_ns(CLOCK_MONOTONIC);
	int rc = start(s, program, lib, argv, &before);
	if (rc) {
		cli_error("run", "%s: %s", program->path, strerror(-rc));
		return 126;
	}
	struct run_http *http = NULL;
	struct err err = ERR_INIT;
	if (*s->http && run_http_start(&http, s, &err) < 0)
		cli_error("run", "%s; the program runs on without", err.msg);
	int status = await(s, &before.mask);
	run_http_stop(http);
	s->duration_ns = sig_clock_ns(CLOCK_MONOTONIC) - started;
	if (s->children)
		await_descendants();
	*ret_status = status;
	bool failed = run_session_collect(s) != 0;
	restore_signals(&before);
	return failed && status == 0 ? CLI_FAILED : 0;
}

static int run(struct run_session *s, char **argv)
{
	struct run_program program;
	struct err err = ERR_INIT;
	char lib[2 * PATH_MAX];
	int status = CLI_FAILED, ended = 0;
	if (run_program_find(argv[0], &program, &status, &err) ||
		find_libsonde(lib, sizeof(lib), &err) || run_session_new(s, &err)) {
		cli_error("run", "%s", err.msg);
		return status;
	}
	if (preloadable(s, lib, sizeof(lib), &err)) {
		cli_error("run", "%s", err.msg);
		run_session_remove(s);
		return CLI_FAILED;
	}
	status = run_and_collect(s, &program, lib, argv, &ended);
	run_session_remove(s);
	return status ? status : end_like(ended);
}

/* What is written is recorded, and CPU when nothing else was asked for. Served, the heap is too, as
 * in Go: what was allocated before somebody asks could not be found again. */
static int choose(struct run_session *s, const uint64_t *rates, struct err *err)
{
	bool any = false;
	for (int i = RUN_CPU + 1; i < RUN_OUTPUTS; i++)
		any |= s->outputs[i].file[0] != '\0';
	if (!any && !s->outputs[RUN_CPU].file[0] && !*s->http)
		s->outputs[RUN_CPU].file = "cpu.pb.gz";
	for (int i = 0; i < RUN_OUTPUTS; i++) {
		const struct export_view *view = run_view(s->outputs[i].view);
		if (s->outputs[i].file[0])
			s->rates[view->kind] = rates[view->kind];
	}
	if (*s->http) { /* as in a Go program, where both are always on */
		s->rates[RECORDING_HEAP] = rates[RECORDING_HEAP];
		s->rates[RECORDING_GOROUTINE] = 1;
	}
	if (s->outputs[RUN_BLOCK].file[0] && !rates[RECORDING_BLOCK])
		return err_set(err, ERR_USAGE, "-blockrate 0: the rate is 1 ns or more");
	if (s->outputs[RUN_MUTEX].file[0] &&
		(!rates[RECORDING_MUTEX] || rates[RECORDING_MUTEX] > INT32_MAX))
		return err_set(err, ERR_USAGE,
			"-mutexfraction %llu: one release in 1 to 2147483647 is counted",
			(unsigned long long)rates[RECORDING_MUTEX]);
	if (s->outputs[RUN_CPU].file[0] &&
		(rates[RECORDING_CPU] < 1 || rates[RECORDING_CPU] > SESSION_HZ_MAX))
		return err_set(err, ERR_USAGE, "-hz %llu: the rate is from 1 to %d",
			(unsigned long long)rates[RECORDING_CPU], SESSION_HZ_MAX);
	if (s->outputs[RUN_WALL].file[0] &&
		(rates[RECORDING_WALL] < 1 || rates[RECORDING_WALL] > SESSION_HZ_MAX))
		return err_set(err, ERR_USAGE, "-wallhz %llu: the rate is from 1 to %d",
			(unsigned long long)rates[RECORDING_WALL], SESSION_HZ_MAX);
	if (!tracer_is_format(s->trace_format))
		return err_set(err, ERR_USAGE,
			"-traceformat %s: the version of Go is 1.22, 1.23, 1.25 or 1.26",
			s->trace_format);
	if ((s->outputs[RUN_HEAP].file[0] || s->outputs[RUN_LEAKS].file[0]) &&
		!rates[RECORDING_HEAP])
		return err_set(err, ERR_USAGE, "-heaprate: bytes between samples, 1 or more");
	return 0;
}

/* "USR2", "SIGUSR2", "12"; "" or "none" for none. */
static int parse_signal(const char *name, int *ret, struct err *err)
{
	*ret = 0;
	if (!*name || strcasecmp(name, "none") == 0)
		return 0;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int sig = 1; sig < NSIG; sig++) {
		const char *abbrev = sigabbrev_np(sig);
		if ((abbrev && strcasecmp(abbrev, name) == 0) || atoi(name) == sig)
			*ret = sig;
	}
	if (*ret && *ret != SIGKILL && *ret != SIGSTOP && *ret != SIGCHLD)
		return 0;
	return err_set(err, ERR_USAGE, "-dumpsignal %s: no signal that can be caught", name);
}

/* "@FILE": the file's first line, so that the token is in no process's arguments. */
static int read_token(struct run_session *s, struct buf *token, struct err *err)
{
	if (s->http_token[0] != '@')
		return 0;
	const char *path = s->http_token + 1;
	int rc = cli_read_file(path, TOKEN_MAX, token, err);
	if (rc < 0)
		return rc;
	buf_addstr(token, "");
	token->data[strcspn(token->data, "\r\n")] = '\0';
	s->http_token = token->data;
	return *s->http_token ? 0 : err_set(err, ERR_USAGE, "-httptoken @%s: it is empty", path);
}

int cmd_run(int argc, char **argv)
{
	struct run_session s = {.outputs = {
					[RUN_CPU] = {"cpu", ""},
					[RUN_HEAP] = {"heap", ""},
					[RUN_BLOCK] = {"block", ""},
					[RUN_MUTEX] = {"mutex", ""},
					[RUN_THREADCREATE] = {"threadcreate", ""},
					[RUN_WALL] = {"wall", ""},
					[RUN_LEAKS] = {"leaks", ""},
					[RUN_GOROUTINE] = {"goroutine", ""},
					[RUN_TRACE] = {"trace", ""},
				}};
	unsigned hz = SESSION_HZ, wall_hz = SESSION_HZ, block_rate = 1, mutex_fraction = 1;
	const char *dump_signal = "USR2";
	int64_t heap_rate = SESSION_HEAP_RATE;
	struct goflag flags[] = {
		{"hz", GOFLAG_UINT, &hz, "samples a second of CPU time, 1 to 10000"},
		{"o", GOFLAG_STRING, &s.outputs[RUN_CPU].file,
			"write the CPU profile to `file` (default cpu.pb.gz, if no other profile "
			"is "
			"asked for)"},
		{"block", GOFLAG_STRING, &s.outputs[RUN_BLOCK].file,
			"write to `file` where threads waited, and how long"},
		{"blockrate", GOFLAG_UINT, &block_rate,
			"nanoseconds of waiting a sample of it; 1 counts every wait"},
		{"mutex", GOFLAG_STRING, &s.outputs[RUN_MUTEX].file,
			"write to `file` who kept others waiting for locks, and how long"},
		{"mutexfraction", GOFLAG_UINT, &mutex_fraction,
			"count one in `n` releases of locks that were waited for"},
		{"heap", GOFLAG_STRING, &s.outputs[RUN_HEAP].file,
			"write to `file` what was allocated, and what still is when the program "
			"ends"},
		{"heaprate", GOFLAG_INT64, &heap_rate,
			"bytes between sampled allocations, on average; 1 records all"},
		{"leaks", GOFLAG_STRING, &s.outputs[RUN_LEAKS].file,
			"write to `file` what no pointer leads to any more when the program exits"},
		{"threadcreate", GOFLAG_STRING, &s.outputs[RUN_THREADCREATE].file,
			"write to `file` the stacks that created threads"},
		{"wall", GOFLAG_STRING, &s.outputs[RUN_WALL].file,
			"write to `file` where threads spent their time, running and waiting"},
		{"goroutine", GOFLAG_STRING, &s.outputs[RUN_GOROUTINE].file,
			"write to `file` where its threads were at the end (.txt: thread by "
			"thread)"},
		{"trace", GOFLAG_STRING, &s.outputs[RUN_TRACE].file,
			"write to `file` an execution trace: what each thread did when, and who "
			"woke it"},
		{"traceformat", GOFLAG_STRING, &s.trace_format,
			"the version of Go whose tools are to open it: 1.22, 1.23, 1.25 or 1.26"},
		{"wallhz", GOFLAG_UINT, &wall_hz, "samples a second of it, 1 to 10000"},
		{"children", GOFLAG_BOOL, &s.children,
			"profile the processes it starts as well, each into a file of its own "
			"(cpu.PID.pb.gz)"},
		{"http", GOFLAG_STRING, &s.http,
			"serve /debug/pprof/ at `host:port` or unix:PATH while the program runs, "
			"as net/http/pprof does"},
		{"httpcmdline", GOFLAG_BOOL, &s.http_cmdline,
			"show its command line there, which may hold secrets"},
		{"httptoken", GOFLAG_STRING, &s.http_token,
			"serve only who shows this `token`, as ?token= or a header Authorization: "
			"Bearer; @FILE: the one in FILE"},
		{"dumpsignal", GOFLAG_STRING, &dump_signal,
			"on this `signal` to sonde run, write all that is recorded so far, and go "
			"on "
			"(\"none\": pass it on to the program)"},
		{"dumpdir", GOFLAG_STRING, &s.dump_dir,
			"where dumps make their directories, sonde-PID-TIME"},
	};
	struct err err = ERR_INIT;
	s.dump_dir = ".";
	s.trace_format = TRACER_FORMAT;
	s.http = "";
	s.http_token = "";
	int at = goflag_parse(flags, array_len(flags), argc, argv, &err);
	if (at == GOFLAG_HELP) {
		usage(stdout, flags, array_len(flags));
		return CLI_OK;
	}
	uint64_t rates[RECORDING_KINDS] = {
		[RECORDING_CPU] = hz,
		[RECORDING_BLOCK] = block_rate,
		[RECORDING_MUTEX] = mutex_fraction,
		[RECORDING_WALL] = wall_hz,
		[RECORDING_GOROUTINE] = 1,
		[RECORDING_TRACE] = 1,
		[RECORDING_HEAP] = heap_rate < 0 ? 0 : (uint64_t)heap_rate,
	};
	int rc = at < 0 ? at : choose(&s, rates, &err);
	if (!rc)
		rc = parse_signal(dump_signal, &s.dump_signal, &err);
	struct buf token = BUF_INIT;
	if (!rc)
		rc = read_token(&s, &token, &err);
	if (!rc && at >= argc)
		rc = err_set(&err, ERR_USAGE, "no program given; `sonde run -h` says how");
	if (rc < 0)
		cli_error("run", "%s", err.msg);
	int status = rc < 0 ? CLI_USAGE : run(&s, argv + at);
	buf_release(&token);
	return status;
}

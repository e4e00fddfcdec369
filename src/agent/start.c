/*
 * What libsonde does by itself when it is loaded: it reads the environment.
 *
 * Under `sonde run` it begins to record before the program's constructors run and ends
 * after its destructors; `sonde run` reads the file afterwards (session.h). With
 * SONDE_CPUPROFILE=FILE it records in memory and writes FILE when the process exits. Otherwise it
 * does nothing.
 */
#include "agent/control.h"
#include "agent/export.h"
#include "agent/export_write.h"
#include "agent/heap.h"
#include "agent/hooks/hooks.h"
#include "agent/profiles.h"
#include "agent/session.h"
#include "agent/state.h"
#include "sig/sig.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#define SEQUENCES_MAX 100000 /* execs of one process */

static struct {
	struct session session;
	char dir[PATH_MAX];	/* of the session; "" when there is none */
	char profile[PATH_MAX]; /* SONDE_CPUPROFILE; "" when not set */
	int profile_pid;	/* whose */
} started;

/* --- the environment --- */

static bool is_libsonde(const char *entry, size_t len)
{
	static const char name[] = "/libsonde.so";
	size_t n = sizeof(name) - 1;
	return len >= n && memcmp(entry + len - n, name, n) == 0;
}

/* Takes libsonde out of LD_PRELOAD, in place: setenv would allocate. */
static void leave_preload(void)
{
	char *list = getenv("LD_PRELOAD");
	if (!list)
		return;
	for (char *entry = list; *entry;) {
		size_t len = strcspn(entry, ": ");
		size_t with = len + (entry[len] != '\0');
		if (is_libsonde(entry, len))
			memmove(entry, entry + with, strlen(entry + with) + 1);
		else
			entry += with;
	}
	size_t len = strlen(list);
	if (len && (list[len - 1] == ':' || list[len - 1] == ' '))
		list[len - 1] = '\0';
	if (!*list)
		unsetenv("LD_PRELOAD");
}

/* --- under `sonde run` --- */

static const char *why_not(int rc)
{
	switch (-rc) {
	case EBUSY:
		return "the program has a SIGPROF handler of its own";
	case ENOTSUP:
		return "it is built with ThreadSanitizer, which holds the profiler's signals back; "
		       "build it without";
	case ENOEXEC:
		return "it holds Go code, whose stacks have no room for a signal handler of "
		       "others; "
		       "use Go's own runtime/pprof";
	case ENOMEM:
		return "there was no memory for the recording";
	case EAGAIN:
		return "there was no room in the registry of threads";
	default:
		return strerror(-rc);
	}
}

static void session_file(char *out, size_t size, unsigned sequence)
{
	snprintf(out, size, "%s/%d.%u" SESSION_SUFFIX, started.dir, sig_getpid(), sequence);
}

static int new_file(struct recording **ret, unsigned *ret_sequence)
{
	char path[PATH_MAX + 64];
	for (unsigned i = 0; i < SEQUENCES_MAX; i++) {
		session_file(path, sizeof(path), i);
		int rc = recording_new_file(path, RECORDING_SIZE_MAX, ret);
		*ret_sequence = i;
		if (rc != -EEXIST)
			return rc;
	}
	return -EEXIST;
}

/* No recording could be made: a bare header in its place says why. Where not even that can be
 * written, the directory is out of reach, and `sonde run` says so. */
static void leave_word(unsigned sequence, int rc)
{
	static struct recording header = {.magic = RECORDING_MAGIC, .version = RECORDING_VERSION};
	char path[PATH_MAX + 64];
	session_file(path, sizeof(path), sequence);
	int fd = sig_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return;
	snprintf(header.declined, sizeof(header.declined),
		"its recording in %s could not be made: %s", started.dir, strerror(-rc));
	sig_write_all(fd, &header, sizeof(header));
	sig_syscall(SYS_ftruncate, fd, RECORDING_ARENA);
	sig_close(fd);
}

static int set_rates(bool from_birth)
{
	const uint64_t *rates = started.session.rates;
	int rc = 0;
	if (rates[RECORDING_CPU])
		rc = from_birth ? control_set_cpu_from_birth(rates[RECORDING_CPU])
				: control_set_rate(RECORDING_CPU, rates[RECORDING_CPU]);
	for (int kind = RECORDING_CPU + 1; kind < RECORDING_KINDS && !rc; kind++)
		if (rates[kind])
			rc = control_set_rate((enum recording_kind)kind, rates[kind]);
	return rc;
}

static void record_session(void)
{
	struct recording *rec;
	unsigned sequence;
	int made = new_file(&rec, &sequence);
	if (made) {
		leave_word(sequence, made);
		return;
	}
	rec->sequence = sequence;
	int rc = control_open(rec);
	if (!rc)
		rc = set_rates(sequence == 0);
	if (!rc && started.session.leaks)
		hooks_malloc_wipe();
	if (rc) {
		snprintf(rec->declined, sizeof(rec->declined), "%s", why_not(rc));
		recording_free(control_is_recording() ? control_close() : rec);
		return;
	}
	atomic_store(&rec->begun, 1);
	profiles_keep();
}

static void begin_session(const char *text)
{
	if (!session_parse(text, &started.session))
		return;
	if (!started.session.children && started.session.pid != sig_getpid()) {
		unsetenv(SESSION_ENV);
		leave_preload();
		return;
	}
	snprintf(started.dir, sizeof(started.dir), "%s", started.session.dir);
	record_session();
}

static void session_child(void)
{
	if (started.dir[0] && started.session.children)
		record_session();
}

/* --- SONDE_CPUPROFILE --- */

static unsigned hz_wanted(void)
{
	const char *text = secure_getenv("SONDE_HZ");
	long hz = text ? strtol(text, NULL, 10) : SESSION_HZ;
	return hz < 1 ? 1 : hz > SESSION_HZ_MAX ? SESSION_HZ_MAX : (unsigned)hz;
}

/* "%p" is the process's id. Without it one process writes the file: this one, not its children. */
static void begin_profile(const char *name)
{
	const char *pid = strstr(name, "%p");
	if (pid)
		snprintf(started.profile, sizeof(started.profile), "%.*s%d%s", (int)(pid - name),
			name, sig_getpid(), pid + 2);
	else
		snprintf(started.profile, sizeof(started.profile), "%s", name);
	struct recording *rec;
	if (recording_new(RECORDING_SIZE_MAX, &rec))
		return;
	if (control_open(rec)) {
		recording_free(rec);
		return;
	}
	if (control_set_cpu_from_birth(hz_wanted())) {
		recording_free(control_close());
		return;
	}
	profiles_keep();
	started.profile_pid = sig_getpid();
	if (!pid)
		unsetenv("SONDE_CPUPROFILE");
}

static void finish_profile(void)
{
	struct export_opts opts = {.view = export_view("cpu")};
	struct recording *rec = control_close();
	if (!rec)
		return;
	int fd = sig_open(started.profile, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd >= 0) {
		if (export_write(rec, &opts, fd))
			sig_syscall(SYS_ftruncate, fd, 0);
		sig_close(fd);
	}
	recording_free(rec);
}

__attribute__((constructor(101))) static void begin(void)
{
	const char *session = secure_getenv(SESSION_ENV);
	const char *profile = secure_getenv("SONDE_CPUPROFILE");
	hooks_exec_init();
	if (session)
		begin_session(session);
	else if (profile && *profile)
		begin_profile(profile);
	if (started.dir[0])
		pthread_atfork(NULL, NULL, session_child);
}

/* While the program's destructors and those of most libraries have run. */
static void look_for_leaks(void)
{
	struct recording *rec = state ? atomic_load(&state->recording) : NULL;
	if (!started.session.leaks || !rec || !control_rate(RECORDING_HEAP))
		return;
	control_modules_changed();
	control_refresh();
	export_note_leaks(rec);
}

__attribute__((destructor(101))) static void finish(void)
{
	look_for_leaks();
	if (started.profile[0] && started.profile_pid == sig_getpid())
		finish_profile();
	else
		control_finish();
}

/*
 * include/sonde/pprof.h: labels of the calling thread.
 *
 * A label may be set before anything is recorded, and shows in profiles begun later: the first one
 * takes hold of a recording, which is kept. A scope remembers which recording its set lies in: it
 * may end in a child of fork, where there is none or another.
 */
#include "sonde/pprof.h"

#include "agent/control.h"
#include "agent/hooks/hooks.h"
#include "agent/labels.h"
#include "agent/profiles.h"
#include "agent/state.h"
#include "sig/sig.h"

#include <errno.h>
#include <string.h>

static _Atomic int held_by; /* a process; a fork's child inherits this, and no recording */

/* Several threads may hold it at once: it is never dropped. */
static int hold(void)
{
	int pid = sig_getpid();
	if (atomic_load_explicit(&held_by, memory_order_relaxed) == pid)
		return 0;
	int rc = profiles_hold(0);
	if (!rc)
		atomic_store(&held_by, pid);
	return rc;
}

/* `value` NULL: without the key. */
static int change(const char *key, const char *value)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return value ? -ENOENT : 0;
	struct thread *t = control_self();
	rec_ref set;
	int rc = t ? labels_with(rec, atomic_load(&t->labels), key, value, &set) : -EAGAIN;
	if (!rc)
		atomic_store(&t->labels, set);
	state_leave(token);
	return rc;
}

HOOK int sonde_label_set(const char *key, const char *value)
{
	int rc = hold();
	return rc ? rc : change(key, value);
}

HOOK int sonde_label_del(const char *key)
{
	return change(key, NULL);
}

static int copy(const char *value, char *ret_value, size_t size)
{
	size_t n = strlen(value);
	size_t fit = n < size ? n : size ? size - 1 : 0;
	memcpy(ret_value, value, fit);
	if (size)
		ret_value[fit] = 0;
	return (int)n;
}

HOOK int sonde_label_get(const char *key, char *ret_value, size_t size)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return -ENOENT;
	struct thread *t = control_self();
	const char *value = t ? labels_find(rec, atomic_load(&t->labels), key) : NULL;
	int rc = value ? copy(value, ret_value, size) : -ENOENT;
	state_leave(token);
	return rc;
}

/* --- scopes --- */

HOOK struct sonde_label_scope sonde_label_scope_begin(const struct sonde_label *labels, size_t n)
{
	struct sonde_label_scope scope = {0, 0, hold()};
	unsigned token;
	struct recording *rec = state_enter(&token);
	struct thread *t = rec ? control_self() : NULL;
	if (t) {
		scope.recording = rec->wishes.token;
		scope.set = atomic_load(&t->labels);
	}
	if (rec)
		state_leave(token);
	for (size_t i = 0; i < n && !scope.error; i++)
		scope.error = change(labels[i].key, labels[i].value);
	return scope;
}

HOOK void sonde_label_scope_end(const struct sonde_label_scope *scope)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return;
	struct thread *t = control_self();
	if (t)
		atomic_store(&t->labels, scope->recording == rec->wishes.token ? scope->set : 0);
	state_leave(token);
}

HOOK int sonde_do(const struct sonde_label *labels, size_t n, void (*fn)(void *), void *arg)
{
	struct sonde_label_scope scope = sonde_label_scope_begin(labels, n);
	fn(arg);
	sonde_label_scope_end(&scope);
	return scope.error;
}

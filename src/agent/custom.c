/*
 * Custom profiles: pprof.NewProfile, Add, Remove, Count of include/sonde/pprof.h.
 *
 * A count (stacks.h) for each stack that added something, of values added and values removed; and a
 * table of the values that are in the profile, each with its count, so that a removal finds what it
 * takes back. One lock a profile, as in Go: programs add what is opened and closed, not what is
 * computed. The recording is taken hold of by the first profile, and kept.
 */
#include "agent/custom.h"

#include "sonde/pprof.h"

#include "agent/capture.h"
#include "agent/control.h"
#include "agent/hooks/hooks.h"
#include "agent/live_table.h"
#include "agent/profiles.h"
#include "sig/sig.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES RECORDING_CUSTOM_NAME
#define TABLE_MAX      (64u << 20)

struct sonde_profile {
	_Atomic(struct sonde_profile *) next;
	struct sig_lock lock;
	int pid; /* whose: a fork's child inherits this, and no recording */
	uint64_t n;
	struct export_view view;
	struct live_table values;
	struct live_filter filter; /* of `values`: pages of it that are used */
	char name[NAME_MAX_BYTES];
};

static struct sig_lock making;
static _Atomic(struct sonde_profile *) first;
static _Atomic(struct sonde_profile *) last;
static _Atomic uint32_t made;

void custom_after_fork_child(void)
{
	sig_lock_reset(&making);
}

HOOK struct sonde_profile *sonde_profile_lookup(const char *name)
{
	for (struct sonde_profile *p = atomic_load(&first); p; p = atomic_load(&p->next))
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

const struct export_view *custom_view(const char *name)
{
	const struct sonde_profile *p = sonde_profile_lookup(name);
	return p ? &p->view : NULL;
}

const struct export_view *custom_view_at(size_t i)
{
	const struct sonde_profile *p = atomic_load(&first);
	for (; p && i; i--)
		p = atomic_load(&p->next);
	return p ? &p->view : NULL;
}

static void link_last(struct sonde_profile *p)
{
	struct sonde_profile *before = atomic_load(&last);
	atomic_store(before ? &before->next : &first, p);
	atomic_store(&last, p);
}

/* So that whoever reads the recording knows what its counts are of. */
static int name_in(struct recording *rec, const char *name, uint64_t key)
{
	size_t n = strlen(name);
	struct recording_custom *c = recording_alloc(rec, sizeof(*c) + n + 1);
	if (!c)
		return -ENOMEM;
	c->name_n = (uint32_t)n;
	c->key = key;
	memcpy(c->name, name, n);
	c->next = atomic_load(&rec->customs);
	atomic_store(&rec->customs, recording_ref(rec, c)); /* under the lock of `making` */
	return 0;
}

static int record_name(const char *name, uint64_t key)
{
	unsigned token;
	struct recording *rec = state_enter(&token);
	if (!rec)
		return -ENOENT;
	int rc = name_in(rec, name, key);
	state_leave(token);
	return rc;
}

/* With the recording held. */
static int make_held(const char *name, struct sonde_profile *p)
{
	uint64_t key = atomic_load(&made) + 1;
	int rc = record_name(name, key);
	if (rc)
		return rc;
	atomic_store(&made, (uint32_t)key);
	memcpy(p->name, name, strlen(name));
	p->pid = sig_getpid();
	p->values.filter = &p->filter;
	p->values.bytes_max = TABLE_MAX;
	export_custom_init(&p->view, p->name, key);
	link_last(p);
	return 0;
}

static int make_locked(const char *name, struct sonde_profile **ret)
{
	if (export_view(name) || sonde_profile_lookup(name))
		return -EEXIST;
	struct sonde_profile *p = sig_map(sizeof(*p));
	if (!p)
		return -ENOMEM;
	int rc = profiles_hold(0);
	if (!rc) {
		rc = make_held(name, p);
		if (rc)
			profiles_drop();
	}
	if (rc)
		sig_unmap(p, sizeof(*p));
	else
		*ret = p;
	return rc;
}

HOOK int sonde_profile_new(const char *name, struct sonde_profile **ret)
{
	if (!*name || strnlen(name, NAME_MAX_BYTES) == NAME_MAX_BYTES)
		return -EINVAL;
	sig_lock(&making);
	int rc = make_locked(name, ret);
	sig_unlock(&making);
	return rc;
}

static struct recording_count *count_here(
	struct recording *rec, uint64_t key, const void *caller, unsigned skip)
{
	struct thread *t = control_self();
	struct capture c;
	if (!capture_here(&c, t, caller, 0))
		return NULL;
	size_t left_out = skip < c.stack.n ? skip : c.stack.n - 1;
	c.stack.pcs += left_out;
	c.stack.n -= left_out;
	struct recording_stack *s = stacks_intern(rec, &c.stack);
	capture_done(&c);
	uint32_t labels = t ? atomic_load(&t->labels) : 0;
	return s ? stacks_count(rec, s, RECORDING_CUSTOM, labels, key, 2) : NULL;
}

static int add_locked(
	struct sonde_profile *p, struct recording *rec, uintptr_t value, struct recording_count *c)
{
	uint64_t had;
	if (live_remove(&p->values, value, &had)) {
		live_insert(&p->values, value, had);
		return -EEXIST;
	}
	if (!live_insert(&p->values, value, recording_ref(rec, c)))
		return -ENOMEM;
	recording_count(&c->values[0], 1);
	p->n++;
	return 0;
}

static int add(struct sonde_profile *p, struct recording *rec, uintptr_t value, const void *caller,
	unsigned skip)
{
	struct recording_count *c = count_here(rec, p->view.key, caller, skip);
	if (!c) {
		recording_count(&rec->lost[RECORDING_CUSTOM], 1);
		return -ENOMEM;
	}
	sig_lock(&p->lock);
	int rc = add_locked(p, rec, value, c);
	sig_unlock(&p->lock);
	return rc;
}

/* 0 with the recording held, until state_leave(). */
static int enter(const struct sonde_profile *p, const void *value, struct recording **ret_rec,
	unsigned *ret_token)
{
	if (!value)
		return -EINVAL;
	if (p->pid != sig_getpid())
		return -ECHILD;
	*ret_rec = state_enter(ret_token);
	return *ret_rec ? 0 : -ENOENT;
}

HOOK int sonde_profile_add(struct sonde_profile *p, const void *value, unsigned skip)
{
	unsigned token;
	struct recording *rec;
	int rc = enter(p, value, &rec, &token);
	if (rc)
		return rc;
	rc = add(p, rec, (uintptr_t)value, __builtin_return_address(0), skip);
	state_leave(token);
	return rc;
}

static int remove_value(struct sonde_profile *p, struct recording *rec, uintptr_t value)
{
	uint64_t count;
	sig_lock(&p->lock);
	bool there = live_remove(&p->values, value, &count);
	if (there) {
		struct recording_count *c = recording_at(rec, (rec_ref)count);
		recording_count(&c->values[1], 1);
		p->n--;
	}
	sig_unlock(&p->lock);
	return there ? 0 : -ENOENT;
}

HOOK int sonde_profile_remove(struct sonde_profile *p, const void *value)
{
	unsigned token;
	struct recording *rec;
	int rc = enter(p, value, &rec, &token);
	if (rc)
		return rc;
	rc = remove_value(p, rec, (uintptr_t)value);
	state_leave(token);
	return rc;
}

HOOK int64_t sonde_profile_count(struct sonde_profile *p)
{
	if (p->pid != sig_getpid())
		return -ECHILD;
	sig_lock(&p->lock);
	int64_t n = (int64_t)p->n;
	sig_unlock(&p->lock);
	return n;
}

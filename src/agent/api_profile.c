/*
 * Profiles by name, whole or since a moment: pprof.Lookup and WriteTo of include/sonde/pprof.h.
 */
#include "sonde/pprof.h"

#include "agent/export.h"
#include "agent/export_write.h"
#include "agent/control.h"
#include "agent/custom.h"
#include "agent/hooks/hooks.h"
#include "agent/profiles.h"
#include "sig/sig.h"

#include <errno.h>
#include <fcntl.h>

/* It keeps the recording, so that what it notes cannot be replaced by another one. */
struct sonde_profile_delta {
	const struct export_view *view;
	struct export_heap *heap; /* of `since` */
	struct export_baseline *since;
	int pid; /* whose: in a fork's child there is nothing it could be the difference to */
};

HOOK const char *sonde_profile_name(size_t i)
{
	size_t own = 0;
	while (export_view_at(own))
		own++;
	const struct export_view *view = i < own ? export_view_at(i) : custom_view_at(i - own);
	return view ? view->name : NULL;
}

static const struct export_view *find(const char *name)
{
	const struct export_view *view = export_view(name);
	return view ? view : custom_view(name);
}

/* 0 with the recording held. */
static int hold(const char *name, const struct export_view **ret)
{
	*ret = find(name);
	if (!*ret || !control_is_recording())
		return -ENOENT;
	return profiles_hold(0);
}

static int write_view(const struct export_view *view, const struct export_baseline *since, int fd)
{
	struct export_opts opts = {.view = view, .since = since, .live = true};
	control_modules_changed();
	control_refresh();
	control_settle(view->kind);
	return export_write(profiles_recording(), &opts, fd);
}

HOOK int sonde_profile_write(const char *name, int fd)
{
	const struct export_view *view;
	int rc = hold(name, &view);
	if (rc)
		return rc;
	rc = write_view(view, NULL, fd);
	profiles_drop();
	return rc;
}

HOOK int sonde_profile_write_file(const char *name, const char *path)
{
	if (!find(name) || !control_is_recording())
		return -ENOENT; /* before a file is emptied */
	int fd = sig_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0)
		return fd;
	int rc = sonde_profile_write(name, fd);
	sig_close(fd);
	return rc;
}

static int begin(struct sonde_profile_delta *d)
{
	d->heap = export_heap_new();
	if (!d->heap)
		return -ENOMEM;
	control_settle(d->view->kind);
	return export_write_baseline(d->heap, profiles_recording(), d->view->kind, &d->since);
}

HOOK int sonde_profile_delta_new(const char *name, struct sonde_profile_delta **ret)
{
	const struct export_view *view;
	int rc = hold(name, &view);
	if (rc)
		return rc;
	struct sonde_profile_delta *d = sig_map(sizeof(*d));
	rc = -ENOMEM;
	if (d) {
		d->view = view;
		d->pid = sig_getpid();
		rc = begin(d);
	}
	if (!rc) {
		*ret = d;
		return 0;
	}
	if (d) {
		export_heap_free(d->heap);
		sig_unmap(d, sizeof(*d));
	}
	profiles_drop();
	return rc;
}

HOOK int sonde_profile_delta_write(const struct sonde_profile_delta *d, int fd)
{
	if (d->pid != sig_getpid())
		return -ECHILD;
	return write_view(d->view, d->since, fd);
}

HOOK int sonde_heap_leaks_since(const struct sonde_profile_delta *d, int fd)
{
	if (d->pid != sig_getpid())
		return -ECHILD;
	if (d->view->kind != RECORDING_HEAP)
		return -EINVAL;
	control_modules_changed();
	control_refresh();
	return export_write_leaks(profiles_recording(), d->since, fd);
}

HOOK int sonde_heap_leaks(int fd)
{
	if (!control_rate(RECORDING_HEAP))
		return -ENOENT;
	int rc = profiles_hold(0);
	if (rc)
		return rc;
	control_modules_changed();
	control_refresh();
	rc = export_write_leaks(profiles_recording(), NULL, fd);
	profiles_drop();
	return rc;
}

HOOK void sonde_profile_delta_free(struct sonde_profile_delta *d)
{
	if (!d)
		return;
	bool own = d->pid == sig_getpid();
	export_heap_free(d->heap);
	sig_unmap(d, sizeof(*d));
	if (own)
		profiles_drop();
}

/*
 * sonde pprof -http: starts the server, opens a browser, waits for Ctrl-C.
 */
#include "cli/cli.h"
#include "cli/pprof_tool.h"
#include "web/web.h"

#include <stdio.h>
#include <stdlib.h>

/* Where google/pprof keeps its settings: Go's os.UserConfigDir(). NULL if nothing says where. */
static char *settings_path(struct notes *notes)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct buf path = BUF_INIT;
	if (config && *config && *config != '/') {
		notes_printf(notes, "No settings are kept: path in $XDG_CONFIG_HOME is relative");
		return NULL;
	}
	if (config && *config)
		buf_addstr(&path, config);
	else if (home && *home)
		buf_printf(&path, "%s/.config", home);
	else
		return NULL;
	buf_addstr(&path, "/pprof/settings.json");
	return buf_detach(&path, NULL);
}

int pprof_web(const struct profile *p, const struct pprof_args *args, struct notes *notes,
	struct err *err)
{
	char *settings = settings_path(notes);
	struct web_profile web = {
		.profile = p, .config = &args->config, .settings = settings, .layout = pprof_dot};
	struct web_server *server;
	cli_hold_stop();
	int rc = web_start(&server, args->http, &web, err);
	if (rc < 0) {
		mem_free(settings);
		return rc;
	}
	notes_printf(notes, "Serving web UI on %s", web_url(server));
	if (!args->no_browser && pprof_browse(web_url(server)) < 0)
		notes_printf(notes, "No browser found: open %s yourself", web_url(server));
	cli_wait_stop();
	web_stop(server);
	mem_free(settings);
	return 0;
}

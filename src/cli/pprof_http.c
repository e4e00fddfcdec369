/*
 * Profiles over HTTP: what URL a source means, and getting several at once (libcurl's multi
 * interface: one thread, however many hosts).
 */
#include "cli/curl.h"
#include "cli/pprof_tool.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* --- URLs --- */

/* "http://", "https+insecure://": the length with the slashes, 0 if there is none. */
static size_t scheme_length(const char *s)
{
	size_t n = 0;
	if (!isalpha((unsigned char)*s))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '+' || s[n] == '-' || s[n] == '.')
		n++;
	return strncmp(s + n, "://", 3) == 0 ? n + 3 : 0;
}

/* A file that is not there is no host: "dir/file", "file.pb.gz", "file:///x". */
static bool is_bare_path(const char *source)
{
	size_t n = strcspn(source, "/?#");
	return !memchr(source, ':', n) || strncmp(source, "file:", 5) == 0;
}

static int compare_params(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The query with its parameters in order, as Go's url.Values.Encode writes it; `seconds` set if it
 * is more than 0. */
static void put_query(const char *query, int seconds, int64_t *ret_seconds, struct buf *out)
{
	char *copy = mem_strdup(query), *rest = copy, **params = NULL, own[32];
	uint32_t n = 0, cap = 0;
	for (char *param; (param = strsep(&rest, "&"));) {
		bool is_seconds = strncmp(param, "seconds=", 8) == 0;
		if (!*param || (is_seconds && seconds > 0))
			continue;
		if (is_seconds)
			*ret_seconds = strtol(param + 8, NULL, 10);
		vec_push(params, n, cap, param);
	}
	if (seconds > 0) {
		snprintf(own, sizeof(own), "seconds=%d", seconds);
		*ret_seconds = seconds;
		vec_push(params, n, cap, own);
	}
	if (n)
		qsort(params, n, sizeof(*params), compare_params);
	for (uint32_t i = 0; i < n; i++)
		buf_printf(out, "%c%s", i ? '&' : '?', params[i]);
	mem_free(params);
	mem_free(copy);
}

#define UNIX_SCHEME "unix:"

/* "unix:PATH" of a socket, or "unix:PATH:/path/of/url": the length up to the URL's path, 0 if it is
 * something else. */
static size_t unix_length(const char *s)
{
	size_t scheme = sizeof(UNIX_SCHEME) - 1, n = strcspn(s, "?#");
	if (strncmp(s, UNIX_SCHEME, scheme) != 0 || n == scheme)
		return 0;
	const char *colon = memmem(s + scheme, n - scheme, ":/", 2);
	return colon ? (size_t)(colon - s) : n - (s[n - 1] == ':');
}

char *pprof_source_url(
	const char *source, int seconds, int timeout, int64_t *ret_timeout, int64_t *ret_duration)
{
	struct buf url = BUF_INIT;
	size_t scheme = scheme_length(source), socket = unix_length(source);
	if (!scheme && is_bare_path(source))
		return NULL;
	if (!scheme && !socket)
		buf_addstr(&url, "http://");
	buf_add(&url, source, scheme);
	const char *host = source + scheme;
	size_t host_n = socket ? socket + (source[socket] == ':') : strcspn(host, "/?#");
	size_t path_n = strcspn(host + host_n, "?#");
	if (!host_n || strncmp(source, "file:", 5) == 0) {
		buf_release(&url);
		return NULL;
	}
	buf_add(&url, host, host_n);
	if (socket && source[socket] != ':')
		buf_addch(&url, ':');
	/* As `go tool pprof`: a server alone means its CPU profile. */
	bool bare = path_n == 0 || (path_n == 1 && host[host_n] == '/');
	if (bare)
		buf_addstr(&url, "/debug/pprof/profile");
	else
		buf_add(&url, host + host_n, path_n);
	const char *query = host + host_n + path_n;
	char *plain = *query == '?' ? mem_strndup(query + 1, strcspn(query + 1, "#")) : NULL;
	*ret_duration = 0;
	put_query(plain ? plain : "", seconds, ret_duration, &url);
	mem_free(plain);
	*ret_timeout = timeout > 0 ? timeout : *ret_duration > 0 ? *ret_duration * 3 / 2 : 60;
	return buf_detach(&url, NULL);
}

/* --- transfers --- */

/* The library, from the first transfer on. */
static const struct curl_functions *curl;

static int load(struct err *err)
{
	if (!curl)
		curl = curl_load(err);
	return curl ? 0 : ERR_UNSUPPORTED;
}

struct transfer {
	struct http_get *get;
	CURL *easy;
	struct buf status; /* "404 Not Found" */
	bool is_go_error;  /* the body is a message of net/http/pprof */
	bool is_text;
	size_t max;
	char problem[CURL_ERROR_SIZE];
};

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	if (t->get->body.len + size * n > t->max)
		return 0;
	buf_add(&t->get->body, p, size * n);
	return size * n;
}

static bool header_is(const char *line, size_t n, const char *name)
{
	size_t len = strlen(name);
	return n > len && strncasecmp(line, name, len) == 0 && line[len] == ':';
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	size_t whole = n *= size;
	while (n && isspace((unsigned char)p[n - 1]))
		n--;
	if (n > 5 && memcmp(p, "HTTP/", 5) == 0) {
		/* A redirection brings a status line each. */
		const char *code = memchr(p, ' ', n);
		buf_clear(&t->status);
		t->is_go_error = t->is_text = false;
		if (code)
			buf_add(&t->status, code + 1, n - (size_t)(code + 1 - p));
	} else if (header_is(p, n, "X-Go-Pprof")) {
		t->is_go_error = true;
	} else if (header_is(p, n, "Content-Type")) {
		t->is_text = memmem(p, n, "text/plain", 10) != NULL;
	}
	return whole;
}

/* The URL as curl takes it; the socket it is asked through is told by itself. */
static void set_unix(CURL *easy, const char *url, size_t n)
{
	struct buf changed = BUF_INIT;
	size_t scheme = sizeof(UNIX_SCHEME) - 1;
	char *path = mem_strndup(url + scheme, n - scheme);
	buf_printf(&changed, "http://localhost%s", url + n + (url[n] == ':'));
	curl->easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, path);
	curl->easy_setopt(easy, CURLOPT_URL, changed.data);
	mem_free(path);
	buf_release(&changed);
}

static void set_url(CURL *easy, const char *url, struct buf *changed)
{
	static const char insecure[] = "https+insecure://";
	size_t n = sizeof(insecure) - 1;
	if (strncmp(url, insecure, n) == 0) {
		curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
		buf_printf(changed, "https://%s", url + n);
	} else {
		buf_addstr(changed, url);
	}
	/* ":8080" is this machine, as for Go. */
	char *host = strstr(changed->data, "://");
	if (host && host[3] == ':') {
		struct buf local = BUF_INIT;
		buf_add(&local, changed->data, (size_t)(host + 3 - changed->data));
		buf_printf(&local, "localhost%s", host + 3);
		buf_release(changed);
		*changed = local;
	}
	curl->easy_setopt(easy, CURLOPT_URL, changed->data);
}

static void set_options(
	CURL *easy, const char *url, const struct pprof_args *args, struct curl_slist *headers)
{
	struct buf text = BUF_INIT;
	size_t socket = unix_length(url);
	if (socket)
		set_unix(easy, url, socket);
	else
		set_url(easy, url, &text);
	buf_release(&text); /* curl has a copy */
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl->easy_setopt(easy, CURLOPT_MAXREDIRS, 10L);
	curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(easy, CURLOPT_USERAGENT, "sonde/" SONDE_VERSION);
	curl->easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	if (*args->tls_cert) {
		curl->easy_setopt(easy, CURLOPT_SSLCERT, args->tls_cert);
		curl->easy_setopt(easy, CURLOPT_SSLKEY, args->tls_key);
	}
	if (*args->tls_ca)
		curl->easy_setopt(easy, CURLOPT_CAINFO, args->tls_ca);
}

static struct curl_slist *header_list(const struct pprof_args *args)
{
	struct curl_slist *list = NULL;
	for (uint32_t i = 0; i < args->header_n; i++)
		list = curl->slist_append(list, args->headers[i]);
	return list;
}

static void start(
	struct transfer *t, CURLM *multi, const struct pprof_args *args, struct curl_slist *headers)
{
	t->easy = curl->easy_init();
	set_options(t->easy, t->get->url, args, headers);
	curl->easy_setopt(t->easy, CURLOPT_TIMEOUT, (long)t->get->timeout + 5);
	curl->easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl->easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl->easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl->easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->problem);
	curl->easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl->multi_add_handle(multi, t->easy);
}

static int check_status(struct transfer *t, struct err *err)
{
	long code = 0;
	curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
	if (code == 200)
		return 0;
	if (t->is_go_error && t->is_text)
		return err_set(err, ERR_NOT_FOUND, "server response: %s - %s", t->status.data,
			t->get->body.data);
	return err_set(err, ERR_NOT_FOUND, "server response: %s", t->status.data);
}

static void finish(struct transfer *t, CURLcode result)
{
	struct http_get *get = t->get;
	const char *why = *t->problem ? t->problem : curl->easy_strerror(result);
	if (result == CURLE_OK)
		get->rc = check_status(t, &get->err);
	else if (result == CURLE_WRITE_ERROR)
		get->rc = err_set(&get->err, ERR_LIMIT,
			"http fetch: the profile is larger than %zu bytes (-max_memory)", t->max);
	else
		get->rc = err_set(&get->err, -EIO, "http fetch: Get \"%s\": %s", get->url, why);
}

/* "2 of 3 fetched, 1.5MB, 12s of 30s" over itself, on a terminal only. */
static void show_progress(const struct http_get *gets, uint32_t n, uint32_t done, int64_t seconds)
{
	int64_t bytes = 0, duration = 0;
	struct buf size = BUF_INIT;
	for (uint32_t i = 0; i < n; i++) {
		bytes += (int64_t)gets[i].body.len;
		duration = gets[i].duration > duration ? gets[i].duration : duration;
	}
	unit_label(bytes, "bytes", "auto", &size);
	fprintf(stderr, "\r\033[K%u of %u fetched, %s, %llds", done, n, size.data,
		(long long)seconds);
	if (duration)
		fprintf(stderr, " of %llds", (long long)duration);
	buf_release(&size);
}

static int64_t now_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void drive(CURLM *multi, const struct http_get *gets, uint32_t n)
{
	bool progress = isatty(STDERR_FILENO);
	int64_t began = now_seconds();
	int running = 1;
	for (uint32_t done = 0; running;) {
		if (curl->multi_perform(multi, &running) != CURLM_OK)
			break;
		int left;
		for (CURLMsg *m; (m = curl->multi_info_read(multi, &left));) {
			struct transfer *t;
			curl->easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
			finish(t, m->data.result);
			done++;
		}
		if (progress)
			show_progress(gets, n, done, now_seconds() - began);
		if (running)
			curl->multi_poll(multi, NULL, 0, 500, NULL);
	}
	if (progress)
		fputs("\r\033[K", stderr);
}

void pprof_http_get(
	struct http_get *gets, uint32_t n, const struct pprof_args *args, struct notes *notes)
{
	struct err why = ERR_INIT;
	if (load(&why) < 0) {
		for (uint32_t i = 0; i < n; i++) {
			gets[i].rc = why.code;
			gets[i].err = why;
		}
		return;
	}
	CURLM *multi = curl->multi_init();
	struct curl_slist *headers = header_list(args);
	struct transfer *transfers = mem_zalloc(n * sizeof(*transfers));
	for (uint32_t i = 0; i < n; i++) {
		transfers[i].get = &gets[i];
		transfers[i].max = args->max_memory > 0 ? (size_t)args->max_memory : 1u << 30;
		buf_init(&transfers[i].status);
		notes_printf(notes, "Fetching profile over HTTP from %s", gets[i].url);
		if (args->seconds > 0)
			notes_printf(notes, "Please wait... (%ds)", args->seconds);
		start(&transfers[i], multi, args, headers);
	}
	drive(multi, gets, n);
	for (uint32_t i = 0; i < n; i++) {
		curl->multi_remove_handle(multi, transfers[i].easy);
		curl->easy_cleanup(transfers[i].easy);
		buf_release(&transfers[i].status);
	}
	mem_free(transfers);
	curl->slist_free_all(headers);
	curl->multi_cleanup(multi);
}

int pprof_http_post(const char *url, const char *body, size_t n, const struct pprof_args *args,
	struct buf *ret, struct err *err)
{
	if (load(err) < 0)
		return ERR_UNSUPPORTED;
	struct http_get get = {.name = url, .body = BUF_INIT};
	struct transfer t = {.get = &get, .status = BUF_INIT, .max = 1u << 30};
	struct curl_slist *headers = header_list(args);
	headers = curl->slist_append(headers, "Content-Type: application/octet-stream");
	t.easy = curl->easy_init();
	set_options(t.easy, url, args, headers);
	curl->easy_setopt(t.easy, CURLOPT_POSTFIELDS, body);
	curl->easy_setopt(t.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
	curl->easy_setopt(t.easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(t.easy, CURLOPT_WRITEDATA, &t);
	curl->easy_setopt(t.easy, CURLOPT_HEADERFUNCTION, on_header);
	curl->easy_setopt(t.easy, CURLOPT_HEADERDATA, &t);
	curl->easy_setopt(t.easy, CURLOPT_ERRORBUFFER, t.problem);
	CURLcode result = curl->easy_perform(t.easy);
	int rc = result == CURLE_OK ? check_status(&t, err)
				    : err_set(err, -EIO, "http post %s: %s", url,
					      *t.problem ? t.problem : curl->easy_strerror(result));
	if (rc >= 0)
		buf_add(ret, get.body.data, get.body.len);
	curl->easy_cleanup(t.easy);
	curl->slist_free_all(headers);
	buf_release(&get.body);
	buf_release(&t.status);
	return rc;
}

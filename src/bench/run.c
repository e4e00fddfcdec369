/*
 * One benchmark's life: choosing N, running, sub-benchmarks, printing. The algorithm is
 * testing/benchmark.go's, step by step, so that the same body does the same number of iterations
 * under both.
 *
 * A benchmark is left early by a longjmp to where its thread entered it (Go: runtime.Goexit).
 * (Rejected: a thread a run, whose pthread_exit() would run C++ destructors: a benchmark would no
 * longer run on the main thread, which graphics and signal code care about.)
 */
#include "bench/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local jmp_buf *exit_point;

void run_guarded(void (*fn)(void *arg), void *arg)
{
	jmp_buf here, *volatile outer = exit_point;
	exit_point = &here;
	if (setjmp(here) == 0)
		fn(arg);
	exit_point = outer;
}

void run_exit_now(struct run *r)
{
	pthread_mutex_lock(&r->lock);
	r->finished = true;
	pthread_mutex_unlock(&r->lock);
	if (exit_point)
		longjmp(*exit_point, 1);
	pthread_exit(NULL);
}

struct run *run_new(
	struct session *s, struct run *parent, const char *name, sonde_bench_fn *fn, void *arg)
{
	struct run *r = mem_zalloc(sizeof(*r));
	r->session = s;
	r->parent = parent;
	r->level = parent ? parent->level + 1 : 0;
	r->name = mem_strdup(name);
	r->fn = fn;
	r->arg = arg;
	r->procs = parent ? parent->procs : s->opt.cpus[0];
	r->show_allocs = s->opt.benchmem;
	pthread_mutex_init(&r->lock, NULL);
	buf_init(&r->output);
	if (s->opt.hist)
		r->hist = hist_new();
	return r;
}

void run_free(struct run *r)
{
	result_release(&r->result);
	hist_free(r->hist);
	buf_release(&r->output);
	pthread_mutex_destroy(&r->lock);
	mem_free(r->cleanups);
	mem_free(r->name);
	mem_free(r);
}

int64_t predict_n(int64_t goal_ns, int64_t prev_n, int64_t prev_ns, int64_t last)
{
	if (prev_ns == 0)
		prev_ns = 1;
	/* Go multiplies in int64; a product past it would take benchtimes of minutes. */
	__int128 n = (__int128)goal_ns * prev_n / prev_ns;
	n += n / 5;
	if (n > (__int128)100 * last)
		n = (__int128)100 * last;
	if (n < last + 1)
		n = last + 1;
	return n > MAX_ITERATIONS ? MAX_ITERATIONS : (int64_t)n;
}

static void call_fn(void *arg)
{
	struct run *r = arg;
	r->fn(&r->pub, r->arg);
}

static void begin(struct run *r, int64_t n)
{
	r->pub = (struct bench){.n = n};
	r->loop_begun = r->loop_done = false;
	r->loop_target = 0;
	r->n_segments = 0;
	r->parallelism = 1;
	r->workers_wait_ns = 0;
	if (r->hist)
		hist_clear(r->hist);
	r->counting_allocs = r->show_allocs && allocs_start();
	if (r->session->opt.noise)
		evidence_read(&r->before);
	r->timer_on = false;
	r->started_ns = now_ns();
	sonde_bench_reset_timer(&r->pub);
	sonde_bench_start_timer(&r->pub);
}

/* The change against the measurement before, where that was long enough to mean something: all
 * that can be seen inside a run to b->n. */
static double spread(const struct run *r)
{
	if (r->loop_begun)
		return segments_spread(r);
	if (r->prev_n == 0 || r->ns == 0 || r->prev_ns < r->ns / 20 || r->prev_ns < 5000000)
		return 0;
	double now = (double)r->ns / (double)r->pub.n;
	return 100 * fabs((double)r->prev_ns / (double)r->prev_n / now - 1);
}

static void end(struct run *r)
{
	timer_end(r);
	if (r->session->opt.noise)
		evidence_read(&r->after);
	if (r->counting_allocs)
		allocs_stop();
	r->counting_allocs = false;
	r->spread_percent = spread(r);
	r->prev_n = r->pub.n;
	r->prev_ns = r->ns;
	if (r->loop_begun && !r->loop_done && !r->failed && !r->finished)
		sonde_bench_error_at(&r->pub, NULL, 0,
			"benchmark function returned without bench_loop() == "
			"false (break or return in loop?)");
}

void run_n(struct run *r, int64_t n)
{
	struct run *outer = r->session->current;
	r->session->current_since_ns = now_ns();
	r->session->current = r;
	begin(r, n);
	run_guarded(call_fn, r);
	end(r);
	run_cleanup(r);
	r->session->current = outer;
}

static void print_failure(struct run *r, const char *name)
{
	out("%s--- FAIL: %s\n%s", r->session->opt.verbose_json ? "\x16" : "", name, r->output.data);
}

/* A parent that only partly matches is called for its sub-benchmarks alone: with b->n == 0. If it
 * has none, nothing it said counts: it was not asked for. */
static bool probe(struct run *r)
{
	r->probing = true;
	run_n(r, 0);
	r->probing = false;
	if (r->failed && r->has_sub)
		print_failure(r, r->name);
	else
		r->failed = false;
	return false;
}

bool run_first(struct run *r)
{
	struct session *s = r->session;
	size_t width = strlen(r->name) + s->ext_len + 1;
	if (width > s->name_width)
		s->name_width = width + 8; /* slack, so that it does not jump at each name */
	run_n(r, 1);
	if (s->quiet)
		return !r->failed && !r->has_sub && !r->finished;
	if (r->failed) {
		print_failure(r, r->name);
		return false;
	}
	if (!r->has_sub && !r->finished)
		return true;
	if (s->opt.verbose && (r->output.len || r->finished)) {
		run_trim_output(r);
		out("%s--- %s: %s\n%s", s->opt.verbose_json ? "\x16" : "",
			r->skipped ? "SKIP" : "BENCH", r->name, r->output.data);
	}
	return false;
}

static void take_result(struct run *r)
{
	struct result *res = &r->result;
	res->n = r->pub.n;
	res->ns = r->ns;
	res->cpu_ns = r->cpu.total_ns;
	res->allocs = r->alloc.calls;
	res->alloc_bytes = r->alloc.bytes;
	res->has_allocs = r->show_allocs && allocs_supported();
	res->counted = r->session->opt.counters;
}

/* A benchmark with bench_loop() has done all in its first run. */
void run_launch(struct run *r)
{
	const struct options *o = &r->session->opt;
	if (r->loop_begun) {
		take_result(r);
		return;
	}
	if (o->benchtime_n > 1)
		run_n(r, o->benchtime_n);
	for (int64_t n = 1;
		!o->benchtime_n && !r->failed && r->ns < o->benchtime_ns && n < MAX_ITERATIONS;) {
		n = predict_n(o->benchtime_ns, r->pub.n, r->ns, n);
		run_n(r, n);
	}
	take_result(r);
}

/* ---- reporting one benchmark, for each -cpu and -count ---- */

static void add_quantiles(struct run *r)
{
	static const struct {
		const char *unit;
		double q;
	} rows[] = {{"p50-ns", .5}, {"p90-ns", .9}, {"p99-ns", .99}};
	for (size_t i = 0; i < array_len(rows); i++)
		result_set_metric(
			&r->result, rows[i].unit, (double)hist_quantile(r->hist, rows[i].q));
	result_set_metric(&r->result, "max-ns", (double)hist_max(r->hist));
}

static void add_noise(struct run *r, const char *name)
{
	struct buf why = BUF_INIT;
	struct evidence to = r->after;
	to.wait_ns += r->workers_wait_ns;
	double percent = evidence_judge(&r->before, &to, r->spread_percent, r->procs, &why);
	if (percent > 0) {
		result_set_metric(&r->result, "noise-%", percent);
		chatter("%s: disturbed: %s", name, why.data);
	}
	buf_release(&why);
}

static void show_hist(struct run *r, const char *name)
{
	if (hist_count(r->hist) == 0) {
		chatter("%s: -benchhist sees the iterations of bench_loop() and pb_next() only",
			name);
		return;
	}
	struct buf drawing = BUF_INIT;
	hist_draw(r->hist, &drawing);
	fprintf(stderr, "%s: %llu iterations\n%s", name, (unsigned long long)hist_count(r->hist),
		drawing.data);
	buf_release(&drawing);
}

/* Measures r, which has had its first run, and prints its line; its ns/op, or -1 if it failed. */
static double measure(struct run *r, const char *name)
{
	struct session *s = r->session;
	run_launch(r);
	if (r->failed) {
		print_failure(r, name);
		return -1;
	}
	if (r->hist && hist_count(r->hist))
		add_quantiles(r);
	struct buf line = BUF_INIT;
	if (s->opt.noise)
		add_noise(r, name);
	result_line(&r->result, &s->opt, &line);
	if (s->opt.verbose)
		out("%-*s\t", (int)s->name_width, name);
	out("%s\n", line.data);
	buf_release(&line);
	if (r->hist)
		show_hist(r, name);
	if (r->output.len) {
		run_trim_output(r);
		out("%s--- BENCH: %s\n%s", s->opt.verbose_json ? "\x16" : "", name, r->output.data);
	}
	return result_ns_per_op(&r->result);
}

/* -count=auto: the values so far, and whether they suffice. */
struct series {
	double *ns;
	size_t n, cap;
	int64_t since_ns;
};

static bool enough(struct series *series, const struct options *o, const char *name)
{
	if (!o->count_auto)
		return series->n >= o->count;
	double median, spread_now = 100 * median_spread(series->ns, series->n, &median);
	double seconds = (double)(now_ns() - series->since_ns) / 1e9;
	bool narrow = spread_now <= o->ci_percent;
	if (!narrow && seconds < (double)o->maxtime_ns / 1e9)
		return false;
	if (isinf(spread_now))
		chatter("%s: %zu runs in %.1fs are too few for an interval", name, series->n,
			seconds);
	else
		chatter("%s: %zu runs, median %.4g ns/op ±%.2g%% at 95%%%s", name, series->n,
			median, spread_now, narrow ? "" : ": out of time (-benchmaxtime)");
	return true;
}

static void report_at(struct run *first, int procs, bool reuse, bool *ret_failed)
{
	struct session *s = first->session;
	struct buf name = BUF_INIT;
	buf_printf(&name, procs == 1 ? "%s" : "%s-%d", first->name, procs);
	struct series series = {.since_ns = now_ns()};
	struct run *r = first;
	do {
		if (!s->opt.verbose)
			out("%-*s\t", (int)s->name_width, name.data);
		if (!reuse) {
			r = run_new(s, first->parent, first->name, first->fn, first->arg);
			r->procs = procs;
			r->show_allocs |= first->show_allocs;
			run_first(r);
		}
		double ns = r->failed ? -1 : measure(r, name.data);
		*ret_failed |= r->failed;
		vec_push(series.ns, series.n, series.cap, ns);
		if (s->opt.verbose_json)
			out("\x16=== NAME  \n");
		if (r != first)
			run_free(r);
		reuse = false;
	} while (!(*ret_failed && (s->opt.failfast || s->opt.count_auto)) &&
		 !enough(&series, &s->opt, name.data));
	mem_free(series.ns);
	buf_release(&name);
}

static void report(struct run *r)
{
	struct session *s = r->session;
	bool failed = false;
	print_header(s);
	for (size_t i = 0; i < s->opt.n_cpus && !(failed && s->opt.failfast); i++)
		report_at(r, s->opt.cpus[i], i == 0, &failed);
	r->failed |= failed;
}

static void announce(struct session *s, const char *name)
{
	print_header(s);
	if (s->opt.verbose_json)
		out("\x16=== RUN   %s\n", name);
	out("%s\n", name);
}

static void add_to_parent(struct run *parent, const struct run *sub)
{
	struct result *sum = &parent->result;
	const struct result *r = &sub->result;
	if (!r->n)
		return;
	sum->n = 1;
	sum->ns += r->ns / r->n;
	sum->cpu_ns += r->cpu_ns / r->n;
	sum->bytes += r->bytes;
	sum->allocs += r->allocs / (uint64_t)r->n;
	sum->alloc_bytes += r->alloc_bytes / (uint64_t)r->n;
}

bool sonde_bench_run(struct bench *b, const char *name, sonde_bench_fn *fn, void *arg)
{
	struct run *parent = run_of(b);
	struct session *s = parent->session;
	if (s->stop)
		return false;
	parent->has_sub = true;
	struct buf full = BUF_INIT;
	bool partial = false;
	bool chosen = matcher_full_name(
		s->matcher, parent->level > 0 ? parent->name : NULL, name, &full, &partial);
	if (!chosen) {
		buf_release(&full);
		return true;
	}
	struct run *sub = run_new(s, parent, full.data, fn, arg);
	buf_release(&full);
	if (s->opt.verbose && !partial && !s->quiet)
		announce(s, sub->name);
	if (partial)
		probe(sub);
	else if (run_first(sub))
		s->quiet ? run_launch(sub) : report(sub);
	bool failed = sub->failed;
	add_to_parent(parent, sub);
	run_free(sub);
	if (failed) {
		sonde_bench_fail(b);
		s->stop = s->opt.failfast;
	}
	return !failed;
}

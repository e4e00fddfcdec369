/*
 * bench_run_parallel(): b->n iterations shared by real threads, drawn in grains of about 100 us as
 * Go's are, so that the counter they share is not what is measured.
 *
 * Creating a thread costs as much as thousands of iterations, where a goroutine is nearly free: the
 * threads are created with the timer stopped and let go together. (Go's clock runs meanwhile.)
 */
#include "bench/internal.h"

#include <stdatomic.h>
#include <stdlib.h>

#define GRAIN_NS  100000
#define MAX_GRAIN 10000

struct team {
	struct run *run;
	sonde_bench_parallel_fn *body;
	void *arg;
	_Atomic uint64_t drawn; /* iterations handed out, may run past n */
	uint64_t n, grain;
	_Atomic uint64_t wait_ns;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int ready;
	bool go;
};

struct worker {
	struct bench_pb pub; /* first: a struct bench_pb * is a struct worker * */
	struct team *team;
	pthread_t thread;
	bool started;
	uint64_t grant; /* with -benchhist: drawn, not yet handed to cache_ */
	int64_t iteration_ns;
	struct hist *hist;
};

static uint64_t draw(struct team *t)
{
	uint64_t upto = atomic_fetch_add(&t->drawn, t->grain) + t->grain;
	if (upto <= t->n)
		return t->grain;
	return upto < t->n + t->grain ? t->n + t->grain - upto : 0;
}

/* One iteration at a time, with the clock read at each. */
static bool next_timed(struct worker *w)
{
	int64_t now = now_ns();
	if (w->iteration_ns) {
		int64_t ns = now - w->iteration_ns - w->team->run->session->clock_ns;
		hist_add(w->hist, ns > 0 ? (uint64_t)ns : 0);
	}
	if (w->grant == 0 && (w->grant = draw(w->team)) == 0) {
		w->iteration_ns = 0;
		return false;
	}
	w->grant--;
	w->iteration_ns = now_ns();
	return true;
}

bool sonde_bench_pb_next_slow(struct bench_pb *pub)
{
	struct worker *w = (struct worker *)pub;
	if (w->hist)
		return next_timed(w);
	uint64_t n = draw(w->team);
	if (n == 0)
		return false;
	pub->cache_ = n - 1;
	return true;
}

static void call_body(void *arg)
{
	struct worker *w = arg;
	w->team->body(&w->pub, w->team->arg);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct team *t = w->team;
	pthread_mutex_lock(&t->lock);
	t->ready++;
	pthread_cond_broadcast(&t->changed);
	while (!t->go)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
	uint64_t waited = t->run->session->opt.noise ? thread_wait_ns() : 0;
	run_guarded(call_body, w);
	if (t->run->session->opt.noise)
		atomic_fetch_add(&t->wait_ns, thread_wait_ns() - waited);
	return NULL;
}

static int start(struct team *t, struct worker *workers, int n)
{
	int started = 0;
	for (int i = 0; i < n; i++) {
		workers[i].team = t;
		workers[i].hist = t->run->hist ? hist_new() : NULL;
		workers[i].started =
			pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
		started += workers[i].started;
	}
	pthread_mutex_lock(&t->lock);
	while (t->ready < started)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
	return started;
}

static void let_go(struct team *t)
{
	pthread_mutex_lock(&t->lock);
	t->go = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

static void join(struct worker *workers, int n)
{
	for (int i = 0; i < n; i++)
		if (workers[i].started)
			pthread_join(workers[i].thread, NULL);
}

static uint64_t grain_of(const struct run *r)
{
	uint64_t grain = 0;
	if (r->prev_n > 0 && r->prev_ns > 0)
		grain = (uint64_t)GRAIN_NS * (uint64_t)r->prev_n / (uint64_t)r->prev_ns;
	return grain < 1 ? 1 : grain > MAX_GRAIN ? MAX_GRAIN : grain;
}

void sonde_bench_run_parallel(struct bench *b, sonde_bench_parallel_fn *body, void *arg)
{
	struct run *r = run_of(b);
	if (b->n == 0)
		return;
	struct team t = {.run = r,
		.body = body,
		.arg = arg,
		.n = (uint64_t)b->n,
		.grain = grain_of(r),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER};
	int n = r->parallelism * r->procs;
	bool was_on = r->timer_on;
	allocs_pause();
	sonde_bench_stop_timer(b);
	struct worker *workers = mem_array((size_t)n, sizeof(*workers));
	memset(workers, 0, (size_t)n * sizeof(*workers));
	int started = start(&t, workers, n);
	if (was_on)
		sonde_bench_start_timer(b);
	let_go(&t);
	join(workers, n);
	if (was_on)
		sonde_bench_stop_timer(b);
	r->workers_wait_ns += t.wait_ns;
	for (int i = 0; i < n && r->hist; i++) {
		hist_merge(r->hist, workers[i].hist);
		hist_free(workers[i].hist);
	}
	mem_free(workers);
	if (was_on)
		sonde_bench_start_timer(b);
	allocs_resume();
	if (started < n)
		sonde_bench_fatal(
			b, "RunParallel: only %d of %d threads could be started", started, n);
	if (t.drawn <= t.n && !sonde_bench_failed(b))
		sonde_bench_fatal_at(
			b, NULL, 0, "RunParallel: body exited without pb_next() == false");
}

void sonde_bench_set_parallelism(struct bench *b, int p)
{
	if (p >= 1)
		run_of(b)->parallelism = p;
}

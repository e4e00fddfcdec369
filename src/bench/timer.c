/*
 * The timer and bench_loop(): what is measured between start and stop.
 *
 * A stop and start together must stay far below 100 ns, or benchmarks that pause per iteration
 * measure the pausing. The monotonic clock is two dozen ns in the vDSO; the process CPU clock is a
 * system call ten times that. So wall time is read at every edge, CPU time at most every 50 us: a
 * pause shorter than that is taken to have used the CPU for as long as it lasted, which is what a
 * running thread does in a few microseconds. (Rejected: reading the CPU clock each time, which is
 * Go's mistake with ReadMemStats in small.)
 *
 * bench_loop() looks up not only where Go's does, at the predicted end, but at sixteen waypoints on
 * the way: the spread of these parts of one run shows whether the machine was quiet.
 */
#include "bench/internal.h"

#include <time.h>

#define CPU_READ_NS 50000
#define WAYPOINTS   16

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t cpu_now_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t clock_cost_ns(void)
{
	int64_t best = INT64_MAX;
	for (int i = 0; i < 1000; i++) {
		int64_t from = now_ns(), cost = now_ns() - from;
		if (cost < best)
			best = cost;
	}
	return best;
}

static void meter_read(struct cpu_meter *m, int64_t now)
{
	m->mark_ns = cpu_now_ns();
	m->read_at_ns = now;
	m->skipped_ns = 0;
}

static void meter_settle(struct cpu_meter *m, int64_t now)
{
	int64_t before = m->mark_ns, skipped = m->skipped_ns;
	meter_read(m, now);
	int64_t used = m->mark_ns - before - skipped;
	m->total_ns += used > 0 ? used : 0;
}

static void meter_stop(struct cpu_meter *m, int64_t now)
{
	m->stopped_at_ns = now;
	m->fresh = now - m->read_at_ns >= CPU_READ_NS;
	if (m->fresh)
		meter_settle(m, now);
}

/* The time the timer was on since the last reading, which ended with a stop. */
static int64_t meter_unsettled(const struct cpu_meter *m)
{
	return m->fresh ? 0 : m->stopped_at_ns - m->read_at_ns - m->skipped_ns;
}

static void meter_start(struct cpu_meter *m, int64_t now)
{
	int64_t pause = now - m->stopped_at_ns;
	if (pause < CPU_READ_NS && !m->fresh) {
		m->skipped_ns += pause;
		return;
	}
	m->total_ns += meter_unsettled(m);
	meter_read(m, now);
}

void sonde_bench_start_timer(struct bench *b)
{
	struct run *r = run_of(b);
	if (r->timer_on)
		return;
	if (r->counting_allocs)
		r->alloc_from = allocs_read();
	if (r->session->opt.counters)
		counters_read(r->session->opt.counters, r->counter_from);
	r->started_ns = now_ns();
	meter_start(&r->cpu, r->started_ns);
	r->timer_on = true;
	b->loop_i_ &= ~LOOP_POISON;
}

static void add_counters(struct run *r)
{
	double now[N_COUNTERS];
	counters_read(r->session->opt.counters, now);
	for (int i = 0; i < N_COUNTERS; i++)
		if (r->session->opt.counters >> i & 1)
			r->result.counters[i] += now[i] - r->counter_from[i];
}

void sonde_bench_stop_timer(struct bench *b)
{
	struct run *r = run_of(b);
	if (!r->timer_on)
		return;
	int64_t now = now_ns();
	r->ns += now - r->started_ns;
	meter_stop(&r->cpu, now);
	if (r->session->opt.counters)
		add_counters(r);
	if (r->counting_allocs) {
		struct alloc_totals total = allocs_read();
		r->alloc.calls += total.calls - r->alloc_from.calls;
		r->alloc.bytes += total.bytes - r->alloc_from.bytes;
	}
	r->timer_on = false;
	b->loop_i_ |= LOOP_POISON;
}

void timer_end(struct run *r)
{
	sonde_bench_stop_timer(&r->pub);
	if (r->cpu.fresh)
		return;
	/* The last stretch was short and its end not read. */
	r->cpu.total_ns += meter_unsettled(&r->cpu);
	r->cpu.fresh = true;
}

void sonde_bench_reset_timer(struct bench *b)
{
	struct run *r = run_of(b);
	for (size_t i = 0; i < r->result.n_extra; i++)
		mem_free(r->result.extra[i].unit);
	r->result.n_extra = 0;
	memset(r->result.counters, 0, sizeof(r->result.counters));
	r->alloc = (struct alloc_totals){0};
	if (r->timer_on) {
		if (r->counting_allocs)
			r->alloc_from = allocs_read();
		if (r->session->opt.counters)
			counters_read(r->session->opt.counters, r->counter_from);
		r->started_ns = now_ns();
	}
	r->ns = 0;
	r->cpu = (struct cpu_meter){.fresh = true, .stopped_at_ns = r->started_ns};
	meter_read(&r->cpu, r->timer_on ? r->started_ns : now_ns());
}

int64_t sonde_bench_elapsed(struct bench *b)
{
	struct run *r = run_of(b);
	return r->ns + (r->timer_on ? now_ns() - r->started_ns : 0);
}

/* ---- bench_loop ---- */

static void sample(struct run *r)
{
	if (r->n_segments >= MAX_SEGMENTS)
		return;
	r->segment_ns[r->n_segments] = sonde_bench_elapsed(&r->pub);
	r->segment_i[r->n_segments++] = r->pub.loop_i_;
}

static void next_waypoint(struct run *r)
{
	uint64_t i = r->pub.loop_i_, from = r->segment_i[0];
	uint64_t step = (r->loop_target - from) / WAYPOINTS;
	if (r->session->opt.hist || step == 0)
		step = 1;
	r->pub.loop_limit_ = r->loop_target - i < step ? r->loop_target : i + step;
}

static void set_target(struct run *r, uint64_t target)
{
	r->loop_target = target;
	r->n_segments = 0;
	sample(r);
}

static bool begin_iteration(struct run *r)
{
	next_waypoint(r);
	r->pub.loop_i_++;
	if (r->hist)
		r->iteration_ns = now_ns();
	return true;
}

static bool loop_first(struct run *r)
{
	const struct options *o = &r->session->opt;
	r->loop_begun = true;
	r->pub.n = 0;
	if (r->probing) {
		r->loop_done = true;
		return false;
	}
	if (o->noise)
		evidence_read(&r->before);
	sonde_bench_reset_timer(&r->pub);
	set_target(r, o->benchtime_n ? (uint64_t)o->benchtime_n : 1);
	return begin_iteration(r);
}

/* Whether the loop goes on past its target, which is then moved. */
static bool extend(struct run *r)
{
	int64_t goal = r->session->opt.benchtime_ns, ns = sonde_bench_elapsed(&r->pub);
	int64_t done = (int64_t)r->loop_target;
	if (r->session->opt.benchtime_n || ns >= goal)
		return false;
	int64_t target = predict_n(goal, done, ns, done);
	if (target <= done)
		return false;
	set_target(r, (uint64_t)target);
	return true;
}

bool sonde_bench_loop_slow(struct bench *b)
{
	struct run *r = run_of(b);
	int64_t now = r->hist ? now_ns() : 0;
	if (r->loop_done)
		return false;
	if (!r->timer_on)
		sonde_bench_fatal_at(b, NULL, 0, "bench_loop called with timer stopped");
	if (!r->loop_begun)
		return loop_first(r);
	if (r->hist) {
		int64_t ns = now - r->iteration_ns - r->session->clock_ns;
		hist_add(r->hist, ns > 0 ? (uint64_t)ns : 0);
	}
	/* With -benchhist every iteration comes here, too many to be waypoints. */
	if (!r->hist)
		sample(r);
	if (b->loop_i_ < r->loop_target || extend(r))
		return begin_iteration(r);
	timer_end(r);
	b->n = (int64_t)r->loop_target;
	r->loop_done = true;
	return false;
}

double segments_spread(const struct run *r)
{
	double per_op[MAX_SEGMENTS];
	size_t n = 0;
	for (int i = 1; i < r->n_segments; i++) {
		uint64_t ops = r->segment_i[i] - r->segment_i[i - 1];
		int64_t ns = r->segment_ns[i] - r->segment_ns[i - 1];
		/* Parts of a few microseconds say more about the clock than about the code. */
		if (ops && ns > 100000)
			per_op[n++] = (double)ns / (double)ops;
	}
	return n < 8 ? 0 : 100 * quartile_spread(per_op, n);
}

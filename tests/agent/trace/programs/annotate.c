/*
 * Tasks, regions and logs: annotate [FILE]. With FILE it records a trace of itself, and begins a
 * region before that.
 */
#include "sonde/trace.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../../check.h"

enum { ORDERS = 3, LOOPS = 2000, LONG = 3000 };

static uint64_t orders[ORDERS];

__attribute__((noinline)) static void parse(uint64_t task)
{
	SONDE_TRACE_REGION(task, "parse");
	SONDE_TRACE_REGION(task, "lex");
	sonde_trace_log(task, "bytes", "117");
}

static void price(void *arg)
{
	const uint64_t *task = arg;
	sonde_trace_logf(*task, "price", "%d.%02d for order %d", 12, 5, 3);
	__asm__ volatile(
		""); /* the call is not to be a jump, or this function is not on the stack */
}

static void *work(void *arg)
{
	uint64_t *order = arg;
	uint64_t part = sonde_trace_task_begin(*order, "part");
	parse(part);
	sonde_trace_with_region(*order, "price", price, order);
	sonde_trace_task_end(part);
	sonde_trace_task_end(*order); /* begun by another thread */
	return NULL;
}

static void *end_it(void *region)
{
	sonde_trace_region_end(region);
	return NULL;
}

/* What a program may get wrong, and a trace must not suffer from. */
static void misuse(void)
{
	pthread_t other;
	struct sonde_trace_region outer = sonde_trace_region_begin(SONDE_TRACE_NO_TASK, "outer");
	struct sonde_trace_region inner = sonde_trace_region_begin(SONDE_TRACE_NO_TASK, "inner");
	CHECK(pthread_create(&other, NULL, end_it, &outer) == 0);
	pthread_join(other, NULL);
	sonde_trace_region_end(&outer); /* and inner with it */
	sonde_trace_region_end(&inner);
	sonde_trace_region_end(&outer);
	sonde_trace_task_end(12345);
	sonde_trace_region_begin(SONDE_TRACE_NO_TASK, NULL);
	sonde_trace_log(SONDE_TRACE_NO_TASK, NULL, NULL);
}

static void long_words(void)
{
	char text[LONG + 1];
	memset(text, 'x', LONG);
	text[LONG] = '\0';
	memcpy(text, "begin", 5);
	sonde_trace_log(SONDE_TRACE_NO_TASK, text, text);
	sonde_trace_logf(SONDE_TRACE_NO_TASK, "long", "%s", text);
}

static void loop(void)
{
	for (int i = 0; i < LOOPS; i++) {
		SONDE_TRACE_REGION(SONDE_TRACE_NO_TASK, "loop");
		sonde_trace_logf(SONDE_TRACE_NO_TASK, "i", "%d", i);
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[ORDERS];
	struct sonde_trace_region before = {0};
	if (argc > 1) {
		before = sonde_trace_region_begin(SONDE_TRACE_NO_TASK, "before");
		CHECK(sonde_trace_start(argv[1]) == 0);
	}
	for (int i = 0; i < ORDERS; i++) {
		orders[i] = sonde_trace_task_begin(SONDE_TRACE_NO_TASK, "order");
		CHECK(orders[i] != SONDE_TRACE_NO_TASK);
		CHECK(pthread_create(&threads[i], NULL, work, &orders[i]) == 0);
	}
	for (int i = 0; i < ORDERS; i++)
		pthread_join(threads[i], NULL);
	misuse();
	long_words();
	loop();
	if (argc > 1) {
		sonde_trace_region_end(&before);
		CHECK(sonde_trace_stop() == 0);
		parse(orders[0]); /* nobody listens */
	}
	return 0;
}

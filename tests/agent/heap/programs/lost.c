/*
 * Blocks that are lost, and blocks that are not: `lost HOW`, where HOW is "exit" (returns, for
 * `sonde run -leaks` to look), "die", "write FILE" (looks itself) or "stay" (until its input ends).
 * Every function lost_*() loses what its name says, kept_*() keeps it. Sizes are odd, so that each
 * is known by its bytes; test_leaks.py has the list.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/pprof.h>

#define CASE __attribute__((noinline)) static void
#define END  __asm__ volatile("" ::: "memory")

struct node {
	struct node *next, *other;
	char data[80];
};

static void *volatile global, **volatile table;
static char *volatile interior;
static _Thread_local void *volatile in_tls;
static void **volatile mapped;

static struct node *node_new(struct node *next)
{
	struct node *n = malloc(sizeof(*n));
	n->next = next;
	n->other = NULL;
	return n;
}

/* --- lost --- */

CASE lost_one(void)
{
	*(volatile char *)malloc(1001) = 1;
	END;
}

CASE lost_chain(void)
{
	struct node *volatile head = NULL;
	for (int i = 0; i < 10; i++)
		head = node_new(head);
	head = NULL;
	END;
}

CASE lost_ring(void)
{
	struct node *volatile first = node_new(NULL);
	struct node *last = first;
	for (int i = 0; i < 9; i++) {
		struct node *n = node_new(first);
		n->other = last;
		last->next = n;
		last = n;
	}
	first->other = last;
	first = NULL;
	END;
}

CASE lost_itself(void)
{
	struct node *n = node_new(NULL);
	n->next = n;
	END;
}

/* Its only pointer was in a block that has been freed. */
CASE lost_in_a_freed_one(void)
{
	void *volatile *box = malloc(4096);
	box[300] = calloc(1, 1501);
	global = (void *)box;
	free((void *)box);
	global = NULL;
	END;
}

/* So it was in a block that has moved, and no longer is. */
CASE lost_in_one_that_moved(void)
{
	void *volatile *box = malloc(2048);
	box[200] = calloc(1, 1601);
	void *volatile between = malloc(64);
	box = realloc((void *)box, 200000);
	box[200] = NULL;
	free(between);
	free((void *)box);
	END;
}

CASE lost_after_realloc(void)
{
	char *volatile p = malloc(50);
	p = realloc(p, 2001);
	p = NULL;
	END;
}

static void *lose_in_thread(void *arg)
{
	void *volatile p = malloc(3001);
	*(volatile char *)p = 1;
	in_tls = malloc(3003);
	p = NULL;
	END;
	return NULL;
}

CASE lost_by_a_thread(void)
{
	pthread_t t;
	if (pthread_create(&t, NULL, lose_in_thread, NULL) || pthread_join(t, NULL))
		abort();
	END;
}

/* --- kept --- */

CASE kept_by_a_global(void)
{
	global = malloc(1101);
	END;
}

CASE kept_by_a_chain(void)
{
	static struct node *chain;
	for (int i = 0; i < 10; i++)
		chain = node_new(chain);
	END;
}

CASE kept_by_its_middle(void)
{
	interior = (char *)malloc(1201) + 700;
	END;
}

CASE kept_by_tls(void)
{
	in_tls = malloc(1301);
	END;
}

CASE kept_by_a_mapping(void)
{
	mapped = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mapped[5000] = malloc(1401);
	END;
}

CASE kept_by_a_table(void)
{
	table = malloc(100 * sizeof(*table));
	for (int i = 0; i < 100; i++)
		table[i] = malloc(33);
	END;
}

CASE freed(void)
{
	for (int i = 0; i < 100; i++) {
		void *volatile p = malloc(500);
		free(p);
	}
	END;
}

/* --- threads that wait, with the only pointer in a register or on their stack --- */

static pthread_barrier_t ready;
static int never[2];

/* Nothing but callee-saved registers is sure to survive the call, and this one is not to be
 * stored. */
__attribute__((noinline)) static long wait_with(void *p)
{
	char c;
#if defined(__x86_64__)
	register void *r __asm__("r12") = p;
#else
	register void *r __asm__("x20") = p;
#endif
	__asm__ volatile("" : "+r"(r));
	long n = read(never[0], &c, 1);
	__asm__ volatile("" : "+r"(r));
	return n + (long)(uintptr_t)r;
}

static void *kept_by_a_register(void *arg)
{
	pthread_barrier_wait(&ready);
	wait_with(malloc(1701));
	return NULL;
}

static void *kept_by_a_stack(void *arg)
{
	void *volatile p = malloc(1801);
	char c;
	pthread_barrier_wait(&ready);
	if (read(never[0], &c, 1) < 0)
		*(volatile char *)p = 0;
	return p;
}

/* --- */

/* What calls have left on the stack is no business of this test. */
__attribute__((noinline)) static void wipe_stack(void)
{
	volatile char room[65536];
	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 0;
	END;
}

static void all(void)
{
	kept_by_a_chain();
	kept_by_its_middle();
	kept_by_tls();
	kept_by_a_mapping();
	kept_by_a_table();
	lost_in_a_freed_one();
	lost_in_one_that_moved();
	lost_one();
	lost_chain();
	lost_ring();
	lost_itself();
	lost_after_realloc();
	lost_by_a_thread();
	freed();
	kept_by_a_global();
	wipe_stack();
}

static void start_waiting(void)
{
	pthread_t t;
	pthread_barrier_init(&ready, NULL, 3);
	if (pipe(never) || pthread_create(&t, NULL, kept_by_a_register, NULL) ||
		pthread_create(&t, NULL, kept_by_a_stack, NULL))
		abort();
	pthread_barrier_wait(&ready);
	wipe_stack();
}

static int write_to(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	int rc = sonde_heap_leaks(fd);
	if (rc)
		fprintf(stderr, "sonde_heap_leaks: %d\n", rc);
	return rc != 0;
}

/* One that is held by a frame that is still there. */
__attribute__((noinline)) static int with_a_frame(int argc, char **argv)
{
	void *volatile kept = malloc(1901);
	int rc = 0;
	char c;
	if (strcmp(argv[1], "write") == 0)
		rc = write_to(argv[2]);
	else if (strcmp(argv[1], "stay") == 0 && printf("up\n") && !fflush(stdout))
		rc = read(0, &c, 1) < 0;
	else if (strcmp(argv[1], "die") == 0)
		raise(SIGKILL);
	else
		exit(0);
	*(volatile char *)kept = 0;
	return rc;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (strcmp(argv[1], "write") == 0)
		sonde_heap_rate_set(1);
	all();
	if (argc > 2 && strcmp(argv[argc - 1], "threads") == 0)
		start_waiting();
	return with_a_frame(argc, argv);
}

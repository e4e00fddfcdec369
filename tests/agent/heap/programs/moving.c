/*
 * Blocks that are never lost and never rest: threads hand them round, in lists, in registers, on
 * stacks, in mappings that come and go and as the arguments of threads that start. `moving looks
 * DIR N` looks for lost blocks N times, into DIR/0, DIR/1, ...; `moving on` goes on until its input
 * ends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sonde/pprof.h>

enum { THREADS = 4, SLOTS = 64, ITEMS = 3000 };

struct item {
	struct item *next;
	size_t size;
	char data[];
};

static struct {
	pthread_mutex_t mutex;
	struct item *first;
} slots[SLOTS];

static atomic_bool done;
static atomic_int items;

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static struct item *item_new(uint32_t *random)
{
	size_t size = next_random(random) % 2000;
	struct item *i = malloc(sizeof(*i) + size);
	i->next = NULL;
	i->size = size;
	memset(i->data, 1, size);
	atomic_fetch_add(&items, 1);
	return i;
}

static void push(uint32_t slot, struct item *i)
{
	pthread_mutex_lock(&slots[slot % SLOTS].mutex);
	i->next = slots[slot % SLOTS].first;
	slots[slot % SLOTS].first = i;
	pthread_mutex_unlock(&slots[slot % SLOTS].mutex);
}

static struct item *pop(uint32_t slot)
{
	pthread_mutex_lock(&slots[slot % SLOTS].mutex);
	struct item *i = slots[slot % SLOTS].first;
	if (i)
		slots[slot % SLOTS].first = i->next;
	pthread_mutex_unlock(&slots[slot % SLOTS].mutex);
	return i;
}

static void *carry(void *arg)
{
	struct item *i = arg;
	push((uint32_t)i->size, i);
	return NULL;
}

/* The only way to it is what pthread_create was given. */
static void by_thread(struct item *i)
{
	pthread_t t;
	if (pthread_create(&t, NULL, carry, i))
		abort();
	pthread_join(t, NULL);
}

/* For a while the only pointer is in a mapping that was not there before. */
static void by_mapping(struct item *i, uint32_t slot)
{
	struct item *volatile *page =
		mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if ((void *)page == MAP_FAILED)
		abort();
	page[1234] = i;
	sched_yield();
	push(slot, page[1234]);
	munmap((void *)page, 1 << 16);
}

static void *work(void *arg)
{
	uint32_t random = (uint32_t)(uintptr_t)arg * 2654435761u | 1;
	while (!atomic_load(&done)) {
		uint32_t choice = next_random(&random), slot = next_random(&random);
		struct item *i = pop(slot);
		if (!i && atomic_load(&items) > ITEMS)
			continue;
		if (!i || atomic_load(&items) < ITEMS / 2) {
			push(slot, i ? i : item_new(&random));
			i = item_new(&random);
		}
		if (choice % 8 == 0 && atomic_load(&items) > ITEMS) {
			free(i);
			atomic_fetch_sub(&items, 1);
			continue;
		}
		if (choice % 8 == 1)
			push(slot + 1, realloc(i, sizeof(*i) + (i->size = choice % 3000)));
		else if (choice % 512 == 2)
			by_thread(i);
		else if (choice % 64 == 3)
			by_mapping(i, slot);
		else
			push(choice >> 16, i);
	}
	return NULL;
}

static int look(const char *dir, int n)
{
	for (int i = 0; i < n; i++) {
		char path[4096];
		snprintf(path, sizeof(path), "%s/%d", dir, i);
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
		int rc = sonde_heap_leaks(fd);
		close(fd);
		if (rc) {
			fprintf(stderr, "sonde_heap_leaks: %d\n", rc);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	int rc = 0;
	char c;
	if (argc > 3)
		sonde_heap_rate_set(1);
	for (int i = 0; i < SLOTS; i++)
		pthread_mutex_init(&slots[i].mutex, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)))
			abort();
	if (argc > 3)
		rc = look(argv[2], atoi(argv[3]));
	else if (printf("up\n") && !fflush(stdout))
		rc = read(0, &c, 1) < 0;
	atomic_store(&done, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return rc;
}

/*
 * Allocates in every way there is and keeps its own account, which it prints: objects and bytes
 * allocated, objects and bytes still in use. All of it is done beneath work(), which is what tests
 * look for in the profile.
 *
 *	allocs shadow OPERATIONS SEED	random operations, some of the frees on another thread
 *	allocs many OBJECTS		of all sizes; every second one is freed again
 *	allocs rates OBJECTS		the same at four rates in turn, set through libsonde's API
 *	allocs fork			the child frees and allocates what the parent has recorded
 *	allocs pairs COUNT SIZE		malloc and free
 */
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <dlfcn.h>
#include <malloc.h>
#include <new>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

struct account {
	uint64_t objects, bytes, live_objects, live_bytes;
};

static account seen;
static uint64_t state = 1;

static uint64_t next_random()
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* All magnitudes: 0 to 2 MiB, the small ones more often. */
static size_t random_size()
{
	unsigned bits = (unsigned)(next_random() % 22);
	return next_random() % ((size_t)1 << bits);
}

static void *allocated(void *p, size_t size)
{
	if (!p)
		abort();
	seen.objects++;
	seen.bytes += size;
	seen.live_objects++;
	seen.live_bytes += size;
	return p;
}

static void freed(size_t size)
{
	seen.live_objects--;
	seen.live_bytes -= size;
}

/* How a block came, and so how it has to go. */
enum way { MALLOC, NEW, NEW_ARRAY, NEW_NOTHROW, NEW_ARRAY_NOTHROW, NEW_ALIGNED, NEW_ARRAY_ALIGNED, NEW_ALIGNED_NOTHROW, NEW_ARRAY_ALIGNED_NOTHROW };
struct block {
	void *p;
	size_t size;
	way how;
};

static bool has_pvalloc = true;
static const std::align_val_t aligned = std::align_val_t(64);

static block by_malloc(size_t size)
{
	void *p = nullptr;
	size_t rounded = (size + 4095) & ~(size_t)4095;
	switch (next_random() % 10) {
	case 0:
		return {allocated(calloc(size / 8 + 1, 8), (size / 8 + 1) * 8), (size / 8 + 1) * 8, MALLOC};
	case 1:
		return {allocated(memalign(32, size), size), size, MALLOC};
	case 2:
		return {allocated(aligned_alloc(64, rounded), rounded), rounded, MALLOC};
	case 3:
		if (posix_memalign(&p, 128, size))
			abort();
		return {allocated(p, size), size, MALLOC};
	case 4:
		return {allocated(valloc(size), size), size, MALLOC};
	case 5: /* jemalloc has none: glibc's block would be freed by jemalloc */
		return {allocated(has_pvalloc ? pvalloc(size) : malloc(size), size), size, MALLOC};
	case 6:
		return {allocated(reallocarray(nullptr, size + 1, 3), (size + 1) * 3), (size + 1) * 3, MALLOC};
	case 7:
		return {allocated(realloc(nullptr, size), size), size, MALLOC};
	case 8: {
		char text[64];
		memset(text, 'x', sizeof(text));
		text[size % 63] = '\0';
		return {allocated(strdup(text), size % 63 + 1), size % 63 + 1, MALLOC};
	}
	default:
		return {allocated(malloc(size), size), size, MALLOC};
	}
}

static block by_new(size_t size)
{
	switch (next_random() % 8) {
	case 0:
		return {allocated(operator new(size), size), size, NEW};
	case 1:
		return {allocated(operator new[](size), size), size, NEW_ARRAY};
	case 2:
		return {allocated(operator new(size, std::nothrow), size), size, NEW_NOTHROW};
	case 3:
		return {allocated(operator new[](size, std::nothrow), size), size, NEW_ARRAY_NOTHROW};
	case 4:
		return {allocated(operator new(size, aligned), size), size, NEW_ALIGNED};
	case 5:
		return {allocated(operator new[](size, aligned), size), size, NEW_ARRAY_ALIGNED};
	case 6:
		return {allocated(operator new(size, aligned, std::nothrow), size), size, NEW_ALIGNED_NOTHROW};
	default:
		return {allocated(operator new[](size, aligned, std::nothrow), size), size, NEW_ARRAY_ALIGNED_NOTHROW};
	}
}

static void release(const block &b)
{
	switch (b.how) {
	case MALLOC:
		return free(b.p);
	case NEW:
		return next_random() % 2 ? operator delete(b.p) : operator delete(b.p, b.size);
	case NEW_ARRAY:
		return next_random() % 2 ? operator delete[](b.p) : operator delete[](b.p, b.size);
	case NEW_NOTHROW:
		return operator delete(b.p, std::nothrow);
	case NEW_ARRAY_NOTHROW:
		return operator delete[](b.p, std::nothrow);
	case NEW_ALIGNED:
		return next_random() % 2 ? operator delete(b.p, aligned)
					 : operator delete(b.p, b.size, aligned);
	case NEW_ARRAY_ALIGNED:
		return next_random() % 2 ? operator delete[](b.p, aligned)
					 : operator delete[](b.p, b.size, aligned);
	case NEW_ALIGNED_NOTHROW:
		return operator delete(b.p, aligned, std::nothrow);
	case NEW_ARRAY_ALIGNED_NOTHROW:
		return operator delete[](b.p, aligned, std::nothrow);
	}
}

/* The other thread frees what it is handed, one block after another. */
static struct {
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
	void *p;
	bool running, done;
} handed;

static void *free_handed(void *)
{
	pthread_mutex_lock(&handed.mutex);
	while (!handed.done || handed.p) {
		free(handed.p);
		handed.p = nullptr;
		pthread_cond_broadcast(&handed.changed);
		if (!handed.done)
			pthread_cond_wait(&handed.changed, &handed.mutex);
	}
	pthread_mutex_unlock(&handed.mutex);
	return nullptr;
}

static void hand_over(void *p)
{
	pthread_mutex_lock(&handed.mutex);
	while (handed.p)
		pthread_cond_wait(&handed.changed, &handed.mutex);
	handed.p = p;
	pthread_cond_broadcast(&handed.changed);
	pthread_mutex_unlock(&handed.mutex);
}

static void resize(block &b)
{
	size_t size = random_size() + 1;
	void *p = next_random() % 2 ? realloc(b.p, size) : reallocarray(b.p, 1, size);
	freed(b.size);
	allocated(p, size);
	b.p = p;
	b.size = size;
}

/* One that must fail, and leave the block as it was. */
static void resize_in_vain(block &b)
{
	volatile size_t much = PTRDIFF_MAX - 4096;
	if (realloc(b.p, much) || reallocarray(b.p, much, 8) || malloc(much) || calloc(much, 8))
		abort();
}

enum { SLOTS = 4096 };
static block blocks[SLOTS];

static void operate()
{
	block &b = blocks[next_random() % SLOTS];
	unsigned choice = (unsigned)(next_random() % 64);
	if (!b.p) {
		/* jemalloc cannot delete none by size and alignment */
		b = choice % 2 ? by_malloc(random_size()) : by_new(random_size() + 1);
		return;
	}
	if (choice < 16 && b.how == MALLOC)
		return resize(b);
	if (choice == 16 && b.how == MALLOC)
		return resize_in_vain(b);
	freed(b.size);
	if (choice < 20 && b.how == MALLOC && handed.running)
		hand_over(b.p);
	else
		release(b);
	b.p = nullptr;
}

__attribute__((noinline)) static void work(uint64_t operations)
{
	for (uint64_t i = 0; i < operations; i++)
		operate();
	__asm__ volatile("");
}

static void shadow(uint64_t operations, uint64_t seed)
{
	pthread_t thread;
	state = seed * 0x9e3779b97f4a7c15u | 1;
	handed.running = pthread_create(&thread, nullptr, free_handed, nullptr) == 0;
	work(operations);
	pthread_mutex_lock(&handed.mutex);
	handed.done = true;
	pthread_cond_broadcast(&handed.changed);
	pthread_mutex_unlock(&handed.mutex);
	pthread_join(thread, nullptr);
}

/* Sizes of 16 bytes to 32 KiB, in turn; every second block stays until the next of its turn. */
static const size_t sizes[] = {16, 48, 100, 256, 1000, 4096, 10000, 32768};
enum { SIZES = 8, KEPT = 4096 };

__attribute__((noinline)) static void many(uint64_t objects)
{
	static void *kept[KEPT];
	static size_t kept_size[KEPT];
	for (uint64_t i = 0; i < objects; i++) {
		size_t size = sizes[i % SIZES], slot = i % KEPT;
		if (kept[slot]) {
			freed(kept_size[slot]);
			free(kept[slot]);
		}
		kept[slot] = allocated(malloc(size), size);
		kept_size[slot] = size;
	}
	__asm__ volatile("");
}

static void rates(uint64_t objects)
{
	auto set = (int64_t(*)(int64_t))dlsym(RTLD_DEFAULT, "sonde_heap_rate_set");
	int64_t before = 65536; /* the test's -heaprate */
	for (int64_t rate : {1, 65536, 4096, 524288}) {
		if (!set || set(rate) != before)
			abort();
		before = rate;
		many(objects / 4);
	}
}

__attribute__((noinline)) static void pairs(uint64_t n, size_t size)
{
	for (uint64_t i = 0; i < n; i++) {
		void *volatile p = malloc(size);
		free(p);
	}
	__asm__ volatile("");
}

static void in_fork()
{
	work(20000);
	pid_t child = fork();
	if (child == 0) {
		work(20000);
		_exit(0);
	}
	int status;
	if (waitpid(child, &status, 0) != child || status)
		abort();
	work(20000);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 2 ? strtoull(argv[2], nullptr, 10) : 0;
	uint64_t m = argc > 3 ? strtoull(argv[3], nullptr, 10) : 1;
	const char *preloaded = getenv("LD_PRELOAD");
	has_pvalloc = !preloaded || !strstr(preloaded, "jemalloc");
	const char *what = argc > 1 ? argv[1] : "";
	if (strcmp(what, "shadow") == 0)
		shadow(n, m);
	else if (strcmp(what, "many") == 0)
		many(n);
	else if (strcmp(what, "rates") == 0)
		rates(n);
	else if (strcmp(what, "pairs") == 0)
		pairs(n, m);
	else if (strcmp(what, "fork") == 0)
		in_fork();
	else
		return 2;
	printf("%lu %lu %lu %lu\n", seen.objects, seen.bytes, seen.live_objects, seen.live_bytes);
	return 0;
}

/*
 * Buffers, arenas, the map, errors, and the private heap that stands in for malloc.
 */
#include "base/base.h"
#include "../unit.h"

#include <errno.h>

static void buffers(void **state)
{
	struct buf buf = BUF_INIT;
	assert_string_equal(buf.data, "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&buf, "%d,", i);
	buf_printf(&buf, "%300s|", "x");
	assert_int_equal(buf.len, strlen(buf.data));
	assert_int_equal(buf.data[buf.len - 1], '|');
	size_t n;
	char *data = buf_detach(&buf, &n);
	assert_int_equal(strlen(data), n);
	assert_int_equal(buf.len, 0);
	mem_free(data);
}

static void arenas(void **state)
{
	struct arena arena;
	arena_init(&arena);
	char *first = arena_strdup(&arena, "first");
	for (size_t i = 1; i < 3000; i++) {
		unsigned char *p = arena_alloc(&arena, i * 7);
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, (int)i, i * 7);
	}
	assert_string_equal(first, "first");
	assert_string_equal(arena_printf(&arena, "%d-%s", 5, "x"), "5-x");
	arena_release(&arena);
}

static void maps(void **state)
{
	struct map map;
	map_init(&map);
	assert_null(map_get(&map, 7));
	for (uint64_t i = 0; i < 50000; i++) {
		bool is_new;
		*map_put(&map, i << 40 | i, &is_new) = (uint32_t)i;
		assert_true(is_new);
	}
	for (uint64_t i = 0; i < 50000; i++)
		assert_int_equal(*map_get(&map, i << 40 | i), i);
	assert_null(map_get(&map, 1));
	map_release(&map);
}

static void errors(void **state)
{
	struct err err = ERR_INIT;
	assert_int_equal(err_at(&err, ERR_FORMAT, 12, "bad %s", "thing"), ERR_FORMAT);
	assert_int_equal(err.offset, 12);
	assert_int_equal(err_prefix(&err, "file %d", 3), ERR_FORMAT);
	assert_string_equal(err.msg, "file 3: bad thing");
	errno = ENOENT;
	assert_int_equal(err_errno(&err, "open x"), -ENOENT);
	assert_string_equal(err.msg, "open x: No such file or directory");
	assert_int_equal(err_set(NULL, ERR_LIMIT, "nobody listens"), ERR_LIMIT);
	assert_string_equal(err_name(ERR_LIMIT), "ERR_LIMIT");
}

struct test_heap {
	struct mem_heap heap;
	size_t live, limit;
	jmp_buf out;
};

static void *test_resize(struct mem_heap *heap, void *p, size_t old_size, size_t new_size)
{
	struct test_heap *t = (struct test_heap *)heap;
	if (t->live - old_size + new_size > t->limit)
		return NULL;
	t->live += new_size - old_size;
	if (!new_size) {
		free(p);
		return NULL;
	}
	return realloc(p, new_size);
}

static __attribute__((noreturn)) void test_oom(struct mem_heap *heap, size_t size)
{
	longjmp(((struct test_heap *)heap)->out, 1);
}

static void a_private_heap(void **state)
{
	struct test_heap t = {.heap = {test_resize, test_oom}, .limit = 1 << 20};
	assert_null(mem_heap_set(&t.heap));
	struct strtab tab;
	strtab_init(&tab);
	strtab_addstr(&tab, "hello");
	struct buf buf = BUF_INIT;
	buf_fill(&buf, 'x', 5000);
	assert_true(t.live > 5000);
	buf_release(&buf);
	strtab_release(&tab);
	assert_int_equal(t.live, 0);
	bool out_of_memory = setjmp(t.out) != 0;
	if (!out_of_memory)
		mem_alloc(2 << 20);
	assert_true(out_of_memory);
	assert_ptr_equal(mem_heap_set(NULL), &t.heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffers),
		cmocka_unit_test(arenas),
		cmocka_unit_test(maps),
		cmocka_unit_test(errors),
		cmocka_unit_test(a_private_heap),
	};
	return cmocka_run_group_tests_name("containers", tests, NULL, NULL);
}

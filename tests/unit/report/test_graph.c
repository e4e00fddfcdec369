/*
 * The call graph of profiles small enough to be worked out by hand.
 */
#include "../unit.h"

#include "report/report.h"

enum {
	FUNCTIONS = 5, /* a b c d e: functions and locations 0 .. 4 */
};

static void init(struct profile *p)
{
	profile_init(p);
	profile_add_sample_type(p, "samples", "count");
	profile_add_sample_type(p, "delay", "nanoseconds");
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		char name[2] = {(char)('a' + i), '\0'};
		struct function f = {.name = strtab_addstr(&p->strings, name)};
		profile_add_function(p, &f);
		struct line line = {.function = i};
		profile_add_location(p, PROFILE_NONE, 0, &line, 1);
	}
}

/* The stack as a word, root first: "abc" is a calling b calling c. */
static void add(struct profile *p, const char *word, int64_t value)
{
	uint32_t stack[16], n = (uint32_t)strlen(word);
	for (uint32_t i = 0; i < n; i++)
		stack[i] = (uint32_t)(word[n - 1 - i] - 'a');
	int64_t values[2] = {1, value};
	profile_add_sample(p, stack, n, values, NULL, 0);
}

static const struct graph_options options = {.value_index = 1, .mean_index = -1};

static uint32_t node_named(struct graph *g, const char *name)
{
	for (uint32_t i = 0; i < g->node_n; i++)
		if (strcmp(graph_name(g, g->nodes[i].info), name) == 0)
			return i;
	fail_msg("no node %s", name);
	return 0;
}

static void expect_node(struct graph *g, const char *name, int64_t flat, int64_t cum)
{
	const struct node *n = &g->nodes[node_named(g, name)];
	assert_int_equal(n->flat, flat);
	assert_int_equal(n->cum, cum);
}

static const struct edge *find_edge(struct graph *g, const char *src, const char *dest)
{
	const struct node *n = &g->nodes[node_named(g, src)];
	for (uint32_t k = n->out; k < n->out + n->out_n; k++)
		if (g->edges[g->out_edges[k]].dest == node_named(g, dest))
			return &g->edges[g->out_edges[k]];
	return NULL;
}

static void test_recursion_counts_once(void **state)
{
	struct profile p;
	struct graph g;
	init(&p);
	add(&p, "abbab", 7);
	add(&p, "ab", 2);
	graph_init(&g, &p, &options);
	graph_weigh(&g);
	graph_connect(&g, GRAPH_EDGES_ALL);
	assert_int_equal(g.order_n, 2);
	expect_node(&g, "a", 0, 9);
	expect_node(&g, "b", 9, 9);
	assert_int_equal(find_edge(&g, "a", "b")->weight, 9);
	assert_int_equal(find_edge(&g, "b", "a")->weight, 7);
	assert_null(find_edge(&g, "b", "b"));
	graph_release(&g);
	profile_release(&p);
}

static void test_nodes_left_out_leave_residual_edges(void **state)
{
	struct profile p;
	struct graph g;
	init(&p);
	add(&p, "abc", 10);
	add(&p, "ac", 1);
	add(&p, "ab", 5);
	graph_init(&g, &p, &options);
	graph_weigh(&g);
	bool keep[FUNCTIONS] = {0};
	keep[node_named(&g, "a")] = keep[node_named(&g, "c")] = true;
	graph_keep(&g, keep);
	graph_connect(&g, GRAPH_EDGES_ALL);
	assert_int_equal(g.order_n, 2);
	assert_int_equal(find_edge(&g, "a", "c")->weight, 11);
	assert_true(find_edge(&g, "a", "c")->residual);
	/* What ended in b is not a's own. */
	expect_node(&g, "a", 0, 16);
	graph_release(&g);
	profile_release(&p);
}

static void test_means(void **state)
{
	struct profile p;
	struct graph g;
	init(&p);
	add(&p, "ab", 10);
	add(&p, "ab", 20);
	graph_init(&g, &p, &(struct graph_options){.value_index = 1, .mean_index = 0});
	graph_weigh(&g);
	graph_connect(&g, GRAPH_EDGES_ALL);
	assert_int_equal(node_flat(&g.nodes[node_named(&g, "b")]), 15);
	assert_int_equal(node_cum(&g.nodes[node_named(&g, "a")]), 15);
	assert_int_equal(edge_weight(find_edge(&g, "a", "b")), 15);
	graph_release(&g);
	profile_release(&p);
}

static void test_what_cancels_is_not_shown(void **state)
{
	struct profile p;
	struct graph g;
	init(&p);
	add(&p, "ab", 10);
	add(&p, "ab", -10);
	add(&p, "ac", -3);
	graph_init(&g, &p, &options);
	graph_weigh(&g);
	assert_int_equal(g.order_n, 2);
	graph_release(&g);
	struct graph_options no_negative = options;
	no_negative.drop_negative = true;
	graph_init(&g, &p, &no_negative);
	graph_weigh(&g);
	assert_int_equal(g.order_n, 0);
	graph_release(&g);
	profile_release(&p);
}

static void test_inlined_calls(void **state)
{
	struct profile p;
	struct graph g;
	init(&p);
	struct line lines[2] = {{.function = 2}, {.function = 1}}; /* c inlined into b */
	uint32_t both = profile_add_location(&p, PROFILE_NONE, 0, lines, 2);
	profile_add_sample(&p, (uint32_t[]){both, 0}, 2, (int64_t[]){1, 4}, NULL, 0);
	for (int all = 0; all < 2; all++) {
		graph_init(&g, &p, &options);
		graph_weigh(&g);
		graph_connect(&g, all ? GRAPH_EDGES_ALL : GRAPH_EDGES_INLINED);
		assert_true(find_edge(&g, "b", "c")->inlined);
		assert_int_equal(find_edge(&g, "a", "b") != NULL, all);
		graph_release(&g);
	}
	/* One call that was not inlined is enough. */
	add(&p, "bc", 1);
	graph_init(&g, &p, &options);
	graph_weigh(&g);
	graph_connect(&g, GRAPH_EDGES_INLINED);
	assert_false(find_edge(&g, "b", "c")->inlined);
	assert_int_equal(find_edge(&g, "b", "c")->weight, 5);
	graph_release(&g);
	profile_release(&p);
}

static void test_tree(void **state)
{
	struct profile p;
	struct graph g;
	struct graph_options tree = options;
	tree.call_tree = true;
	init(&p);
	add(&p, "abd", 1);
	add(&p, "acd", 2);
	add(&p, "acd", 4);
	graph_init(&g, &p, &tree);
	graph_weigh(&g);
	assert_int_equal(g.order_n, 5); /* a, b, c and d twice */
	bool *keep = calloc(g.node_n, 1);
	for (uint32_t i = 0; i < g.node_n; i++)
		keep[i] = strcmp(graph_name(&g, g.nodes[i].info), "c") != 0;
	graph_keep(&g, keep);
	free(keep);
	assert_int_equal(g.order_n, 4);
	const struct edge *e = find_edge(&g, "a", "b");
	assert_int_equal(e->weight, 1);
	assert_false(e->residual);
	const struct node *a = &g.nodes[node_named(&g, "a")];
	assert_int_equal(a->out_n, 2);
	int64_t residual = 0;
	for (uint32_t k = a->out; k < a->out + a->out_n; k++)
		if (g.edges[g.out_edges[k]].residual)
			residual += g.edges[g.out_edges[k]].weight;
	assert_int_equal(residual, 6);
	graph_release(&g);
	profile_release(&p);
}

static void test_orders(void **state)
{
	struct profile p;
	struct graph g;
	init(&p);
	add(&p, "abc", 5);
	add(&p, "ad", 5);
	add(&p, "ae", -6);
	graph_init(&g, &p, &options);
	graph_weigh(&g);
	graph_sort(&g, GRAPH_SORT_FLAT);
	char flat[8] = {0}, cum[8] = {0};
	for (uint32_t i = 0; i < g.order_n; i++)
		flat[i] = *graph_name(&g, g.nodes[g.order[i]].info);
	graph_sort(&g, GRAPH_SORT_CUM);
	for (uint32_t i = 0; i < g.order_n; i++)
		cum[i] = *graph_name(&g, g.nodes[g.order[i]].info);
	assert_string_equal(flat, "ecdab");
	assert_string_equal(cum, "ebcda");
	graph_release(&g);
	profile_release(&p);
}

static void test_redundant_edges(void **state)
{
	struct profile p;
	struct graph g;
	init(&p);
	add(&p, "abc", 10);
	add(&p, "adc", 1); /* d is left out: a dotted edge beside a -> b -> c */
	graph_init(&g, &p, &options);
	graph_weigh(&g);
	bool keep[FUNCTIONS] = {true, true, true, true, true};
	keep[node_named(&g, "d")] = false;
	graph_keep(&g, keep);
	graph_connect(&g, GRAPH_EDGES_ALL);
	assert_true(find_edge(&g, "a", "c")->residual);
	graph_remove_redundant_edges(&g);
	assert_null(find_edge(&g, "a", "c"));
	assert_non_null(find_edge(&g, "b", "c"));
	graph_release(&g);
	profile_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recursion_counts_once),
		cmocka_unit_test(test_nodes_left_out_leave_residual_edges),
		cmocka_unit_test(test_means),
		cmocka_unit_test(test_what_cancels_is_not_shown),
		cmocka_unit_test(test_inlined_calls),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_redundant_edges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

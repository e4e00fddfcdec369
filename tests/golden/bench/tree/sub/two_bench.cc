#include <sonde/bench.h>

#include <memory>
#include <vector>

BENCH(Vector)
{
	bench_report_allocs(b);
	while (bench_loop(b)) {
		std::vector<char> v(100);
		bench_keep(v.data());
	}
}

static const struct {
	const char *name;
	int n;
} rows[] = {{"n=1", 1}, {"n=8", 8}};

BENCH_TABLE(Unique, rows)
{
	bench_report_allocs(b);
	while (bench_loop(b)) {
		for (int i = 0; i < row->n; i++) {
			std::unique_ptr<long> p(new long(i));
			bench_keep(*p);
		}
	}
}

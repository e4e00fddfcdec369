// bench: sources work.c
// bench: cflags -Iinclude -DTIMES=3
#include <sonde/bench.h>
#include <work.h>

BENCH(Work)
{
	while (bench_loop(b))
		bench_keep(work(TIMES));
}

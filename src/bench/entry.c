/*
 * The main() of benchmark programs that bring none: an object of its own in the archive, so that a
 * program with a main() never pulls it in.
 */
#include "sonde/bench.h"

SONDE_BENCH_API int main(int argc, char **argv);

int main(int argc, char **argv)
{
	return sonde_bench_main(argc, argv);
}

#include <sonde/bench.h>

BENCH(Broken)
{
	this is no C;
}

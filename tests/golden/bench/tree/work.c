#include "include/work.h"

int work(int n)
{
	return n * n;
}

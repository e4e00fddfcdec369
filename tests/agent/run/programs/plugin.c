/*
 * A library to load and unload, built twice with different code.
 */
__attribute__((visibility("default"))) long plugin_work(long n);

__attribute__((noinline)) static long PLUGIN_STEP(long i)
{
	return i * PLUGIN_FACTOR % 1000 + 1;
}

long plugin_work(long n)
{
	volatile long sum = 0;
	for (long i = 0; i < n; i++)
		sum += PLUGIN_STEP(i);
	return sum;
}

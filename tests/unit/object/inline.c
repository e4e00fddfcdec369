volatile int sink;

static inline __attribute__((always_inline)) void inner(int x)
{
	sink = x; /* line 5 */
}

static inline __attribute__((always_inline)) void middle(int x)
{
	inner(x + 1); /* line 10 */
}

__attribute__((noinline)) void outer(int x)
{
	middle(x * 2); /* line 15 */
}

__attribute__((noinline)) static int hidden(int x)
{
	sink = x;
	return sink + 1;
}

int main(int argc, char **argv)
{
	outer(argc);
	return hidden(argc) == 0;
}

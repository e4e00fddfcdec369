// Exceptions through frames with destructors, as C++ programs throw them.
#include "work.h"

#include <string>

static volatile unsigned long sink;

struct counted {
	std::string text;
	explicit counted(int n) : text(static_cast<size_t>(n) + 20, 'x')
	{
	}
	~counted()
	{
		sink = sink + text.size();
	}
};

static __attribute__((noinline)) void fall(int depth)
{
	counted here(depth);
	if (!depth)
		throw 42;
	fall(depth - 1);
	sink = sink + 1;
}

void work_throw(void *)
{
	for (int i = 0; i < 20; i++) {
		try {
			fall(10);
		} catch (int value) {
			sink = sink + static_cast<unsigned long>(value);
		}
	}
}

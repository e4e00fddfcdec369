namespace space
{
template <class T> struct Box {
	T value;
	__attribute__((always_inline)) T twice() const
	{
		return value + value; // line 7
	}
	__attribute__((noinline)) T work(volatile T *sink) const
	{
		auto add = [&](T x) __attribute__((always_inline))
		{
			*sink = *sink + x; // line 13
		};
		add(twice()); // line 15
		return *sink;
	}
};
}

int main(int argc, char **argv)
{
	volatile int sink = argc;
	space::Box<int> box{argc};
	return box.work(&sink);
}

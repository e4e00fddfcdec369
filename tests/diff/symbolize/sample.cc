// A program with much inlining of templates, lambdas and local classes, for comparing symbolizers.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace sample
{
struct Shape {
	virtual ~Shape();
	virtual int area() const = 0;
	template <class T> static T twice(T x)
	{
		auto sum = [](T y) { return y + y; };
		return sum(x);
	}
};
Shape::~Shape()
{
}

Shape *make(int side)
{
	struct Square : Shape {
		int side;
		explicit Square(int s) : side(s)
		{
		}
		int area() const override
		{
			return twice(side) * side / 2;
		}
	};
	return new Square(side);
}
}

int main(int argc, char **argv)
{
	std::regex pattern(argc > 1 ? argv[1] : "[0-9]+(a|b)*");
	std::map<std::string, std::vector<int>> index;
	std::function<int(int)> half = [&](int x) { return x / (argc + 1); };
	for (int i = 0; i < 100; i++) {
		std::ostringstream key;
		key << half(i);
		index[key.str()].push_back(i);
	}
	int matches = 0;
	for (auto &[key, values] : index) {
		matches += std::regex_match(key, pattern);
		std::sort(values.begin(), values.end(), [](int a, int b) { return a > b; });
		sample::Shape *shape = sample::make(values.front());
		matches += shape->area();
		delete shape;
	}
	std::cout << matches << "\n";
}

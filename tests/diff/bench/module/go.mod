module example.org/shape

go 1.21

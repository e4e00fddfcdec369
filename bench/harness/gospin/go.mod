module example.org/spin

go 1.21

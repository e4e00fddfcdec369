// The Go half of the harness study: the same benchmarks as ../spin_bench.c.
package spin

import (
	"os"
	"strconv"
	"testing"
)

var sink uint64

//go:noinline
func spin(steps int) uint64 {
	x := uint64(88172645463325252)
	for i := 0; i < steps; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func steps(us int) int {
	n, err := strconv.Atoi(os.Getenv("SPIN_STEPS_PER_US"))
	if err != nil {
		n = 1000
	}
	return us * n
}

func BenchmarkEmptyN(b *testing.B) {
	for i := 0; i < b.N; i++ {
	}
}

func BenchmarkEmptyLoop(b *testing.B) {
	for b.Loop() {
	}
}

func BenchmarkTimerPair(b *testing.B) {
	if testing.Short() {
		b.Skip("each pair takes Go tens of microseconds")
	}
	for i := 0; i < b.N; i++ {
		b.StopTimer()
		b.StartTimer()
	}
}

func BenchmarkSpin(b *testing.B) {
	for _, row := range []struct {
		name string
		us   int
	}{{"1us", 1}, {"20us", 20}, {"1ms", 1000}} {
		b.Run(row.name, func(b *testing.B) {
			n := steps(row.us)
			for i := 0; i < b.N; i++ {
				sink += spin(n)
			}
		})
	}
}

// The same benchmarks as shape_bench.c, for Go's own harness: the two must print the same.
package shape

import (
	"testing"
	"time"
)

func BenchmarkNop(b *testing.B) {
	for i := 0; i < b.N; i++ {
	}
}

func BenchmarkMetrics(b *testing.B) {
	b.SetBytes(1000000)
	for i := 0; i < b.N; i++ {
		time.Sleep(time.Microsecond)
	}
	for _, v := range []float64{0, 0.00001, 0.0012345, 0.5, 1, 9.99951, 12.345, 123.45, 999.95, 123456.7} {
		b.ReportMetric(v, "same")
	}
	b.ReportMetric(0.0000123, "tiny")
	b.ReportMetric(1234567.8, "a-things/op")
	b.ReportMetric(99.9951, "m")
	b.ReportMetric(7, "B/op")
	b.ReportMetric(2, "ns/op")
}

func BenchmarkSub(b *testing.B) {
	b.Run("a b", func(b *testing.B) { b.Log("one"); b.Log("two\nlines") })
	b.Run("a b", func(b *testing.B) {
		for b.Loop() {
		}
	})
	b.Run("", func(b *testing.B) { b.ReportMetric(0, "ns/op") })
	b.Run("", func(b *testing.B) { b.ReportMetric(0, "ns/op") })
	b.Run("a_very_long_name_that_moves_the_columns", func(b *testing.B) { b.ReportMetric(5, "ns/op") })
	b.Run("deep", func(b *testing.B) {
		b.Run("er", func(b *testing.B) { b.ReportMetric(6, "ns/op") })
		b.Run("skipped", func(b *testing.B) { b.Skip("because") })
	})
}

func BenchmarkManyLines(b *testing.B) {
	for i := 0; i < 12; i++ {
		b.Log(i)
	}
}

func BenchmarkFail(b *testing.B) {
	b.Run("error", func(b *testing.B) { b.Error("bad"); b.Log("after") })
	b.Run("fatal", func(b *testing.B) { b.Fatal("worse") })
	b.Run("later", func(b *testing.B) {
		if b.N > 1 {
			b.Fatal("only now")
		}
	})
}

func BenchmarkParallel(b *testing.B) {
	b.SetParallelism(2)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
		}
	})
	b.ReportMetric(1, "ns/op")
}

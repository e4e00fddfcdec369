// The same in Go: goregions N [FILE].
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/trace"
	"strconv"
	"time"
)

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	if len(os.Args) > 2 {
		f, err := os.Create(os.Args[2])
		if err != nil || trace.Start(f) != nil {
			os.Exit(1)
		}
		defer trace.Stop()
	}
	ctx := context.Background()
	begin := time.Now()
	for i := 0; i < n; i++ {
		trace.StartRegion(ctx, "turn").End()
	}
	fmt.Printf("%.1f\n", float64(time.Since(begin).Nanoseconds())/float64(n))
}

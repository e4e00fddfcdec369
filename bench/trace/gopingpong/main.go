// The same in Go, with two goroutines and its own tracer: gopingpong N MICROSECONDS [FILE].
package main

import (
	"fmt"
	"os"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

func main() {
	turns, _ := strconv.Atoi(os.Args[1])
	micros, _ := strconv.Atoi(os.Args[2])
	if len(os.Args) > 3 {
		f, err := os.Create(os.Args[3])
		if err != nil || trace.Start(f) != nil {
			os.Exit(1)
		}
		defer trace.Stop()
	}
	var lock sync.Mutex
	handed := sync.NewCond(&lock)
	turn := 0
	player := func(mine int) {
		lock.Lock()
		defer lock.Unlock()
		for turn < turns {
			if turn%2 != mine {
				handed.Wait()
				continue
			}
			for until := time.Now().Add(time.Duration(micros) * time.Microsecond); micros > 0 && time.Now().Before(until); {
			}
			turn++
			handed.Signal()
		}
		handed.Signal()
	}
	var other sync.WaitGroup
	other.Add(1)
	begin := time.Now()
	go func() { player(1); other.Done() }()
	player(0)
	other.Wait()
	fmt.Printf("%.1f\n", float64(time.Since(begin).Nanoseconds())/float64(turns))
}

package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"
)

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// watchPeak looks at a process until it ends and returns the largest resident size that it had, in MiB. The rusage of
// a child would tell its parent's size as well, which it has for a moment before it becomes another program.
func watchPeak(pid int) (peak func() float64) {
	result := make(chan float64, 1)
	go func() {
		most := 0.0
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			m := highWater.FindSubmatch(status)
			if err != nil || m == nil { // it has ended
				result <- most
				return
			}
			if kib, err := strconv.ParseFloat(string(m[1]), 64); err == nil {
				most = kib / 1024
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return func() float64 { return <-result }
}

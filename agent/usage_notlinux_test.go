//go:build !linux

package main

// watchPeak measures nothing here: only Linux tells a process's peak.
func watchPeak(int) (peak func() float64) { return func() float64 { return 0 } }

//go:build !windows

package main

import "os"

// takesColors reports whether a terminal obeys the codes for colours.
func takesColors(*os.File) bool { return os.Getenv("TERM") != "dumb" }

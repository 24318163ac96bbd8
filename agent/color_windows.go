package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// takesColors reports whether a console obeys the codes for colours: it does where it can be told to.
func takesColors(f *os.File) bool {
	console := windows.Handle(f.Fd())
	var mode uint32
	return windows.GetConsoleMode(console, &mode) == nil && windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}

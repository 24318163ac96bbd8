//go:build !windows

package supervisor

import (
	"fmt"
	"io"
	"log/slog"
)

// OpenLog returns the log of the service called name: standard error, which the journal reads, each line with its priority as
// sd-daemon(3) has it.
func OpenLog(_ string, stderr io.Writer) (*Log, error) {
	return &Log{write: func(level slog.Level, line string) error {
		_, err := fmt.Fprintf(stderr, "<%d>%s\n", priority(level), line)
		return err
	}}, nil
}

func priority(level slog.Level) int {
	switch {
	case level >= slog.LevelError:
		return 3
	case level >= slog.LevelWarn:
		return 4
	case level >= slog.LevelInfo:
		return 6
	}
	return 7
}

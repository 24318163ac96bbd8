package supervisor

import (
	"fmt"
	"io"
	"log/slog"

	"golang.org/x/sys/windows/svc/eventlog"
)

// OpenLog returns the log of the service called name: the source of that name in the event log, which the installation made.
func OpenLog(name string, _ io.Writer) (*Log, error) {
	events, err := eventlog.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the event log: %w", err)
	}
	return &Log{write: func(level slog.Level, line string) error { return report(events, level, line) }}, nil
}

// report writes an event; its number tells its level, too.
func report(events *eventlog.Log, level slog.Level, line string) error {
	switch {
	case level >= slog.LevelError:
		return events.Error(3, line)
	case level >= slog.LevelWarn:
		return events.Warning(2, line)
	}
	return events.Info(1, line)
}

package supervisor

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// Log is where a service writes, instead of standard error: the journal, or the event log, each line with its level.
type Log struct {
	mu    sync.Mutex
	write func(slog.Level, string) error // one line, which ends with no line break
}

// Handler returns a handler for lines in the given format, text or json. The log has the time and the level of its own.
func (l *Log) Handler(level slog.Leveler, format string) slog.Handler {
	b := &bytes.Buffer{}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}}
	if format == "json" {
		return &lineHandler{l, b, slog.NewJSONHandler(b, options)}
	}
	return &lineHandler{l, b, slog.NewTextHandler(b, options)}
}

// Write takes the sentences that a person would see on standard error: the program says them when it fails.
func (l *Log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			continue
		}
		if err := l.write(slog.LevelError, line); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

// lineHandler formats with another handler, and writes what that makes of a record as one line.
type lineHandler struct {
	log    *Log
	buffer *bytes.Buffer // inner writes into it, under the log's lock
	inner  slog.Handler
}

func (h *lineHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.inner.Enabled(ctx, level)
}

func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	h.buffer.Reset()
	if err := h.inner.Handle(ctx, r); err != nil {
		return err
	}
	return h.log.write(r.Level, strings.TrimSuffix(h.buffer.String(), "\n"))
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{h.log, h.buffer, h.inner.WithAttrs(attrs)}
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	return &lineHandler{h.log, h.buffer, h.inner.WithGroup(name)}
}

package metrics

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"roagent/upload/collector"
)

// Store returns the store with its operations counted.
func (m *Metrics) Store(s collector.Store) collector.Store { return &store{s, m} }

type store struct {
	collector.Store
	m *Metrics
}

// operations are the labels of op, and results those of result.
func operations() []string { return []string{"put", "get", "list", "remove"} }
func results() []string    { return []string{"ok", "exists", "missing", "canceled", "error"} }

func (s *store) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	began := time.Now()
	err := s.Store.Put(ctx, name, data, mode)
	s.count("put", began, err)
	return err
}

func (s *store) Get(ctx context.Context, name string) ([]byte, error) {
	began := time.Now()
	data, err := s.Store.Get(ctx, name)
	s.count("get", began, err)
	return data, err
}

func (s *store) List(ctx context.Context, folder string) ([]collector.Object, error) {
	began := time.Now()
	objects, err := s.Store.List(ctx, folder)
	s.count("list", began, err)
	return objects, err
}

func (s *store) Remove(ctx context.Context, name string) error {
	began := time.Now()
	err := s.Store.Remove(ctx, name)
	s.count("remove", began, err)
	return err
}

func (s *store) count(op string, began time.Time, err error) {
	s.m.operations.WithLabelValues(op, resultOf(err)).Inc()
	s.m.storeTime.WithLabelValues(op).Observe(time.Since(began).Seconds())
}

func resultOf(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, fs.ErrExist):
		return "exists"
	case errors.Is(err, fs.ErrNotExist):
		return "missing"
	case errors.Is(err, context.Canceled): // the client went away
		return "canceled"
	}
	return "error"
}

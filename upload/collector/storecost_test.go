package collector_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"testing"

	"roagent/upload"
	"roagent/upload/collector"
)

// tallied counts the requests that an object store would see.
type tallied struct {
	collector.Store
	puts, gets, lists atomic.Int64
}

func (s *tallied) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	s.puts.Add(1)
	return s.Store.Put(ctx, name, data, mode)
}

func (s *tallied) Get(ctx context.Context, name string) ([]byte, error) {
	s.gets.Add(1)
	return s.Store.Get(ctx, name)
}

func (s *tallied) List(ctx context.Context, folder string) ([]collector.Object, error) {
	s.lists.Add(1)
	return s.Store.List(ctx, folder)
}

// What the page on running collectors says a request costs an object store, it costs.
func TestRequestsOfTheStore(t *testing.T) {
	store := &tallied{Store: collector.NewMemStore()}
	r := newRig(t, store)
	page, err := os.ReadFile("../../installer/collector/README.md")
	if err != nil {
		t.Fatal(err)
	}
	costs := func(what string, q request, status int) {
		t.Helper()
		store.puts.Store(0)
		store.gets.Store(0)
		store.lists.Store(0)
		if w := r.do(q); w.Code != status {
			t.Fatalf("%s: got %d %s", what, w.Code, w.Body)
		}
		row := fmt.Sprintf("| %s | %d | %d | %d |", what, store.puts.Load(), store.gets.Load(), store.lists.Load())
		if !strings.Contains(string(page), row) {
			t.Errorf("the page lacks %s", row)
		}
	}
	var batches []upload.ManifestBatch
	r.send(line("RO0")) // the first of anything makes more
	for n := range 3 {
		q := r.batch(line(fmt.Sprint("RO", n+1)))
		if n == 2 {
			costs("a batch", q, 201)
			costs("the same again", q, 200)
		} else {
			r.do(q)
		}
		batches = append(batches, upload.ManifestBatch{ID: path.Base(q.path), Orders: 1})
	}
	r.receipt(r.do(r.manifest(manifestOf(batches[0]))), 201)
	costs("a manifest of three batches", r.manifest(manifestOf(batches...)), 201)
	costs("a heartbeat", r.json("/v1/dealers/"+dealer+"/status", heartbeat()), 204)
}

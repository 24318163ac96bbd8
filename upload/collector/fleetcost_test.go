package collector_test

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"roagent/fieldmap"
	"roagent/upload/collector"
)

// counted counts what is asked of a store.
type counted struct {
	collector.Store

	mu    sync.Mutex
	reads []string
	puts  int
}

func (c *counted) Get(ctx context.Context, name string) ([]byte, error) {
	c.mu.Lock()
	c.reads = append(c.reads, name)
	c.mu.Unlock()
	return c.Store.Get(ctx, name)
}

func (c *counted) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	c.mu.Lock()
	c.puts++
	c.mu.Unlock()
	return c.Store.Put(ctx, name, data, mode)
}

// vastStore holds a fleet's flat objects without holding them: it makes them when they are asked for. What is put is kept.
type vastStore struct {
	*collector.MemStore
	dealers int
	weeks   map[string]bool
	beat    atomic.Int64 // the last so many dealers' heartbeats are newer

	lists, gets, puts atomic.Int64 // requests, as S3 counts them: 1,000 names a list
}

func (s *vastStore) List(ctx context.Context, folder string) ([]collector.Object, error) {
	if folder != "fleet/dealers" && !s.weeks[path.Base(folder)] {
		objects, err := s.MemStore.List(ctx, folder)
		s.lists.Add(int64(len(objects)/1000 + 1))
		return objects, err
	}
	s.lists.Add(int64((s.dealers + 999) / 1000))
	objects := make([]collector.Object, s.dealers)
	for i := range objects {
		version := "1"
		if folder == "fleet/dealers" && int64(i) < s.beat.Load() {
			version = fmt.Sprint(s.beat.Load())
		}
		objects[i] = collector.Object{Name: fmt.Sprintf("%s/%05d.json", folder, i), Size: 500, Version: version}
	}
	return objects, nil
}

func (s *vastStore) Get(ctx context.Context, name string) ([]byte, error) {
	s.gets.Add(1)
	id := strings.TrimSuffix(path.Base(name), ".json")
	switch folder := path.Dir(name); {
	case folder == "fleet/dealers":
		return fmt.Appendf(nil, `{"dealer_id":%q,"name":"Example %s","added":"2023-01-01T00:00:00Z","received_at":"2026-11-16T11:05:00Z","status":{"dealer_id":%q,`+
			`"agent_version":"1.2.3","at":"2026-11-16T11:05:00Z","state":"idle","next_run":"2026-11-23T10:41:00Z","last_week":"2026-W46","fieldmap_digest":%q,`+
			`"queued_batches":0,"queued_bytes":0,"parked":0}}`, id, id, id, whitelist), nil
	case s.weeks[path.Base(folder)]:
		return fmt.Appendf(nil, `{"dealer_id":%q,"week":%q,"closed_at":"2026-11-16T11:05:00Z","timezone":"America/Chicago","read_at":"2026-11-16T11:00:00Z","readings":1,`+
			`"batches":1,"lines":123,"held":120,"skipped":30,"withheld":40,"parked":0,"keyless":0,"dropped":0,"fieldmap_digest":%q,"manifest_id":%q}`,
			id, path.Base(folder), whitelist, whitelist), nil
	}
	return s.MemStore.Get(ctx, name)
}

func (s *vastStore) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	s.puts.Add(1)
	return s.MemStore.Put(ctx, name, data, mode)
}

// did returns the requests since it was asked last.
func (s *vastStore) did() (lists, gets, puts int64) {
	return s.lists.Swap(0), s.gets.Swap(0), s.puts.Swap(0)
}

// TestFleetCost holds how many requests of an object store the fleet's page needs at 20,000 dealers and 200 weeks: the glance
// reads the dealers and four weeks, the map 26 weeks.
func TestFleetCost(t *testing.T) {
	dealers, weeks := 20_000, 200
	if testing.Short() {
		dealers = 2_000
	}
	s := &vastStore{MemStore: collector.NewMemStore(), dealers: dealers, weeks: map[string]bool{}}
	last := fieldmap.Week{Year: 2026, Number: 46}
	for n := range weeks {
		w := last.Add(-n)
		s.weeks[w.String()] = true
		if err := s.MemStore.Put(t.Context(), "fleet/index/weeks/"+w.String()+".ndjson.zst", nil, collector.Create); err != nil {
			t.Fatal(err)
		}
	}
	x := collector.NewFleetIndex(s)
	x.Life, x.PastLife = time.Hour, time.Hour // however slow this machine is
	look := func(weeks int) {
		t.Helper()
		if known, err := x.Weeks(t.Context()); err != nil || len(known) != 200 {
			t.Fatalf("%d weeks, %v", len(known), err)
		}
		if read, err := x.Dealers(t.Context()); err != nil || len(read.Entries) != dealers {
			t.Fatalf("%d dealers, %v", len(read.Entries), err)
		}
		for n := range weeks {
			if read, err := x.Week(t.Context(), last.Add(-n)); err != nil || len(read.Entries) != dealers {
				t.Fatalf("%d dealers, %v", len(read.Entries), err)
			}
		}
	}
	pages := int64((dealers + 999) / 1000)
	for _, step := range []struct {
		name              string
		before            func()
		weeks             int
		lists, gets, puts int64
	}{
		{"the first page ever", func() {}, 4, 1 + 5*(pages+2), 5 + 5*int64(dealers), 5}, // tombstones are looked for before and after an index is written
		{"again, within its life", func() {}, 4, 1, 0, 0},
		{"another process", func() { x = collector.NewFleetIndex(s) }, 4, 1 + 5*(pages+1), 5, 0},
		{"a minute later, 1 in 60 has sent a heartbeat", func() { s.beat.Store(int64(dealers / 60)); x.Life = 0 }, 4, 1 + pages + 2, int64(dealers / 60), 1},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.before()
			s.did()
			began := time.Now()
			look(step.weeks)
			lists, gets, puts := s.did()
			t.Logf("%d dealers, %d weeks, of which %d are read: %d list, %d get, %d put; %s", dealers, weeks, step.weeks, lists, gets, puts, time.Since(began).Round(time.Millisecond))
			if gets != step.gets || puts != step.puts || lists != step.lists {
				t.Errorf("expected %d list, %d get, %d put", step.lists, step.gets, step.puts)
			}
		})
	}
}

// slow counts how many reads are under way at a time.
type slow struct {
	collector.Store
	under, most atomic.Int64
}

func (s *slow) Get(ctx context.Context, name string) ([]byte, error) {
	n := s.under.Add(1)
	defer s.under.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() { // another one was faster
	}
	time.Sleep(time.Second)
	return s.Store.Get(ctx, name)
}

// However many folders are read anew at the same time, an object store sees 32 reads at a time, and one of each folder's index.
func TestFleetReadsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vast := &vastStore{MemStore: collector.NewMemStore(), dealers: 200, weeks: map[string]bool{}}
		s := &slow{Store: vast}
		x := collector.NewFleetIndex(s)
		var looking sync.WaitGroup
		for n := range 8 {
			w := theWeek().Add(-n)
			vast.weeks[w.String()] = true
			looking.Go(func() {
				if read, err := x.Week(t.Context(), w); err != nil || len(read.Entries) != 200 {
					t.Errorf("%d dealers, %v", len(read.Entries), err)
				}
			})
		}
		looking.Wait()
		if most := s.most.Load(); most < 30 || most > 32+8 {
			t.Errorf("%d reads at a time", most)
		}
	})
}

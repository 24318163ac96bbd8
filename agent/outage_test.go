package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

var awayFor = flag.Int("away.weeks", 3, "how many weeks the collector is away; the longest that was asked for is 26")

// A collector that takes no batch for weeks, with room in the queue: every week is read on its Monday, the
// heartbeats say how much waits, and when the collector takes batches again all weeks arrive and are closed, in order.
func TestCollectorAwayForWeeks(t *testing.T) {
	awayWeeks := *awayFor
	synctest.Test(t, func(t *testing.T) {
		store := collector.NewMemStore()
		p, transport, _ := bubbleStoreOn(t, store, awayWeeks+3, "{spread: 0s}")
		away := &awayCollector{handler: transport.handler}
		transport.handler = away
		away.set(true)
		p.stderr = &lockedBuffer{} // it tries each hour
		stop := startService(t, p)
		time.Sleep(time.Duration(awayWeeks) * 7 * day)
		if got := closed(t, p); len(got) > 0 {
			t.Errorf("while the collector is away, closed: %v", got)
		}
		beat := lastHeartbeat(t, store)
		if beat.QueuedBatches < awayWeeks || beat.QueuedBytes == 0 || beat.LastError != "collector" {
			t.Errorf("the heartbeat tells nothing of what waits: %+v", beat)
		}
		away.set(false)
		time.Sleep(2 * time.Hour)
		allArrived(t, p, store, awayWeeks)
		stop()
		if len(away.manifests) < awayWeeks || !slices.IsSorted(away.manifests) {
			t.Errorf("the weeks are not closed in order: %v", away.manifests)
		}
	})
}

// The same with a queue that is full after some weeks: the pull pauses in the middle of a week, says so and what to do,
// drops nothing, and reads what has become due meanwhile once the collector is back.
func TestFullQueueGoesOnByItself(t *testing.T) {
	awayWeeks := *awayFor
	synctest.Test(t, func(t *testing.T) {
		store := collector.NewMemStore()
		p, transport, dms := bubbleStoreOn(t, store, awayWeeks+3, "{spread: 0s}")
		reconfigure(t, p, "queue: {", "queue: {max_size: 1MB, ")
		writeNovels(t, dms)
		log := &lockedBuffer{}
		p.stderr = log
		transport.down.Store(true)
		stop := startService(t, p)
		time.Sleep(time.Duration(awayWeeks) * 7 * day)
		for _, want := range []string{"the queue is full", "queue.max_size", "goes on by itself", "exit_code=5"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%.2000s", want, log.String())
			}
		}
		var out bytes.Buffer
		asked := *p
		asked.stdout = &out
		if err := (statusCommand{}).Run(&asked); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"being read", "waiting to be sent: ", "the queue is full"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("status does not say %q:\n%s", want, out.String())
			}
		}
		transport.down.Store(false)
		time.Sleep(8 * day) // the next run is at the next Monday at the latest
		allArrived(t, p, store, awayWeeks)
		stop()
	})
}

// awayCollector answers heartbeats only, while it is away.
type awayCollector struct {
	handler http.Handler

	mu        sync.Mutex
	away      bool
	manifests []string // the weeks, as they came first
}

func (a *awayCollector) set(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away = away
}

func (a *awayCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	away := a.away && !strings.HasSuffix(r.URL.Path, "/status")
	if parts := strings.Split(r.URL.Path, "/"); !away && r.Method == http.MethodPut && len(parts) == 6 && parts[4] == "weeks" && !slices.Contains(a.manifests, parts[5]) {
		a.manifests = append(a.manifests, parts[5])
	}
	a.mu.Unlock()
	if away {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	a.handler.ServeHTTP(w, r)
}

func lastHeartbeat(t *testing.T, store collector.Store) (s upload.Status) {
	t.Helper()
	text, err := store.Get(t.Context(), "dealers/"+rigDealer+"/status.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// allArrived holds that weeks of a bubbleStore from its first on are closed, with every order of theirs at the collector
// once.
func allArrived(t *testing.T, p *program, store collector.Store, weeks int) {
	t.Helper()
	var want []string
	week := fieldmap.Week{Year: 1999, Number: 52}
	for range weeks {
		want = append(want, week.String())
		week = week.Next()
	}
	if got := closed(t, p); len(got) < weeks || !slices.Equal(got[:weeks], want) {
		t.Errorf("closed: %v, want %v", got, want)
	}
	s, err := p.openSite()
	if err != nil {
		t.Fatal(err)
	}
	known, err := s.queue.Weeks()
	s.close()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range known {
		week, err := fieldmap.ParseWeek(w.Week)
		if err != nil {
			t.Fatal(err)
		}
		var held bytes.Buffer
		if err := collector.Export(t.Context(), store, rigDealer, week, &held); err != nil {
			t.Fatal(err)
		}
		names, err := collector.Names(t.Context(), store, simFolder(week)+"/batches")
		if err != nil {
			t.Fatal(err)
		}
		lines, _ := storedLines(t, store, names)
		if n := bytes.Count(held.Bytes(), []byte("\n")); n == 0 || n != w.Held || n != len(lines) {
			t.Errorf("%s: %d orders are exported, %d were read, %d lines were sent", w.Week, n, w.Held, len(lines))
		}
	}
}

// reconfigure replaces a text of the configuration.
func reconfigure(t *testing.T, p *program, from, to string) {
	t.Helper()
	reconfigureFile(t, p.config, from, to)
}

func reconfigureFile(t *testing.T, path, from, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		t.Fatalf("%s has no %q", path, from)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeNovels gives each job a text that no compression makes small, without digits, which might be taken for secrets.
func writeNovels(t *testing.T, dms string) {
	t.Helper()
	text := "hex(randomblob(50000))"
	for i := range 10 {
		text = fmt.Sprintf("replace(%s, '%d', '%c')", text, i, 'G'+i)
	}
	db, err := sql.Open("sqlite", dms)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "UPDATE Job SET Correction = "+text); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"roagent/extract/extracttest"
	"roagent/extract/sampledms"
	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

// inProcess is a transport that calls the collector's handler: real sockets hang in a bubble.
type inProcess struct {
	handler http.Handler
	down    atomic.Bool
}

func (p *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.down.Load() {
		return nil, errors.New("no route to host")
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// bubbleStore is a store in a bubble, in which it is 2000-01-01 00:00 UTC: 31 December 1999, 16:00, at the dealer's.
func bubbleStore(t *testing.T, schedule string) (*program, *inProcess, *collector.MemStore, string) {
	t.Helper()
	store := collector.NewMemStore()
	p, transport, dms := bubbleStoreOn(t, store, 12, schedule)
	return p, transport, store, dms
}

// bubbleStoreOn is bubbleStore with a collector on the given store, and a DMS with so many weeks.
func bubbleStoreOn(t *testing.T, store collector.Store, weeks int, schedule string) (*program, *inProcess, string) {
	t.Helper()
	ctx := t.Context()
	dir := simDir(t)
	first := fieldmap.Week{Year: 1999, Number: 50}
	dms := filepath.Join(dir, "dms.db")
	if err := sampledms.CreateFile(ctx, dms, sampledms.Options{First: first, Weeks: weeks, OrdersPerWeek: 8, Seed: 5}); err != nil {
		t.Fatal(err)
	}
	key, err := collector.OpenKey(ctx, store, "collector.test")
	if err != nil {
		t.Fatal(err)
	}
	token, err := collector.AddDealer(ctx, store, rigDealer, "Example Toyota")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"roagent.yaml":    fmt.Sprintf(rigConfig, rigDealer, "dms.db", "http://127.0.0.1:1", key.Public, 5) + "schedule: " + schedule + "\n",
		"fieldmap.yaml":   sampledms.Whitelist,
		"collector.token": token,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	transport := &inProcess{handler: collector.New(store, key)}
	p := &program{ctx: ctx, stdout: t.Output(), stderr: t.Output(), config: filepath.Join(dir, "roagent.yaml"), seams: seams{
		transport: transport, jitter: func(below time.Duration) time.Duration { return below / 2 },
		calm: true, // months of hourly heartbeats take their time: watchBeats is for the tests that want them
	}}
	if err := (fieldmapApproveCommand{By: "Dana Dealer"}).Run(p); err != nil {
		t.Fatal(err)
	}
	return p, transport, dms
}

// knownWeeks returns the weeks that the store knows, and the dealer's zone, once the service is not at work.
func knownWeeks(t *testing.T, p *program) ([]upload.WeekStatus, *time.Location) {
	t.Helper()
	s, err := p.openSite()
	for isLocked(err) { // the service is at work
		time.Sleep(time.Minute)
		s, err = p.openSite()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	weeks, err := s.queue.Weeks()
	if err != nil {
		t.Fatal(err)
	}
	return weeks, s.config.Dealer.Zone
}

// closed returns the weeks for which the store holds the collector's receipt.
func closed(t *testing.T, p *program) []string {
	t.Helper()
	weeks, _ := knownWeeks(t, p)
	var names []string
	for _, w := range weeks {
		if w.Closed {
			names = append(names, w.Week)
		}
	}
	return names
}

// startService runs the service until stop is called.
func startService(t *testing.T, p *program) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	q := *p
	q.ctx = ctx
	done := make(chan error, 1)
	go func() { done <- runCommand{}.Run(&q) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	}
}

func TestServicePullsEveryMonday(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, store, _ := bubbleStore(t, "{spread: 2h}")
		stop := startService(t, p)
		time.Sleep(2 * 24 * time.Hour) // Sunday afternoon
		if got := closed(t, p); len(got) != 0 {
			t.Errorf("before its first Monday the service has closed %v", got)
		}
		time.Sleep(24 * time.Hour)
		if got := strings.Join(closed(t, p), " "); got != "1999-W52" {
			t.Errorf("after its first Monday: %q", got)
		}
		time.Sleep(21 * 24 * time.Hour)
		if got, want := strings.Join(closed(t, p), " "), "1999-W52 2000-W01 2000-W02 2000-W03"; got != want {
			t.Errorf("three weeks later: %q, want %q", got, want)
		}
		stop()
		var held bytes.Buffer
		if err := collector.Export(context.Background(), store, rigDealer, fieldmap.Week{Year: 2000, Number: 2}, &held); err != nil || held.Len() == 0 {
			t.Errorf("the collector holds %d bytes: %v", held.Len(), err)
		}
	})
}

// Complaint 25: downtime skips a run.
func TestServiceMakesUpMissedMondays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, _, _ := bubbleStore(t, "{spread: 0s}")
		stop := startService(t, p)
		time.Sleep(3 * 24 * time.Hour)
		stop()
		time.Sleep(17 * 24 * time.Hour) // off for two Mondays
		stop = startService(t, p)
		time.Sleep(time.Hour)
		if got, want := strings.Join(closed(t, p), " "), "1999-W52 2000-W01 2000-W02"; got != want {
			t.Errorf("an hour after the start: %q, want %q", got, want)
		}
		stop()
	})
}

// Complaint 20: stuck until a restart after an outage.
func TestServiceRecoversFromOutagesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, _, dms := bubbleStore(t, "{spread: 0s}")
		transport.down.Store(true)
		if err := os.Rename(dms, dms+".away"); err != nil {
			t.Fatal(err)
		}
		stop := startService(t, p)
		time.Sleep(2*24*time.Hour + 19*time.Hour + 30*time.Minute) // Monday 03:30: the DMS is away
		if err := os.Rename(dms+".away", dms); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour) // read by now, but the collector is away
		if got := closed(t, p); len(got) != 0 {
			t.Errorf("without a collector, closed: %v", got)
		}
		transport.down.Store(false)
		time.Sleep(2 * time.Hour)
		if got := strings.Join(closed(t, p), " "); got != "1999-W52" {
			t.Errorf("after the outages: %q", got)
		}
		stop()
	})
}

// Complaint 22: a collector that says when it can be asked again is left alone until then, and the store with it: commands
// can look at it meanwhile.
func TestServiceLeavesABusyCollectorAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, collector, _, _ := bubbleStore(t, "{spread: 0s}")
		var asked []time.Time
		p.transport = simTransport(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, time.Now())
			if len(asked) < 4 {
				header := http.Header{"Retry-After": {"3000"}}
				return &http.Response{StatusCode: http.StatusTooManyRequests, Header: header, Body: http.NoBody, Request: r}, nil
			}
			return collector.RoundTrip(r)
		})
		stop := startService(t, p)
		time.Sleep(3 * 24 * time.Hour)
		stop()
		for i := range min(3, len(asked)-1) {
			if pause := asked[i+1].Sub(asked[i]); pause < 50*time.Minute || pause > 80*time.Minute {
				t.Errorf("asked for 50 minutes, the service came back after %s", pause)
			}
		}
		if got := strings.Join(closed(t, p), " "); got != "1999-W52" {
			t.Errorf("closed: %q", got)
		}
	})
}

// TestServiceReadsAWeekOnceARun holds that a run that is tried again all week reads no week of the DMS twice: neither where
// another week cannot be read to its end, nor where all are read and what fails is the sending.
func TestServiceReadsAWeekOnceARun(t *testing.T) {
	for name, failing := range map[string]string{"reading": "finish reading of 2000-W02", "sending": "close week "} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _, _, _ := bubbleStore(t, `{pull: "30 2 * * MON", lookback_weeks: 3}`)
				var mu sync.Mutex
				fails, failed, read := false, 0, map[string]int{}
				p.transact = func(what string, transact func() error) error {
					mu.Lock()
					fail := fails && strings.HasPrefix(what, failing)
					if fail {
						failed++
					} else if strings.HasPrefix(what, "finish reading of ") {
						read[what]++
					}
					mu.Unlock()
					if fail {
						return errors.New("it fails")
					}
					return transact()
				}
				stop := startService(t, p)
				defer stop()
				time.Sleep(14 * 24 * time.Hour)
				mu.Lock()
				fails = true
				clear(read)
				mu.Unlock()
				time.Sleep(7 * 24 * time.Hour)
				mu.Lock()
				defer mu.Unlock()
				if failed < 10 || len(read) < 2 {
					t.Errorf("it failed %d times; read: %v", failed, read)
				}
				for what, n := range read {
					if n > 1 {
						t.Errorf("%s: %d times", what, n)
					}
				}
			})
		})
	}
}

// An unfinished pull pauses at stop_by and goes on at the next run.
func TestServicePausesAtStopBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, _, _ := bubbleStore(t, `{spread: 0s, stop_by: "03:00"}`)
		var slow atomic.Bool
		slow.Store(true)
		faults := &extracttest.Faults{Statement: func(int, string) error {
			if slow.Load() {
				time.Sleep(4 * time.Minute)
			}
			return nil
		}}
		p.wrap = faults.Wrap
		stop := startService(t, p)
		time.Sleep(3 * 24 * time.Hour)
		if got := closed(t, p); len(got) != 0 {
			t.Errorf("a pull that cannot be done by 03:00 has closed %v", got)
		}
		slow.Store(false)
		time.Sleep(7 * 24 * time.Hour)
		if got, want := strings.Join(closed(t, p), " "), "1999-W52 2000-W01"; got != want {
			t.Errorf("a week later: %q, want %q", got, want)
		}
		stop()
	})
}

// A Monday on which the DMS never answers is made up, also by a store that has read nothing before.
func TestServiceMakesUpMondaysWithoutDMS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, _, dms := bubbleStore(t, `{spread: 0s, stop_by: "06:30"}`)
		if err := os.Rename(dms, dms+".away"); err != nil {
			t.Fatal(err)
		}
		stop := startService(t, p)
		time.Sleep(5 * 24 * time.Hour)
		if err := os.Rename(dms+".away", dms); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * 24 * time.Hour)
		if got, want := strings.Join(closed(t, p), " "), "1999-W52 2000-W01"; got != want {
			t.Errorf("a week later: %q, want %q", got, want)
		}
		stop()
	})
}

// A second agent on the same data folder is told who holds it, and disturbs nothing.
func TestSecondAgentOnOneFolder(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 10, batchOrders: 5})
	held := r.open(t)
	defer held.Close()
	code, out := r.run(t, "pull")
	if code != exitFailed || !strings.Contains(out, fmt.Sprintf("is in use by process %d", os.Getpid())) {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	var locked *upload.LockedError
	second := upload.NewQueue(filepath.Join(r.dir, "data"), rigDealer)
	if err := second.Open(); !errors.As(err, &locked) {
		t.Errorf("a second agent gets %v", err)
	}
}

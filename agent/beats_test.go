package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"roagent/extract"
	"roagent/extract/extracttest"
	"roagent/upload"
)

// beatNote is a heartbeat as it came, and another request.
type beatNote struct {
	at     time.Time
	status upload.Status
	beat   bool
}

// beatWatch stands before the collector and notes what comes.
type beatWatch struct {
	next   http.RoundTripper
	answer func(r *http.Request) *http.Response // nil, or nothing: the collector's

	mu    sync.Mutex
	notes []beatNote
}

func (w *beatWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err // as a connection does
	}
	note := beatNote{at: time.Now(), beat: strings.HasSuffix(r.URL.Path, "/status")}
	if note.beat {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err := json.Unmarshal(body, &note.status); err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	w.notes = append(w.notes, note)
	w.mu.Unlock()
	if w.answer != nil {
		if response := w.answer(r); response != nil {
			return response, nil
		}
	}
	response, err := w.next.RoundTrip(r)
	if note.beat && err == nil && response.StatusCode == http.StatusBadRequest {
		panic(fmt.Sprintf("the collector does not take a heartbeat: %d %+v", response.StatusCode, note.status))
	}
	return response, err
}

// beats returns the heartbeats from a time on.
func (w *beatWatch) beats(from time.Time) []beatNote {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.notes), func(n beatNote) bool { return !n.beat || n.at.Before(from) })
}

// states returns the states of the heartbeats from a time on, each but once where it is told again and again.
func (w *beatWatch) states(from time.Time) string {
	var states []string
	for _, n := range w.beats(from) {
		states = append(states, n.status.State)
	}
	return strings.Join(slices.Compact(states), " ")
}

// watchBeats lets a store's requests be noted.
func watchBeats(p *program, next http.RoundTripper) *beatWatch {
	w := &beatWatch{next: next}
	p.transport, p.calm = w, false
	return w
}

// slowDMS lets each statement that reads orders take so long.
func slowDMS(p *program, wait time.Duration) {
	faults := &extracttest.Faults{Statement: func(_ int, text string) error {
		if strings.Contains(text, "RepairOrder") {
			time.Sleep(wait)
		}
		return nil
	}}
	p.wrap = faults.Wrap
}

const toMonday = 2*24*time.Hour + 10*time.Hour + 30*time.Minute // from a bubble's start to Monday 02:30 at the dealer's

func TestHeartbeatEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, _, _ := bubbleStore(t, "{spread: 0s}")
		w := watchBeats(p, transport)
		stop := startService(t, p)
		time.Sleep(26 * time.Hour)
		stop()
		beats := w.beats(time.Time{})
		if len(beats) < 26 || len(beats) > 29 {
			t.Fatalf("%d heartbeats in 26 hours", len(beats))
		}
		if first := beats[0].at.Sub(beats[0].status.StartedAt); first < time.Minute || first > 5*time.Minute {
			t.Errorf("the first came %s after the start", first)
		}
		s, err := p.openSite()
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		own, err := s.ownSecond()
		if err != nil {
			t.Fatal(err)
		}
		for i, b := range beats[1 : len(beats)-1] {
			if at := b.at.Sub(b.at.Truncate(time.Hour)); at != own {
				t.Errorf("heartbeat %d came at %s of the hour, not at %s", i, at, own)
			}
			if b.status.State != upload.StateIdle || b.status.NextRun.IsZero() || b.status.LastError != "" || b.status.QueueLimit != 2_000_000_000 {
				t.Errorf("it says %+v", b.status)
			}
		}
		if last := beats[len(beats)-1]; last.status.State != upload.StateStopped || !last.at.Equal(time.Now()) {
			t.Errorf("the last says %+v", last.status)
		}
	})
}

// The hourly heartbeats of a fleet are spread over the hour, whenever its stores were started.
func TestHeartbeatsAreSpread(t *testing.T) {
	const stores = 20_000
	var minutes [60]int
	for i := range stores {
		key := sha256.Sum256(fmt.Append(nil, i))
		own := secondOf(key[:])
		if own < 0 || own >= time.Hour || own != own.Truncate(time.Second) {
			t.Fatalf("%s is no second of an hour", own)
		}
		minutes[own/time.Minute]++
	}
	const mean = stores / 60
	if most, least := slices.Max(minutes[:]), slices.Min(minutes[:]); most > mean*5/4 || least < mean*3/4 {
		t.Errorf("in the busiest minute %d come, in the quietest %d, a mean of %d", most, least, mean)
	}
}

// Each step of a run is told, at once where nothing was within a minute, and what a step says then is true.
func TestHeartbeatsOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, _, _ := bubbleStore(t, "{spread: 0s}")
		slowDMS(p, 40*time.Second)
		w := watchBeats(p, transport)
		stop := startService(t, p)
		defer stop()
		time.Sleep(toMonday + 10*24*time.Hour)
		monday := time.Now().Add(-10 * 24 * time.Hour)
		for week, want := range map[int]string{0: "1999-W52", 1: "2000-W01"} {
			from := monday.AddDate(0, 0, 7*week)
			beats := w.beats(from)
			if got := w.states(from); !strings.HasPrefix(got, "pulling sending idle") && !strings.HasPrefix(got, "pulling idle") {
				t.Errorf("%s: a run is told as %s", want, got)
			}
			i := slices.IndexFunc(beats, func(n beatNote) bool { return n.status.State == upload.StateIdle })
			if done := beats[i].status; done.LastWeek != want || done.LastPullAt.Before(from) || done.QueuedBatches != 0 || done.LastError != "" || len(done.FieldmapDigest) != 64 {
				t.Errorf("%s: after the run it says %+v", want, done)
			}
			for j, n := range beats[:i] {
				if j > 0 && n.at.Sub(beats[j-1].at) < time.Minute {
					t.Errorf("%s: heartbeats came after %s", want, n.at.Sub(beats[j-1].at))
				}
			}
			if least := 1 + week; i < least {
				t.Errorf("%s: %d heartbeats while a run of many minutes was under way", want, i)
			}
		}
	})
}

// A run of five weeks, of which each has steps of some seconds, is told with no more than a heartbeat a minute.
func TestHeartbeatsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, _, _ := bubbleStore(t, "{spread: 0s, lookback_weeks: 4}")
		placeBeats(t, p, 10*time.Minute) // not now
		slowDMS(p, 7*time.Second)
		w := watchBeats(p, transport)
		stop := startService(t, p)
		defer stop()
		time.Sleep(toMonday + 4*7*24*time.Hour - time.Minute)
		from := time.Now()
		time.Sleep(20 * time.Minute)
		beats := w.beats(from)
		if len(beats) < 3 || w.states(from) != "pulling idle" {
			t.Errorf("%d heartbeats of a run of some minutes: %s", len(beats), w.states(from))
		}
		for i := range len(beats) - 2 {
			if pause := beats[i+1].at.Sub(beats[i].at); pause < time.Minute {
				t.Errorf("heartbeats came after %s", pause)
			}
		}
	})
}

// A run one step of which takes hours is told of each hour.
func TestHeartbeatsOfALongStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, _, _ := bubbleStore(t, "{spread: 0s}")
		p.transact = func(what string, transact func() error) error {
			if strings.HasPrefix(what, "finish reading of ") {
				time.Sleep(10 * time.Hour)
			}
			return transact()
		}
		w := watchBeats(p, transport)
		stop := startService(t, p)
		time.Sleep(toMonday + 9*time.Hour)
		from := time.Now().Add(-5 * time.Hour)
		if beats := w.beats(from); len(beats) != 5 || w.states(from) != upload.StatePulling {
			t.Errorf("in five hours of reading came %d heartbeats: %s", len(beats), w.states(from))
		}
		stop()
	})
}

// placeBeats gives the store a key by which its own second of the hour is this one.
func placeBeats(t *testing.T, p *program, second time.Duration) {
	t.Helper()
	for i := range 100_000 {
		key := sha256.Sum256(fmt.Append(nil, i))
		if secondOf(key[:]) == second {
			text := "roagent key 1\n" + base64.StdEncoding.EncodeToString(key[:]) + "\n"
			if err := os.WriteFile(filepath.Join(filepath.Dir(p.config), "data", "hash.key"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no key was found")
}

// A collector that never answers a heartbeat delays nothing and fails nothing: the run takes as long as without, also where an hourly
// one is under way when it is to begin.
func TestHeartbeatsDelayNothing(t *testing.T) {
	took := func(t *testing.T, answers bool) (seconds float64) {
		synctest.Test(t, func(t *testing.T) {
			p, transport, _, _ := bubbleStore(t, "{spread: 0s}")
			placeBeats(t, p, 29*time.Minute+57*time.Second)
			slowDMS(p, 11*time.Second)
			p.calm = false
			p.transport = simTransport(func(r *http.Request) (*http.Response, error) {
				if !answers && strings.HasSuffix(r.URL.Path, "/status") {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				if strings.Contains(r.URL.Path, "/batches/") {
					time.Sleep(time.Minute)
				}
				return transport.RoundTrip(r)
			})
			stop := startService(t, p)
			time.Sleep(toMonday + time.Hour)
			weeks, _ := knownWeeks(t, p)
			if len(weeks) != 1 || !weeks[0].Closed {
				t.Fatalf("the week is not closed: %+v", weeks)
			}
			seconds = weeks[0].ClosedAt.Sub(time.Now().Add(-time.Hour)).Seconds()
			stop()
		})
		return seconds
	}
	with, without := took(t, false), took(t, true)
	if with < 60 || with != without {
		t.Errorf("the week was closed %.0f s after the run began, %.0f s where heartbeats are answered", with, without)
	}
}

// A collector that says when it can be asked again gets no heartbeat until then, whoever it said it to.
func TestHeartbeatsKeepAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, _, _ := bubbleStore(t, "{spread: 0s}")
		slowDMS(p, 30*time.Second)
		w := watchBeats(p, transport)
		var until time.Time
		w.answer = func(r *http.Request) *http.Response {
			if beat := strings.HasSuffix(r.URL.Path, "/status"); beat && time.Now().Before(until) {
				t.Errorf("a heartbeat came %s too early", time.Until(until))
			}
			until = time.Now().Add(50 * time.Minute)
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"3000"}}, Body: http.NoBody, Request: r}
		}
		stop := startService(t, p)
		time.Sleep(toMonday + 24*time.Hour)
		stop()
		if n := len(w.beats(time.Time{})); n < 24 {
			t.Errorf("%d heartbeats in all", n)
		}
	})
}

// A collector that cannot be reached is asked once an hour, and by the runs that have something to send.
func TestHeartbeatsOfACollectorAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, transport, _, _ := bubbleStore(t, "{spread: 0s}")
		slowDMS(p, 40*time.Second)
		transport.down.Store(true)
		w := watchBeats(p, transport)
		stop := startService(t, p)
		time.Sleep(toMonday + 24*time.Hour)
		beats := w.beats(time.Time{})
		if hours := int(time.Since(beats[0].at) / time.Hour); len(beats) > hours+2 || len(beats) < hours-1 {
			t.Errorf("%d heartbeats in %d hours", len(beats), hours)
		}
		transport.down.Store(false)
		time.Sleep(2 * time.Hour)
		last := w.beats(time.Now().Add(-2 * time.Hour))
		if len(last) < 2 || last[len(last)-1].status.LastError != "" || last[len(last)-1].status.LastWeek != "1999-W52" {
			t.Errorf("once it is back: %+v", last)
		}
		stop()
	})
}

// What is wrong at a store is told in a word, with its time; and what comes next.
func TestHeartbeatTellsWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		schedule string
		spoil    func(*testing.T, *program, string)
		state    string
		class    string
	}{
		"unapproved": {"{spread: 0s}", func(t *testing.T, p *program, _ string) {
			reconfigureFile(t, strings.Replace(p.config, "roagent.yaml", "fieldmap.yaml", 1), "purpose:", "purpose: also something else,")
		}, upload.StateUnapproved, upload.ErrorUnapproved},
		"no DMS": {"{spread: 0s}", func(t *testing.T, _ *program, dms string) {
			if err := os.Rename(dms, dms+".away"); err != nil {
				t.Fatal(err)
			}
		}, upload.StateIdle, upload.ErrorDMS},
		"stop_by": {`{spread: 0s, stop_by: "02:45"}`, func(_ *testing.T, p *program, _ string) { slowDMS(p, 4*time.Minute) }, upload.StatePaused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, transport, _, dms := bubbleStore(t, test.schedule)
				w := watchBeats(p, transport)
				test.spoil(t, p, dms)
				stop := startService(t, p)
				time.Sleep(toMonday + 3*time.Hour)
				beats := w.beats(time.Now().Add(-time.Hour))
				stop()
				if len(beats) == 0 {
					t.Fatal("nothing was told")
				}
				got := beats[0].status
				if got.State != test.state || got.LastError != test.class || (test.class == "") != got.LastErrorAt.IsZero() || got.NextRun.Before(got.At) {
					t.Errorf("it says %+v", got)
				}
			})
		})
	}
}

// Each kind of failure is told by its class, whatever it is wrapped in.
func TestErrorClass(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("pull 2026-W46: %w", err) }
	for name, test := range map[string]struct {
		err        error
		unapproved bool
		want       string
	}{
		"nothing":                {nil, false, ""},
		"stopped":                {wrap(context.Canceled), false, ""},
		"not approved":           {&refusedError{"not approved", ""}, true, upload.ErrorUnapproved},
		"whitelist not known":    {&upload.SendError{Class: upload.ClassUnapproved}, false, upload.ErrorUnapproved},
		"forbidden":              {&refusedError{"forbidden", ""}, false, upload.ErrorRefused},
		"a DMS away, unapproved": {&extract.UnreachableError{}, true, upload.ErrorDMS},
		"most of a week is gone": {errors.Join(refuseVanished(&upload.VanishedError{}), &upload.SendError{Class: upload.ClassUnreachable}), false, upload.ErrorVanished},
		"configuration":          {&usageError{"wrong", ""}, false, upload.ErrorConfiguration},
		"DMS, and a collector":   {errors.Join(&extract.DatabaseError{}, &upload.SendError{Class: upload.ClassUnreachable}), false, upload.ErrorDMS},
		"collector":              {&upload.SendError{Class: upload.ClassUnauthorized}, false, upload.ErrorCollector},
		"refused there":          {&upload.SendError{Class: upload.ClassRefused}, false, upload.ErrorCollectorRefused},
		"full":                   {errors.Join(wrap(upload.ErrFull), &upload.SendError{Class: upload.ClassUnreachable}), false, upload.ErrorQueueFull},
		"no room":                {wrap(&upload.DiskFullError{Err: errors.New("no space")}), false, upload.ErrorDiskFull},
		"damaged":                {wrap(&upload.CorruptError{Err: errors.New("cut")}), false, upload.ErrorDamaged},
		"no key":                 {wrap(&upload.KeyError{}), false, upload.ErrorDamaged},
		"parked":                 {errParked, false, upload.ErrorParked},
		"anything":               {errors.New("it fails"), false, upload.ErrorFailed},
	} {
		if got := errorClass(test.err, test.unapproved); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

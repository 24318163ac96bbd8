package upload_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// TestStatus (complaints 16, 22, 23) holds what each answer to a batch does. Whatever it is, nothing is dropped: each
// order is delivered, waits or is parked.
func TestStatus(t *testing.T) {
	untrusted := func(*http.Request, http.RoundTripper) (*http.Response, error) {
		return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
	}
	problem := func(status int) uploadtest.Fault {
		return uploadtest.Problem(upload.Problem{Status: status, Title: "no"})
	}
	tests := []struct {
		name                       string
		fault                      uploadtest.Fault // of every attempt
		class                      upload.SendClass // "": Send succeeds
		says                       string           // in the error
		delivered, waiting, parked int
	}{
		{name: "201", fault: nil, delivered: 2},
		{name: "200 without a receipt", fault: uploadtest.Answer(200, "text/plain", "OK"), class: upload.ClassNotCollector, says: "without a valid receipt", waiting: 2},
		{name: "200 with HTML", fault: uploadtest.Answer(200, "text/html", "<h1>Welcome to the hotel</h1>"), class: upload.ClassNotCollector, says: "login page", waiting: 2},
		{name: "204", fault: uploadtest.Answer(204, "", ""), class: upload.ClassNotCollector, says: "204", waiting: 2},
		{name: "200 without end", fault: uploadtest.Endless(200, "text/plain"), class: upload.ClassNotCollector, says: "without a valid receipt", waiting: 2},
		{name: "302", fault: uploadtest.Answer(302, "text/html", "", "Location", "https://elsewhere.test/"), class: upload.ClassNotCollector, says: "collector.url", waiting: 2},
		{name: "400 with a problem", fault: problem(400), parked: 2},
		{name: "400 with HTML", fault: uploadtest.Answer(400, "text/html", "bad"), class: upload.ClassNotCollector, says: "400", waiting: 2},
		{name: "401", fault: problem(401), class: upload.ClassUnauthorized, says: `"no"; all that waits stays queued. Check collector.token`, waiting: 2},
		{name: "403", fault: uploadtest.Answer(403, "text/html", "no"), class: upload.ClassUnauthorized, says: "collector.token", waiting: 2},
		{name: "404", fault: uploadtest.Answer(404, "text/html", "no"), class: upload.ClassNotCollector, says: "404", waiting: 2},
		{name: "404 with a problem", fault: problem(404), class: upload.ClassNotCollector, says: "404", waiting: 2},
		{name: "408", fault: problem(408), class: upload.ClassUnreachable, says: "408", waiting: 2},
		{name: "409 with a problem", fault: problem(409), parked: 2},
		{name: "409 with HTML", fault: uploadtest.Answer(409, "text/html", "no"), class: upload.ClassNotCollector, says: "409", waiting: 2},
		{
			name: "410 of a dealer who left", fault: uploadtest.Problem(upload.Problem{Type: upload.LeftType, Status: 410, Title: "the dealer has left"}),
			class: upload.ClassLeft, says: "new token", waiting: 2,
		},
		{name: "410 with HTML", fault: uploadtest.Answer(410, "text/html", "no"), class: upload.ClassNotCollector, says: "410", waiting: 2},
		{name: "413", fault: problem(413), parked: 2},
		{name: "415", fault: problem(415), class: upload.ClassNotCollector, says: "415", waiting: 2},
		{name: "422 without lines", fault: problem(422), parked: 2},
		{name: "422 for one line", fault: uploadtest.Problem(upload.Problem{Status: 422, Title: "no", Lines: []upload.LineProblem{{Line: 1, Detail: "no"}}}), parked: 2},
		{name: "422 for a line that is not there", fault: uploadtest.Problem(upload.Problem{Status: 422, Title: "no", Lines: []upload.LineProblem{{Line: 7, Detail: "no"}}}), parked: 2},
		{name: "422 with HTML", fault: uploadtest.Answer(422, "text/html", "no"), class: upload.ClassNotCollector, says: "422", waiting: 2},
		{name: "425", fault: problem(425), class: upload.ClassUnreachable, says: "425", waiting: 2},
		{name: "429", fault: problem(429), class: upload.ClassUnreachable, says: "429", waiting: 2},
		{name: "500", fault: uploadtest.Answer(500, "text/html", "no"), class: upload.ClassUnreachable, says: "500", waiting: 2},
		{name: "501", fault: uploadtest.Answer(501, "text/html", "no"), class: upload.ClassUnreachable, says: "501", waiting: 2},
		{name: "503", fault: problem(503), class: upload.ClassUnreachable, says: "503", waiting: 2},
		{name: "an endless problem", fault: uploadtest.Endless(422, upload.ProblemType), class: upload.ClassNotCollector, says: "422", waiting: 2},
		{name: "refused connection", fault: uploadtest.Down, class: upload.ClassUnreachable, says: "cannot be reached", waiting: 2},
		{name: "reset", fault: uploadtest.Reset, class: upload.ClassUnreachable, says: "cannot be reached", waiting: 2},
		{name: "no answer", fault: uploadtest.Hang, class: upload.ClassUnreachable, says: "cannot be reached", waiting: 2},
		{name: "untrusted certificate", fault: untrusted, class: upload.ClassUnreachable, says: "collector.ca", waiting: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
				if tt.fault != nil {
					s.collector.FailBatches(tt.fault)
				}
				sent, err := s.trySend()
				s.wantClass(err, tt.class, tt.says)
				pending, err := s.queue.Pending()
				if err != nil {
					t.Fatal(err)
				}
				got := []int{sent.Orders, pending.Orders, s.parkedOrders()}
				if diff := cmp.Diff([]int{tt.delivered, tt.waiting, tt.parked}, got); diff != "" {
					t.Errorf("delivered, waiting, parked: %s", diff)
				}
				s.recovers()
			})
		})
	}
}

// wantClass checks the error of a Send.
func (s *site) wantClass(err error, class upload.SendClass, says string) {
	s.t.Helper()
	var send *upload.SendError
	switch {
	case class == "" && err != nil:
		s.t.Fatal(err)
	case class == "":
	case !errors.As(err, &send) || send.Class != class || !strings.Contains(err.Error(), says):
		s.t.Fatal("want ", class, " ", says, ", got ", err)
	}
}

func (s *site) parkedOrders() (n int) {
	s.t.Helper()
	items, err := s.queue.Parked()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, item := range items {
		n += item.Orders
	}
	return n
}

// recovers (complaint 20) lets the collector behave, in the same process: all arrives.
func (s *site) recovers() {
	s.t.Helper()
	s.collector.FailBatches(nil)
	items, err := s.queue.Parked()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, item := range items {
		if err := s.queue.Release(item.Number, "tester"); err != nil {
			s.t.Fatal(err)
		}
	}
	s.send()
	if held := s.collector.Held(); len(held) != 2 {
		s.t.Error("held in the end: ", held)
	}
	if _, ok := s.collector.Manifest("2026-W46"); !ok {
		s.t.Error("the week has no manifest")
	}
	s.sound()
}

// TestRecovers (complaints 20, 23) lets single requests fail; Send gets past them by itself and sends nothing twice.
func TestRecovers(t *testing.T) {
	tests := []struct {
		name   string
		faults []uploadtest.Fault
		within time.Duration
	}{
		{name: "5xx storm", faults: []uploadtest.Fault{uploadtest.Answer(500, "", ""), uploadtest.Answer(502, "", ""), uploadtest.Answer(503, "", ""), uploadtest.Answer(504, "", "")}, within: time.Minute},
		{name: "reset", faults: []uploadtest.Fault{uploadtest.Reset}, within: time.Minute},
		{name: "answer lost", faults: []uploadtest.Fault{uploadtest.LoseAnswer}, within: time.Minute},
		{name: "answer breaks off", faults: []uploadtest.Fault{uploadtest.BreakOff}, within: time.Minute},
		{name: "slow", faults: []uploadtest.Fault{uploadtest.Slow(4 * time.Minute)}, within: 5 * time.Minute},
		{name: "hangs once", faults: []uploadtest.Fault{uploadtest.Hang}, within: 6 * time.Minute},
		{name: "retry after hostile", faults: []uploadtest.Fault{uploadtest.Answer(503, "", "", "Retry-After", "99999999999999999999")}, within: 2 * time.Hour},
		{name: "retry after a date", faults: []uploadtest.Fault{uploadtest.Answer(429, "", "", "Retry-After", "Sat, 01 Jan 2000 00:10:00 GMT")}, within: 16 * time.Minute},
		{name: "retry after nonsense", faults: []uploadtest.Fault{uploadtest.Answer(503, "", "", "Retry-After", "soon")}, within: time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
				s.collector.Fail(tt.faults...)
				start := time.Now()
				sent := s.send()
				if diff := cmp.Diff(upload.Sent{Batches: 1, Orders: 2, Bytes: sent.Bytes, Manifests: 1}, sent); diff != "" {
					t.Error(diff)
				}
				if took := time.Since(start); took > tt.within {
					t.Errorf("took %v", took)
				}
				s.sound()
			})
		})
	}
}

// TestRetryAfter (complaint 22) holds that the collector's own wait is kept, in both forms. A bubble's clock starts at
// midnight of 1 January 2000, UTC.
func TestRetryAfter(t *testing.T) {
	for _, header := range []string{"600", "Sat, 01 Jan 2000 00:10:00 GMT"} {
		t.Run(header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.pull("2026-W46", order("RO1", "oil"))
				s.collector.Fail(uploadtest.Answer(429, "", "", "Retry-After", header))
				start := time.Now()
				s.send()
				if waited := time.Since(start); waited < 10*time.Minute || waited > 16*time.Minute {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}

// TestRetryAfterEndsSend holds that a Send that has not begun does not sit a long wait out: it ends, and says how long.
func TestRetryAfterEndsSend(t *testing.T) {
	for header, asked := range map[string]time.Duration{"600": 10 * time.Minute, "Sat, 01 Jan 2000 00:10:00 GMT": 10 * time.Minute, "99999999999999999999": time.Hour} {
		t.Run(header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
				s.approve()
				s.collector.FailQuestions(uploadtest.Answer(429, "", "", "Retry-After", header))
				start := time.Now()
				_, err := s.sender.Send(t.Context())
				failed, ok := errors.AsType[*upload.SendError](err)
				if waited := time.Since(start); !ok || failed.After != asked || waited != 0 {
					t.Errorf("waited %v: %v", waited, err)
				}
				s.collector.FailQuestions(nil)
				s.recovers()
			})
		})
	}
}

// TestReceipt (complaint 23) holds that nothing but the receipt for what was sent proves that it is stored.
func TestReceipt(t *testing.T) {
	stranger, _ := uploadtest.NewKey(t, "collector.test")
	tests := map[string]func(*uploadtest.Collector) uploadtest.Fault{
		"another key": func(c *uploadtest.Collector) uploadtest.Fault { return c.Resign(stranger, nil) },
		"another batch": func(c *uploadtest.Collector) uploadtest.Fault {
			return c.Resign(nil, func(r *upload.Receipt) { r.ID = strings.Repeat("0", 64) })
		},
		"another dealer": func(c *uploadtest.Collector) uploadtest.Fault {
			return c.Resign(nil, func(r *upload.Receipt) { r.Dealer = "99999" })
		},
		"another week": func(c *uploadtest.Collector) uploadtest.Fault {
			return c.Resign(nil, func(r *upload.Receipt) { r.Week = r.Week.Next() })
		},
		"fewer orders": func(c *uploadtest.Collector) uploadtest.Fault {
			return c.Resign(nil, func(r *upload.Receipt) { r.Orders-- })
		},
		"of a manifest": func(c *uploadtest.Collector) uploadtest.Fault {
			return c.Resign(nil, func(r *upload.Receipt) { r.What = upload.ManifestReceipt })
		},
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
			s.collector.FailBatches(fault(s.collector))
			_, err := s.trySend()
			s.wantClass(err, upload.ClassNotCollector, "receipt")
			if pending, err := s.queue.Pending(); err != nil || pending.Orders != 2 {
				t.Errorf("waiting: %+v %v", pending, err)
			}
			s.recovers()
		})
	}
}

// TestRequest holds what every request carries, and that the token is in no log.
func TestRequest(t *testing.T) {
	s := newSite(t)
	var log bytes.Buffer
	s.sender.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.sender.Version = "1.2.3"
	s.sender.RetryMin, s.sender.RetryMax = time.Millisecond, time.Millisecond
	s.collector.NoZstd = true
	s.collector.Fail(uploadtest.Reset, uploadtest.Answer(503, "", ""))
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	if err := s.beat(); err != nil {
		t.Fatal(err)
	}
	var encodings []string
	for _, r := range s.collector.Requests() {
		encodings = append(encodings, r.Encoding)
		for name, want := range map[string]string{"User-Agent": "roagent/1.2.3", "Authorization": "Bearer the-token"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", r.Path, name, got)
			}
		}
		if digest := r.Header.Get("Fieldmap-Digest"); digest != s.orders.Digest().String() && !strings.HasSuffix(r.Path, "/status") {
			t.Errorf("%s: Fieldmap-Digest is %q", r.Path, digest)
		}
	}
	if diff := cmp.Diff([]string{"zstd", "zstd", "zstd", "gzip", "", ""}, encodings); diff != "" {
		t.Error(diff)
	}
	if log.Len() == 0 || strings.Contains(log.String(), "the-token") || strings.Contains(log.String(), "oil") {
		t.Errorf("log: %s", log.String())
	}
	if len(s.collector.Statuses()) != 1 {
		t.Error("no heartbeat came")
	}
}

// beat sends a heartbeat.
func (s *site) beat() error {
	tell, err := s.sender.Heartbeat(upload.Status{DealerID: dealer, State: "idle"})
	if err != nil {
		return err
	}
	return tell(s.t.(*testing.T).Context())
}

// A heartbeat asks once, whatever the answer is, and says when the collector wants to be left alone. The queue may be closed by then.
func TestHeartbeatAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		for name, fault := range map[string]uploadtest.Fault{
			"reset": uploadtest.Reset, "busy": uploadtest.Answer(503, "", "", "Retry-After", "1800"), "failed": uploadtest.Answer(500, "", ""),
			"refused": uploadtest.Problem(upload.Problem{Title: "no", Status: 400}), "portal": uploadtest.Answer(404, "text/html", ""),
		} {
			before, start := len(s.collector.Requests()), time.Now()
			s.collector.Fail(fault)
			err := s.beat()
			failed, ok := errors.AsType[*upload.SendError](err)
			if !ok || name == "busy" && failed.After != 30*time.Minute {
				t.Errorf("%s: got %v", name, err)
			}
			if n := len(s.collector.Requests()) - before; n > 1 || time.Since(start) > 0 {
				t.Errorf("%s: %d requests in %s", name, n, time.Since(start))
			}
		}
		tell, err := s.sender.Heartbeat(upload.Status{DealerID: dealer, State: "idle"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.queue.Close(); err != nil {
			t.Fatal(err)
		}
		if err := tell(t.Context()); err != nil || len(s.collector.Statuses()) != 1 {
			t.Errorf("got %v and %d heartbeats", err, len(s.collector.Statuses()))
		}
	})
}

// TestSendStops holds that a cancelled Send ends at once and leaves all as it was.
func TestSendStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
		s.approve()
		for _, fault := range []uploadtest.Fault{uploadtest.Hang, uploadtest.Answer(503, "", "", "Retry-After", "3000")} {
			s.collector.FailBatches(fault)
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
			start := time.Now()
			_, err := s.sender.Send(ctx)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 7*time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
		s.recovers()
	})
}

// TestSplit holds that a batch that is too large goes in parts, and that one order that is too large stops no other.
func TestSplit(t *testing.T) {
	s := newSite(t)
	orders := []uploadtest.Order{order("RO1", "oil"), order("RO2", "tyres"), order("RO3", "brakes"), order("RO4", "wash"), order("RO5", "lamp")}
	s.pull("2026-W46", orders...)
	s.collector.MaxOrders = 2
	sent := s.send()
	if diff := cmp.Diff(upload.Sent{Batches: 3, Orders: 5, Bytes: sent.Bytes, Manifests: 1}, sent); diff != "" {
		t.Error(diff)
	}
	s.sound()
}

// TestHold holds that a batch waits for its time, and that what a large one is split into does not wait again.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.queue.Hold = 48 * time.Hour
		s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"), order("RO3", "brakes"))
		s.collector.MaxOrders = 2
		time.Sleep(48*time.Hour - time.Second)
		if sent := s.send(); sent != (upload.Sent{}) || len(s.collector.Requests()) > 0 {
			t.Errorf("sent before its time: %+v", sent)
		}
		time.Sleep(time.Second)
		if sent := s.send(); sent.Orders != 3 || sent.Manifests != 1 {
			t.Errorf("sent in its time: %+v", sent)
		}
		s.sound()
	})
}

// TestPoisonedLine (complaint 21) holds that one refused order stops no other, and that a later edit of it gets through
// with the revision that was refused.
func TestPoisonedLine(t *testing.T) {
	s := newSite(t)
	s.collector.Refuse = refuseBad
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "bad"), order("RO3", "wash"))
	sent := s.send()
	if diff := cmp.Diff(upload.Sent{Batches: 1, Orders: 2, Bytes: sent.Bytes, Manifests: 1, Parked: 1}, sent); diff != "" {
		t.Error(diff)
	}
	items, err := s.queue.Parked()
	if err != nil || len(items) != 1 || items[0].Key != "RO2" || !strings.Contains(items[0].Reason, "it is bad") {
		t.Fatalf("parked: %+v %v", items, err)
	}
	if _, lines, err := s.queue.ParkedLines(items[0].Number); err != nil || len(lines) != 1 || !bytes.Contains(lines[0], []byte(`"bad"`)) {
		t.Errorf("parked lines: %q %v", lines, err)
	}
	if m, _ := s.collector.Manifest("2026-W46"); m.Held != 2 || m.Parked != 1 || m.Orders != 2 {
		t.Errorf("manifest: %+v", m)
	}
	before := len(s.collector.Requests())
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "bad"), order("RO3", "wash"))
	if s.send(); len(s.collector.Requests()) != before {
		t.Error("the refused order was sent again")
	}
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "good"), order("RO3", "wash"))
	s.send()
	if line := s.collector.Held()["2026-W46/RO2"]; line.Revision != 1 || line.Replaces != "" {
		t.Errorf("the mended order: %+v", line)
	}
	if s.parkedOrders() != 0 {
		t.Error("it is still parked")
	}
	s.sound()
}

// TestRefusedAfterVoid holds that the collector's refusal of an order that came back does not make the queue forget that
// the collector has it voided.
func TestRefusedAfterVoid(t *testing.T) {
	s := newSite(t)
	s.collector.Refuse = refuseBad
	for _, orders := range [][]uploadtest.Order{{order("RO1", "oil")}, nil, {order("RO1", "bad")}, {order("RO1", "oil")}} {
		s.pull("2026-W46", orders...)
		s.send()
	}
	if line := s.collector.Held()["2026-W46/RO1"]; line.Revision != 3 {
		t.Errorf("held: %+v", line)
	}
	s.sound()
}

// TestRefusedBefore holds that lines that wait behind one that is refused take its revisions, whatever they are.
func TestRefusedBefore(t *testing.T) {
	tests := map[string]struct {
		before, behind []string // what RO1 is read as, "" gone: sent before, and queued together
		revision       int      // held in the end; 0: none
	}{
		"edited":                  {behind: []string{"bad", "oil"}, revision: 1},
		"edited twice":            {behind: []string{"bad", "oil", "tyres"}, revision: 2},
		"deleted":                 {behind: []string{"bad", ""}},
		"deleted and back":        {behind: []string{"bad", "", "oil"}, revision: 1},
		"back to what it was":     {before: []string{"oil"}, behind: []string{"bad", "oil"}, revision: 1},
		"void again":              {before: []string{"oil", ""}, behind: []string{"bad", ""}},
		"void, and back":          {before: []string{"oil", ""}, behind: []string{"bad", "oil"}, revision: 3},
		"two bad, then good":      {behind: []string{"bad", "very bad", "oil"}, revision: 1},
		"deleted after the first": {before: []string{"oil"}, behind: []string{"bad", ""}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.collector.Refuse = refuseBad
			read := func(text string) {
				if text == "" {
					s.pull("2026-W46", order("RO2", "wash"))
				} else {
					s.pull("2026-W46", order("RO1", text), order("RO2", "wash"))
				}
			}
			for _, text := range tt.before {
				read(text)
				s.send()
			}
			for _, text := range tt.behind {
				read(text)
			}
			s.send()
			if got := s.collector.Held()["2026-W46/RO1"].Revision; got != tt.revision {
				t.Errorf("held is revision %d", got)
			}
			if n := s.parkedOrders(); n != 0 {
				t.Errorf("%d orders are parked, though a later version is held", n)
			}
			requests := len(s.collector.Requests())
			if read(tt.behind[len(tt.behind)-1]); s.send().Batches != 0 || len(s.collector.Requests()) != requests {
				t.Error("reading it again sent something")
			}
			s.sound()
		})
	}
}

// TestCollectorLost holds that a collector that lost a week gets it again, each batch as it was.
func TestCollectorLost(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "oil"))
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
	s.send()
	s.collector.Forget("2026-W46")
	s.pull("2026-W46", order("RO1", "oil and filter"), order("RO2", "tyres"))
	sent := s.send()
	if diff := cmp.Diff(upload.Sent{Batches: 3, Orders: 3, Bytes: sent.Bytes, Manifests: 1}, sent); diff != "" {
		t.Error(diff)
	}
	if held := s.collector.Held(); len(held) != 2 || held["2026-W46/RO1"].Revision != 2 {
		t.Errorf("held: %+v", held)
	}
	s.sound()
}

// TestLostAndRefused holds that a batch which the collector took once, lost and refuses now does not change what later
// lines build on.
func TestLostAndRefused(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "bad"))
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	s.collector.Forget("2026-W46")
	s.collector.Refuse = refuseBad
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "wash"))
	if sent := s.send(); sent.Parked != 1 {
		t.Errorf("sent %+v", sent)
	}
	s.pull("2026-W46", order("RO1", "oil and filter"), order("RO2", "wash"))
	s.send()
	if line := s.collector.Held()["2026-W46/RO1"]; line.Revision != 3 {
		t.Errorf("held %+v", line)
	}
	s.sound()
}

// TestLostAndRefusedAlone holds that an order of which the collector took the only line, lost it and refuses it now is not
// counted as held, closes its week, and is sent once a person releases it.
func TestLostAndRefusedAlone(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "bad"))
	s.send()
	s.collector.Forget("2026-W46")
	s.collector.Refuse = refuseBad
	s.pull("2026-W46", order("RO1", "bad"), order("RO2", "wash"))
	s.send()
	if m, ok := s.collector.Manifest("2026-W46"); !ok || m.Held != 1 || m.Parked != 1 {
		t.Errorf("manifest %+v, taken: %v", m, ok)
	}
	s.collector.Refuse = nil
	items, err := s.queue.Parked()
	if err != nil || len(items) != 1 {
		t.Fatalf("parked: %+v %v", items, err)
	}
	if err := s.queue.Release(items[0].Number, "kim"); err != nil {
		t.Fatal(err)
	}
	s.send()
	if line, ok := s.collector.Held()["2026-W46/RO1"]; !ok || line.Revision != 1 {
		t.Errorf("held %+v", s.collector.Held())
	}
	s.sound()
}

// TestReleaseAndDrop holds what a person can do about a refused order.
func TestReleaseAndDrop(t *testing.T) {
	s := newSite(t)
	s.collector.Refuse = refuseBad
	s.pull("2026-W46", order("RO1", "bad"), order("RO2", "bad too"))
	s.send()
	items, err := s.queue.Parked()
	if err != nil || len(items) != 2 {
		t.Fatalf("parked: %+v %v", items, err)
	}
	s.collector.Refuse = nil
	if err := errors.Join(s.queue.Release(items[0].Number, "kim"), s.queue.Drop(items[1].Number, "kim")); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.Release(items[0].Number, "kim"); err == nil || !strings.Contains(err.Error(), "parked list") {
		t.Errorf("released twice: %v", err)
	}
	s.send()
	s.pull("2026-W46", order("RO1", "bad"), order("RO2", "bad too")) // nothing new: neither is sent
	s.pull("2026-W46", order("RO1", "worse"), order("RO2", "good"))
	s.send()
	got := map[string]int{}
	for _, line := range s.collector.Held() {
		got[line.Key] = line.Revision
	}
	if diff := cmp.Diff(map[string]int{"RO1": 2, "RO2": 1}, got); diff != "" {
		t.Error(diff)
	}
	var who []string
	for e, err := range s.queue.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Who != "" && e.Kind != upload.ApprovalEntry {
			who = append(who, string(e.Kind)+" "+e.Who+" "+e.Key)
		}
	}
	if diff := cmp.Diff([]string{"released kim RO1", "dropped kim RO2"}, who); diff != "" {
		t.Error(diff)
	}
	s.sound()
}

// TestCollectorKeepsLosing holds that this does not go on for ever.
func TestCollectorKeepsLosing(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "oil"))
	s.collector.LoseManifests = true
	_, err := s.trySend()
	s.wantClass(err, upload.ClassRefused, "keeps losing")
	s.collector.LoseManifests = false
	s.send()
	s.sound()
}

// TestManifestRefused holds that one week's manifest stops no other's.
func TestManifestRefused(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W45", order("RO1", "oil"))
	s.pull("2026-W46", order("RO2", "tyres"))
	s.collector.Fail(nil, nil, uploadtest.Problem(upload.Problem{Status: 422, Title: "no"}))
	sent, err := s.trySend()
	s.wantClass(err, upload.ClassRefused, "2026-W45")
	if sent.Manifests != 1 {
		t.Errorf("sent: %+v", sent)
	}
	s.send()
	for _, name := range []string{"2026-W45", "2026-W46"} {
		if _, ok := s.collector.Manifest(name); !ok {
			t.Errorf("%s has no manifest", name)
		}
	}
}

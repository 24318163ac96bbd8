package upload_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

// leaving returns a site that has sent two weeks, of which something waits and something is parked, and that begins to leave.
func leaving(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.pull("2026-W45", about("RO1", "A", "7"))
	s.pull("2026-W46", about("RO2", "A", "8"), about("RO3", "B", "7"))
	s.send()
	s.collector.Refuse = refuseBad
	s.pull("2026-W46", about("RO2", "A", "8"), about("RO3", "B", "7"), order("RO4", "bad"))
	s.send()
	s.pull("2026-W46", about("RO2", "C", "8"), about("RO3", "B", "7"), order("RO4", "bad"), order("RO5", "oil"))
	s.begin("2026-W47")
	if s.parkedOrders() != 1 {
		t.Fatal("nothing is parked")
	}
	if err := s.queue.RecordAccess("kim", []string{"table dbo.X"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.BeginLeaving("kim", time.Now()); err != nil {
		t.Fatal(err)
	}
	return s
}

// leave does what is left to do.
func (s *site) leave() upload.Emptied {
	s.t.Helper()
	_, signed, err := s.sender.Leave(s.t.(*testing.T).Context())
	if err != nil {
		s.t.Fatal(err)
	}
	emptied, err := s.queue.Leave("kim", signed, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return emptied
}

// wantRefusals holds that nothing is read, sent or released of a dealer who leaves.
func (s *site) wantRefusals(done bool) {
	s.t.Helper()
	requests := len(s.collector.Requests())
	_, beginErr := s.queue.Begin(week(s.t, "2026-W48"), s.orders.Digest(), time.Now())
	_, sendErr := s.sender.Send(s.t.(*testing.T).Context())
	_, beatErr := s.sender.Heartbeat(upload.Status{DealerID: dealer, State: "idle"})
	for what, err := range map[string]error{
		"begin":     beginErr,
		"send":      sendErr,
		"heartbeat": beatErr,
		"release":   s.queue.Release(1, "kim"),
	} {
		if left, ok := errors.AsType[*upload.LeftError](err); !ok || left.Done != done || left.Who != "kim" {
			s.t.Error(what, "got", err, ", want a LeftError")
		}
	}
	if n := len(s.collector.Requests()); n != requests {
		s.t.Error(n-requests, "requests came")
	}
	if _, ok, err := s.queue.Approved(); ok || err != nil {
		s.t.Error("the approval still counts", err)
	}
	if _, ok, err := s.queue.ApprovedAccess(); ok || err != nil {
		s.t.Error("the approval of access still counts", err)
	}
}

func TestLeave(t *testing.T) {
	s := newSite(t)
	if _, _, err := s.sender.Leave(t.Context()); err == nil || len(s.collector.Deletions()) > 0 {
		t.Fatal("all was deleted of a dealer who takes part")
	}
	if _, err := s.queue.Leave("kim", nil, time.Now()); err == nil {
		t.Fatal("the queue of a dealer who takes part was emptied")
	}

	s = leaving(t)
	if err := s.queue.BeginLeaving("lee", time.Now()); err != nil { // nothing new
		t.Fatal(err)
	}
	sent := found{Sent: []string{"2026-W45 RO1/1", "2026-W46 RO2/1"}}
	s.wantAbout(fieldmap.Vehicle, "A", sent)
	if left := (&upload.LeftError{}); !errors.As(s.orders.Approve(s.queue), &left) {
		t.Error("a whitelist was approved halfway through leaving")
	}
	if pending, err := s.queue.Pending(); err != nil || pending.Orders != 2 {
		t.Fatalf("before the collector has answered %d lines wait, %v", pending.Orders, err)
	}

	emptied := s.leave()
	if diff := cmp.Diff(upload.Emptied{Batches: 1, Orders: 2, Parked: 1}, emptied); diff != "" {
		t.Error(diff)
	}
	for range 2 { // also in the next process
		s.wantRefusals(true)
		weeks, err := s.queue.Weeks()
		pending, pendingErr := s.queue.Pending()
		if err := errors.Join(err, pendingErr); err != nil || len(weeks) > 0 || pending != (upload.PendingStatus{}) || s.parkedOrders() > 0 {
			t.Errorf("left in the queue: %v %v %d %v", weeks, pending, s.parkedOrders(), err)
		}
		s.wantAbout(fieldmap.Vehicle, "A", sent)
		s.wantAbout(fieldmap.Vehicle, "C", found{}) // it waited, and never left
		s.sound()
		s.reopen()
	}
	d, ok, err := s.queue.Departure()
	if err != nil || !ok || !d.Done {
		t.Fatalf("got %+v %v %v", d, ok, err)
	}
	e, _, err := s.queue.LedgerEntry(d.Entry)
	deletion, proved := e.Deletion()
	if err != nil || !proved || deletion.Weeks != 2 || deletion.Orders != 3 || e.Orders != 2 {
		t.Errorf("the ledger has %+v %v", e.Entry, err)
	}
	sum, err := s.queue.VerifyLedger(s.collector.Verifier)
	if err != nil || sum.Receipts != 6 { // two batches, three manifests, the deletion
		t.Errorf("%+v %v", sum, err)
	}
	_, other := uploadtest.NewKey(t, "collector.test")
	if _, err := s.queue.VerifyLedger(other); !errors.Is(err, upload.ErrReceipt) {
		t.Errorf("with another key: %v", err)
	}
}

// unpackable is a text that hardly gets smaller, so that its batch has pages of its own in the file.
func unpackable(size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(rand.Text())
	}
	return b.String()
}

// A queue of many batches, sent and waiting, loses no page of its file when it is emptied.
func TestLeaveManyBatches(t *testing.T) {
	s := newSite(t)
	for i, name := range []string{"2026-W44", "2026-W45", "2026-W46", "2026-W47"} {
		p := s.begin(name)
		for n := range 40 {
			s.store(p, []byte{byte(n)}, uploadtest.Order{Key: fmt.Sprintf("RO%d-%d", i, n), Text: unpackable(4000), VIN: fmt.Sprint(n % 7)})
		}
		if i == 1 {
			s.send()
		}
	}
	if err := s.queue.BeginLeaving("kim", time.Now()); err != nil {
		t.Fatal(err)
	}
	if got, want := s.leave(), (upload.Emptied{Batches: 80, Orders: 80}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	s.sound()
	if _, d := s.about(fieldmap.Vehicle, "3"); len(d.Sent) != 12 || len(d.Waiting) > 0 || d.Unknown > 0 {
		t.Errorf("sent about a car: %+v", d)
	}
}

// Who takes part again begins anew: every order arrives with revision 1, the weeks are closed, and no number of the queue is used twice.
func TestLeaveAndTakePartAgain(t *testing.T) {
	s := leaving(t)
	s.leave()
	s.approve()
	if _, ok, err := s.queue.Departure(); ok || err != nil {
		t.Fatalf("still leaving: %v %v", ok, err)
	}
	s.pull("2026-W46", about("RO2", "A", "8"), about("RO3", "B", "7"))
	_, err := s.trySend()
	s.wantClass(err, upload.ClassLeft, "new token")
	if pending, err := s.queue.Pending(); err != nil || pending.Orders != 2 {
		t.Errorf("waiting: %+v %v", pending, err)
	}
	s.collector.Readmit()
	before := len(s.collector.Requests())
	s.send()
	if n := len(s.collector.Requests()) - before; n != 2 {
		t.Errorf("a batch and a manifest took %d requests: the queue took its whitelist for declared", n)
	}
	s.pull("2026-W45", about("RO1", "A", "7"))
	s.pull("2026-W47", order("RO9", "oil"))
	s.send()
	s.wantHeld(map[string]int{"2026-W45/RO1": 1, "2026-W46/RO2": 1, "2026-W46/RO3": 1, "2026-W47/RO9": 1})
	for _, name := range []string{"2026-W45", "2026-W46", "2026-W47"} {
		if m, ok := s.collector.Manifest(name); !ok || m.Readings != 1 {
			t.Errorf("%s: %+v %v", name, m, ok)
		}
	}
	s.wantAbout(fieldmap.Vehicle, "A", found{Sent: []string{"2026-W45 RO1/1", "2026-W46 RO2/1"}})
	s.sound()
	if _, err := s.queue.VerifyLedger(s.collector.Verifier); err != nil {
		t.Error(err)
	}
}

// Where the collector keeps what it holds, who takes part again goes on behind it, as any new data folder does.
func TestLeaveWithoutTheCollector(t *testing.T) {
	s := leaving(t)
	if _, err := s.queue.Leave("kim", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if n := len(s.collector.Deletions()); n > 0 {
		t.Errorf("the collector was asked %d times", n)
	}
	s.wantRefusals(true)
	if _, err := s.queue.VerifyLedger(s.collector.Verifier); err != nil {
		t.Error(err)
	}
	s.approve()
	s.pull("2026-W46", order("RO2", "oil"))
	s.pull("2026-W47", order("RO9", "oil"))
	if sent := s.send(); sent.Adopted != 1 || sent.Orders != 1 {
		t.Errorf("sent %+v", sent)
	}
	s.wantHeld(map[string]int{"2026-W45/RO1": 1, "2026-W46/RO2": 1, "2026-W46/RO3": 1, "2026-W47/RO9": 1})
	s.readSend("2026-W46", order("RO2", "tyres"))
	s.wantHeld(map[string]int{"2026-W45/RO1": 1, "2026-W46/RO2": 2, "2026-W47/RO9": 1})
	s.sound()
}

// Whatever becomes of the request, nothing is emptied and nothing more is sent; asked again, the collector gives the same receipt.
func TestLeaveFaults(t *testing.T) {
	stranger, _ := uploadtest.NewKey(t, "collector.test")
	each := func(fault uploadtest.Fault) func(*uploadtest.Collector) uploadtest.Fault {
		return func(*uploadtest.Collector) uploadtest.Fault { return fault }
	}
	tests := []struct {
		name    string
		fault   func(*uploadtest.Collector) uploadtest.Fault // of every attempt
		class   upload.SendClass
		says    string
		deleted bool
	}{
		{"answer lost", each(uploadtest.LoseAnswer), upload.ClassUnreachable, "cannot be reached", true},
		{"answer broken off", each(uploadtest.BreakOff), upload.ClassUnreachable, "cannot be reached", true},
		{"no connection", each(uploadtest.Down), upload.ClassUnreachable, "cannot be reached", false},
		{"503", each(uploadtest.Answer(503, "", "")), upload.ClassUnreachable, "503", false},
		{"401", each(uploadtest.Answer(401, "", "")), upload.ClassUnauthorized, "collector.token", false},
		{"a login page", each(uploadtest.Answer(200, "text/html", "<h1>hotel</h1>")), upload.ClassNotCollector, "login page", false},
		{"an older collector", each(uploadtest.Problem(upload.Problem{Status: 404, Title: "nothing here"})), upload.ClassRefused, "--keep-remote", false},
		{"another key", func(c *uploadtest.Collector) uploadtest.Fault { return c.ResignDeletion(stranger, nil) }, upload.ClassNotCollector, "receipt", true},
		{"another dealer", func(c *uploadtest.Collector) uploadtest.Fault {
			return c.ResignDeletion(nil, func(r *upload.DeletionReceipt) { r.Dealer = "99999" })
		}, upload.ClassNotCollector, "99999", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := leaving(t)
				for range s.sender.Retries + 1 {
					s.collector.Fail(tt.fault(s.collector))
				}
				_, _, err := s.sender.Leave(t.Context())
				s.wantClass(err, tt.class, tt.says)
				if pending, err := s.queue.Pending(); err != nil || pending.Orders != 2 {
					t.Errorf("waiting: %+v %v", pending, err)
				}
				if gone := len(s.collector.Held()) == 0; gone != tt.deleted {
					t.Errorf("deleted: %v, want %v", gone, tt.deleted)
				}
				s.wantRefusals(false)
				s.collector.ClearFaults()
				s.reopen()
				first, _, err := s.sender.Leave(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				if second, _, err := s.sender.Leave(t.Context()); err != nil || second != first {
					t.Errorf("got %+v %v, then %+v", first, err, second)
				}
				s.leave()
				s.sound()
				for _, r := range s.collector.Deletions() {
					if r.Method != http.MethodDelete || r.Path != "/v1/dealers/"+dealer || r.Header.Get("Authorization") != "Bearer the-token" {
						t.Errorf("the request was %+v", r)
					}
				}
			})
		})
	}
}

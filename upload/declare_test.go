package upload_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// declarations returns the digests that were declared so far.
func (s *site) declarations() []string {
	var digests []string
	for _, r := range s.collector.Declarations() {
		digests = append(digests, r.Path[strings.LastIndex(r.Path, "/")+1:])
	}
	return digests
}

// TestDeclare holds that a whitelist is declared before what was read under it goes, once.
func TestDeclare(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W45", order("RO1", "oil"))
	s.pull("2026-W46", order("RO2", "oil"))
	s.send()
	s.reopen()
	s.pull("2026-W46", order("RO2", "tyres"))
	s.send()
	first := s.orders.Digest().String()
	if diff := cmp.Diff([]string{first}, s.declarations()); diff != "" {
		t.Error(diff)
	}
	s.orders = uploadtest.NewOrders(t, "another")
	s.pull("2026-W46", order("RO2", "brakes"))
	s.send()
	if diff := cmp.Diff([]string{first, s.orders.Digest().String()}, s.declarations()); diff != "" {
		t.Error(diff)
	}
	s.sound()
}

// TestDeclareNarrowed holds that a whitelist that is only narrower than the approved one is declared as well.
func TestDeclareNarrowed(t *testing.T) {
	s := newSite(t)
	s.approve()
	narrower := uploadtest.NewOrders(t, "narrower")
	if err := s.queue.RecordNarrowing(narrower.Digest(), narrower.Text(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s.orders = narrower
	s.pull("2026-W46", order("RO1", "oil"))
	if _, err := s.sender.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{narrower.Digest().String()}, s.declarations()); diff != "" {
		t.Error(diff)
	}
}

// TestUnapproved holds that nothing goes that was read under a whitelist which nobody approved, that the others go, and
// that it is said once.
func TestUnapproved(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W45", order("RO1", "oil"))
	s.approve()
	s.orders = uploadtest.NewOrders(t, "nobody's")
	s.pull("2026-W46", order("RO2", "oil"))
	s.pull("2026-W47", order("RO3", "oil"))
	s.pull("2026-W48") // of which only a manifest goes
	sent, err := s.sender.Send(t.Context())
	s.wantClass(err, upload.ClassUnapproved, "the ledger holds no approval of it")
	if got := strings.Count(err.Error(), "no approval"); got != 1 {
		t.Errorf("it is said %d times: %v", got, err)
	}
	if sent.Batches != 1 || sent.Manifests != 1 || s.parkedOrders() != 0 {
		t.Errorf("sent %+v, parked %d", sent, s.parkedOrders())
	}
	for _, r := range s.collector.Requests() {
		if !strings.Contains(r.Path, "2026-W45") {
			t.Errorf("sent %s", r.Path)
		}
	}
	if sent := s.send(); sent.Batches != 2 || sent.Manifests != 3 { // now it is approved
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}

// TestDeclaredAgain holds that a collector which knows the declaration no more is told again in the same run, be it
// that a batch shows it or a manifest.
func TestDeclaredAgain(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W45", order("RO1", "oil"))
	s.send()
	s.collector.ForgetDeclarations()
	s.pull("2026-W46", order("RO2", "oil"))
	s.send()
	s.collector.ForgetDeclarations()
	s.pull("2026-W47")
	s.send()
	if got := len(s.declarations()); got != 3 {
		t.Errorf("declared %d times, want 3", got)
	}
	if s.parkedOrders() != 0 || len(s.collector.Held()) != 2 {
		t.Errorf("held: %v", s.collector.Held())
	}
	s.sound()
}

// TestNeverDeclared holds that a collector which takes a declaration and does not know it does not keep the agent busy.
func TestNeverDeclared(t *testing.T) {
	s := newSite(t)
	undeclared := uploadtest.Problem(upload.Problem{Type: upload.UndeclaredType, Status: 412, Title: "not declared"})
	s.collector.FailBatches(undeclared)
	s.pull("2026-W45", order("RO1", "oil"))
	s.pull("2026-W46", order("RO2", "oil"))
	_, err := s.trySend()
	s.wantClass(err, upload.ClassRefused, "refused the batch all the same")
	if got := len(s.declarations()); got != 1 {
		t.Errorf("declared %d times, want once", got)
	}
	if s.parkedOrders() != 0 {
		t.Error("orders were parked")
	}
	s.recovers()
}

// TestDeclareStatus holds what each answer to a declaration does: whatever it is, no order goes, none is parked, and
// the next run goes on.
func TestDeclareStatus(t *testing.T) {
	problem := func(status int) uploadtest.Fault {
		return uploadtest.Problem(upload.Problem{Status: status, Title: "no"})
	}
	for _, tt := range []struct {
		name  string
		fault uploadtest.Fault
		class upload.SendClass
		says  string
	}{
		{"200 with nothing", uploadtest.Answer(200, "", ""), upload.ClassNotCollector, "login page"},
		{"200 with HTML", uploadtest.Answer(200, "text/html", "<h1>Welcome to the hotel</h1>"), upload.ClassNotCollector, "login page"},
		{"200 for another", uploadtest.Answer(200, "application/json", `{"dealer_id":"04123","fieldmap_digest":"00"}`), upload.ClassNotCollector, "declaration of the whitelist"},
		{"201 without end", uploadtest.Endless(201, "application/json"), upload.ClassNotCollector, "declaration"},
		{"302", uploadtest.Answer(302, "text/html", "", "Location", "https://elsewhere.test/"), upload.ClassNotCollector, "collector.url"},
		{"400 of an older collector", problem(400), upload.ClassRefused, "refused the declaration of the whitelist (400)"},
		{"401", problem(401), upload.ClassUnauthorized, "collector.token"},
		{"404 of a collector without declarations", problem(404), upload.ClassRefused, "Tell the collector's operator"},
		{"404 of nobody", uploadtest.Answer(404, "text/html", "no"), upload.ClassNotCollector, "404"},
		{"412", uploadtest.Problem(upload.Problem{Type: upload.UndeclaredType, Status: 412, Title: "no"}), upload.ClassNotCollector, "412"},
		{"503", problem(503), upload.ClassUnreachable, "503"},
		{"no answer", uploadtest.Hang, upload.ClassUnreachable, "cannot be reached"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t)
				s.pull("2026-W46", order("RO1", "oil"))
				s.pull("2026-W47", order("RO2", "oil"))
				s.collector.FailDeclarations(tt.fault)
				_, err := s.trySend()
				s.wantClass(err, tt.class, tt.says)
				if len(s.collector.Requests()) > 0 || s.parkedOrders() != 0 {
					t.Errorf("sent %v, parked %d", s.collector.Requests(), s.parkedOrders())
				}
				s.collector.FailDeclarations(nil)
				s.recovers()
			})
		})
	}
}

// TestDamagedApproval holds that a text is declared only under its own digest.
func TestDamagedApproval(t *testing.T) {
	s := newSite(t)
	if err := s.queue.RecordApproval("kim", "", s.orders.Digest(), s.orders.Text()+" ", time.Now()); err != nil {
		t.Fatal(err)
	}
	s.pull("2026-W46", order("RO1", "oil"))
	if _, err := s.sender.Send(t.Context()); err == nil || !strings.Contains(err.Error(), "entry 1 of the ledger does not have its digest") {
		t.Errorf("got %v", err)
	}
	if len(s.collector.Declarations()) > 0 {
		t.Error("it was declared")
	}
}

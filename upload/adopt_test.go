package upload_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

// TestNewFolder (complaint 17) holds that a new data folder goes on behind what another one has sent: nothing is sent
// twice, revisions go on counting, and the manifest names all batches.
func TestNewFolder(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "wash"), order("RO3", "lamp"), order("RO4", "horn"))
	s.pull("2026-W46", order("RO1", "oil and filter"), order("RO2", "wash"), order("RO3", "lamp"))
	s.send()
	s.newFolder(t)
	now := []uploadtest.Order{order("RO1", "tyres"), order("RO2", "wash"), order("RO4", "horn"), order("RO5", "new")}
	s.pull("2026-W46", now...)
	s.pull("2026-W45", order("RO6", "else"))
	if sent := s.send(); sent.Adopted != 1 || sent.Orders != 1 {
		t.Errorf("sent %+v", sent)
	}
	s.wantHeld(map[string]int{"2026-W45/RO6": 1, "2026-W46/RO1": 2, "2026-W46/RO2": 1, "2026-W46/RO3": 1})
	s.wantAnew("2026-W46")
	if _, ok := s.collector.Manifest("2026-W45"); !ok {
		t.Error("the other week is not closed")
	}
	s.pull("2026-W46", now...)
	if sent := s.send(); sent.Adopted != 0 || sent.Orders != 4 {
		t.Errorf("sent %+v", sent)
	}
	s.wantHeld(map[string]int{"2026-W45/RO6": 1, "2026-W46/RO1": 3, "2026-W46/RO2": 1, "2026-W46/RO4": 3, "2026-W46/RO5": 1})
	s.wantAnew()
	s.sound()
	if _, err := s.queue.VerifyLedger(s.collector.Verifier); err != nil {
		t.Error(err)
	}
	if entry, ok := s.lastOf(upload.AdoptedEntry); !ok || entry.Orders != 4 || !strings.Contains(entry.Why, "3 batches") || !strings.Contains(entry.Why, "4 lines") {
		t.Errorf("ledger: %+v", entry)
	}
}

// TestOlderCollector holds that a week stops of which the collector does not tell the orders.
func TestOlderCollector(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	s.newFolder(t)
	s.collector.NoOrders = true
	s.pull("2026-W46", order("RO1", "tyres"))
	s.pull("2026-W45", order("RO2", "wash"))
	_, err := s.trySend()
	s.wantClass(err, upload.ClassRefused, "1 batches of 2026-W46")
	s.wantHeld(map[string]int{"2026-W45/RO2": 1, "2026-W46/RO1": 1})
	s.collector.NoOrders = false
	s.send()
	s.pull("2026-W46", order("RO1", "tyres"))
	s.send()
	s.wantHeld(map[string]int{"2026-W45/RO2": 1, "2026-W46/RO1": 2})
	s.sound()
}

// TestAnswersAboutOrders holds that nothing is taken over from what is no collector, or proves nothing.
func TestAnswersAboutOrders(t *testing.T) {
	good := func(change string) string {
		list := `{"dealer_id":"04123","week":"2026-W46","closed":true,"batches":[],"orders":[]}`
		old, with, _ := strings.Cut(change, "=>")
		return strings.Replace(list, old, with, 1)
	}
	batch := `{"id":"` + strings.Repeat("a", 64) + `","orders":1,"receipt":"none"}`
	for name, body := range map[string]string{
		"HTML":           "<h1>Welcome</h1>",
		"cut off":        good("}=>"),
		"another dealer": good("04123=>99999"),
		"another week":   good("W46=>W45"),
		"no receipt":     good(`"batches":[]=>"batches":[` + batch + `]`),
		"orders alone":   good(`"orders":[]=>"orders":[{"key":"A","revision":1,"sha256":"` + strings.Repeat("a", 64) + `"}]`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pull("2026-W46", order("RO1", "oil"))
			s.send()
			s.newFolder(t)
			s.pull("2026-W46", order("RO1", "tyres"))
			s.collector.FailQuestions(nil, uploadtest.Answer(200, "application/json", body))
			_, err := s.trySend()
			s.wantClass(err, upload.ClassRefused, "up to date")
			s.wantHeld(map[string]int{"2026-W46/RO1": 1})
			s.wantAnew()
		})
	}
}

// TestTakeOverOutage holds that a collector that goes away between the questions changes nothing.
func TestTakeOverOutage(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	s.newFolder(t)
	s.sender.Retries = 0
	s.pull("2026-W46", order("RO1", "tyres"))
	s.collector.FailQuestions(nil, uploadtest.Answer(503, "", ""))
	_, err := s.trySend()
	s.wantClass(err, upload.ClassUnreachable, "stays queued")
	s.wantAnew()
	s.collector.FailQuestions(nil)
	s.send()
	s.wantAnew("2026-W46")
}

// TestOldCopy (complaint 17) puts an old copy of the data folder back, at several moments and after all kinds of edits:
// nothing is lost, nothing is sent twice.
func TestOldCopy(t *testing.T) {
	bad := order("RO2", "bad")
	for name, tt := range map[string]struct {
		queued bool // the copy holds what was read, and the collector has it
		then   func(s *site)
		now    []uploadtest.Order
		held   map[string]int
	}{
		"an edit": {
			then: func(s *site) { s.readSend("2026-W46", order("RO1", "tyres"), order("RO2", "wash")) },
			now:  []uploadtest.Order{order("RO1", "tyres"), order("RO2", "wash")},
			held: map[string]int{"2026-W46/RO1": 2, "2026-W46/RO2": 1},
		},
		"two edits, of which the copy sees the last": {
			then: func(s *site) {
				s.readSend("2026-W46", order("RO1", "tyres"), order("RO2", "wash"))
				s.readSend("2026-W46", order("RO1", "brakes"), order("RO2", "wash"))
			},
			now:  []uploadtest.Order{order("RO1", "brakes"), order("RO2", "lamp")},
			held: map[string]int{"2026-W46/RO1": 3, "2026-W46/RO2": 2},
		},
		"an edit and its undoing": {
			then: func(s *site) {
				s.readSend("2026-W46", order("RO1", "tyres"), order("RO2", "wash"))
				s.readSend("2026-W46", order("RO1", "oil"), order("RO2", "wash"))
			},
			now:  []uploadtest.Order{order("RO1", "oil"), order("RO2", "lamp")},
			held: map[string]int{"2026-W46/RO1": 3, "2026-W46/RO2": 2},
		},
		"an order gone": {
			then: func(s *site) { s.readSend("2026-W46", order("RO1", "oil")) },
			now:  []uploadtest.Order{order("RO1", "oil")},
			held: map[string]int{"2026-W46/RO1": 1},
		},
		"an order gone, and back": {
			then: func(s *site) {
				s.readSend("2026-W46", order("RO1", "oil"))
				s.readSend("2026-W46", order("RO1", "oil"), order("RO2", "wash"))
			},
			now:  []uploadtest.Order{order("RO1", "oil"), order("RO2", "wash"), order("RO3", "new")},
			held: map[string]int{"2026-W46/RO1": 1, "2026-W46/RO2": 3, "2026-W46/RO3": 1},
		},
		"an order moved away": {
			then: func(s *site) {
				s.readSend("2026-W45", order("RO2", "wash"))
				s.readSend("2026-W46", order("RO1", "oil"))
			},
			now:  []uploadtest.Order{order("RO1", "oil")},
			held: map[string]int{"2026-W45/RO2": 3, "2026-W46/RO1": 1},
		},
		"an order moved here": {
			then: func(s *site) {
				s.readSend("2026-W45", order("RO3", "horn"))
				s.readSend("2026-W46", order("RO1", "oil"), order("RO2", "wash"), order("RO3", "horn"))
			},
			now:  []uploadtest.Order{order("RO1", "oil"), order("RO2", "wash"), order("RO3", "horn")},
			held: map[string]int{"2026-W46/RO1": 1, "2026-W46/RO2": 1, "2026-W46/RO3": 3},
		},
		"what waited has arrived": {
			queued: true, then: func(*site) {},
			now:  []uploadtest.Order{order("RO1", "queued"), order("RO2", "wash")},
			held: map[string]int{"2026-W46/RO1": 2, "2026-W46/RO2": 1},
		},
		"what waited has arrived, and more": {
			queued: true, then: func(s *site) { s.readSend("2026-W46", order("RO1", "more"), order("RO2", "wash")) },
			now:  []uploadtest.Order{order("RO1", "again"), order("RO2", "wash")},
			held: map[string]int{"2026-W46/RO1": 4, "2026-W46/RO2": 1},
		},
		"what waited has arrived in halves": {
			queued: true, then: func(s *site) { s.collector.MaxOrders = 1 },
			now:  []uploadtest.Order{order("RO1", "queued"), order("RO2", "wash")},
			held: map[string]int{"2026-W46/RO1": 2, "2026-W46/RO2": 1},
		},
		"an order refused": {
			then: func(s *site) { s.readSend("2026-W46", order("RO1", "tyres"), bad) },
			now:  []uploadtest.Order{order("RO1", "tyres"), bad},
			held: map[string]int{"2026-W46/RO1": 2, "2026-W46/RO2": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.collector.Refuse = refuseBad
			s.readSend("2026-W46", order("RO1", "oil"), order("RO2", "wash"))
			if tt.queued {
				s.pull("2026-W46", order("RO1", "queued"), order("RO2", "wash"))
			}
			old := s.copy(t)
			if name == "what waited has arrived in halves" {
				s.pull("2026-W46", order("RO1", "queued"), order("RO2", "wash"), order("RO9", "passing"))
			}
			tt.then(s)
			s.send()
			s.putBack(t, old)
			for range 2 { // what is taken over is read again
				s.pull("2026-W46", tt.now...)
				s.send()
			}
			s.wantAnew()
			s.wantHeld(tt.held)
			s.sound()
			s.pull("2026-W46", tt.now...)
			if sent := s.send(); sent != (upload.Sent{}) {
				t.Errorf("all was sent, and then %+v", sent)
			}
		})
	}
}

// TestOldCopyParked holds that what is parked in an old copy cannot be released behind what the collector took since.
func TestOldCopyParked(t *testing.T) {
	s := newSite(t)
	s.collector.Refuse = refuseBad
	s.readSend("2026-W46", order("RO1", "oil"))
	s.readSend("2026-W46", order("RO1", "bad"))
	old := s.copy(t)
	s.collector.Refuse = nil
	items, err := s.queue.Parked()
	if err != nil || len(items) != 1 {
		t.Fatalf("parked: %+v %v", items, err)
	}
	if err := s.queue.Release(items[0].Number, "kim"); err != nil {
		t.Fatal(err)
	}
	s.send()
	s.putBack(t, old)
	s.readSend("2026-W46", order("RO1", "bad"), order("RO2", "new")) // the first comes to nothing, the other makes a line
	if s.parkedOrders() != 0 {
		t.Error("it is still parked")
	}
	s.readSend("2026-W46", order("RO1", "bad"), order("RO2", "new"))
	s.wantHeld(map[string]int{"2026-W46/RO1": 2, "2026-W46/RO2": 1})
	s.sound()
}

// TestOldCopyDropped holds that what a person had dropped when the copy was made stays so.
func TestOldCopyDropped(t *testing.T) {
	s := newSite(t)
	s.queue.Hold = time.Hour
	s.pull("2026-W46", order("RO1", "secret"), order("RO2", "wash"), order("RO3", "harmless"))
	s.dropOrder(t, "RO1")
	s.queue.Hold = 0
	s.send()
	s.queue.Hold = time.Hour
	s.pull("2026-W46", order("RO1", "secret"), order("RO2", "wash"), order("RO3", "secret"))
	s.dropOrder(t, "RO3")
	s.queue.Hold = 0
	old := s.copy(t)
	s.readSend("2026-W46", order("RO1", "secret"), order("RO2", "lamp"), order("RO3", "secret"))
	s.putBack(t, old)
	for range 2 {
		s.readSend("2026-W46", order("RO1", "secret"), order("RO2", "tyres"), order("RO3", "secret"))
	}
	s.wantHeld(map[string]int{"2026-W46/RO2": 3, "2026-W46/RO3": 1})
	s.sound()
}

func (s *site) dropOrder(t *testing.T, key string) {
	t.Helper()
	if done, err := s.queue.Veto(upload.Veto{What: upload.DropOrder, Key: key, Why: "no", Who: "kim"}); err != nil || done.Orders() != 1 {
		t.Fatalf("dropped %+v %v", done, err)
	}
}

// elsewhere lets a copy of the data folder do something, and goes on with this one.
func (s *site) elsewhere(t *testing.T, copied []byte, then func()) {
	t.Helper()
	here := s.copy(t)
	s.putBack(t, copied)
	then()
	s.putBack(t, here)
}

// movedBehindCopy goes on with an old copy in which RO2 waits as an order of W46, while the collector has got something else
// of that week. In the DMS the order is in W45 now, of which these orders are read.
func (s *site) movedBehindCopy(t *testing.T, w45 ...uploadtest.Order) {
	t.Helper()
	hold := s.queue.Hold // a copy is made between two processes
	empty := s.copy(t)
	s.pull("2026-W46", order("RO2", "oil"))
	s.elsewhere(t, empty, func() { s.readSend("2026-W46", order("RO8", "wash")) })
	s.queue.Hold = hold
	s.pull("2026-W45", w45...)
}

// comesRight holds that both weeks are due, and what comes of it.
func (s *site) comesRight() {
	s.t.Helper()
	s.wantHeld(map[string]int{"2026-W46/RO8": 1})
	s.wantAnew("2026-W45", "2026-W46")
	s.queue.Hold = 0
	s.run(time.Now(), []uploadtest.Order{order("RO2", "oil"), order("RO7", "horn")}, []uploadtest.Order{order("RO8", "wash")})
	s.wantAnew()
	s.wantHeld(map[string]int{"2026-W45/RO2": 1, "2026-W45/RO7": 1, "2026-W46/RO8": 1})
	s.sound()
}

// TestOldCopyMoved holds that no line is sent that follows from lines of another week that were taken back: of the order it
// would be revision 3, and the collector never had another.
func TestOldCopyMoved(t *testing.T) {
	s := newSite(t)
	s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
	if sent := s.send(); sent.Adopted != 2 || sent.Batches != 0 {
		t.Errorf("sent %+v", sent)
	}
	if entry, ok := s.lastOf(upload.AdoptedEntry); !ok || entry.Week != "2026-W45" || !strings.Contains(entry.Why, "2 lines") || !strings.Contains(entry.Why, "came from a week") {
		t.Errorf("ledger: %+v", entry)
	}
	s.comesRight()
}

// TestOldCopyMovedOutage holds the same where the collector goes away between the two weeks, and the process ends there; also
// where the first is read anew before the other is asked about.
func TestOldCopyMovedOutage(t *testing.T) {
	for name, between := range map[string]func(*site){
		"sent again":       func(*site) {},
		"read in between":  func(s *site) { s.pull("2026-W46", order("RO8", "wash")) },
		"moved back, read": func(s *site) { s.pull("2026-W46", order("RO2", "oil"), order("RO8", "wash")) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
			s.sender.Retries = 0
			s.collector.FailQuestions(nil, nil, uploadtest.Answer(503, "", ""))
			sent, err := s.trySend()
			s.wantClass(err, upload.ClassUnreachable, "stays queued")
			if sent.Adopted != 1 || sent.Batches != 0 {
				t.Errorf("sent %+v", sent)
			}
			s.collector.FailQuestions(nil)
			s.reopen()
			between(s)
			if sent := s.send(); sent.Adopted == 0 || sent.Batches != 0 {
				t.Errorf("sent %+v", sent)
			}
			for range 2 {
				s.run(time.Now(), []uploadtest.Order{order("RO2", "oil"), order("RO7", "horn")}, []uploadtest.Order{order("RO8", "wash")})
			}
			s.wantAnew()
			s.wantHeld(map[string]int{"2026-W45/RO2": 1, "2026-W45/RO7": 1, "2026-W46/RO8": 1})
			s.sound()
		})
	}
}

// TestOldCopyMovedKilled holds the same where the process ends before or after any transaction of the sending.
func TestOldCopyMovedKilled(t *testing.T) {
	killed := errors.New("the process ends")
	for _, after := range []bool{false, true} {
		for n, ended := 0, true; ended; n++ {
			s := newSite(t)
			s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
			s.approve()
			left := n
			s.queue.Transact = func(_ string, transact func() error) error {
				if left--; left >= 0 {
					return transact()
				}
				if after && left == -1 {
					return errors.Join(transact(), killed)
				}
				return killed
			}
			_, err := s.sender.Send(t.Context())
			if ended = errors.Is(err, killed); !ended && (err != nil || n < 2) { // at least one for each week
				t.Fatalf("after %d transactions: %v", n, err)
			}
			s.reopen()
			if sent := s.send(); sent.Batches != 0 {
				t.Errorf("after %d transactions: sent %+v", n, sent)
			}
			s.comesRight()
		}
	}
}

// TestOldCopyMovedLetGo holds the same where a person lets only the week go that the order is in now.
func TestOldCopyMovedLetGo(t *testing.T) {
	s := newSite(t)
	s.queue.Hold = time.Hour
	s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
	if n, err := s.queue.Unhold("2026-W45", "kim"); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if sent := s.send(); sent.Adopted != 2 || sent.Batches != 0 {
		t.Errorf("sent %+v", sent)
	}
	s.comesRight()
}

// TestOldCopyMovedBothWays holds the same where an order moved the other way, too: then the second week was asked about first.
func TestOldCopyMovedBothWays(t *testing.T) {
	s := newSite(t)
	s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
	s.pull("2026-W46", order("RO7", "horn"))
	if sent := s.send(); sent.Adopted != 2 || sent.Batches != 0 {
		t.Errorf("sent %+v", sent)
	}
	s.comesRight()
}

// TestOldCopyMovedKnown holds that an order that the collector has in the first week is voided there before it comes in the
// other, and that its revisions go on counting.
func TestOldCopyMovedKnown(t *testing.T) {
	s := newSite(t)
	s.readSend("2026-W46", order("RO2", "oil"))
	old := s.copy(t)
	s.readSend("2026-W46", order("RO2", "oil"), order("RO8", "wash"))
	s.putBack(t, old)
	s.pull("2026-W45", order("RO2", "oil"))
	if sent := s.send(); sent.Adopted != 2 || sent.Batches != 0 {
		t.Errorf("sent %+v", sent)
	}
	s.wantHeld(map[string]int{"2026-W46/RO2": 1, "2026-W46/RO8": 1})
	s.run(time.Now(), []uploadtest.Order{order("RO2", "oil")}, []uploadtest.Order{order("RO8", "wash")})
	s.wantHeld(map[string]int{"2026-W45/RO2": 3, "2026-W46/RO8": 1})
	s.wantAnew()
	s.sound()
}

// TestMovedAndLost holds that what was delivered once, and is sent again since the collector lost it, follows from nothing that
// waits: only its own week is asked about.
func TestMovedAndLost(t *testing.T) {
	s := newSite(t)
	s.readSend("2026-W46", order("RO2", "oil"))
	s.readSend("2026-W45", order("RO2", "oil"))
	s.collector.Forget("2026-W45")
	s.pull("2026-W45", order("RO2", "oil"), order("RO7", "horn"))
	asked := len(s.collector.Questions())
	if sent := s.send(); sent.Batches != 2 || sent.Adopted != 0 {
		t.Errorf("sent %+v", sent)
	}
	for _, q := range s.collector.Questions()[asked:] {
		if !strings.HasSuffix(q.Path, "/weeks/2026-W45") {
			t.Errorf("asked about %s", q.Path)
		}
	}
	s.wantHeld(map[string]int{"2026-W45/RO2": 3, "2026-W45/RO7": 1})
	s.sound()
}

// TestMovedAndTakenOver holds that an order goes on counting in the week that it moved to where only that week is taken over, and the collector
// has nothing of it there: since it lost that, or since it waited.
func TestMovedAndTakenOver(t *testing.T) {
	for name, then := range map[string]func(*testing.T, *site){
		"lost": func(t *testing.T, s *site) {
			s.send()
			if _, err := s.queue.Purge(time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			s.collector.Forget("2026-W45")
		},
		"waits": func(t *testing.T, s *site) {
			s.sender.Retries = 0
			s.collector.FailQuestions(nil, uploadtest.Down) // W46 goes
			_, err := s.trySend()
			s.wantClass(err, upload.ClassUnreachable, "stays queued")
			s.collector.FailQuestions()
			old := s.copy(t)
			s.dropOrder(t, "RO2")
			s.readSend("2026-W45", order("RO2", "oil"), order("RO8", "wash"))
			s.putBack(t, old)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.readSend("2026-W46", order("RO2", "oil"))
			s.pull("2026-W45", order("RO2", "oil"))
			then(t, s)
			w45 := orders(order("RO2", "oil"), order("RO7", "horn"))
			s.pull("2026-W45", w45...)
			if sent := s.send(); sent.Adopted != 1 {
				t.Errorf("sent %+v", sent)
			}
			s.run(time.Now(), w45, nil)
			s.run(time.Now(), w45, nil)
			s.wantHeld(map[string]int{"2026-W45/RO2": 3, "2026-W45/RO7": 1})
			if err := s.queue.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOldCopyMovedDropped holds the same where a person dropped something of the second week, whose batch was written anew.
func TestOldCopyMovedDropped(t *testing.T) {
	s := newSite(t)
	s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
	s.dropOrder(t, "RO7")
	if sent := s.send(); sent.Adopted != 2 || sent.Batches != 0 {
		t.Errorf("sent %+v", sent)
	}
	s.run(time.Now(), []uploadtest.Order{order("RO2", "oil"), order("RO7", "horn")}, []uploadtest.Order{order("RO8", "wash")})
	s.wantHeld(map[string]int{"2026-W45/RO2": 1, "2026-W46/RO8": 1})
	s.sound()
}

// TestOldCopyMovedHeld holds the same of an order that is held in the week that it is in now, and then released.
func TestOldCopyMovedHeld(t *testing.T) {
	for _, early := range []bool{false, true} {
		s := newSite(t)
		s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
		s.movedBehindCopy(t, order("RO2", "oil, ssn 078-05-1120"))
		release := func() {
			item, _ := s.heldItem(t)
			if err := s.queue.Release(item.Number, "kim"); err != nil {
				t.Fatal(err)
			}
		}
		if early {
			release()
			s.send()
		} else {
			s.send()
			s.wantHeld(map[string]int{"2026-W46/RO8": 1})
			if s.parkedOrders() != 0 { // else its release would send it
				release()
				s.send()
			}
		}
		s.comesRight()
	}
}

// TestOldCopyMovedEdited holds the same of an order that was held in the week that it is in now, and then edited there, or moved on
// from there: no line of it waits that names where it came from.
func TestOldCopyMovedEdited(t *testing.T) {
	for week, adopted := range map[string]int{"2026-W45": 2, "2026-W44": 3} {
		s := newSite(t)
		s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
		s.movedBehindCopy(t, order("RO2", "oil, ssn 078-05-1120"))
		s.pull(week, order("RO2", "oil"))
		if sent := s.send(); sent.Adopted != adopted || sent.Batches != 0 {
			t.Errorf("%s: sent %+v", week, sent)
		}
		for range 2 {
			s.readSend("2026-W46", order("RO8", "wash"))
			s.readSend(week, order("RO2", "oil"))
		}
		s.wantHeld(map[string]int{week + "/RO2": 1, "2026-W46/RO8": 1})
		s.sound()
	}
}

// TestOldCopyMovedOn holds the same of an order that moved on from the second week: all three are taken over.
func TestOldCopyMovedOn(t *testing.T) {
	s := newSite(t)
	s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
	s.pull("2026-W44", order("RO2", "oil"))
	if sent := s.send(); sent.Adopted != 3 || sent.Batches != 0 {
		t.Errorf("sent %+v", sent)
	}
	s.wantAnew("2026-W44", "2026-W45", "2026-W46")
	s.readSend("2026-W44", order("RO2", "oil"))
	s.wantHeld(map[string]int{"2026-W44/RO2": 1, "2026-W46/RO8": 1})
	s.sound()
}

// TestOldCopyMovedStops holds that what follows from a week that stops waits for it: of a collector that does not tell, and of
// a week that was taken over too often. Other weeks go on.
func TestOldCopyMovedStops(t *testing.T) {
	t.Run("older collector", func(t *testing.T) {
		s := newSite(t)
		s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
		s.pull("2026-W44", order("RO9", "lamp"))
		s.collector.NoOrders = true
		_, err := s.trySend()
		s.wantClass(err, upload.ClassRefused, "1 batches of 2026-W46")
		s.wantHeld(map[string]int{"2026-W44/RO9": 1, "2026-W46/RO8": 1})
		s.collector.NoOrders = false
		if sent := s.send(); sent.Adopted != 2 {
			t.Errorf("sent %+v", sent)
		}
		s.wantAnew("2026-W45", "2026-W46")
		s.sound()
	})
	t.Run("older since", func(t *testing.T) {
		s := newSite(t)
		s.movedBehindCopy(t, order("RO2", "oil"), order("RO7", "horn"))
		s.collector.FailQuestions(nil, nil, uploadtest.Answer(404, "application/problem+json", `{"status":404}`))
		_, err := s.trySend()
		s.wantClass(err, upload.ClassRefused, "what it holds of 2026-W45")
		s.wantHeld(map[string]int{"2026-W46/RO8": 1})
		s.collector.FailQuestions(nil)
		s.send()
		s.comesRight()
	})
	t.Run("too often", func(t *testing.T) {
		s := newSite(t)
		empty := s.copy(t)
		another := func(text string) {
			s.elsewhere(t, empty, func() {
				for range 2 { // it is taken over there, too
					s.readSend("2026-W46", order("RO8", text))
				}
			})
		}
		for _, text := range []string{"one", "two", "three"} {
			another(text)
			s.pull("2026-W46", order("RO9", text))
			if sent := s.send(); sent.Adopted != 1 {
				t.Fatalf("sent %+v", sent)
			}
		}
		another("four")
		s.pull("2026-W46", order("RO2", "oil"), order("RO8", "four"))
		s.pull("2026-W45", order("RO2", "oil"))
		s.pull("2026-W44", order("RO9", "lamp"))
		_, err := s.trySend()
		s.wantClass(err, upload.ClassRefused, "read anew 3 times")
		s.wantHeld(map[string]int{"2026-W44/RO9": 1, "2026-W46/RO8": 4})
		s.sound()
	})
}

// TestNewFolderMoves holds that an order that moves is voided in the week in which the collector has it, and that its
// revisions go on counting.
func TestNewFolderMoves(t *testing.T) {
	s := newSite(t)
	s.readSend("2026-W46", order("RO1", "oil"), order("RO2", "wash"))
	s.newFolder(t)
	s.readSend("2026-W46", order("RO1", "tyres"), order("RO2", "wash")) // is taken over
	s.readSend("2026-W45", order("RO2", "wash"))
	s.wantHeld(map[string]int{"2026-W45/RO2": 3, "2026-W46/RO1": 1})
	s.readSend("2026-W46", order("RO1", "tyres"))
	s.wantHeld(map[string]int{"2026-W45/RO2": 3, "2026-W46/RO1": 2})
	s.newFolder(t)
	s.readSend("2026-W46", order("RO1", "brakes")) // is taken over: RO2 is voided there
	s.readSend("2026-W45", order("RO2", "lamp"))   // likewise: it is here
	s.readSend("2026-W46", order("RO1", "brakes"), order("RO2", "lamp"))
	s.wantHeld(map[string]int{"2026-W46/RO1": 3, "2026-W46/RO2": 5})
	s.newFolder(t)
	s.readSend("2026-W45", order("RO7", "new"))  // the older week first
	s.readSend("2026-W46", order("RO1", "lamp")) // RO2 is known to be here, and to have left the other
	s.readSend("2026-W45", order("RO7", "new"), order("RO2", "horn"))
	s.readSend("2026-W46", order("RO1", "lamp"))
	s.wantHeld(map[string]int{"2026-W46/RO1": 4, "2026-W45/RO2": 7, "2026-W45/RO7": 1})
	s.sound()
}

// TestOldCopyManifest holds that an old copy that has nothing to send closes no week under the batches that it does not
// know: a manifest that does not name them says that they do not count.
func TestOldCopyManifest(t *testing.T) {
	s := newSite(t)
	now := []uploadtest.Order{order("RO1", "oil"), order("RO2", "wash")}
	s.readSend("2026-W46", now...)
	old := s.copy(t)
	s.readSend("2026-W46", now[0])
	s.readSend("2026-W46", now...)
	s.putBack(t, old)
	p := s.begin("2026-W46")
	s.store(p, nil, now...)
	if _, err := p.Finish(upload.FinishResult{Now: time.Now(), Keyless: 1}); err != nil { // the manifest says something else
		t.Fatal(err)
	}
	if sent := s.send(); sent.Manifests != 0 || sent.Adopted != 1 {
		t.Errorf("sent %+v", sent)
	}
	s.readSend("2026-W46", now...)
	s.sound()
	if m, _ := s.collector.Manifest("2026-W46"); len(m.Batches) != 3 {
		t.Errorf("manifest: %+v", m)
	}
}

// TestOldCopyDoubted holds that the first reading of a week that was taken over does not void most of it.
func TestOldCopyDoubted(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", benchOrders(0, 50)...)
	s.send()
	s.newFolder(t)
	s.readSend("2026-W46", order("RO1", "of another database"))
	p := s.begin("2026-W46")
	s.store(p, nil, order("RO1", "of another database"))
	var vanished *upload.VanishedError
	if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); !errors.As(err, &vanished) {
		t.Errorf("got %v", err)
	}
}

// TestReadingTakenOver holds that a reading ends whose week was taken over meanwhile.
func TestReadingTakenOver(t *testing.T) {
	s := newSite(t)
	s.readSend("2026-W46", order("RO1", "oil"))
	s.newFolder(t)
	p := s.begin("2026-W46")
	s.store(p, []byte("RO1"), order("RO1", "tyres"))
	s.send()
	if _, err := p.Store(s.page(p, nil, order("RO2", "new"))); !errors.Is(err, upload.ErrBegunAnew) {
		t.Errorf("got %v", err)
	}
	s.readSend("2026-W46", order("RO1", "tyres"), order("RO2", "new"))
	s.wantHeld(map[string]int{"2026-W46/RO1": 2, "2026-W46/RO2": 1})
	s.sound()
}

// TestOldCopyModel puts old copies back in the midst of random edits, pulls, kills and faults. Whatever the sequence: no
// line comes twice, and once all is read and sent both ends hold the same.
func TestOldCopyModel(t *testing.T) {
	checkModel(t, func(m *model) {
		var copies [][]byte
		m.t.Repeat(map[string]func(*rapid.T){
			"write": m.write, "delete": m.delete, "move": m.move, "page": m.readPage, "send": m.sendSome,
			"kill":    func(*rapid.T) { m.site.reopen(); m.site.queue.Hold = m.hold },
			"week":    func(t *rapid.T) { m.readWeek(t) },
			"full":    m.full,
			"approve": m.approve,
			"release": m.release,
			"run":     func(*rapid.T) { m.nextRun() },
			"voids":   func(*rapid.T) { m.keepVoid = !m.keepVoid },
			"hold":    func(*rapid.T) { m.hold = time.Hour - m.hold; m.site.queue.Hold = m.hold },
			"unhold":  m.unhold,
			"copy":    func(*rapid.T) { copies = append(copies, m.site.copy(t)); m.site.queue.Hold = m.hold },
			"back": func(t2 *rapid.T) {
				if len(copies) == 0 {
					t2.Skip()
				}
				// Its number is drawn, since rapid does not load a fail file with all of a copy in it.
				m.site.putBack(t, copies[rapid.IntRange(0, len(copies)-1).Draw(t2, "copy")])
				m.site.queue.Hold = m.hold
			},
			"": func(*rapid.T) { m.site.sound() },
		})
		m.settleOldCopy()
	})
}

// readWeek reads a week to its end.
func (m *model) readWeek(t *rapid.T) {
	name := rapid.SampledFrom(modelWeeks()).Draw(t, "week")
	m.site.queue.MaxSize = 0
	for !m.step(name) {
		continue
	}
}

// settleOldCopy is settle without what an old copy cannot know: whom the batches are about.
func (m *model) settleOldCopy() {
	m.site.collector.MaxOrders, m.site.collector.NoZstd, m.site.queue.MaxSize, m.keepVoid = 0, false, 0, false
	m.site.queue.Hold, m.site.collector.Refuse = 0, nil
	for _, name := range modelWeeks() {
		m.put(name, "in "+name, "there") // of a week without orders nothing is sent, and so nothing is asked
	}
	for range 3 {
		for _, name := range modelWeeks() { // every order changes, so that each week has something to send
			for key, order := range m.dms[name] {
				m.put(name, key, strings.TrimSuffix(order.Text, unreadable)+" no more")
			}
		}
		m.readAll(3)
		m.site.send()
		m.releaseVoids()
	}
	m.site.send()
	m.compare(false)
	m.site.sound()
}

// readSend reads a week and sends.
func (s *site) readSend(name string, orders ...uploadtest.Order) {
	s.t.Helper()
	s.pull(name, orders...)
	s.send()
}

// newFolder goes on in a new data folder.
func (s *site) newFolder(t *testing.T) {
	t.Helper()
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	s.dir = t.TempDir()
	s.open()
}

// copy returns a copy of the database.
func (s *site) copy(t *testing.T) []byte {
	t.Helper()
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(s.dir, "queue.db"))
	s.open()
	return text
}

// putBack puts a copy of the database back.
func (s *site) putBack(t *testing.T, copied []byte) {
	t.Helper()
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "queue.db"), copied)
	s.open()
}

// wantAnew holds which weeks are to be read anew.
func (s *site) wantAnew(want ...string) {
	s.t.Helper()
	weeks, err := s.queue.Weeks()
	if err != nil {
		s.t.Fatal(err)
	}
	var got []string
	for _, w := range weeks {
		if w.Anew {
			got = append(got, w.Week)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Error("weeks to be read anew: " + diff)
	}
}

func (s *site) lastOf(kind upload.EntryKind) (last upload.Entry, ok bool) {
	s.t.Helper()
	for e, err := range s.queue.Entries() {
		if err != nil {
			s.t.Fatal(err)
		}
		if e.Kind == kind {
			last, ok = e.Entry, true
		}
	}
	return last, ok
}

package upload_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

// TestRebuild holds what a rebuilt queue keeps of the one that was damaged: the ledger and with it the approval, what a
// person dropped, whom the batches were about; and that it says what was lost.
func TestRebuild(t *testing.T) {
	s := newDamagedSite(t, 40)
	write(t, filepath.Join(s.dir, "queue.db"), s.sound)
	before := s.ledger(t)
	damaged := bytes.Clone(s.sound)
	freelist := 0
	for id, kind := range pagesOf(t, filepath.Join(s.dir, "queue.db")) {
		if kind == "freelist" {
			freelist = id
		}
	}
	damaged[freelist*page+16] ^= 1
	write(t, filepath.Join(s.dir, "queue.db"), damaged)
	q := upload.NewQueue(s.dir, dealer)
	corrupt, ok := errors.AsType[*upload.CorruptError](q.Open())
	if !ok || !strings.Contains(corrupt.Error(), "roagent pull") {
		t.Fatalf("got %v", corrupt)
	}
	rebuilt, err := q.Rebuild(corrupt)
	if err != nil {
		t.Fatal(err)
	}
	if rebuilt.Entries != len(before) || rebuilt.Lost != 0 || rebuilt.Dropped != 1 || rebuilt.Batches < 6 || !strings.Contains(rebuilt.String(), rebuilt.Aside) {
		t.Errorf("rebuilt %+v, there were %d entries", rebuilt, len(before))
	}
	if paths, err := q.Aside(); err != nil || len(paths) != 1 || paths[0] != rebuilt.Aside {
		t.Errorf("set aside: %v %v", paths, err)
	}
	s.open()
	sum, err := s.queue.VerifyLedger(s.collector.Verifier)
	if err != nil || len(sum.Rebuilt) != 1 || sum.Rebuilt[0].File != filepath.Base(rebuilt.Aside) || sum.Rebuilt[0].Number != uint64(len(before)+1) {
		t.Errorf("ledger: %+v %v", sum, err)
	}
	after := s.ledgerNow(t)
	if diff := cmp.Diff(before, after[:len(before)]); diff != "" {
		t.Errorf("ledger (-before +after):\n%s", diff)
	}
	if _, ok, err := s.queue.Approved(); !ok || err != nil {
		t.Errorf("no approval: %v", err)
	}
	if err := s.cycle(); err != nil {
		t.Fatal(err)
	}
	if awaits, err := s.queue.Awaits(); awaits || err != nil {
		t.Errorf("it still awaits what the collector holds: %v", err)
	}
	found, err := s.queue.About(fieldmap.Vehicle, fieldmap.NewTagger(uploadtest.TagKey()).Tag(fieldmap.Vehicle, []byte("VIN0")))
	if err != nil || len(found.Sent) != 2 {
		t.Errorf("sent about the car: %+v %v", found, err)
	}
	if m, _ := s.collector.Manifest("2026-W46"); len(m.Dropped) != 1 || m.Parked != 1 {
		t.Errorf("manifest: %+v", m)
	}
	if s.collector.Lines() != s.lines {
		t.Error("something was sent again")
	}
	s.site.sound()
}

// TestRebuildLostTail holds that a ledger whose end is lost says so, and goes on behind what it can prove.
func TestRebuildLostTail(t *testing.T) {
	s := newDamagedSite(t, 40)
	path := filepath.Join(s.dir, "queue.db")
	write(t, path, s.sound)
	before := s.ledger(t)
	at := bytes.LastIndex(s.sound, []byte(before[len(before)/2]))
	damaged := bytes.Clone(s.sound)
	damaged[at/page*page] ^= 1
	rebuilt := s.survive(t, "a page of the ledger", damaged)
	if rebuilt == nil || rebuilt.Entries >= len(before)/2 || rebuilt.Entries+rebuilt.Lost != len(before) {
		t.Errorf("rebuilt %+v, there were %d entries", rebuilt, len(before))
	}
}

// TestRebuildEmptyWeek holds that of weeks without an order, of which the collector has no batch, a rebuilt queue knows which
// are closed, and reads the others.
func TestRebuildEmptyWeek(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W45")
	s.send()
	s.pull("2026-W45") // as it was
	s.send()
	s.pull("2026-W46")
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.queue.Rebuild(&upload.CorruptError{Path: filepath.Join(s.dir, "queue.db"), Err: errors.New("as if")}); err != nil {
		t.Fatal(err)
	}
	s.open()
	if _, err := s.sender.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	weeks, err := s.queue.Weeks()
	if err != nil || len(weeks) != 2 {
		t.Fatalf("weeks %+v, %v", weeks, err)
	}
	if w := weeks[0]; !w.Closed || w.Reading != nil {
		t.Errorf("the week that was closed: %+v", w)
	}
	if w := weeks[1]; w.Closed || w.Reading == nil {
		t.Errorf("the week that was not: %+v", w)
	}
	for _, name := range []string{"2026-W45", "2026-W46"} {
		s.pull(name, order("RO"+name, "late"))
	}
	if sent := s.send(); sent.Manifests != 2 {
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}

// TestTakenOverWasRead holds that a week of which the collector holds something counts as read, also where it is to be read
// anew: else the weeks that were missed since would not be known as missed.
func TestTakenOverWasRead(t *testing.T) {
	s := newSite(t)
	s.store(s.begin("2026-W45"), []byte("more"), order("RO1", "oil")) // not to its end: it is not closed
	s.send()
	s.newFolder(t)
	if _, err := s.sender.TakeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	weeks, err := s.queue.Weeks()
	if err != nil || len(weeks) != 1 || weeks[0].Readings != 1 || !weeks[0].Anew || weeks[0].Closed {
		t.Errorf("weeks %+v, %v", weeks, err)
	}
}

func (s *damagedSite) ledger(t *testing.T) []string {
	t.Helper()
	s.queue = upload.NewQueue(s.dir, dealer)
	if err := s.queue.Open(); err != nil {
		t.Fatal(err)
	}
	entries := s.ledgerNow(t)
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	return entries
}

func (s *damagedSite) ledgerNow(t *testing.T) (entries []string) {
	t.Helper()
	for e, err := range s.queue.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, string(e.Raw))
	}
	return entries
}

// TestRebuildAwaits holds that a rebuilt queue whose collector is away stays as it is, and says so.
func TestRebuildAwaits(t *testing.T) {
	s := newDamagedSite(t, 20)
	s.sender.Retries = 0
	s.forgetSecret()                                                    // that it was dropped may be lost
	s.collector.FailQuestions(nil, nil, uploadtest.Answer(503, "", "")) // in the midst of it
	write(t, filepath.Join(s.dir, "queue.db"), s.sound[:len(s.sound)/2/page*page])
	q := upload.NewQueue(s.dir, dealer)
	corrupt, _ := errors.AsType[*upload.CorruptError](q.Open())
	if _, err := q.Rebuild(corrupt); err != nil {
		t.Fatal(err)
	}
	s.open()
	s.sender.Retries = 0
	_, err := s.sender.TakeOver(t.Context())
	s.wantClass(err, upload.ClassUnreachable, "cannot take")
	if awaits, err := s.queue.Awaits(); !awaits || err != nil {
		t.Errorf("it awaits nothing: %v", err)
	}
	s.collector.NoOrders = true
	s.collector.FailQuestions(nil)
	_, err = s.sender.TakeOver(t.Context())
	s.wantClass(err, upload.ClassRefused, "the queue was rebuilt")
	s.collector.NoOrders = false
	if err := s.cycle(); err != nil {
		t.Fatal(err)
	}
	if s.collector.Lines() != s.lines {
		t.Error("something was sent again")
	}
}

// TestRebuildKilled holds that a process that ends while it rebuilds leaves the damaged file where it is.
func TestRebuildKilled(t *testing.T) {
	s := newDamagedSite(t, 20)
	path := filepath.Join(s.dir, "queue.db")
	damaged := s.sound[:len(s.sound)/2/page*page]
	write(t, path+".new", []byte("half of a new queue"))
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if s.survive(t, "a rebuild that was killed", damaged) == nil {
		t.Error("not recognised")
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half is still there: %v", err)
	}
}

// TestRebuildDoubts holds that the first reading after a rebuild does not void most of a week.
func TestRebuildDoubts(t *testing.T) {
	s := newDamagedSite(t, 60)
	write(t, filepath.Join(s.dir, "queue.db"), s.sound[:4*page])
	s.dms["2026-W44"] = s.dms["2026-W44"][:3]
	q := upload.NewQueue(s.dir, dealer)
	corrupt, _ := errors.AsType[*upload.CorruptError](q.Open())
	if _, err := q.Rebuild(corrupt); err != nil {
		t.Fatal(err)
	}
	var vanished *upload.VanishedError
	if err := s.work(); !errors.As(err, &vanished) {
		t.Errorf("got %v", err)
	}
	s.open()
}

// TestRebuildLeft holds that a dealer who leaves, or has left, does not take part again because the queue was damaged.
func TestRebuildLeft(t *testing.T) {
	for _, done := range []bool{false, true} {
		s := newSite(t)
		s.readSend("2026-W46", order("RO1", "oil"))
		if err := s.queue.BeginLeaving("kim", time.Now()); err != nil {
			t.Fatal(err)
		}
		if done {
			if _, err := s.queue.Leave("kim", nil, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.queue.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(s.dir, "queue.db")
		text := read(t, path)
		for id, kind := range pagesOf(t, path) {
			if kind == "freelist" {
				text[id*page]++
			}
		}
		write(t, path, text)
		q := upload.NewQueue(s.dir, dealer)
		corrupt, _ := errors.AsType[*upload.CorruptError](q.Open())
		if _, err := q.Rebuild(corrupt); err != nil {
			t.Fatal(err)
		}
		s.open()
		if d, left, err := s.queue.Departure(); !left || d.Done != done || err != nil {
			t.Errorf("departure: %+v %v %v, done is to be %v", d, left, err, done)
		}
		if awaits, err := s.queue.Awaits(); awaits || err != nil {
			t.Errorf("it awaits what the collector holds: %v", err)
		}
		if _, err := s.queue.VerifyLedger(); err != nil {
			t.Error(err)
		}
	}
}

// TestRebuildKeepsKeys holds that a key of hashed values that is missing is not made anew, whether it went before the
// rebuild or after.
func TestRebuildKeepsKeys(t *testing.T) {
	for _, before := range []bool{false, true} {
		s := newDamagedSite(t, 10)
		path := filepath.Join(s.dir, "queue.db")
		if before {
			remove(t, filepath.Join(s.dir, "hash.key"))
		}
		write(t, path, s.sound)
		for id, kind := range pagesOf(t, path) {
			if kind == "freelist" {
				s.sound[id*page]++
			}
		}
		write(t, path, s.sound)
		q := upload.NewQueue(s.dir, dealer)
		corrupt, _ := errors.AsType[*upload.CorruptError](q.Open())
		if _, err := q.Rebuild(corrupt); err != nil {
			t.Fatal(err)
		}
		if !before {
			remove(t, filepath.Join(s.dir, "hash.key"))
		}
		s.open()
		if _, err := s.queue.Key("hash"); !errors.As(err, new(*upload.KeyError)) {
			t.Errorf("gone before: %v; got %v", before, err)
		}
	}
}

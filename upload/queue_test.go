package upload_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"roagent/upload"
)

// TestOpenLocked holds that a second agent on the same folder is told who has it.
func TestOpenLocked(t *testing.T) {
	s := newSite(t)
	err := upload.NewQueue(s.dir, dealer).Open()
	var locked *upload.LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != os.Getpid() || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("got %v", err)
	}
}

// TestOpenDamaged (complaint 18) holds that a file that is damaged, or no queue of this dealer, is told apart, named,
// and left as it is.
func TestOpenDamaged(t *testing.T) {
	overwrite := func(from, n int) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			text := read(t, path)
			copy(text[from:], bytes.Repeat([]byte{0xA5}, n))
			write(t, path, text)
		}
	}
	tests := map[string]struct {
		damage  func(t *testing.T, path string)
		foreign bool
		newer   bool
		says    string
	}{
		"a text file":    {damage: func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("hello\n"), 5000)) }, says: "invalid database"},
		"a short file":   {damage: func(t *testing.T, path string) { write(t, path, []byte("hello")) }, says: "cannot be read"},
		"cut short":      {damage: func(t *testing.T, path string) { write(t, path, read(t, path)[:20000]) }, says: "missing"},
		"no head":        {damage: overwrite(0, 8192), says: "invalid database"},
		"no pages":       {damage: overwrite(8192, 20000), says: "cannot be read"},
		"another bbolt":  {damage: foreignDatabase, says: "another program"},
		"a part missing": {damage: change(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("ledger")) }), says: `"ledger" is missing`},
		"another dealer": {damage: setMeta("dealer", "99999"), foreign: true, says: `belongs to dealer "99999"`},
		"a later format that looks damaged": {damage: func(t *testing.T, path string) {
			setMeta("format", "roagent queue 2")(t, path)
			change(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("pending")).Put([]byte("new"), []byte("value")) })(t, path)
		}, newer: true, says: "has format 2"},
		"a later format": {damage: setMeta("format", "roagent queue 2"), newer: true, says: `has format 2, made by a newer roagent; this one knows formats up to 1`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			q := upload.NewQueue(dir, dealer)
			if err := errors.Join(q.Open(), q.Close()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "queue.db")
			tt.damage(t, path)
			before := read(t, path)
			err := upload.NewQueue(dir, dealer).Open()
			var corrupt *upload.CorruptError
			var foreign *upload.ForeignError
			var newer *upload.NewerError
			if tt.foreign != errors.As(err, &foreign) || tt.newer != errors.As(err, &newer) || (tt.foreign || tt.newer) == errors.As(err, &corrupt) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), path) || !strings.Contains(strings.ToLower(err.Error()), "nothing was changed") {
				t.Errorf("got %v", err)
			}
			if !bytes.Equal(before, read(t, path)) {
				t.Error("the file was changed")
			}
		})
	}
}

// TestDamageFound damages single pages of a queue in use: every answer is an error or right, never a crash.
func TestDamageFound(t *testing.T) {
	s := newSite(t)
	for i := range 5 {
		s.pull("2026-W46", benchOrders(i*50, 50)...)
	}
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "queue.db")
	sound := read(t, path)
	r := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 200 {
		damaged := bytes.Clone(sound)
		page := 2 + r.IntN(len(sound)/4096-2)
		for range 100 {
			damaged[page*4096+r.IntN(4096)] ^= byte(1 + r.IntN(255))
		}
		write(t, path, damaged)
		if useQueue(s.dir) != nil {
			found++
		}
	}
	if found == 0 {
		t.Error("no damage was found")
	}
	write(t, path, sound)
	s.open()
}

// useQueue opens a queue and does what a run does. Only errors may come of it.
func useQueue(dir string) error {
	q := upload.NewQueue(dir, dealer)
	if err := q.Open(); err != nil {
		return err
	}
	_, err := q.Weeks()
	_, pending := q.Pending()
	_, parked := q.Parked()
	_, ledger := q.VerifyLedger()
	return errors.Join(err, pending, parked, ledger, q.Close())
}

// TestKeyMissing holds that a lost key is never replaced by a new one.
func TestKeyMissing(t *testing.T) {
	tests := map[string]func(t *testing.T, path string){
		"missing":   func(t *testing.T, path string) { remove(t, path) },
		"damaged":   func(t *testing.T, path string) { write(t, path, []byte("roagent key 1\nAAAA")) },
		"empty":     func(t *testing.T, path string) { write(t, path, nil) },
		"readable":  func(t *testing.T, path string) { chmod(t, path, 0o644) },
		"other one": func(t *testing.T, path string) { remove(t, path); createKey(t, path) },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pull("2026-W46", order("RO1", "oil"))
			if err := s.queue.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(s.dir, "queue.key")
			key := read(t, path)
			damage(t, path)
			err := upload.NewQueue(s.dir, dealer).Open()
			var lost *upload.KeyError
			if !errors.As(err, &lost) || lost.Path != path || !strings.Contains(err.Error(), "backup") {
				t.Errorf("got %v", err)
			}
			if name == "missing" {
				if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Error("a new key was made")
				}
			}
			write(t, path, key)
			chmod(t, path, 0o600)
			s.open()
			s.send()
		})
	}
}

// TestHashKeyKept holds that the site's other key is as safe.
func TestHashKeyKept(t *testing.T) {
	s := newSite(t)
	first, err := s.queue.Key("hash")
	if err != nil {
		t.Fatal(err)
	}
	s.reopen()
	again, err := s.queue.Key("hash")
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("another key: %v", err)
	}
	remove(t, filepath.Join(s.dir, "hash.key"))
	var lost *upload.KeyError
	if _, err := s.queue.Key("hash"); !errors.As(err, &lost) {
		t.Errorf("got %v", err)
	}
}

// TestSealed holds that nothing of an order but its key is in the database, neither queued nor delivered nor parked.
func TestSealed(t *testing.T) {
	s := newSite(t)
	const canary = "CANARY-5551234"
	s.collector.Refuse = func(l upload.Line) string {
		if l.Key == "RO2" {
			return "I do not like " + canary
		}
		return ""
	}
	s.pull("2026-W46", order("RO1", canary+" one"), order("RO2", canary+" two"))
	s.absent(canary)
	s.send()
	if s.parkedOrders() != 1 {
		t.Fatal("nothing is parked")
	}
	s.absent(canary)
}

func (s *site) absent(canary string) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "queue.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	if bytes.Contains(text, []byte(canary)) {
		s.t.Error("the database holds an order's value in clear text")
	}
	if !bytes.Contains(text, []byte("RO1")) {
		s.t.Error("the test looks in the wrong place")
	}
}

// TestFull (complaints 16, 19) holds that a full queue pauses the pull: nothing is written, and nothing is lost.
func TestFull(t *testing.T) {
	s := newSite(t)
	s.queue.MaxSize = 5000
	p := s.begin("2026-W46")
	s.store(p, []byte("1"), benchOrders(0, 5)...)
	_, err := p.Store(s.page(p, []byte("2"), benchOrders(5, 5)...))
	if !errors.Is(err, upload.ErrFull) || !strings.Contains(err.Error(), "queue.max_size") {
		t.Fatalf("got %v", err)
	}
	if string(p.After()) != "1" {
		t.Errorf("the checkpoint moved to %q", p.After())
	}
	if pending, err := s.queue.Pending(); err != nil || pending.Orders != 5 {
		t.Errorf("waiting: %+v %v", pending, err)
	}
	s.send()
	s.reopen()
	s.queue.MaxSize = 5000
	p = s.begin("2026-W46")
	s.store(p, nil, benchOrders(5, 5)...)
	if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	s.send()
	if held := s.collector.Held(); len(held) != 10 {
		t.Errorf("%d orders are held", len(held))
	}
	s.sound()
}

// TestPurge holds that payloads past their retention go, and that the ledger and the manifest stay. Of what the collector
// loses after that nothing can be sent again: the week is read again.
func TestPurge(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	s.pull("2026-W47", order("RO2", "tyres"))
	if n, err := s.queue.Purge(time.Now().Add(time.Hour)); err != nil || n != 1 {
		t.Fatalf("purged %d: %v", n, err)
	}
	s.send()
	s.collector.Forget("2026-W46")
	s.pull("2026-W46", order("RO1", "oil and filter"))
	s.pull("2026-W47", order("RO2", "tyres"), order("RO3", "lamp"))
	if sent := s.send(); sent.Adopted != 1 || sent.Manifests != 1 { // the other week is closed
		t.Errorf("sent %+v", sent)
	}
	s.pull("2026-W46", order("RO1", "oil and filter"))
	if sent := s.send(); sent.Adopted != 0 || sent.Manifests != 1 {
		t.Errorf("sent %+v", sent)
	}
	if m, _ := s.collector.Manifest("2026-W46"); len(m.Batches) != 1 || m.Held != 1 {
		t.Errorf("manifest %+v", m)
	}
	s.sound()
}

// TestTakenOverTooOften holds that a collector that always holds something else than it was sent has a week read again a
// few times, and then once a day.
func TestTakenOverTooOften(t *testing.T) {
	s := newSite(t)
	const most = 3
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	for i := range most + 1 {
		if _, err := s.queue.Purge(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		s.collector.Forget("2026-W46")
		s.pull("2026-W46", order("RO1", "oil"), order("RO2", strconv.Itoa(i)))
		sent, err := s.trySend()
		if refused, ok := errors.AsType[*upload.SendError](err); i == most {
			if !ok || refused.Class != upload.ClassRefused || sent.Adopted != 0 || !strings.Contains(err.Error(), "again after the week was read anew 3 times") {
				t.Errorf("sent %+v, %v", sent, err)
			}
		} else if err != nil || sent.Adopted != 1 {
			t.Fatalf("round %d: sent %+v, %v", i, sent, err)
		}
	}
}

func change(fn func(*bbolt.Tx) error) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		t.Helper()
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Update(fn), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func setMeta(name, value string) func(*testing.T, string) {
	return change(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte(name), []byte(value)) })
}

func foreignDatabase(t *testing.T, path string) {
	remove(t, path)
	change(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("somebody"))
		return err
	})(t, path)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func createKey(t *testing.T, path string) {
	t.Helper()
	if _, err := upload.LoadOrCreateKey(path); err != nil {
		t.Fatal(err)
	}
}

// TestLoadOrCreateKey holds that agents that start at the same time get the same key.
func TestLoadOrCreateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hash.key")
	keys := make(chan string)
	const agents = 8
	for range agents {
		go func() {
			key, err := upload.LoadOrCreateKey(path)
			keys <- fmt.Sprintf("%x %v", key, err)
		}()
	}
	first := <-keys
	for range agents - 1 {
		if other := <-keys; other != first {
			t.Errorf("%s and %s", first, other)
		}
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("left behind: %v %v", files, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

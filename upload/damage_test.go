package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// damagedSite is a site with all that a queue can hold, and its DMS.
type damagedSite struct {
	*site
	dms   map[string][]uploadtest.Order
	sound []byte // the database
	held  map[string]int
	lines int

	vetoed int // number of the ledger's entry that an order was dropped
}

// newDamagedSite has read three weeks twice, dropped an order, parked one; a batch waits in it that has arrived.
func newDamagedSite(t *testing.T, orders int) *damagedSite {
	t.Helper()
	s := &damagedSite{site: newSite(t), dms: map[string][]uploadtest.Order{}}
	s.collector.Refuse = refuseBad
	if _, err := s.queue.Key("hash"); err != nil {
		t.Fatal(err)
	}
	for i, week := range []string{"2026-W44", "2026-W45", "2026-W46"} {
		s.dms[week] = benchOrders(i*orders, orders)
		for j := range s.dms[week] {
			s.dms[week][j].VIN, s.dms[week][j].Customer = fmt.Sprintf("VIN%d", i*orders+j), fmt.Sprintf("C%d", j)
		}
		s.readSend(week, s.dms[week]...)
		s.dms[week][i].Text, s.dms[week][i].Changed = "edited", "later"
		s.dms[week] = s.dms[week][:orders-1]
		s.readSend(week, s.dms[week]...)
	}
	s.queue.Hold = time.Hour
	s.dms["2026-W46"] = append(s.dms["2026-W46"], order("SECRET", "this one not"), order("REFUSED", "bad"))
	s.pull("2026-W46", s.dms["2026-W46"]...)
	s.dropOrder(t, "SECRET")
	s.queue.Hold = 0
	veto, _ := s.lastOf(upload.VetoedEntry)
	s.vetoed = int(veto.Number)
	s.send()
	s.dms["2026-W45"][7].Text, s.dms["2026-W45"][7].Changed = "queued", "later"
	s.pull("2026-W45", s.dms["2026-W45"]...)
	s.sound = s.copy(t)
	s.send()
	s.held, s.lines = map[string]int{}, s.collector.Lines()
	for key, line := range s.collector.Held() {
		s.held[key] = line.Revision
	}
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// work does what a run of the service does, and reports what it ends with.
func (s *damagedSite) work() error {
	s.queue = upload.NewQueue(s.dir, dealer)
	if err := s.queue.Open(); err != nil {
		return err
	}
	return errors.Join(s.cycle(), s.queue.Close())
}

func (s *damagedSite) cycle() error {
	s.sender.Queue = s.queue
	awaits, err := s.queue.Awaits()
	if err != nil {
		return err
	}
	if awaits {
		if _, err := s.sender.TakeOver(context.Background()); err != nil {
			return err
		}
	}
	if err := s.orders.Approve(s.queue); err != nil {
		return err
	}
	for range 2 {
		for week, orders := range s.dms {
			if err := s.readAll(week, orders); err != nil {
				return err
			}
		}
		if _, err := s.sender.Send(context.Background()); err != nil {
			return err
		}
	}
	_, err = s.queue.VerifyLedger(s.collector.Verifier)
	return err
}

func (s *damagedSite) readAll(name string, orders []uploadtest.Order) error {
	p, err := s.queue.Begin(week(s.t, name), s.orders.Digest(), time.Now())
	if err != nil {
		return err
	}
	if !p.Done() {
		keys := uploadtest.Keys(orders...)
		wanted, err := p.Wanted(keys)
		if err != nil {
			return err
		}
		var read []uploadtest.Order
		seen := map[int]bool{}
		for _, i := range wanted {
			read, seen[i] = append(read, orders[i]), true
		}
		page := upload.PageResult{Records: s.orders.Records(p.Week(), read...)}
		for i := range keys {
			if !seen[i] {
				page.Unchanged = append(page.Unchanged, keys[i])
			}
		}
		if _, err := p.Store(page); err != nil {
			return err
		}
	}
	_, err = p.Finish(upload.FinishResult{Now: time.Now()})
	return err
}

// survive damages the database, and works until all is well. It returns what was rebuilt.
func (s *damagedSite) survive(t *testing.T, what string, damaged []byte) (rebuilt *upload.Rebuilt) {
	t.Helper()
	write(t, filepath.Join(s.dir, "queue.db"), damaged)
	err := s.work()
	if corrupt, ok := errors.AsType[*upload.CorruptError](err); ok {
		aside, rebuildErr := upload.NewQueue(s.dir, dealer).Rebuild(corrupt)
		if rebuildErr != nil {
			t.Fatalf("%s: %v", what, rebuildErr)
		}
		rebuilt = &aside
		if !bytes.Equal(read(t, aside.Aside), damaged) && !strings.Contains(what, "value") { // what work found out late, it may have written to
			t.Errorf("%s: what was set aside is not what was damaged", what)
		}
		remove(t, aside.Aside)
		if aside.Entries < s.vetoed { // nobody can know any more that it was dropped
			without := *s
			without.dms = maps.Clone(s.dms)
			without.forgetSecret()
			err = without.work()
		} else {
			err = s.work()
		}
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	held := map[string]int{}
	for key, line := range s.collector.Held() {
		held[key] = line.Revision
	}
	if diff := cmp.Diff(s.held, held); diff != "" || s.collector.Lines() != s.lines {
		t.Fatalf("%s: %d lines were sent again; held (-before +after):\n%s", what, s.collector.Lines()-s.lines, diff)
	}
	for _, wrong := range s.collector.Wrong() {
		t.Fatalf("%s: %s", what, wrong)
	}
	return rebuilt
}

// forgetSecret takes the order that was dropped out of the DMS.
func (s *damagedSite) forgetSecret() {
	s.dms["2026-W46"] = slices.DeleteFunc(slices.Clone(s.dms["2026-W46"]), func(o uploadtest.Order) bool { return o.Key == "SECRET" })
}

// pagesOf returns what the pages of a database are: meta, leaf, branch, freelist, free; "" within a larger one.
func pagesOf(t *testing.T, path string) (kinds []string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.View(func(tx *bbolt.Tx) error {
		for id := 0; ; {
			info, err := tx.Page(id)
			if err != nil || info == nil {
				return err
			}
			kinds = append(kinds, info.Type)
			for range info.OverflowCount {
				kinds = append(kinds, "")
			}
			id += 1 + info.OverflowCount
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return kinds
}

const page = 4096

// TestCutAtEveryPage (complaint 18) cuts the file off at every page: the damage is recognised, the file set aside, and
// the queue rebuilt, with nothing lost and nothing sent twice.
func TestCutAtEveryPage(t *testing.T) {
	s := newDamagedSite(t, 40)
	entries := 0
	path := filepath.Join(s.dir, "queue.db")
	write(t, path, s.sound)
	used := len(pagesOf(t, path)) // bbolt makes files longer than it needs
	for at := 0; at < len(s.sound); at += page {
		rebuilt := s.survive(t, fmt.Sprintf("cut at page %d", at/page), s.sound[:at])
		if (rebuilt != nil) != (at/page < used) {
			t.Errorf("cut at page %d of %d in use: rebuilt %+v", at/page, used, rebuilt)
		}
		if rebuilt == nil {
			continue
		}
		entries = max(entries, rebuilt.Entries)
	}
	if entries < 10 {
		t.Errorf("at most %d entries of the ledger were kept", entries)
	}
}

// TestFlipInEveryPage (complaint 18) changes a byte of every page's header: all damage of a page that is in use is
// recognised before anything is read through it.
func TestFlipInEveryPage(t *testing.T) {
	s := newDamagedSite(t, 40)
	path := filepath.Join(s.dir, "queue.db")
	write(t, path, s.sound)
	for id, kind := range pagesOf(t, path) {
		for i := range 16 {
			if kind == "free" || kind == "" { // nobody reads it; or it is the inside of a value
				continue
			}
			damaged := bytes.Clone(s.sound)
			damaged[id*page+i] ^= 1 << (i % 8)
			what := fmt.Sprintf("byte %d of page %d (%s)", i, id, kind)
			unused := kind == "meta" && i >= 10 || kind == "freelist" && (i == 10 || i == 11)
			if i == id%16 {
				if s.survive(t, what, damaged) == nil && !unused {
					t.Errorf("%s: not recognised", what)
				}
				continue
			}
			write(t, path, damaged)
			q := upload.NewQueue(s.dir, dealer)
			err := q.Open()
			var corrupt *upload.CorruptError
			if errors.As(err, new(*upload.LockedError)) {
				t.Fatalf("%s: %v", what, err)
			}
			if !errors.As(err, &corrupt) && !unused {
				t.Errorf("%s: not recognised: %v", what, err)
			}
			if err == nil {
				if err := q.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestFlipInStructure changes bytes of what leads from page to page: the heads, the elements of pages, the list of free
// pages, the heads of buckets. TestFlipAnywhere changes any byte.
func TestFlipInStructure(t *testing.T) {
	s := newDamagedSite(t, 40)
	path := filepath.Join(s.dir, "queue.db")
	write(t, path, s.sound)
	flips, missed := 0, 0
	for id, kind := range pagesOf(t, path) {
		if kind != "leaf" && kind != "branch" {
			continue
		}
		count := int(s.sound[id*page+10]) | int(s.sound[id*page+11])<<8
		for i := range 16 * min(count, 250) {
			if (i+id)%7 != 0 {
				continue
			}
			damaged := bytes.Clone(s.sound)
			damaged[id*page+16+i] ^= 1 << (i % 8)
			write(t, path, damaged)
			q := upload.NewQueue(s.dir, dealer)
			flips++
			if err := q.Open(); err == nil {
				missed++
				if i/16 != count-1 || i%16 < 12 { // the length of a page's last value tells itself where it is read
					t.Errorf("byte %d of the elements of page %d (%s): not recognised", i, id, kind)
				}
				if err := q.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
	t.Logf("%d bytes changed, %d not recognised by the walk", flips, missed)
}

// TestFlippedHead holds that a file of whose two heads one is damaged is opened by the other: it may be one transaction
// old, and nothing is sent twice all the same.
func TestFlippedHead(t *testing.T) {
	s := newDamagedSite(t, 40)
	for id := range 2 {
		for i := 16; i < 16+64; i += 3 {
			damaged := bytes.Clone(s.sound)
			damaged[id*page+i] ^= 0x10
			s.survive(t, fmt.Sprintf("byte %d of head %d", i, id), damaged)
		}
	}
}

// BenchmarkOpen measures the walk through the file at each opening: 50,000 orders of 1.5 kB.
func BenchmarkOpen(b *testing.B) {
	s := newSite(b)
	p := s.begin("2026-W46")
	for i := range 100 {
		s.store(p, []byte{byte(i)}, benchOrders(i*500, 500)...)
	}
	info, err := os.Stat(filepath.Join(s.dir, "queue.db"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.reopen()
	}
	b.ReportMetric(float64(info.Size())/(1<<20), "MiB")
}

package upload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

// TestModel (complaints 1-4, 16, 17, 21, 23) runs random edits of a DMS, pulls page by page, kills and sends through a
// collector with faults. Whatever the sequence: the collector gets each line once, revisions without a gap, each with
// the right digest of what it replaces; and once all is read and sent, it holds what the DMS holds.
func TestModel(t *testing.T) {
	checkModel(t, func(m *model) {
		m.t.Repeat(map[string]func(*rapid.T){
			"write":   m.write,
			"delete":  m.delete,
			"move":    m.move,
			"page":    m.readPage,
			"send":    m.sendSome,
			"kill":    func(*rapid.T) { m.site.reopen(); m.site.queue.Hold = m.hold },
			"full":    m.full,
			"approve": m.approve,
			"release": m.release,
			"drop":    m.drop,
			"veto":    m.veto,
			"hold":    func(*rapid.T) { m.hold = time.Hour - m.hold; m.site.queue.Hold = m.hold },
			"unhold":  m.unhold,
			"run":     func(*rapid.T) { m.nextRun() },
			"restore": func(*rapid.T) { m.site.collector.ForgetDeclarations() },
			"leave":   m.leave,
			"voids":   func(*rapid.T) { m.keepVoid = !m.keepVoid },
			"":        func(*rapid.T) { m.site.sound(); m.vetoed.check(m.t, m.site) },
		})
		m.settle()
	})
}

// TestMovesModel holds that the numbers of an order go up by one through all the weeks that it was in, whatever of it the
// collector refuses, and when: but for a void that may be released. Nobody drops anything here, and the collector forgets nothing.
func TestMovesModel(t *testing.T) {
	checkModel(t, func(m *model) {
		m.t.Repeat(map[string]func(*rapid.T){
			"write":   m.write,
			"delete":  m.delete,
			"move":    m.move,
			"week":    func(*rapid.T) { m.readAll(1) },
			"page":    m.readPage,
			"send":    m.sendSome,
			"kill":    func(*rapid.T) { m.site.reopen() },
			"release": m.release,
			"run":     func(*rapid.T) { m.nextRun() },
			"voids":   func(*rapid.T) { m.keepVoid = !m.keepVoid },
			"":        func(*rapid.T) { m.site.unbroken() },
		})
		m.settle()
		m.site.unbroken()
	})
}

// checkModel checks drawn sequences, each on a queue of its own.
func checkModel(t *testing.T, check func(*model)) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(t, rt)
		rt.Cleanup(func() {
			if err := m.site.queue.Close(); err != nil {
				rt.Error(err)
			}
		})
		check(m)
	})
}

type model struct {
	t        *rapid.T
	site     *site
	makers   [2]*uploadtest.Orders
	dms      map[string]map[string]uploadtest.Order // by week and key
	versions int
	run      time.Time // when the readings began that begin now
	keepVoid bool      // the collector refuses lines that void
	hold     time.Duration
	vetoed   *vetoes
	before   map[string]map[string]bool // by car: what the queue says was sent of it, up to when the dealer last left
}

func modelWeeks() []string { return []string{"2026-W45", "2026-W46"} }

// pageSize is small, so that most weeks have several pages.
const pageSize = 3

func newModel(t *testing.T, rt *rapid.T) *model {
	s := &site{t: rt, log: io.Discard, dir: t.TempDir(), collector: uploadtest.NewCollector(t), orders: uploadtest.NewOrders(t, "maker")}
	s.open()
	m := &model{vetoed: newVetoes(), run: time.Now(), t: rt, site: s, makers: [2]*uploadtest.Orders{s.orders, uploadtest.NewOrders(t, "another")}, dms: map[string]map[string]uploadtest.Order{}}
	for _, orders := range m.makers { // both: what was read under one may go while the other is in force
		if err := orders.Approve(s.queue); err != nil {
			rt.Fatal(err)
		}
	}
	s.collector.Refuse = func(line upload.Line) string {
		if line.Voided && m.keepVoid {
			return "it is kept"
		}
		return refuseBad(line)
	}
	for _, name := range modelWeeks() {
		m.dms[name] = map[string]uploadtest.Order{}
	}
	return m
}

func refuseBad(line upload.Line) string {
	if strings.Contains(string(line.RepairOrder), "bad") {
		return "it is bad"
	}
	return ""
}

func (m *model) find(key string) (week string, ok bool) {
	for name, orders := range m.dms {
		if _, ok := orders[key]; ok {
			return name, true
		}
	}
	return "", false
}

func drawKey(t *rapid.T) string { return fmt.Sprintf("RO%d", rapid.IntRange(1, 8).Draw(t, "key")) }

func (m *model) write(t *rapid.T) {
	key := drawKey(t)
	name, ok := m.find(key)
	if !ok {
		name = rapid.SampledFrom(modelWeeks()).Draw(t, "week")
	}
	// Few texts, so that an order often comes back to what it was before.
	m.put(name, key, rapid.SampledFrom([]string{"oil", "tyres", "bad", unreadable}).Draw(t, "text"))
}

func (m *model) put(name, key, text string) {
	m.versions++
	delete(m.vetoed.gone, name+"/"+key)
	m.dms[name][key] = uploadtest.Order{Key: key, Text: text, Changed: fmt.Sprint(m.versions), VIN: modelVIN(key, text)}
}

func (m *model) delete(t *rapid.T) {
	key := drawKey(t)
	if name, ok := m.find(key); ok {
		delete(m.dms[name], key)
		delete(m.vetoed.gone, name+"/"+key)
	}
}

func (m *model) move(t *rapid.T) {
	key := drawKey(t)
	name, ok := m.find(key)
	if !ok {
		t.Skip()
	}
	text := m.dms[name][key].Text
	delete(m.dms[name], key)
	delete(m.vetoed.gone, name+"/"+key)
	m.put(rapid.SampledFrom(modelWeeks()).Draw(t, "to"), key, text)
}

// readPage goes on with the pull of a week, by one page, or finishes it.
func (m *model) readPage(t *rapid.T) {
	m.step(rapid.SampledFrom(modelWeeks()).Draw(t, "week"))
}

// step reports whether it finished the week's reading.
func (m *model) step(name string) bool {
	p := m.site.beginAt(name, m.run)
	if p.Done() {
		_, err := p.Finish(upload.FinishResult{Now: time.Now()})
		if err != nil && !errors.Is(err, upload.ErrFull) {
			m.t.Fatal(err)
		}
		return err == nil
	}
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(m.dms[name])), func(key string) bool { return key <= string(p.After()) })
	var next []byte
	if len(keys) > pageSize {
		keys = keys[:pageSize]
		next = []byte(keys[pageSize-1])
	}
	var orders []uploadtest.Order
	var parked []fieldmap.Parked
	for _, key := range keys {
		if order := m.dms[name][key]; order.Text == unreadable {
			parked = append(parked, fieldmap.Parked{Week: p.Week(), Key: fieldmap.OrderKey{Text: key}, Reason: "it cannot be read"})
		} else {
			orders = append(orders, order)
		}
	}
	page := m.site.page(p, next, orders...)
	page.Parked = parked
	if _, err := p.Store(page); err != nil && !errors.Is(err, upload.ErrFull) {
		m.t.Fatal(err)
	}
	return false
}

// unreadable is the text of an order of which no line can be made.
const unreadable = "unreadable"

// full gives the queue hardly any room, or all it wants.
func (m *model) full(t *rapid.T) {
	m.site.queue.MaxSize = rapid.SampledFrom([]int64{0, 1, 1000}).Draw(t, "max size")
}

// approve changes the whitelist, or changes it back.
func (m *model) approve(t *rapid.T) {
	m.site.orders = m.makers[rapid.IntRange(0, 1).Draw(t, "whitelist")]
}

// sendSome sends through faults; the retries may or may not get past them.
func (m *model) sendSome(t *rapid.T) {
	faults := []uploadtest.Fault{
		nil, nil, uploadtest.Reset, uploadtest.LoseAnswer, uploadtest.BreakOff, uploadtest.Answer(503, "text/html", "later"),
		uploadtest.Answer(403, "text/html", "no"), uploadtest.Answer(200, "text/html", "<h1>Please log in</h1>"),
	}
	m.site.collector.MaxOrders = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "max orders")
	m.site.collector.NoZstd = rapid.Bool().Draw(t, "no zstd")
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(faults)-1), 0, 4).Draw(t, "faults") {
		m.site.collector.Fail(faults[i])
	}
	m.site.sender.Retries, m.site.sender.RetryMin, m.site.sender.RetryMax = 1, time.Nanosecond, time.Nanosecond
	_, _ = m.site.trySend() // whatever comes of it: what is not sent waits
	m.site.collector.ClearFaults()
}

func (m *model) parked(t *rapid.T) upload.ParkedItem {
	items, err := m.site.queue.Parked()
	if err != nil {
		m.t.Fatal(err)
	}
	if len(items) == 0 {
		t.Skip()
	}
	return rapid.SampledFrom(items).Draw(t, "parked")
}

func (m *model) release(t *rapid.T) {
	if err := m.site.queue.Release(m.parked(t).Number, "tester"); err != nil && !errors.Is(err, upload.ErrNotHeld) && !errors.Is(err, upload.ErrSuperseded) {
		m.t.Fatal(err)
	}
}

func (m *model) drop(t *rapid.T) {
	item := m.parked(t)
	if strings.Contains(item.Reason, "it is kept") {
		t.Skip() // both ends would differ for good, as the person wishes
	}
	if err := m.site.queue.Drop(item.Number, "tester"); err != nil {
		m.t.Fatal(err)
	}
}

// nextRun begins another run: the readings of one have the same start.
func (m *model) nextRun() { m.run = m.run.Add(time.Hour) }

// modelVIN gives several orders one car, and an order another car when its text changes.
func modelVIN(key, text string) string {
	return fmt.Sprintf("VIN%d", (len(text)+int(key[len(key)-1]))%3)
}

// about holds what the queue says was sent about each car against what the collector took.
func (m *model) about() {
	for i := range 3 {
		vin := fmt.Sprintf("VIN%d", i)
		want, named := map[string]bool{}, map[string]bool{}
		for sent := range m.before[vin] {
			want[sent] = true
			order, _, _ := strings.Cut(sent, " ")
			named[order] = true
		}
		for _, line := range m.site.collector.Taken() {
			order := line.Week + "/" + line.Key
			if strings.Contains(string(line.RepairOrder), vin) || line.Voided && named[order] {
				named[order] = true
				want[fmt.Sprint(order, " ", line.Revision, line.Voided)] = true
			}
		}
		found, got := m.sentAbout(vin)
		if diff := cmp.Diff(want, got); diff != "" || found.Unknown > 0 || len(found.Waiting) > 0 {
			m.t.Errorf("%s: %s; %d unknown, waiting %v", vin, diff, found.Unknown, found.Waiting)
		}
	}
}

// sentAbout is what the queue says was sent about a car.
func (m *model) sentAbout(vin string) (found upload.Disclosure, sent map[string]bool) {
	found, err := m.site.queue.About(fieldmap.Vehicle, fieldmap.NewTagger(uploadtest.TagKey()).Tag(fieldmap.Vehicle, []byte(vin)))
	if err != nil {
		m.t.Fatal(err)
	}
	sent = map[string]bool{}
	for _, line := range found.Sent {
		name := fmt.Sprint(line.Week, "/", line.Key, " ", line.Revision, line.Voided)
		if sent[name] && m.before == nil {
			m.t.Errorf("%s: %s was sent twice", vin, name)
		}
		sent[name] = true
	}
	return found, sent
}

// leave makes the dealer leave, through kills and answers that are lost, and take part again. Then both ends begin anew.
func (m *model) leave(t *rapid.T) {
	if err := m.site.queue.BeginLeaving("kim", time.Now()); err != nil {
		m.t.Fatal(err)
	}
	lost := rapid.IntRange(0, 2).Draw(t, "answers lost")
	var signed []byte
	for i := range lost + 1 {
		if i < lost {
			m.site.collector.Fail(uploadtest.LoseAnswer)
		}
		if rapid.Bool().Draw(t, "killed") {
			m.site.reopen()
			m.site.queue.Hold = m.hold
		}
		m.site.sender.Retries = 0
		_, answer, err := m.site.sender.Leave(context.Background())
		if signed = answer; (err == nil) != (i == lost) {
			m.t.Fatal("the collector was asked: ", err)
		}
	}
	before := map[string]map[string]bool{}
	for i := range 3 {
		vin := fmt.Sprintf("VIN%d", i)
		_, before[vin] = m.sentAbout(vin)
	}
	if _, err := m.site.queue.Leave("kim", signed, time.Now()); err != nil {
		m.t.Fatal(err)
	}
	m.before = before
	m.site.collector.Readmit()
	m.vetoed = newVetoes()
	for _, orders := range m.makers {
		if err := orders.Approve(m.site.queue); err != nil {
			m.t.Fatal(err)
		}
	}
}

// settle reads and sends until nothing changes, and compares both ends.
func (m *model) settle() {
	m.site.collector.MaxOrders, m.site.collector.NoZstd, m.site.queue.MaxSize = 0, false, 0
	m.keepVoid, m.site.queue.Hold = false, 0
	m.readAll(3)
	m.site.send()
	m.releaseVoids()
	m.site.send()
	m.compare(true)
	m.about()
	m.vetoed.check(m.t, m.site)
	m.vetoed.manifests(m.t, m.site)
	requests := len(m.site.collector.Requests())
	m.readAll(3)
	m.site.send()
	for _, r := range m.site.collector.Requests()[requests:] {
		m.t.Errorf("all was read and sent, and then came %s", r.Path)
	}
	m.site.collector.Refuse = nil
	for _, name := range modelWeeks() { // the collector takes all now: every order changes, and arrives
		for key, order := range m.dms[name] {
			m.put(name, key, order.Text+" no more")
		}
	}
	m.readAll(3)
	m.site.send()
	m.compare(false)
	m.about()
	m.site.sound()
	if items, err := m.site.queue.Parked(); err != nil || len(items) > 0 {
		m.t.Errorf("still parked: %v %v", items, err)
	}
}

// releaseVoids sends again what was refused of orders that are gone.
func (m *model) releaseVoids() {
	items, err := m.site.queue.Parked()
	if err != nil {
		m.t.Fatal(err)
	}
	for _, item := range items {
		if !strings.Contains(item.Reason, "it is kept") {
			continue
		}
		if err := m.site.queue.Release(item.Number, "tester"); err != nil {
			m.t.Error(err)
		}
	}
}

// readAll reads every week so often to its end: an order may have moved into a week that had been read.
func (m *model) readAll(times int) {
	for range times {
		m.nextRun()
		for _, name := range modelWeeks() {
			for !m.step(name) {
				continue
			}
		}
	}
}

// compare holds what the collector has against the DMS. It may hold an earlier version of a bad order, or none.
func (m *model) compare(badRefused bool) {
	held := m.site.collector.Held()
	for _, name := range modelWeeks() {
		for key, order := range m.dms[name] {
			line, ok := held[name+"/"+key]
			delete(held, name+"/"+key)
			if badRefused && (order.Text == "bad" || order.Text == unreadable) {
				continue
			}
			if badRefused && m.vetoed.ever[name+"/"+key+"/"+order.Text] {
				continue
			}
			if want := fmt.Sprintf("%q", order.Text); !ok || !strings.Contains(string(line.RepairOrder), want) {
				m.t.Errorf("%s/%s: the DMS holds %s, the collector %s", name, key, want, line.RepairOrder)
			}
		}
	}
	for name, line := range held {
		m.t.Errorf("%s is gone from the DMS, the collector holds revision %d", name, line.Revision)
	}
}

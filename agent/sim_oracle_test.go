package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

// fault reports something that must never be, by kind: lost, doubled, extra, or what else it is.
func (w *simWorld) fault(kind, format string, args ...any) {
	w.t.Helper()
	w.mu.Lock()
	w.wrong[kind]++
	few := w.wrong[kind] <= 5
	w.mu.Unlock()
	if few {
		w.t.Errorf("seed %d: %s: %s", w.seed, kind, fmt.Sprintf(format, args...))
	} else {
		w.t.Fail()
	}
}

// verify is the oracle. Twice it compares the collector with the dealership: after nothing but the service's own
// runs, all weeks where the whitelist never changed, else those of the look-back; and after a pull of every week by hand,
// all of them.
func (w *simWorld) verify() {
	w.shopMu.Lock()
	defer w.shopMu.Unlock()
	weeks := w.pulled()
	if len(weeks) == 0 {
		w.fault("stuck", "no week was ever read")
		return
	}
	w.say("oracle: after the service's own runs")
	w.closed()
	w.compare(weeks, func(week fieldmap.Week) bool {
		return w.steady && !w.shop.rezoned || !week.Before(w.shop.oldest().Add(1))
	}, w.forgiven)
	if (w.shop.rezoned || w.clock != nil) && !w.lost {
		w.once(weeks)
	}
	w.shop.mend()
	last := weeks[len(weeks)-1]
	if err := w.byHand("pull all weeks", pullCommand{From: weeks[0].String(), To: last.String()}); err != nil {
		w.fault("stuck", "pull of all weeks: %v", err)
	}
	w.say("oracle: after a pull by hand")
	w.closed()
	w.compare(weeks, func(fieldmap.Week) bool { return true }, nil)
	w.history()
	w.manifests(weeks)
	w.ledger()
	w.unlisted()
}

// pulled returns the weeks from the first one that was read to the last that is over.
func (w *simWorld) pulled() (weeks []fieldmap.Week) {
	w.look(func(q *upload.Queue) error {
		known, err := q.Weeks()
		if err != nil || len(known) == 0 {
			return err
		}
		first, err := fieldmap.ParseWeek(known[0].Week)
		for week := first; err == nil && week.Before(fieldmap.WeekOf(time.Now().In(w.shop.weeks))); week = week.Next() {
			weeks = append(weeks, week)
		}
		return err
	})
	return weeks
}

// closed holds that nothing waits, and that each week that is over has its receipt.
func (w *simWorld) closed() {
	now := fieldmap.WeekOf(time.Now().In(w.shop.weeks)).String() // a clock that was ahead may have read it
	w.look(func(q *upload.Queue) error {
		pending, err := q.Pending()
		if err != nil {
			return err
		}
		if pending.Batches > 0 {
			w.fault("stuck", "%d batches still wait", pending.Batches)
		}
		weeks, err := q.Weeks()
		for _, week := range weeks {
			if !week.Closed && week.Week < now {
				w.fault("stuck", "%s is not closed: %+v", week.Week, week)
			}
		}
		return err
	})
}

// compare holds the newest revisions at the collector against what the whitelist makes of the DMS. Orders that cannot be
// sent as they are prove nothing, nor do those that are forgiven.
func (w *simWorld) compare(weeks []fieldmap.Week, sharp func(fieldmap.Week) bool, forgiven map[string]bool) {
	bad, want := map[string]bool{}, map[fieldmap.Week]map[string]string{}
	maps.Copy(bad, forgiven)
	for _, week := range weeks {
		held, wrong := w.shop.expected(week, w.whitelist)
		want[week] = held
		maps.Copy(bad, wrong)
	}
	for _, week := range weeks {
		if !sharp(week) {
			continue
		}
		got := w.held(week)
		for _, key := range slices.Sorted(maps.Keys(want[week])) {
			switch {
			case bad[key]:
			case got[key] == "":
				w.fault("lost", "%s of %s is not at the collector", key, week)
			case got[key] != want[week][key]:
				w.fault("lost", "%s of %s is an old one at the collector:\n got %s\nwant %s", key, week, got[key], want[week][key])
			}
		}
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if want[week][key] == "" && !bad[key] {
				w.fault("extra", "%s of %s is at the collector, and should not be: %s", key, week, got[key])
			}
		}
	}
}

// held returns the newest content of each order of a week at the collector, as JSON with sorted members.
func (w *simWorld) held(week fieldmap.Week) map[string]string {
	var b bytes.Buffer
	if err := collector.Export(context.Background(), w.net.store, rigDealer, week, &b); err != nil {
		w.t.Fatal(err)
	}
	held := map[string]string{}
	for line := range strings.Lines(b.String()) {
		var l upload.Line
		var order any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			w.t.Fatal(err)
		}
		if l.Voided {
			continue
		}
		if err := json.Unmarshal(l.RepairOrder, &order); err != nil {
			w.t.Fatal(err)
		}
		sorted, err := json.Marshal(order)
		if err != nil {
			w.t.Fatal(err)
		}
		held[l.Key] = string(sorted)
	}
	return held
}

// stored returns every line at the collector, and the batches of each week.
func (w *simWorld) stored() (lines []upload.Line, batches map[string][]string) {
	return storedLines(w.t, w.net.store, w.net.store.batches())
}

// history holds that each revision of an order is there once, none is missing, each replaces what the week had of it or
// else what the week had that it came from, and none was needless.
func (w *simWorld) history() {
	lines, _ := w.stored()
	w.lines = len(lines)
	slices.SortStableFunc(lines, func(a, b upload.Line) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Week, b.Week))
	})
	refused := w.everParked()
	for len(lines) > 0 {
		key := lines[0].Key
		n := slices.IndexFunc(lines, func(l upload.Line) bool { return l.Key != key })
		if n < 0 {
			n = len(lines)
		}
		w.order(lines[:n], refused[key])
		lines = lines[n:]
	}
}

// order holds that of one order. One that was ever refused may be sent again, and the number of a refused line that voids it is kept free,
// since that may be released; no other is missing. Where a
// queue was lost or an old one put back, each week goes on behind what the collector holds of it; of an order that moved,
// two weeks may then have used a revision.
func (w *simWorld) order(lines []upload.Line, refused bool) {
	last, before, voided := "", map[string]string{}, map[string]bool{} // contents, by week
	voids := map[string]int{}
	due := 0
	for i, l := range lines {
		for due++; due < l.Revision && w.net.voids[lineName(l.Key, due)]; due++ {
			w.say("refused: %s revision %d, which voids it", l.Key, due)
		}
		w.say("held: %s %s revision %d voided %v", l.Key, l.Week, l.Revision, l.Voided)
		sum := sha256.Sum256(l.RepairOrder)
		content := hex.EncodeToString(sum[:])
		switch {
		case i > 0 && l.Revision == lines[i-1].Revision && (!w.lost || l.Week == lines[i-1].Week):
			w.fault("doubled", "%s has revision %d twice, in %s and %s", l.Key, l.Revision, lines[i-1].Week, l.Week)
		case l.Revision != due && !w.lost:
			w.fault("a revision is missing", "%s has revision %d as line %d", l.Key, l.Revision, i+1)
		case refused:
		case l.Replaces != cmp.Or(before[l.Week], last) && !w.lost:
			w.fault("a wrong replaces", "%s revision %d of %s replaces %.8q, the one before is %.8q", l.Key, l.Revision, l.Week, l.Replaces, cmp.Or(before[l.Week], last))
		case !l.Voided && !voided[l.Week] && before[l.Week] == content:
			w.fault("doubled", "%s of %s is sent again as it was, as revision %d", l.Key, l.Week, l.Revision)
		}
		if voided[l.Week] = l.Voided; l.Voided {
			if voids[l.Week]++; !refused && voids[l.Week] > w.shop.left[l.Key+" "+l.Week] {
				w.fault("extra", "%s of %s is voided %d times, and was gone %d times", l.Key, l.Week, voids[l.Week], w.shop.left[l.Key+" "+l.Week])
			}
			continue
		}
		last, before[l.Week] = content, content
	}
}

// everParked returns the orders that the collector ever refused, alone or in a batch. Of no other may the ledger say so. The shop must be
// held still.
func (w *simWorld) everParked() map[string]bool { return w.partOf(w.everRefused()) }

// everRefused returns the orders of which the ledger says so, and the weeks of which it names none.
func (w *simWorld) everRefused() (keys, weeks map[string]bool) {
	keys, weeks = maps.Clone(w.forgiven), map[string]bool{}
	w.look(func(q *upload.Queue) error {
		for e, err := range q.Entries() {
			if err != nil {
				return err
			}
			if e.Kind == upload.ParkedEntry && e.ID != "" && !w.net.refused[e.ID] {
				w.fault("lost", "orders of %s are parked as refused in batch %.12s, which the collector never did", e.Week, e.ID)
			}
			if e.Kind == upload.ParkedEntry || e.Kind == upload.SupersededEntry {
				keys[e.Key] = true
				weeks[e.Week] = weeks[e.Week] || e.Key == ""
			}
		}
		return nil
	})
	return keys, weeks
}

// partOf adds the orders of these weeks.
func (w *simWorld) partOf(keys, weeks map[string]bool) map[string]bool {
	for key, o := range w.shop.orders {
		keys[key] = keys[key] || weeks[w.shop.week(o).String()]
	}
	return keys
}

// manifests holds that the last manifest of each week names exactly the batches that are there.
func (w *simWorld) manifests(weeks []fieldmap.Week) {
	_, batches := w.stored()
	for _, week := range weeks {
		text, err := w.net.store.Get(context.Background(), simFolder(week)+"/manifest.json")
		if err != nil {
			w.fault("no manifest", "%s: %v", week, err)
			continue
		}
		var m upload.Manifest
		if err := json.Unmarshal(text, &m); err != nil {
			w.t.Fatal(err)
		}
		var named []string
		for _, b := range m.Batches {
			named = append(named, b.ID)
		}
		slices.Sort(named)
		if there := slices.Sorted(slices.Values(batches[week.String()])); !slices.Equal(named, there) {
			w.fault("a wrong manifest", "%s names %d batches, %d are there", week, len(named), len(there))
		}
	}
}

// ledger holds that the ledger is whole, and that it has a receipt for each batch that is at the collector. An old copy that
// was put back lacks those of weeks of which it has had nothing to send since: upload's DESIGN.md says so.
func (w *simWorld) ledger() {
	_, batches := w.stored()
	w.look(func(q *upload.Queue) error {
		if _, err := q.VerifyLedger(); err != nil {
			w.fault("a broken ledger", "%v", err)
		}
		if err := q.Check(); err != nil {
			w.fault("a broken queue", "%v", err)
		}
		proven, asked := map[string]bool{}, map[string]bool{}
		for e, err := range q.Entries() {
			if err != nil {
				return err
			}
			sent := e.Kind == upload.BatchEntry || e.Kind == upload.ManifestEntry || e.Kind == upload.AdoptedEntry
			asked[e.Week] = asked[e.Week] || sent && e.At.After(w.copied)
			if e.Kind == upload.RequeuedEntry && !w.net.store.everLost(e.Week, e.ID) {
				w.fault("lost", "batch %.12s of %s had a receipt, and the collector asked for it again", e.ID, e.Week)
			}
			if e.Kind != upload.BatchEntry {
				continue
			}
			if proven[e.ID] && !w.net.store.everLost(e.Week, e.ID) { // a collector that lost it gives a receipt again
				w.fault("doubled", "batch %.12s is in the ledger twice", e.ID)
			}
			receipt, err := upload.OpenReceipt([]byte(e.Receipt), w.receiptKey)
			if err != nil || receipt.ID != e.ID {
				w.fault("a wrong receipt", "ledger entry %d: %v", e.Number, err)
			}
			proven[e.ID] = true
		}
		for week, ids := range batches {
			for _, id := range ids {
				if !proven[id] && (w.copied.IsZero() || asked[week]) {
					w.fault("no receipt", "batch %.12s of %s", id, week)
				}
			}
		}
		return nil
	})
}

// unlisted holds that no value of a column that the whitelist does not list is anywhere.
func (w *simWorld) unlisted() {
	lines, _ := w.stored()
	text, err := json.Marshal(lines)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, canary := range []string{"CANARY", "8675309"} {
		if bytes.Contains(text, []byte(canary)) || bytes.Contains(w.log.Bytes(), []byte(canary)) {
			w.wrong["extra"]++
			w.t.Errorf("seed %d: %s is sent or logged", w.seed, canary)
		}
	}
}

// batches returns the names of all batches of the last three years.
func (s *simStore) batches() (names []string) {
	now := fieldmap.WeekOf(time.Now())
	for week := now.Add(-156); week.Before(now.Next()); week = week.Next() {
		list, err := collector.Names(context.Background(), s, simFolder(week)+"/batches")
		if err != nil {
			panic(err)
		}
		names = append(names, list...)
	}
	return names
}

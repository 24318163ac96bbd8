package upload_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roagent/upload"
)

// vetoes is what the model knows of what a person dropped.
type vetoes struct {
	gone   map[string]dropped // by week and key: not edited in the DMS since
	ever   map[string]bool    // by week, key and text
	counts map[string][]upload.DropCount
}

// dropped is the text that must not arrive, and how often it had arrived before.
type dropped struct {
	text    string
	arrived int
}

func newVetoes() *vetoes {
	return &vetoes{gone: map[string]dropped{}, ever: map[string]bool{}, counts: map[string][]upload.DropCount{}}
}

const notes = "repair_order_header.order_notes"

// veto drops an order, the text of orders or a week of what waits, and holds what the queue says of it against what
// waited.
func (m *model) veto(t *rapid.T) {
	v := upload.Veto{
		What: rapid.SampledFrom([]upload.DropKind{upload.DropOrder, upload.DropField, upload.DropWeek}).Draw(t, "what"),
		Week: rapid.SampledFrom(modelWeeks()).Draw(t, "week of drop"), Who: "kim", Why: rapid.SampledFrom([]string{"why not", "because"}).Draw(t, "why"),
	}
	switch v.What {
	case upload.DropOrder:
		v.Key = drawKey(t)
	case upload.DropField:
		v.Field = notes
	}
	if v.What != upload.DropWeek && rapid.Bool().Draw(t, "every week") {
		v.Week = ""
	}
	want := m.toDrop(v)
	got, err := m.site.queue.Veto(v)
	if err != nil {
		m.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		m.t.Error(diff)
	}
	for week, n := range got.Weeks {
		m.vetoed.count(week, upload.DropCount{What: v.What, Field: v.Field, Why: v.Why, Count: n})
	}
}

// toDrop returns what a veto is about, by the lines that wait, and notes that it must not arrive.
func (m *model) toDrop(v upload.Veto) (want upload.Vetoed) {
	last := map[string]string{} // the text of the last line of each order
	weeks := map[string]map[string]bool{}
	for line, err := range m.site.queue.WaitingLines(v.Week) {
		if err != nil {
			m.t.Fatal(err)
		}
		var l upload.Line
		if err := json.Unmarshal(line.Text, &l); err != nil {
			m.t.Fatal(err)
		}
		text, ok := textOf(l)
		switch {
		case l.Voided, v.Key != "" && l.Key != v.Key, v.Field != "" && !ok:
			continue
		case line.Offered:
			want.Offered++
			continue
		}
		if weeks[l.Week] == nil {
			weeks[l.Week] = map[string]bool{}
		}
		weeks[l.Week][l.Key] = true
		last[l.Week+"/"+l.Key] = text
		m.vetoed.ever[l.Week+"/"+l.Key+"/"+text] = true
		m.site.collector.NeverSees(l.Week, l.Key)
	}
	for week, keys := range weeks {
		if want.Weeks == nil {
			want.Weeks = map[string]int{}
		}
		want.Weeks[week] = len(keys)
	}
	for order, text := range last {
		name, key, _ := strings.Cut(order, "/")
		if now, ok := m.dms[name][key]; ok && now.Text == text && text != "" {
			m.vetoed.gone[order] = dropped{text, arrived(m.site, order, text)}
		}
	}
	return want
}

// textOf returns the order's text; ok is false where it has none, which a person may have dropped.
func textOf(l upload.Line) (text string, ok bool) {
	var order struct {
		Header struct {
			Notes *string `json:"order_notes"`
		} `json:"repair_order_header"`
	}
	if json.Unmarshal(l.RepairOrder, &order) != nil || order.Header.Notes == nil {
		return "", false
	}
	return *order.Header.Notes, true
}

// arrived counts the lines with this text of an order that the collector has.
func arrived(s *site, order, text string) (n int) {
	for _, line := range s.collector.Taken() {
		if have, ok := textOf(line); ok && have == text && line.Week+"/"+line.Key == order {
			n++
		}
	}
	return n
}

func (v *vetoes) count(week string, d upload.DropCount) {
	for i, have := range v.counts[week] {
		if have.What == d.What && have.Field == d.Field && have.Why == d.Why {
			v.counts[week][i].Count += d.Count
			return
		}
	}
	v.counts[week] = append(v.counts[week], d)
}

// check holds that nothing arrived that was dropped and not edited since.
func (v *vetoes) check(t failer, s *site) {
	for order, d := range v.gone {
		if n := arrived(s, order, d.text); n != d.arrived {
			t.Error(fmt.Sprintf("%s: %q was dropped, and arrived %d times after %d", order, d.text, n, d.arrived))
		}
	}
}

// manifests holds the manifests' counts against what was dropped.
func (v *vetoes) manifests(t failer, s *site) {
	for _, week := range modelWeeks() {
		m, ok := s.collector.Manifest(week)
		if diff := cmp.Diff(v.counts[week], m.Dropped); ok && diff != "" {
			t.Error(week + ": " + diff)
		}
	}
}

// unhold lets what waits go, and holds that nothing of it waits for its time any more.
func (m *model) unhold(t *rapid.T) {
	week := rapid.SampledFrom(append(modelWeeks(), "")).Draw(t, "week to let go")
	if _, err := m.site.queue.Unhold(week, "kim"); err != nil {
		m.t.Fatal(err)
	}
	batches, err := m.site.queue.Waiting()
	if err != nil {
		m.t.Fatal(err)
	}
	if slices.ContainsFunc(batches, func(b upload.WaitingBatch) bool {
		return (week == "" || b.Week == week) && b.From.After(b.Made) && b.Released.IsZero()
	}) {
		m.t.Error("something still waits for its time")
	}
}

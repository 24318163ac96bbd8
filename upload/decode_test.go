package upload

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

func TestStateRoundTrip(t *testing.T) {
	for name, want := range map[string]orderState{
		"new":         {reading: 1, revision: 1, digest: digest{1}, changed: []byte("2026-11-10 10:00")},
		"voided":      {reading: 1 << 31, revision: 1 << 20, digest: digest{1}, voids: 0b101, changed: []byte{}},
		"refused":     {revision: 0, refused: true, refusedIs: digest{2}, changed: []byte{0}},
		"void parked": {revision: 2, digest: digest{1}, refusedVoid: true, changed: []byte{}},
	} {
		got, err := decodeState(want.append(nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(orderState{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// FuzzState holds that any bytes of a damaged database are an error or a state that encodes back to them.
func FuzzState(f *testing.F) {
	s := orderState{reading: 3, revision: 300, digest: digest{1}, refused: true, refusedIs: digest{2}, voids: 1, changed: []byte("t")}
	f.Add(s.append(nil))
	f.Add([]byte{stateVersion, 0, 0, 0, 0, 0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeState(b)
		if err != nil {
			return
		}
		again, err := decodeState(got.append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, again, cmp.AllowUnexported(orderState{})); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzLine holds that every line is JSON that reads back as what it was made of, on one line.
func FuzzLine(f *testing.F) {
	f.Add("04123", "RO1", 1, true, false, "oil")
	f.Add("a\"b", "x\",\"revision\":9,\"", 2, true, true, "")
	f.Add("\xff", "\n|é\u2028", 7, false, false, "<&>")
	f.Fuzz(func(t *testing.T, dealer, key string, revision int, replaces, voided bool, text string) {
		if revision < 1 || revision > 1<<30 {
			return
		}
		order, err := json.Marshal(map[string]string{"notes": text})
		if err != nil {
			t.Fatal(err)
		}
		if voided {
			order = nil
		}
		var before *digest
		if replaces {
			before = &digest{1, 2, 3}
		}
		text1 := appendLine(nil, dealer, "2026-W46", key, revision, before, order)
		line, err := parseLine(text1)
		if err != nil || bytes.Count(text1, []byte("\n")) != 1 {
			t.Fatalf("%q: %v", text1, err)
		}
		if got, err := lineKey(text1); err != nil || got != line.Key || line.Key != strings.ToValidUTF8(key, "\uFFFD") && len(key) == len(line.Key) {
			t.Errorf("%q has the key %q, %q (%v)", text1, got, line.Key, err)
		}
		again, err := line.replaced()
		if err != nil {
			t.Fatal(err)
		}
		if text2 := appendLine(nil, line.DealerID, line.Week, line.Key, line.Revision, again, line.RepairOrder); !bytes.Equal(text1, text2) {
			t.Errorf("%q came back as %q", text1, text2)
		}
	})
}

// FuzzDamagedLine holds that damaged lines are an error or a line.
func FuzzDamagedLine(f *testing.F) {
	f.Add([]byte(`{"dealer_id":"1","week":"2026-W46","key":"k","revision":1,"replaces":"00","voided":true}`))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = lineKey(b)
		if line, err := parseLine(b); err == nil {
			_, _ = line.replaced()
		}
	})
}

// FuzzValues puts any bytes where the database keeps its small values: reading them is an error or sound.
func FuzzValues(f *testing.F) {
	f.Add([]byte(`{"begun":1,"reading":{"tally":{}},"last":{},"closed":{}}`))
	f.Add([]byte(`{"week":"2026-W46","lines":3,"id":"x"}`))
	f.Add([]byte(`{"number":1,"kind":"approval","previous":""}`))
	db, err := bbolt.Open(f.TempDir()+"/queue.db", 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := db.Begin(true)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback() //nolint:errcheck // nothing is to be kept
		for _, name := range buckets() {
			v, err := tx.CreateBucket([]byte(name))
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Put([]byte("2026-W46"), b); err != nil { // eight bytes: a place, a number, a week's name
				t.Fatal(err)
			}
		}
		q := &Queue{dealer: "04123", sealer: testSealer(t)}
		_, _ = loadWeek(tx, "2026-W46")
		_, _ = loadHead(tx, place("2026-W46"))
		_ = eachParked(tx, func(number uint64, head parkedHead) error {
			_, _, err := q.openParked(tx, number, head)
			return err
		})
		_, _ = decodeEntry(b)
		_, _, _, _ = q.mentions(tx, place("2026-W46"))
		_ = eachMention(b, func(mention) {})
		_, _, _ = findState(tx, &Line{Week: "2026-W46", Key: "RO1"})
		_, _ = unpackWeek(b)
		_, _ = unpack(b, "id")
		_, _ = unpackParked(b)
		_, _ = q.sealer.open(b, nil)
	})
}

func testSealer(t testing.TB) *sealer {
	t.Helper()
	s, err := newSealer(make([]byte, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSealBinds holds that a sealed payload opens only as what it was sealed as, and not when a bit of it is changed.
func TestSealBinds(t *testing.T) {
	s := testSealer(t)
	sealed := s.seal([]byte("before"), []byte("plain"), []byte("batch 1"))[len("before"):]
	if got, err := s.open(sealed, []byte("batch 1")); err != nil || string(got) != "plain" {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := s.open(sealed, []byte("batch 2")); err == nil {
		t.Error("it opened as another batch")
	}
	for i := range sealed {
		sealed[i] ^= 1
		if _, err := s.open(sealed, []byte("batch 1")); err == nil {
			t.Errorf("it opened with byte %d changed", i)
		}
		sealed[i] ^= 1
	}
}

// FuzzProblem holds that what a collector sends as an error is bounded, printable and on one line, or no problem at all.
func FuzzProblem(f *testing.F) {
	f.Add([]byte(`{"title":"no","status":422,"detail":"x\ny","lines":[{"line":1,"detail":"z"}]}`))
	f.Add([]byte(`{"title":"` + strings.Repeat("é", 1000) + `"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := parseProblem(b)
		if p == nil {
			return
		}
		a := answer{status: 422, problem: p}
		if s := a.reason(); len(s) > maxReason+len("…") || strings.ContainsAny(s, "\n\r\x1b") {
			t.Errorf("reason: %q", s)
		}
		r := &refusal{}
		lines := [][]byte{[]byte("a\n"), []byte("b\n")}
		kept := r.sort(lines, a.reason(), p.Lines)
		n := len(kept)
		for _, g := range r.groups {
			n += len(g.texts)
		}
		if n != len(lines) {
			t.Errorf("of %d lines %d are kept or parked", len(lines), n)
		}
	})
}

// FuzzRetryAfter holds that no header makes a site wait for longer than an hour.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, 11, 16, 10, 0, 0, 0, time.UTC)
	for _, s := range []string{"0", "120", "-1", "1e9", "99999999999999999999", "Mon, 16 Nov 2026 10:05:00 GMT", "Mon, 16 Nov 2099 10:05:00 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if wait, _ := retryAfter(header, now); wait < 0 || wait > maxRetryAfter {
			t.Errorf("%q: %v", header, wait)
		}
	})
}

func TestRetryAfterForms(t *testing.T) {
	now := time.Date(2026, 11, 16, 10, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"120": 2 * time.Minute, "Mon, 16 Nov 2026 10:05:00 GMT": 5 * time.Minute, "Monday, 16-Nov-26 10:05:00 GMT": 5 * time.Minute,
		"Mon, 16 Nov 2026 09:00:00 GMT": 0, "Mon, 16 Nov 2099 10:05:00 GMT": maxRetryAfter, "7200": maxRetryAfter,
	} {
		if got, ok := retryAfter(header, now); !ok || got != want {
			t.Errorf("%s: %v %v", header, got, ok)
		}
	}
	for _, header := range []string{"", "soon", "-5", "1.5"} {
		if got, ok := retryAfter(header, now); ok {
			t.Errorf("%q: %v", header, got)
		}
	}
}

func TestPackWeek(t *testing.T) {
	want := fieldmap.Week{Year: 2026, Number: 53}
	packed := packWeek(want)
	if got, err := unpackWeek(packed[:]); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
}

// TestBugPanics holds that only damage becomes an error: a bug of our own is not hidden as a damaged file.
func TestBugPanics(t *testing.T) {
	q := NewQueue(t.TempDir(), "04123")
	if err := q.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	defer func() {
		if recover() == nil {
			t.Error("the panic was hidden")
		}
	}()
	_ = q.view("test", func(*bbolt.Tx) error {
		var none []int
		_ = none[len(q.dealer)]
		return nil
	})
}

// FuzzMentions holds that any bytes are an error or lines that encode back to them.
func FuzzMentions(f *testing.F) {
	f.Add(appendMention(appendMention(nil, mention{key: "RO1|7", revision: 300, tags: fieldmap.Tags{{1}, {2}}}), mention{key: "RO2", revision: 2, voided: true}))
	f.Add([]byte{mentionVoided, 1, 0xff, 0xff, 0xff})
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []mention
		var text []byte
		if eachMention(b, func(m mention) { again = append(again, m); text = appendMention(text, m) }) != nil {
			return
		}
		var got []mention
		if err := eachMention(text, func(m mention) { got = append(got, m) }); err != nil {
			t.Fatal(err)
		}
		for i := range again { // a tag of nothing but zeros stands for none
			if again[i].tags == (fieldmap.Tags{}) && !again[i].voided {
				return
			}
		}
		if diff := cmp.Diff(again, got, cmp.AllowUnexported(mention{})); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzHeld holds that what anybody says that the collector holds is an error or in itself right.
func FuzzHeld(f *testing.F) {
	d := strings.Repeat("a", 64)
	f.Add([]byte(`{"dealer_id":"04123","week":"2026-W46","closed":true,"batches":[{"id":"` + d + `","orders":1,"receipt":"r"}],"orders":[{"key":"A","revision":2,"sha256":"` + d + `","voided":true}]}`))
	f.Add([]byte(`{"dealer_id":"04123","week":"2026-W46","orders":[{"key":"B"},{"key":"A"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHeld(b, "04123", "2026-W46")
		if err != nil {
			return
		}
		if len(h.byID) != len(h.Batches) || len(h.byKey) != len(h.Orders) || len(h.digests) != len(h.Orders) {
			t.Errorf("%d batches of %d ids, %d orders of %d keys with %d digests", len(h.Batches), len(h.byID), len(h.Orders), len(h.byKey), len(h.digests))
		}
		for _, o := range h.Orders {
			if o.Revision < 1 || o.Key == "" || o.Voided && o.Revision == 1 {
				t.Errorf("order %+v", o)
			}
		}
	})
}

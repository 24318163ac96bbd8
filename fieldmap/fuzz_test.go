package fieldmap

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzPage gives a page the values that a DMS may hold, of whatever type: it never panics, what it makes is JSON in
// UTF-8, and a value of a parked order is in no reason.
func FuzzPage(f *testing.F) {
	f.Add("RO1", "555-0101", "C", "129.90", int64(48210), 0.5, int64(1_794_300_000))
	f.Add("", "\xff\xfe", "\x00", "-.5", int64(-1), math.Copysign(0, -1), int64(-62135596800))
	f.Add("a|b", "🔧\u2028", "W ", "1e9", int64(1<<62), 1e308, int64(253402300800))
	f.Fuzz(func(t *testing.T, key, text, code, amount string, number int64, float float64, unix int64) {
		w := sample()
		plan := w.Compile()
		e, err := plan.Bind(func(_ *Level, c Column) ColumnType { return sampleTypes[c.String()] },
			Options{DMSZone: time.UTC, HashKey: []byte(strings.Repeat("k", 32))})
		if err != nil {
			t.Fatal(err)
		}
		p := e.NewPage()
		p.Reset(Week{2026, 46}, []OrderKey{{Text: key}, {Text: "other"}})
		wall := time.Unix(unix%(1<<40), 0).UTC()
		for _, row := range []map[string]any{
			{"RONumber": key, "ClosedAt": wall, "MileageOut": number, "customer.Phone": text, "CustomerNo": float},
			{"RONumber": "other", "ClosedAt": text, "MileageOut": amount, "customer.Phone": []byte(text), "CustomerNo": []byte(amount)},
		} {
			_ = add(t, p, plan.Orders, row)
		}
		_ = add(t, p, plan.Levels[1], map[string]any{"RONumber": key, "LineNo": number, "PayType": code, "Amount": amount})
		_ = add(t, p, plan.Levels[1], map[string]any{"RONumber": "other", "LineNo": float, "PayType": []byte(code), "Amount": float})
		_ = add(t, p, plan.Levels[2], map[string]any{"RONumber": key, "LineNo": number, "Seq": float, "PartNo": text})
		for r := range p.Records() {
			if !json.Valid(r.JSON()) || !utf8.Valid(r.JSON()) {
				t.Errorf("not JSON: %q", r.JSON())
			}
		}
		for _, o := range p.Parked() {
			for _, value := range []string{text, code, amount} {
				if len(value) > 8 && strings.Contains(o.Reason, value) {
					t.Errorf("the reason names the value %q: %s", value, o.Reason)
				}
			}
		}
	})
}

// FuzzAppendJSON: what is written reads back as the same text, with U+FFFD for every byte that is no UTF-8.
func FuzzAppendJSON(f *testing.F) {
	for _, seed := range []string{"plain", "\"\\\x00\x1f\u007f", "Zoë 🔧", "\xff\xf0\x9f", "\u2028</script>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, whole := AppendJSON(nil, s)
		var back string
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		want := string([]rune(s)) // each bad byte becomes one U+FFFD
		if back != want || whole != utf8.ValidString(s) {
			t.Errorf("%q reads back as %q, whole %v", s, back, whole)
		}
	})
}

package fieldmap

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"roagent/fieldmap/freetext"
)

func TestSecretOf(t *testing.T) {
	tests := []struct {
		text   string
		kind   secretKind
		passes bool
	}{
		{"219-09-9999", ssnSecret, true},
		{"219 09 9999", ssnSecret, true},
		{"987-65-4320", ssnSecret, true}, // an ITIN
		{"000-12-3456", ssnSecret, false},
		{"666-12-3456", ssnSecret, false},
		{"900-12-3456", ssnSecret, false},
		{"219-00-9999", ssnSecret, false},
		{"219-09-0000", ssnSecret, false},
		{"219-09 9999", noSecret, false},
		{"219099999", routingSecret, false}, // nine digits are a customer's number
		{"2190-9-9999", noSecret, false},
		{"4111111111111111", cardSecret, true},
		{"4111-1111-1111-1111", cardSecret, true},
		{"4111 1111 1111 1111", cardSecret, true},
		{"4111111111111111.00", cardSecret, true},
		{"4111111111111112", cardSecret, false},
		{"378282246310005", cardSecret, true},
		{"3782 822463 10005", cardSecret, true},
		{"5555555555554444", cardSecret, true},
		{"2223003122003222", cardSecret, true},
		{"6011111111111117", cardSecret, true},
		{"3530111333300000", cardSecret, true},
		{"30569309025904", cardSecret, true},
		{"20261110093000", cardSecret, false}, // a time without separators
		{"1111111111111117", noSecret, false},
		{"490154203237518", cardSecret, false}, // an IMEI has a check digit too
		{"0000000000000000", noSecret, false},
		{"DE89370400440532013000", ibanSecret, true},
		{"DE89 3704 0044 0532 0130 00", ibanSecret, true},
		{"GB82WEST12345698765432", ibanSecret, true},
		{"GB82WEST12345698765431", ibanSecret, false},
		{"DE8937040044053201300", noSecret, false},
		{"WB10AB34CD56EF789", noSecret, false},
		{"D2450AB34CD56EF789012345", noSecret, false},
		{"021000021", routingSecret, true},
		{"021000022", routingSecret, false},
		{"500000005", noSecret, false}, // no district begins with 50
		{"JTDKN3DU5A0123456", noSecret, false},
		{"1HGCM82633A004352", noSecret, false},
		{"(555) 867-5309", noSecret, false},
		{"555-867-5309", noSecret, false},
		{"+1 555 867 5309", noSecret, false},
		{"2026-11-10 09:30:00", noSecret, false},
		{"90915-10003", noSecret, false},
		{"15400-PLM-A02", noSecret, false},
		{"48210", noSecret, false},
		{"219-09-9999 ", noSecret, false},
		{strings.Repeat("4", 43), noSecret, false},
	}
	for _, tt := range tests {
		kind, passes := secretOf(tt.text)
		if kind != tt.kind || passes != tt.passes {
			t.Errorf("%q: kind %d, passes %v; want %d, %v", tt.text, kind, passes, tt.kind, tt.passes)
		}
	}
}

// card returns a card number that passes its check.
func card(n int) string {
	for last := range 10 {
		if text := fmt.Sprintf("4%014d%d", n, last); freetext.Luhn([]byte(text)) {
			return text
		}
	}
	panic("no check digit")
}

// wrongDigit returns a last digit that a card number does not have.
func wrongDigit(card string) string { return string('0' + (card[15]-'0'+1)%10) }

func TestLookalikes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	repeat := func(n int, value func(i int) any) (values []any) {
		for i := range n {
			values = append(values, value(i))
		}
		return values
	}
	harmless := repeat(80, func(i int) any { return fmt.Sprint("RO", i) })
	blank := repeat(500, func(int) any { return "  " })
	cards := func(n int) []any { return repeat(n, func(i int) any { return card(i * 7919) }) }
	for _, tt := range []struct {
		name   string
		values []any
		want   string // "" where the pull goes on
	}{
		{"five cards", cards(5), "5 of its 5 values so far look like card numbers"},
		{"four cards", cards(4), ""},
		{"one in five", append(cards(20), harmless...), "20 of its 100 values so far look like card numbers"},
		{"fewer than one in five", append(cards(19), harmless...), ""},
		{"empty values do not count", append(cards(5), blank...), "5 of its 5 values"},
		{"bytes", repeat(6, func(i int) any { return []byte(card(i)) }), "6 of its 6 values"},
		{"integers", repeat(6, func(i int) any { return int64(4111111111111111) }), "6 of its 6 values"},
		{"floats", repeat(6, func(i int) any { return float64(4111111111111111) }), "6 of its 6 values"},
		{"social security numbers", repeat(9, func(i int) any { return fmt.Sprintf("219-09-%04d", i+1) }), "9 of its 9 values so far look like social security or tax numbers"},
		{"IBANs", repeat(9, func(int) any { return "DE89 3704 0044 0532 0130 00" }), "look like bank accounts (IBAN)"},
		{"routing numbers", repeat(9, func(int) any { return "021000021" }), "look like bank routing numbers"},
		{"customer numbers that count up", repeat(500, func(i int) any { return int64(100000000 + i) }), ""},
		{"a few customer numbers that count up", repeat(20, func(i int) any { return int64(100000000 + i) }), ""},
		{"serials of sixteen digits", repeat(500, func(int) any { return fmt.Sprintf("4%015d", random.Int64N(1e15)) }), ""},
		{"serials of which five pass by chance", append(cards(5), repeat(20, func(i int) any { return card(i)[:15] + wrongDigit(card(i)) })...), ""},
		{"phones", repeat(50, func(i int) any { return fmt.Sprintf("555-867-%04d", i) }), ""},
		{"vehicles", repeat(50, func(i int) any { return fmt.Sprintf("JTDKN3DU5A%07d", i) }), ""},
		{"times", repeat(50, func(i int) any { return fmt.Sprintf("202611100930%02d", i) }), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &watch{field: "job.ref", column: "dbo.Job.RefNo"}
			for _, v := range tt.values {
				w.see(v)
			}
			err := w.check()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), "job.ref (dbo.Job.RefNo): ")) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// cardPage fills three orders of a page with values for one column.
func cardPage(t *testing.T, plan *Plan, p *Page, column string, value any) {
	t.Helper()
	for _, key := range []string{"RO1", "RO2", "RO3"} {
		row := map[string]any{"RONumber": key}
		row[column] = value
		mustAdd(t, p, plan.Orders, row)
	}
}

func TestPageCheckValues(t *testing.T) {
	keys := []OrderKey{{Text: "RO1"}, {Text: "RO2"}, {Text: "RO3"}}
	phone := func(f *Field) func(*Whitelist) {
		return func(w *Whitelist) {
			f.Send, f.Column = "header.owner.phone", Column{"customer", "Phone"}
			w.Orders.Fields[3] = *f
		}
	}
	secret := card(1)
	for _, tt := range []struct {
		name   string
		change func(*Whitelist)
		want   bool
	}{
		{"as it is", phone(&Field{}), true},
		{"masked", phone(&Field{Mask: Mask{Strategy: MaskPartial, Keep: 4}}), true},
		{"translated", phone(&Field{Map: &ValueMap{HasElse: true, Else: "x"}}), true},
		{"with an override", phone(&Field{Override: "a reason"}), false},
		{"free text", phone(&Field{Narrative: true}), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, p := samplePage(t, tt.change)
			cardPage(t, plan, p, "customer.Phone", secret)
			if err := p.CheckValues(); err != nil {
				t.Fatalf("three values: %v", err)
			}
			p.Reset(Week{2026, 46}, keys)
			cardPage(t, plan, p, "customer.Phone", secret)
			err := p.CheckValues()
			found, ok := errors.AsType[*LookalikeError](err)
			if ok != tt.want || err != nil && !ok {
				t.Fatalf("six values: %v", err)
			}
			if ok && (found.Found != 6 || found.Column != "dbo.Customer.Phone" || strings.Contains(err.Error(), secret)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A page that is read again, after a fault or in halves, is counted once.
func TestPageCountsAPageOnce(t *testing.T) {
	plan, p := samplePage(t, nil)
	for range 3 {
		p.Reset(Week{2026, 46}, []OrderKey{{Text: "RO1"}, {Text: "RO2"}, {Text: "RO3"}})
		cardPage(t, plan, p, "customer.Phone", card(1))
	}
	if err := p.CheckValues(); err != nil {
		t.Error(err)
	}
}

// The key is sent with every order, whether a field sends it or not.
func TestPageWatchesTheKey(t *testing.T) {
	plan, p := samplePage(t, func(w *Whitelist) { w.Orders.Fields = w.Orders.Fields[1:] })
	var keys []OrderKey
	for i := range lookalikesLeast {
		keys = append(keys, OrderKey{Text: card(i)})
	}
	p.Reset(Week{2026, 46}, keys)
	for _, k := range keys {
		mustAdd(t, p, plan.Orders, map[string]any{"RONumber": k.Text})
	}
	if err := p.CheckValues(); err == nil || !strings.Contains(err.Error(), "dbo.RepairOrder.RONumber: 5 of its 5 values") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkWatch(b *testing.B) {
	w := &watch{}
	values := []any{"Dana", "555-867-5309", "JTDKN3DU5A0123456", int64(48210), []byte("129.90"), "90915-10003", "4111111111111112"}
	for b.Loop() {
		for _, v := range values {
			w.see(v)
		}
	}
}

// FuzzSecretOf: whatever a DMS holds, nothing panics, and what passes a check has the shape of its kind.
func FuzzSecretOf(f *testing.F) {
	for _, seed := range []string{"219-09-9999", "4111 1111 1111 1111", "4111111111111111.00", "DE89370400440532013000", "AB12      ", "021000021", "\xff12345678"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kind, passes := secretOf(text)
		if kind == noSecret && passes || kind >= secretKinds {
			t.Errorf("%q: kind %d, passes %v", text, kind, passes)
		}
		w := &watch{}
		w.see(text)
		w.see([]byte(text))
		if blank := strings.TrimRight(text, " ") == ""; w.page.values != 2 && !blank {
			t.Errorf("%q counts as %d values", text, w.page.values)
		}
	})
}

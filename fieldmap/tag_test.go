package fieldmap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func tagKey() []byte { return []byte(strings.Repeat("t", 32)) }

// tagPage returns a page under a whitelist that names both subjects, with masks.
func tagPage(t *testing.T, vehicle, customer Mask) (*Plan, *Page) {
	t.Helper()
	w := sample()
	own := func(name string) Column { return Column{Name: name} }
	w.Orders.Fields = []Field{
		{Send: "repair_order_header.document_id", Column: own("RONumber")},
		{Send: Vehicle.Path(), Column: own("VIN"), Mask: vehicle},
		{
			Send: Customer.Path(), Column: own("CustomerNo"), Mask: customer,
			Withhold: []Rule{{All: []Condition{{Column: own("OptOut"), Op: In, Values: []string{"Y"}}}, Why: "opted out"}},
		},
	}
	plan := w.Compile()
	e, err := plan.Bind(func(_ *Level, c Column) ColumnType {
		if c.Name == "VIN" {
			return ColumnType{Kind: KindText, Fixed: true}
		}
		return sampleTypes[c.String()]
	}, Options{DMSZone: location(t, "America/Los_Angeles"), HashKey: []byte(strings.Repeat("k", 32)), TagKey: tagKey()})
	if err != nil {
		t.Fatal(err)
	}
	p := e.NewPage()
	p.Reset(Week{2026, 46}, []OrderKey{{Text: "RO1"}, {Text: "RO2"}, {Text: "RO3"}})
	return plan, p
}

// TestTags holds that an order can be found by its car and customer whatever masks they are sent with, and not where
// nothing of them is sent.
func TestTags(t *testing.T) {
	tagger := NewTagger(tagKey())
	vin := tagger.Tag(Vehicle, []byte("4t1bf1fk5cu500001"))
	customer := tagger.Tag(Customer, []byte(" 42 "))
	masks := map[string]struct {
		mask Mask
		sent bool
	}{
		"none":    {Mask{}, true},
		"hash":    {Mask{Strategy: MaskHash}, true},
		"partial": {Mask{Strategy: MaskPartial, Keep: 4}, true},
		"redact":  {Mask{Strategy: MaskRedact}, true},
		"nullify": {Mask{Strategy: MaskNullify}, false},
	}
	for name, tt := range masks {
		t.Run(name, func(t *testing.T) {
			plan, p := tagPage(t, tt.mask, tt.mask)
			mustAdd(
				t, p, plan.Orders,
				map[string]any{"RONumber": "RO2", "VIN": " 4T1BF1FK5CU500001  ", "CustomerNo": int64(42)},
				map[string]any{"RONumber": "RO1", "VIN": nil, "CustomerNo": int64(42), "withheld": true},
				map[string]any{"RONumber": "RO3", "VIN": "   ", "CustomerNo": int64(43)},
			)
			want := map[string]Tags{"RO1": {}, "RO2": {}, "RO3": {}}
			if tt.sent {
				want["RO2"] = Tags{Vehicle: vin, Customer: customer}
				want["RO3"] = Tags{Customer: tagger.Tag(Customer, []byte("43"))}
			}
			got := map[string]Tags{}
			for r := range p.Records() {
				got[r.Key().Text] = r.Tags()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestTagsOfOnePage holds that no order has the tags of the order that had its place on the page before.
func TestTagsOfOnePage(t *testing.T) {
	plan, p := tagPage(t, Mask{}, Mask{})
	mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1", "VIN": "A", "CustomerNo": int64(1)})
	p.Reset(Week{2026, 46}, []OrderKey{{Text: "RO9"}})
	mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO9"})
	for r := range p.Records() {
		if r.Tags() != (Tags{}) {
			t.Errorf("%s has tags", r.Key().Text)
		}
	}
}

func TestTagger(t *testing.T) {
	a, b := NewTagger(tagKey()), NewTagger([]byte(strings.Repeat("u", 32)))
	one := a.Tag(Vehicle, []byte("4T1 BF1 FK5"))
	for name, tt := range map[string]struct {
		tag  Tag
		same bool
	}{
		"blanks and case":        {a.Tag(Vehicle, []byte("\t4t1bf1fk5\n")), true},
		"another car":            {a.Tag(Vehicle, []byte("4T1BF1FK6")), false},
		"a customer of the text": {a.Tag(Customer, []byte("4T1BF1FK5")), false},
		"another site":           {b.Tag(Vehicle, []byte("4T1BF1FK5")), false},
		"nothing":                {a.Tag(Vehicle, []byte(" ")), false},
	} {
		if same := tt.tag == one; same != tt.same {
			t.Errorf("%s: same is %v", name, same)
		}
	}
	if (a.Tag(Customer, []byte("a b")) == a.Tag(Customer, []byte("ab"))) || a.Tag(Customer, []byte("a")) == a.Tag(Customer, []byte("A")) {
		t.Error("customers that differ have one tag")
	}
	if (a.Tag(Customer, nil) != Tag{}) {
		t.Error("no number has a tag")
	}
}

func TestReadTerms(t *testing.T) {
	for name, tt := range map[string]struct {
		fields []Field
		want   [Subjects]bool
	}{
		"neither":   {},
		"both":      {[]Field{{Send: Vehicle.Path()}, {Send: Customer.Path(), Mask: Mask{Strategy: MaskHash}}}, [Subjects]bool{true, true}},
		"one":       {[]Field{{Send: Customer.Path()}}, [Subjects]bool{Customer: true}},
		"of no use": {[]Field{{Send: Vehicle.Path(), Mask: Mask{Strategy: MaskNullify}}}, [Subjects]bool{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := sample()
			w.Recipient, w.Purpose, w.Agreement, w.Orders.Fields = "Maker", "Survey", "A-1", tt.fields
			got, err := ReadTerms(w.Canonical())
			if diff := cmp.Diff(Terms{"Maker", "Survey", "A-1", tt.want}, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
	if _, err := ReadTerms([]byte("{")); err == nil {
		t.Error("half a whitelist was read")
	}
}

// FuzzTagger holds that a tag depends on no case, blank or byte that does not count, whatever a DMS holds.
func FuzzTagger(f *testing.F) {
	f.Add([]byte("4t1bf1fk5cu500001"))
	f.Add([]byte("\xff\u00a0ß "))
	f.Fuzz(func(t *testing.T, value []byte) {
		tagger := NewTagger(tagKey())
		for s := range Subject(Subjects) {
			tag := tagger.Tag(s, value)
			if again := tagger.Tag(s, fmt.Append(nil, " ", string(value), "\t")); again != tag {
				t.Errorf("%d: %q has two tags", s, value)
			}
		}
	})
}

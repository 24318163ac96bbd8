package fieldmap

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample is a whitelist with one of everything that a page does.
func sample() *Whitelist {
	own := func(name string) Column { return Column{Name: name} }
	optOut := []Rule{{All: []Condition{{Column: Column{Join: "customer", Name: "OptOut"}, Op: In, Values: []string{"Y"}}}, Why: "opted out"}}
	return &Whitelist{
		Version: 1, Recipient: "r", Purpose: "p", Agreement: "a",
		Orders: Orders{
			From: Table{"dbo", "RepairOrder"}, Key: []string{"RONumber"}, Week: "ClosedAt", Changed: "UpdatedAt",
			Joins: []Join{{Name: "customer", From: Table{"dbo", "Customer"}, On: []Pair{{"CustomerNo", "CustomerNo"}}}},
			Fields: []Field{
				{Send: "header.document_id", Column: own("RONumber")},
				{Send: "header.completed", Column: own("ClosedAt")},
				{Send: "header.out_distance", Column: own("MileageOut"), Unit: "SMI"},
				{Send: "header.owner.phone", Column: Column{"customer", "Phone"}, Withhold: optOut},
				{Send: "header.owner.party_id", Column: own("CustomerNo"), Mask: Mask{Strategy: MaskHash}},
			},
			Lines: []Lines{{
				Send: "job", From: Table{"dbo", "Job"}, Parent: []Pair{{"RONumber", "RONumber"}}, Order: []string{"LineNo"},
				Fields: []Field{
					{Send: "job_number_string", Column: own("LineNo"), As: KindText},
					{Send: "bill_to", Column: own("PayType"), Map: &ValueMap{Codes: []MapEntry{{"C", "CUSTOMER_PAY"}, {"W", "WARRANTY"}}}},
					{Send: "charge", Column: own("Amount"), Currency: "USD"},
				},
				Lines: []Lines{{
					Send: "service_parts", From: Table{"dbo", "Part"}, Parent: []Pair{{"RONumber", "RONumber"}, {"LineNo", "LineNo"}}, Order: []string{"Seq"},
					Fields: []Field{{Send: "item_id", Column: own("PartNo")}},
				}},
			}},
		},
	}
}

var sampleTypes = map[string]ColumnType{ //nolint:gochecknoglobals // a constant of the tests
	"RONumber": {Kind: KindText}, "ClosedAt": {Kind: KindDateTime}, "UpdatedAt": {Kind: KindDateTime}, "MileageOut": {Kind: KindInteger},
	"CustomerNo": {Kind: KindInteger}, "customer.Phone": {Kind: KindText}, "LineNo": {Kind: KindInteger}, "PayType": {Kind: KindText, Fixed: true},
	"Amount": {Kind: KindDecimal}, "PartNo": {Kind: KindText}, "Seq": {Kind: KindInteger},
}

func samplePage(t *testing.T, change func(*Whitelist)) (*Plan, *Page) {
	t.Helper()
	w := sample()
	if change != nil {
		change(w)
	}
	plan := w.Compile()
	e, err := plan.Bind(func(_ *Level, c Column) ColumnType { return sampleTypes[c.String()] },
		Options{DMSZone: location(t, "America/Los_Angeles"), HashKey: []byte(strings.Repeat("k", 32))})
	if err != nil {
		t.Fatal(err)
	}
	p := e.NewPage()
	p.Reset(Week{2026, 46}, []OrderKey{{Text: "RO1"}, {Text: "RO2"}, {Text: "RO3"}})
	return plan, p
}

// add adds a row given by column name; a name that is missing is NULL, "withheld" sets the flags.
func add(t *testing.T, p *Page, l *Level, row map[string]any) error {
	t.Helper()
	var values []any
	for _, s := range l.Select {
		v := row[s.Column.String()]
		if s.Flag {
			v = int64(0)
			if row["withheld"] != nil {
				v = int64(1)
			}
		}
		values = append(values, v)
	}
	return p.Add(l, values)
}

func mustAdd(t *testing.T, p *Page, l *Level, rows ...map[string]any) {
	t.Helper()
	for _, row := range rows {
		if err := add(t, p, l, row); err != nil {
			t.Fatal(err)
		}
	}
}

func records(p *Page) map[string]string {
	got := map[string]string{}
	for r := range p.Records() {
		got[r.Key().Text] = string(r.JSON())
	}
	return got
}

func parked(p *Page) map[string]string {
	got := map[string]string{}
	for _, o := range p.Parked() {
		got[o.Key.Text] = o.Reason
	}
	return got
}

func TestPageNestsLines(t *testing.T) {
	plan, p := samplePage(t, nil)
	orders, jobs, parts := plan.Levels[0], plan.Levels[1], plan.Levels[2]
	mustAdd(t, p, orders,
		map[string]any{"RONumber": "RO2", "ClosedAt": time.Date(2026, 11, 10, 9, 30, 0, 0, time.UTC), "MileageOut": int64(48210), "customer.Phone": "555-0101", "CustomerNo": int64(7)},
		map[string]any{"RONumber": "RO1", "withheld": true})
	mustAdd(t, p, jobs,
		map[string]any{"RONumber": "RO1", "LineNo": int64(1), "PayType": "W "},
		map[string]any{"RONumber": "RO2", "LineNo": int64(1), "PayType": "C", "Amount": []byte("129.90")},
		map[string]any{"RONumber": "RO2", "LineNo": int64(2)})
	mustAdd(t, p, parts,
		map[string]any{"RONumber": "RO2", "LineNo": int64(2), "Seq": int64(1), "PartNo": "A"},
		map[string]any{"RONumber": "RO2", "LineNo": int64(2), "Seq": int64(2), "PartNo": "B"})
	want := map[string]string{
		"RO1": `{"header":{"document_id":"RO1"},"job":[{"job_number_string":"1","bill_to":"WARRANTY"}]}`,
		"RO2": `{"header":{"document_id":"RO2","completed":"2026-11-10T17:30:00Z","out_distance":{"value":48210,"unit_code":"SMI"},` +
			`"owner":{"phone":"555-0101","party_id":"` + hashOf(t, "7") + `"}},` +
			`"job":[{"job_number_string":"1","bill_to":"CUSTOMER_PAY","charge":{"value":"129.90","currency_code":"USD"}},` +
			`{"job_number_string":"2","service_parts":[{"item_id":"A"},{"item_id":"B"}]}]}`,
	}
	if diff := cmp.Diff(want, records(p)); diff != "" {
		t.Error(diff)
	}
	for _, text := range records(p) {
		if !json.Valid([]byte(text)) {
			t.Errorf("not JSON: %s", text)
		}
	}
	if diff := cmp.Diff(Counts{Withheld: map[string]int{"header.owner.phone": 1}}, p.Counts()); diff != "" {
		t.Error(diff)
	}
	if got := parked(p); len(got) > 0 {
		t.Errorf("parked %v", got)
	}
}

func hashOf(t *testing.T, plain string) string {
	t.Helper()
	h, _, err := newMasker(Mask{Strategy: MaskHash}, []byte(strings.Repeat("k", 32))).apply([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return string(h)
}

// Complaint 21: one poisoned record blocks or drops its batch.
func TestPageParksOneOrderAndKeepsTheOthers(t *testing.T) {
	secret := "4111-1111"
	tests := []struct {
		name string
		rows func(t *testing.T, plan *Plan, p *Page)
		want string // in the reason for RO2
	}{
		{"an unmapped code", func(t *testing.T, plan *Plan, p *Page) {
			mustAdd(t, p, plan.Levels[1], map[string]any{"RONumber": "RO2", "LineNo": int64(1), "PayType": secret})
		}, "job.bill_to: dbo.Job.PayType holds a code that the map lacks"},
		{"an amount that is none", func(t *testing.T, plan *Plan, p *Page) {
			mustAdd(t, p, plan.Levels[1], map[string]any{"RONumber": "RO2", "LineNo": int64(1), "Amount": secret})
		}, "job.charge: dbo.Job.Amount is no decimal number"},
		{"two orders with one key", func(t *testing.T, plan *Plan, p *Page) {
			mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO2", "CustomerNo": int64(8)})
		}, "two rows of dbo.RepairOrder"},
		{"two jobs with one number, and parts that could belong to both", func(t *testing.T, plan *Plan, p *Page) {
			job := map[string]any{"RONumber": "RO2", "LineNo": int64(1)}
			mustAdd(t, p, plan.Levels[1], job, job)
			mustAdd(t, p, plan.Levels[2], map[string]any{"RONumber": "RO2", "LineNo": int64(1), "Seq": int64(1), "PartNo": secret})
		}, "two rows of dbo.Job share RONumber, LineNo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, p := samplePage(t, nil)
			for _, key := range []string{"RO1", "RO2", "RO3"} {
				mustAdd(t, p, plan.Orders, map[string]any{"RONumber": key})
			}
			tt.rows(t, plan, p)
			want := map[string]string{"RO1": `{"header":{"document_id":"RO1"}}`, "RO3": `{"header":{"document_id":"RO3"}}`}
			if diff := cmp.Diff(want, records(p)); diff != "" {
				t.Error(diff)
			}
			got := parked(p)
			if len(got) != 1 || !strings.Contains(got["RO2"], tt.want) {
				t.Errorf("parked %q, want RO2 for %q", got, tt.want)
			}
			if strings.Contains(got["RO2"], secret) {
				t.Errorf("the reason names a value: %s", got["RO2"])
			}
		})
	}
}

func TestPageWithTwoJobsOfOneNumberButNoPartsIsFine(t *testing.T) {
	plan, p := samplePage(t, nil)
	mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1"})
	job := map[string]any{"RONumber": "RO1", "LineNo": int64(1)}
	mustAdd(t, p, plan.Levels[1], job, job)
	if got := parked(p); len(got) > 0 {
		t.Errorf("parked %v", got)
	}
}

// The database may return rows with one order number in any sequence: the sent bytes must not depend on it, or a
// revision would be sent for nothing.
func TestPageOrdersTiesByTheirBytes(t *testing.T) {
	var got []string
	for _, swap := range []bool{false, true} {
		plan, p := samplePage(t, nil)
		mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1"})
		mustAdd(t, p, plan.Levels[1], map[string]any{"RONumber": "RO1", "LineNo": int64(1)})
		a := map[string]any{"RONumber": "RO1", "LineNo": int64(1), "Seq": int64(5), "PartNo": "A"}
		b := map[string]any{"RONumber": "RO1", "LineNo": int64(1), "Seq": int64(5), "PartNo": "B"}
		if swap {
			a, b = b, a
		}
		mustAdd(t, p, plan.Levels[2], map[string]any{"RONumber": "RO1", "LineNo": int64(1), "Seq": int64(4), "PartNo": "Z"}, a, b)
		got = append(got, records(p)["RO1"])
	}
	if want := `"service_parts":[{"item_id":"Z"},{"item_id":"A"},{"item_id":"B"}]`; !strings.Contains(got[0], want) {
		t.Errorf("got %s, want %s", got[0], want)
	}
	if got[0] != got[1] {
		t.Errorf("two sequences make\n%s\n%s", got[0], got[1])
	}
}

func TestPageMatchesLinksAsTheDatabaseDoes(t *testing.T) {
	plan, p := samplePage(t, nil)
	mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1"})
	mustAdd(t, p, plan.Levels[1],
		map[string]any{"RONumber": []byte("RO1  "), "LineNo": int64(1)}, // trailing blanks do not count
		map[string]any{"RONumber": "ro1", "LineNo": int64(2)})           // nor, mostly, does case
	if got, want := records(p)["RO1"], `"job":[{"job_number_string":"1"},{"job_number_string":"2"}]`; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPageRefusesOrphans(t *testing.T) {
	plan, p := samplePage(t, nil)
	mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1"})
	for name, row := range map[string]map[string]any{
		"of an order that is not on the page": {"RONumber": "RO9", "LineNo": int64(1)},
		"whose link is NULL":                  {"LineNo": int64(1)},
	} {
		if err := add(t, p, plan.Levels[1], row); !errors.Is(err, ErrOrphan) {
			t.Errorf("a job %s: %v", name, err)
		}
	}
	if err := add(t, p, plan.Orders, map[string]any{"RONumber": "RO9"}); !errors.Is(err, ErrOrphan) {
		t.Errorf("an order that nobody asked for: %v", err)
	}
}

func TestPageBlockStopsThePull(t *testing.T) {
	plan, p := samplePage(t, func(w *Whitelist) { w.Orders.Fields[3].Mask = Mask{Strategy: MaskBlock} })
	mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1"}) // NULL: nothing to block
	if err := add(t, p, plan.Orders, map[string]any{"RONumber": "RO2", "customer.Phone": "555"}); !errors.Is(err, ErrBlocked) {
		t.Errorf("got %v", err)
	}
}

func TestPageMeetsHugeOrders(t *testing.T) {
	plan, p := samplePage(t, nil)
	mustAdd(t, p, plan.Orders,
		map[string]any{"RONumber": "RO1", "customer.Phone": strings.Repeat("🔧", 5<<20/4)},
		map[string]any{"RONumber": "RO2", "customer.Phone": strings.Repeat("x", MaxOrder)},
		map[string]any{"RONumber": "RO3"})
	got := records(p)
	if len(got["RO1"]) < 5<<20 || got["RO2"] != "" || got["RO3"] == "" {
		t.Errorf("sent %d, %d and %d bytes", len(got["RO1"]), len(got["RO2"]), len(got["RO3"]))
	}
	if reason := parked(p)["RO2"]; !strings.Contains(reason, "more than") {
		t.Errorf("parked: %q", reason)
	}
}

func TestPageCountsOddTextsAndTimes(t *testing.T) {
	plan, p := samplePage(t, nil)
	mustAdd(t, p, plan.Orders,
		map[string]any{"RONumber": "RO1", "customer.Phone": "\xff", "ClosedAt": time.Date(2026, 11, 1, 1, 30, 0, 0, time.UTC)},
		map[string]any{"RONumber": "RO2", "ClosedAt": time.Date(2026, 3, 8, 2, 30, 0, 0, time.UTC)},
		map[string]any{"RONumber": "RO3", "MileageOut": "none", "customer.Phone": "\xff"})
	want := Counts{InvalidText: 1, Repeated: 1, Skipped: 1} // RO3 is parked: nothing of it counts
	if diff := cmp.Diff(want, p.Counts()); diff != "" {
		t.Error(diff)
	}
}

func TestPageIsReused(t *testing.T) {
	plan, p := samplePage(t, nil)
	for i := range 3 {
		key := fmt.Sprint("RO", 7+i)
		p.Reset(Week{2026, 47}, []OrderKey{{Text: key}})
		mustAdd(t, p, plan.Orders, map[string]any{"RONumber": key, "withheld": true})
		mustAdd(t, p, plan.Levels[1], map[string]any{"RONumber": key, "LineNo": int64(1)})
		want := map[string]string{key: `{"header":{"document_id":"` + key + `"},"job":[{"job_number_string":"1"}]}`}
		if diff := cmp.Diff(want, records(p)); diff != "" {
			t.Error(diff)
		}
		if got := p.Counts().Withheld["header.owner.phone"]; got != 1 {
			t.Errorf("page %d: %d withheld", i, got)
		}
	}
}

func TestKeyText(t *testing.T) {
	w := sample()
	w.Orders.Key = []string{"CustomerNo", "RONumber"}
	e, err := w.Compile().Bind(func(_ *Level, c Column) ColumnType { return sampleTypes[c.String()] }, Options{HashKey: make([]byte, 32), DMSZone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.KeyText([]any{int64(4), "RO1"}); err != nil || got != "4|RO1" {
		t.Errorf("got %q, %v", got, err)
	}
	for name, values := range map[string][]any{"a NULL": {nil, "RO1"}, "a separator": {int64(4), "RO|1"}, "bytes that are no text": {int64(4), "RO\xff"}} {
		if got, err := e.KeyText(values); err == nil {
			t.Errorf("%s makes the key %q", name, got)
		}
	}
}

func TestBindReportsAllMismatches(t *testing.T) {
	w := sample()
	w.Orders.Fields[0].Unit = "SMI"                                      // text
	w.Orders.Fields[2].Mask = Mask{Strategy: MaskGeneralize, To: "year"} // a number
	w.Orders.Fields[3].Column.Name = "Photo"                             // not in sampleTypes: unknown
	_, err := w.Compile().Bind(func(_ *Level, c Column) ColumnType {
		t := sampleTypes[c.String()]
		t.Database = "image"
		return t
	}, Options{DMSZone: time.UTC})
	if err == nil {
		t.Fatal("bound")
	}
	for _, want := range []string{
		"header.document_id: dbo.RepairOrder.RONumber is text, not a number with a unit",
		"header.out_distance: dbo.RepairOrder.MileageOut is integer, not a date",
		"header.owner.phone: dbo.Customer.Photo is image, which cannot be sent",
		"header.owner.party_id: a HASH mask needs the site's key",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s\nin: %v", want, err)
		}
	}
}

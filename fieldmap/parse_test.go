package fieldmap

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap/strictyaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestProblems holds what a person sees for each wrong whitelist in testdata/problems.
func TestProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/problems/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(filepath.Base(file), source)
			if _, ok := errors.AsType[*strictyaml.Problems](err); !ok {
				t.Fatalf("error %v, want problems", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}

// edited returns the whitelist of testdata/fieldmap.yaml with some of its text replaced: old, new, old, new…
func edited(t *testing.T, replace ...string) []byte {
	t.Helper()
	source, err := os.ReadFile("../testdata/fieldmap.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(string(source), replace[i]) {
			t.Fatalf("the sample lacks %q", replace[i])
		}
		source = []byte(strings.Replace(string(source), replace[i], replace[i+1], 1))
	}
	return source
}

func mustParse(t *testing.T, source []byte) *Whitelist {
	t.Helper()
	w, err := Parse("fieldmap.yaml", source)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ignorePlaces compares whitelists whatever their places in a file.
func ignorePlaces() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return strings.HasSuffix(p.Last().String(), "At") }, cmp.Ignore())
}

// TestSample holds the whole of DESIGN.md's example but the places.
func TestSample(t *testing.T) {
	got := mustParse(t, edited(t))
	want := Orders{
		From: Table{"dbo", "RepairOrder"}, Key: []string{"RONumber"}, Week: "ClosedAt", Changed: "UpdatedAt",
		Joins: []Join{
			{Name: "customer", From: Table{"dbo", "Customer"}, On: []Pair{{"CustomerNo", "CustomerNo"}}},
			{Name: "vehicle", From: Table{"dbo", "Vehicle"}, On: []Pair{{"VehicleNo", "VehicleNo"}}},
		},
		Skip: []Rule{{All: []Condition{{Column: Column{Name: "ROType"}, Op: In, Values: []string{"I"}}}, Why: "internal work is never surveyed"}},
		Fields: []Field{
			{Send: "repair_order_header.document_id", Column: Column{Name: "RONumber"}, Why: "names the visit", Mask: Mask{Strategy: MaskNone}},
			{Send: "repair_order_header.repair_order_completed_date_time", Column: Column{Name: "ClosedAt"}, Why: "date of the visit", Mask: Mask{Strategy: MaskNone}},
			{Send: "repair_order_header.out_distance_measure", Column: Column{Name: "MileageOut"}, Why: "recall and wear studies", Unit: "SMI", Mask: Mask{Strategy: MaskNone}},
			{Send: "repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id", Column: Column{"vehicle", "VIN"}, Why: "recall completion", Mask: Mask{Strategy: MaskNone}},
			{
				Send: "repair_order_header.owner_party.specified_person.telephone_communication.complete_number", Column: Column{"customer", "Phone"},
				Why: "survey call", Mask: Mask{Strategy: MaskNone}, Withhold: []Rule{
					{All: []Condition{{Column: Column{"customer", "OptOut"}, Op: In, Values: []string{"Y"}}}, Why: "the customer opted out"},
					{All: []Condition{{Column: Column{"customer", "LastPurchase"}, Op: OlderThan, Age: Age{2, Years}}}, Why: "consent has lapsed"},
				},
			},
			{Send: "repair_order_header.owner_party.party_id", Column: Column{Name: "CustomerNo"}, Why: "tells two visits of one customer apart", Mask: Mask{Strategy: MaskHash}},
		},
		Lines: []Lines{{
			Send: "job", From: Table{"dbo", "Job"}, Parent: []Pair{{"RONumber", "RONumber"}}, Order: []string{"LineNo"},
			Skip: []Rule{{All: []Condition{{Column: Column{Name: "PayType"}, Op: In, Values: []string{"I"}}}, Why: "internal work"}},
			Fields: []Field{
				{Send: "job_number_string", Column: Column{Name: "LineNo"}, Why: "names the job", Mask: Mask{Strategy: MaskNone}},
				{Send: "bill_to_party_type", Column: Column{Name: "PayType"}, Why: "who paid", Mask: Mask{Strategy: MaskNone}, Map: &ValueMap{Codes: []MapEntry{{"C", "CUSTOMER_PAY"}, {"W", "WARRANTY"}}}},
				{Send: "codes_and_comments_expanded.correction_description", Column: Column{Name: "Correction"}, Why: "what was done", Mask: Mask{Strategy: MaskNone}, Narrative: true},
				{Send: "pricing.price.charge_amount", Column: Column{Name: "Amount"}, Why: "cost of ownership", Mask: Mask{Strategy: MaskNone}, Currency: "USD"},
			},
			Lines: []Lines{{
				Send: "service_parts", From: Table{"dbo", "Part"}, Parent: []Pair{{"RONumber", "RONumber"}, {"LineNo", "LineNo"}}, Order: []string{"Seq"},
				Fields: []Field{{Send: "item_id", Column: Column{Name: "PartNo"}, Why: "recall parts", Mask: Mask{Strategy: MaskNone}}},
			}},
		}},
	}
	if diff := cmp.Diff(want, got.Orders, ignorePlaces()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if want := (strictyaml.Pos{Line: 22, Column: 7}); got.Orders.Fields[4].At != want {
		t.Errorf("the fifth field is at %v, want %v", got.Orders.Fields[4].At, want)
	}
	if others := got.NotSTAR(); others != nil {
		t.Errorf("not STAR: %q", others)
	}
}

// Names of the trade's databases are unlike each other: all of these must work.
func TestNamesThatWork(t *testing.T) {
	for text, want := range map[string]Table{
		"dbo.RepairOrder":            {"dbo", "RepairOrder"},
		"RepairOrder":                {"", "RepairOrder"},
		"Order":                      {"", "Order"},
		"dbo.Select Code":            {"dbo", "Select Code"},
		"'[dbo].[Repair.Order]'":     {"dbo", "Repair.Order"},
		"'[Repair.Order]'":           {"", "Repair.Order"},
		"'[a]]b].c'":                 {"a]b", "c"},
		`'"dbo"."x"'`:                {"dbo", "x"},
		`'"a""b"'`:                   {"", `a"b`},
		`'dbo."a.b"'`:                {"dbo", "a.b"},
		"WERKSTATTAUFTRÄGE":          {"", "WERKSTATTAUFTRÄGE"},
		"dbo.整備指示書":                  {"dbo", "整備指示書"},
		"RO$HDR#1":                   {"", "RO$HDR#1"},
		"dbo.RO-Header %/~":          {"dbo", "RO-Header %/~"},
		"dbo.Amount (USD)":           {"dbo", "Amount (USD)"},
		"dbo.Customer's":             {"dbo", "Customer's"},
		"dbo.Where From":             {"dbo", "Where From"},
		"dbo.Updated By":             {"dbo", "Updated By"},
		"dbo.Drop Off Table":         {"dbo", "Drop Off Table"},
		"dbo.Union Membership":       {"dbo", "Union Membership"},
		"dbo.Executed":               {"dbo", "Executed"},
		"dbo.Count":                  {"dbo", "Count"},
		"'[RO; DROP TABLE x]'":       {"", "RO; DROP TABLE x"},
		"01":                         {"", "01"},
		strings.Repeat("ä", maxName): {"", strings.Repeat("ä", maxName)},
	} {
		w := mustParse(t, edited(t, "from: dbo.RepairOrder", "from: "+text))
		if diff := cmp.Diff(want, w.Orders.From); diff != "" {
			t.Errorf("from: %s (-want +got)\n%s", text, diff)
		}
		again := mustParse(t, edited(t, "from: dbo.RepairOrder", "from: '"+strings.ReplaceAll(w.Orders.From.String(), "'", "''")+"'"))
		if again.Orders.From != want {
			t.Errorf("%s is written %s, which reads as %v", text, w.Orders.From, again.Orders.From)
		}
	}
}

func TestColumnsThatWork(t *testing.T) {
	for text, want := range map[string]Column{
		"customer.Phone":    {"customer", "Phone"},
		"customer.Phone.1":  {"customer", "Phone.1"},
		"Phone":             {"", "Phone"},
		"Phone.1":           {"", "Phone.1"},
		"owner.Phone":       {"", "owner.Phone"},
		"Order":             {"", "Order"},
		"[Phone]":           {"", "[Phone]"},
		"Select Code":       {"", "Select Code"},
		"On Hold?":          {"", "On Hold?"},
		"Telefonnummer #2":  {"", "Telefonnummer #2"},
		"$Amount":           {"", "$Amount"},
		"Left (Front)":      {"", "Left (Front)"},
		"電話番号":              {"", "電話番号"},
		"customer.E-Mail 1": {"customer", "E-Mail 1"},
	} {
		w := mustParse(t, edited(t, "column: customer.Phone", "column: '"+text+"'"))
		if got := w.Orders.Fields[4].Column; got != want {
			t.Errorf("column: %s reads as %#v, want %#v", text, got, want)
		}
	}
}

func TestLayouts(t *testing.T) {
	for text, want := range map[string]string{
		"YYYYMMDD":                       "20060102",
		"MM/DD/YYYY":                     "01/02/2006",
		"DD.MM.YYYY HH:mm:ss":            "02.01.2006 15:04:05",
		"yyyy-MM-dd":                     "2006-01-02",
		"YYYY-MM-DDTHH:mm:ss":            "2006-01-02T15:04:05",
		"yyyy-MM-dd HH:mm:ss.fff":        "2006-01-02 15:04:05.000",
		"M/D/YY":                         "1/2/06",
		"DD-MMM-YYYY":                    "02-Jan-2006",
		"MM/DD/YYYY hh:mm tt":            "01/02/2006 03:04 PM",
		"YYYYMMDDHHmmss":                 "20060102150405",
		"01/02/2006":                     "01/02/2006",
		"20060102":                       "20060102",
		"YYYY-MM":                        "",
		"HH:mm":                          "",
		"YYYY/MM/DD HH:MM":               "",
		"MM/DD/YYYY hh:mm":               "",
		"2006-01":                        "",
		"iso":                            "",
		"DD/MM/YYYY 5":                   "",
		"YYYYMMDDHHmmssfff":              "",
		"HH:mm:ss.ffffffffff DD/MM/YYYY": "",
		"YYYY2MMDD":                      "",
		"DDD/MM/YYYY":                    "",
	} {
		w, err := Parse("fieldmap.yaml", edited(t, "column: ClosedAt", "column: ClosedAt, as: datetime, layout: '"+text+"'"))
		got := ""
		if err == nil {
			got = w.Orders.Fields[1].Layout
		}
		if got != want {
			t.Errorf("layout %s reads as %q (%v), want %q", text, got, err, want)
		}
	}
}

func TestConditionsThatWork(t *testing.T) {
	column := Column{Name: "A"}
	day := time.Date(2024, time.January, 31, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]Condition{
		"in: [01, NO, Y, '']":        {Column: column, Op: In, Values: []string{"01", "NO", "Y", ""}},
		"in: I":                      {Column: column, Op: In, Values: []string{"I"}},
		"not_in: [a, b]":             {Column: column, Op: NotIn, Values: []string{"a", "b"}},
		"is_null: true":              {Column: column, Op: IsNull},
		"not_null: true":             {Column: column, Op: NotNull},
		"before: 2024-01-31":         {Column: column, Op: Before, Time: day},
		"after: 2024-01-31 17:30":    {Column: column, Op: After, Time: day.Add(17*time.Hour + 30*time.Minute)},
		"after: 2024-01-31 17:30:05": {Column: column, Op: After, Time: day.Add(17*time.Hour + 30*time.Minute + 5*time.Second)},
		"older_than: 1 year":         {Column: column, Op: OlderThan, Age: Age{1, Years}},
		"older_than: 200 years":      {Column: column, Op: OlderThan, Age: Age{200, Years}},
		"older_than: 6 months":       {Column: column, Op: OlderThan, Age: Age{6, Months}},
		"older_than: 3 weeks":        {Column: column, Op: OlderThan, Age: Age{3, Weeks}},
		"older_than: 90 days":        {Column: column, Op: OlderThan, Age: Age{90, Days}},
	} {
		for _, form := range []string{"column: A, %", "all: [{column: A, %}, {column: B, in: [x]}]"} {
			w := mustParse(t, edited(t, "column: ROType, in: [I]", strings.Replace(form, "%", text, 1)))
			if diff := cmp.Diff(want, w.Orders.Skip[0].All[0]); diff != "" {
				t.Errorf("%s (-want +got)\n%s", text, diff)
			}
		}
	}
}

func TestTooManyValues(t *testing.T) {
	var values strings.Builder
	for i := range maxValues + 1 {
		fmt.Fprintf(&values, "v%d, ", i)
	}
	_, err := Parse("fieldmap.yaml", edited(t, "in: [I]", "in: ["+values.String()+"]"))
	if err == nil || !strings.Contains(err.Error(), "at most 200 values; this one has 201") {
		t.Errorf("error %v", err)
	}
}

func TestMasksThatWork(t *testing.T) {
	for text, want := range map[string]Mask{
		"NONE":                        {Strategy: MaskNone},
		"HASH":                        {Strategy: MaskHash},
		"REDACT":                      {Strategy: MaskRedact},
		"NULLIFY":                     {Strategy: MaskNullify},
		"BLOCK":                       {Strategy: MaskBlock},
		"{PARTIAL_MASK: keep-last-4}": {Strategy: MaskPartial, Keep: 4},
		"{TRUNCATE: keep-first-3}":    {Strategy: MaskTruncate, Keep: 3},
		"{GENERALIZE: year}":          {Strategy: MaskGeneralize, To: "year"},
		"{GENERALIZE: month}":         {Strategy: MaskGeneralize, To: "month"},
	} {
		w := mustParse(t, edited(t, "mask: HASH", "mask: "+text))
		if diff := cmp.Diff(want, w.Orders.Fields[5].Mask); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
}

func TestTooManyFields(t *testing.T) {
	var fields strings.Builder
	for i := range maxFields + 1 {
		fmt.Fprintf(&fields, "    - {send: f%d, column: A, why: x}\n", i)
	}
	_, err := Parse("fieldmap.yaml", edited(t, "  fields:\n", "  fields:\n"+fields.String()))
	if err == nil || !strings.Contains(err.Error(), "at most 1000 fields; this one has 1012") {
		t.Errorf("error %v", err)
	}
}

func TestNotSTAR(t *testing.T) {
	w := mustParse(t, edited(t, "send: job_number_string", "send: colour", "send: service_parts", "send: extras", "document_id", "document_no"))
	want := []string{"repair_order_header.document_no", "job.colour", "job.extras", "job.extras.item_id"}
	if diff := cmp.Diff(want, w.NotSTAR()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

package fieldmap

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// copied returns a whitelist that shares nothing with w.
func copied(t rapid.TB, w *Whitelist) *Whitelist {
	t.Helper()
	c, err := ParseCanonical(w.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestDiffSample holds the effect of every edit of the sample that a person may make.
func TestDiffSample(t *testing.T) {
	phone := "repair_order_header.owner_party.specified_person.telephone_communication.complete_number"
	for _, test := range []struct {
		name    string
		from    []string // edits of the sample before, where it must be another
		replace []string
		want    []Change
	}{
		{name: "nothing that counts", replace: []string{"# or [Store, RONumber]", "# the number"}},
		{
			name: "recipient", replace: []string{"Customer Services", "Marketing"},
			want: []Change{{Widened, "recipient", "changed", "Example Motor Sales, Customer Services", "Example Motor Sales, Marketing"}},
		},
		{
			name: "purpose", replace: []string{" Not marketing.", ""},
			want: []Change{{
				Widened, "purpose", "changed", "Service-customer survey and recall completion. Not marketing.",
				"Service-customer survey and recall completion.",
			}},
		},
		{
			name: "agreement", replace: []string{"DMI-2026-017", "DMI-2026-018"},
			want: []Change{{Widened, "agreement", "changed", "DMI-2026-017", "DMI-2026-018"}},
		},
		{
			name: "secrets in free text sent as they are", replace: []string{"narratives: redact", "narratives: send"},
			want: []Change{{Widened, "narratives", "changed", "redact", "send"}},
		},
		{
			name: "secrets in free text held", replace: []string{"narratives: redact", "narratives: hold"},
			want: []Change{{Narrowed, "narratives", "changed", "redact", "hold"}},
		},
		{
			name: "secrets in free text held no more", from: []string{"narratives: redact", "narratives: hold"}, replace: []string{"narratives: hold", "narratives: redact"},
			want: []Change{{Widened, "narratives", "changed", "hold", "redact"}},
		},
		{
			name: "name forbidden", replace: []string{"\norders:", "\nclasses: {forbidden: [LienRef], vehicle: [Tag]}\norders:"},
			want: []Change{{Reworded, "classes", "name added to vehicle", "", "Tag"}, {Narrowed, "classes", "name forbidden", "", "LienRef"}},
		},
		{
			name: "name forbidden no more", from: []string{"\norders:", "\nclasses: {forbidden: [LienRef]}\norders:"}, replace: []string{"classes: {forbidden: [LienRef]}\n", ""},
			want: []Change{{Widened, "classes", "name forbidden no more", "LienRef", ""}},
		},
		{
			name: "another reason of an override", from: []string{"column: MileageOut,", "column: DL_NO, override: a court asks for it,"},
			replace: []string{"a court asks for it", "the maker asks for it"},
			want:    []Change{{Widened, "repair_order_header.out_distance_measure", "override changed", "a court asks for it", "the maker asks for it"}},
		},
		{
			name: "field added", replace: []string{"    - {send: item_id", "    - {send: x, column: SSN, mask: HASH, why: y}\n            - {send: item_id"},
			want: []Change{{Widened, "job.service_parts.x", "field added", "", "SSN, only a keyed hash of it"}},
		},
		{
			name: "field removed", replace: []string{"        - {send: job_number_string, column: LineNo, why: names the job}\n", ""},
			want: []Change{{Narrowed, "job.job_number_string", "field removed", "LineNo, as it is", ""}},
		},
		{
			name: "field removed that stops the pull", from: []string{"column: LineNo,", "column: LineNo, mask: BLOCK,"},
			replace: []string{"        - {send: job_number_string, column: LineNo, mask: BLOCK, why: names the job}\n", ""},
			want:    []Change{{Widened, "job.job_number_string", "field removed, which could stop the pull", "LineNo, never: a value stops the whole pull", ""}},
		},
		{
			name: "rule where a field stops the pull", from: []string{"column: PartNo,", "column: PartNo, mask: BLOCK,"},
			replace: []string{"in: [I], why: internal work}", "in: [I, W], why: internal work}"},
			want:    []Change{{Widened, "job", "skip rule changed", "PayType is I (internal work)", "PayType is I or W (internal work)"}},
		},
		{
			name: "column", replace: []string{"column: vehicle.VIN", "column: vehicle.Plate"},
			want: []Change{{Widened, "repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id", "column changed", "vehicle.VIN", "vehicle.Plate"}},
		},
		{
			name: "skip more codes", replace: []string{"in: [I], why: internal work is", "in: [I, S], why: internal work is"},
			want: []Change{{Narrowed, "orders", "skip rule changed", "ROType is I (internal work is never surveyed)", "ROType is I or S (internal work is never surveyed)"}},
		},
		{
			name: "skip all but more", from: []string{"in: [I], why: internal work is", "not_in: [C], why: internal work is"},
			replace: []string{"not_in: [C]", "not_in: [C, W]"},
			want: []Change{{
				Widened, "orders", "skip rule changed", "ROType is anything but C (internal work is never surveyed)",
				"ROType is anything but C or W (internal work is never surveyed)",
			}},
		},
		{
			name:    "a condition more",
			replace: []string{"{column: ROType, in: [I], why", "{all: [{column: ROType, in: [I]}, {column: CustomerNo, in: ['1']}], why"},
			want: []Change{{
				Widened, "orders", "skip rule changed", "ROType is I (internal work is never surveyed)",
				"ROType is I and CustomerNo is 1 (internal work is never surveyed)",
			}},
		},
		{
			name:    "a rule on a column that was not read",
			replace: []string{"    - {column: ROType, in: [I], why", "    - {column: Secret, in: [x], why: y}\n    - {column: ROType, in: [I], why"},
			want:    []Change{{Widened, "orders", "skip rule added", "", "Secret is x (y)"}},
		},
		{
			name:    "a rule on a column that was read",
			replace: []string{"    - {column: ROType, in: [I], why", "    - {column: customer.Phone, is_null: true, why: y}\n    - {column: ROType, in: [I], why"},
			want:    []Change{{Narrowed, "orders", "skip rule added", "", "customer.Phone is empty (y)"}},
		},
		{
			name: "consent lapses sooner", replace: []string{"2 years", "18 months"},
			want: []Change{{
				Narrowed, phone, "withhold rule changed", "customer.LastPurchase is older than 2 years at the end of the week (consent has lapsed)",
				"customer.LastPurchase is older than 18 months at the end of the week (consent has lapsed)",
			}},
		},
		{
			name: "days are not years", replace: []string{"2 years", "700 days"},
			want: []Change{{
				Widened, phone, "withhold rule changed", "customer.LastPurchase is older than 2 years at the end of the week (consent has lapsed)",
				"customer.LastPurchase is older than 700 days at the end of the week (consent has lapsed)",
			}},
		},
		{
			name: "withheld no more", replace: []string{"        - {column: customer.OptOut, in: [Y], why: the customer opted out}\n", ""},
			want: []Change{{Widened, phone, "withhold rule removed", "customer.OptOut is Y (the customer opted out)", ""}},
		},
		{
			name: "mask off", replace: []string{"mask: HASH", "mask: NONE"},
			want: []Change{{Widened, "repair_order_header.owner_party.party_id", "mask changed", "only a keyed hash of it", "as it is"}},
		},
		{
			name: "mask on", replace: []string{"column: PartNo,", "column: PartNo, mask: {PARTIAL_MASK: keep-last-4},"},
			want: []Change{{Narrowed, "job.service_parts.item_id", "mask changed", "as it is", "masked but the last 4 characters"}},
		},
		{
			name: "a code more", replace: []string{"W: WARRANTY", "W: WARRANTY, I: INTERNAL"},
			want: []Change{{Widened, "job.bill_to_party_type", "translation changed", "C to CUSTOMER_PAY, W to WARRANTY", "C to CUSTOMER_PAY, W to WARRANTY, I to INTERNAL"}},
		},
		{
			name: "a code less", replace: []string{", W: WARRANTY", ""},
			want: []Change{{Narrowed, "job.bill_to_party_type", "translation changed", "C to CUSTOMER_PAY, W to WARRANTY", "C to CUSTOMER_PAY"}},
		},
		{
			name: "else", replace: []string{"W: WARRANTY", "W: WARRANTY, else: OTHER"},
			want: []Change{{Widened, "job.bill_to_party_type", "translation changed", "C to CUSTOMER_PAY, W to WARRANTY", "C to CUSTOMER_PAY, W to WARRANTY, any other to OTHER"}},
		},
		{
			name: "a code in blanks less, which its plain one stands in for", from: []string{"W: WARRANTY", "'C ': CASH"}, replace: []string{", 'C ': CASH", ""},
			want: []Change{{Widened, "job.bill_to_party_type", "translation changed", "C to CUSTOMER_PAY, C  to CASH", "C to CUSTOMER_PAY"}},
		},
		{
			name: "no scan", replace: []string{"narrative: true, ", ""},
			want: []Change{{Widened, "job.codes_and_comments_expanded.correction_description", "no longer marked as free text", "", ""}},
		},
		{
			name: "reason", replace: []string{"recall parts", "parts"},
			want: []Change{{Reworded, "job.service_parts.item_id", "reason changed", "recall parts", "parts"}},
		},
		{
			name: "reason of a rule", replace: []string{"why: internal work}", "why: not ours}"},
			want: []Change{{Reworded, "job", "skip rule changed", "PayType is I (internal work)", "PayType is I (not ours)"}},
		},
		{
			name: "table", replace: []string{"from: dbo.Job", "from: dbo.AllJobs"},
			want: []Change{{Widened, "job", "table changed", "dbo.Job", "dbo.AllJobs"}},
		},
		{
			name: "link", replace: []string{"parent: {RONumber: RONumber} ", "parent: {Other: RONumber} "},
			want: []Change{{Widened, "job", "link to the parent changed", "RONumber: RONumber", "Other: RONumber"}},
		},
		{
			name: "key, week, order and edits", replace: []string{
				"key: RONumber", "key: [Store, RONumber]", "week: ClosedAt", "week: OpenedAt",
				"changed: UpdatedAt", "changed: EditedAt", "order: LineNo", "order: Seq",
			},
			want: []Change{
				{Widened, "orders", "key changed", "RONumber", "Store, RONumber"},
				{Widened, "orders", "column of the week changed", "ClosedAt", "OpenedAt"},
				{Widened, "orders", "column of the last edit changed", "UpdatedAt", "EditedAt"},
				{Widened, "job", "columns that order the lines changed", "LineNo", "Seq"},
			},
		},
		{
			name: "unit, currency, type", replace: []string{"unit: SMI", "unit: KMT", "currency: USD", "currency: CAD", "column: PartNo,", "column: PartNo, as: date, layout: YYYYMMDD,"},
			want: []Change{
				{Widened, "repair_order_header.out_distance_measure", "unit changed", "SMI", "KMT"},
				{Widened, "job.pricing.price.charge_amount", "currency changed", "USD", "CAD"},
				{Widened, "job.service_parts.item_id", "type changed", "as the database says", "date"},
				{Widened, "job.service_parts.item_id", "layout changed", "", "20060102"},
			},
		},
		{
			name: "joins", replace: []string{"dbo.Customer,", "dbo.Customers,", "    vehicle: ", "    car: "},
			want: []Change{
				{Widened, "orders", "joined table changed: customer", "dbo.Customer on CustomerNo: CustomerNo", "dbo.Customers on CustomerNo: CustomerNo"},
				{Widened, "orders", "table joined: car", "", "dbo.Vehicle on VehicleNo: VehicleNo"},
				{Narrowed, "orders", "joined table removed: vehicle", "dbo.Vehicle on VehicleNo: VehicleNo", ""},
				{Widened, "repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id", "column changed", "vehicle.VIN", "vehicle.VIN"},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := copied(t, mustParse(t, edited(t, test.from...)))
			got := Diff(before, mustParse(t, edited(t, append(test.from, test.replace...)...)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestDiffMoved holds that another order and removed lists are told, too.
func TestDiffMoved(t *testing.T) {
	before := mustParse(t, edited(t))
	moved := copied(t, before)
	slices.Reverse(moved.Orders.Fields)
	slices.Reverse(moved.Orders.Fields[1].Withhold)
	want := []Change{
		{Reworded, "repair_order_header.owner_party.specified_person.telephone_communication.complete_number", "withhold rules reordered or repeated", "", ""},
		{Reworded, "orders", "fields reordered", "", ""},
	}
	if diff := cmp.Diff(want, Diff(before, moved)); diff != "" {
		t.Errorf("moved (-want +got)\n%s", diff)
	}
	cut := copied(t, before)
	cut.Orders.Lines[0].Lines = nil
	want = []Change{{Narrowed, "job.service_parts", "list removed", "dbo.Part", ""}}
	if diff := cmp.Diff(want, Diff(before, cut)); diff != "" || !OnlyNarrowed(want) {
		t.Errorf("cut (-want +got)\n%s", diff)
	}
	if got := Diff(cut, before); len(got) != 1 || got[0].Effect != Widened || got[0].What != "list added" {
		t.Errorf("put back: %v", got)
	}
}

// TestConditionFollows holds which test surely matches wherever another does.
func TestConditionFollows(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	in := func(op Op, values ...string) Condition { return Condition{Op: op, Values: values} }
	older := func(n int, unit AgeUnit) Condition { return Condition{Op: OlderThan, Age: Age{n, unit}} }
	for _, test := range []struct {
		from, to      Condition
		follows, back bool
	}{
		{in(In, "A"), in(In, "B", "A"), true, false},
		{in(In, "A"), in(In, "a"), false, false},
		{in(NotIn, "A", "B"), in(NotIn, "A"), true, false},
		{in(In, "A"), in(NotIn, "B"), false, false}, // a database may take A and B for one
		{in(In, "A"), Condition{Op: NotNull}, true, false},
		{in(NotIn, "A"), Condition{Op: NotNull}, true, false},
		{Condition{Op: IsNull}, Condition{Op: NotNull}, false, false},
		{Condition{Op: IsNull}, in(NotIn, "A"), false, false},
		{Condition{Op: Before, Time: day(1)}, Condition{Op: Before, Time: day(2)}, true, false},
		{Condition{Op: After, Time: day(2)}, Condition{Op: After, Time: day(1)}, true, false},
		{Condition{Op: After, Time: day(1)}, Condition{Op: Before, Time: day(2)}, false, false},
		{older(2, Years), older(18, Months), true, false},
		{older(2, Weeks), older(14, Days), true, true},
		{older(1, Years), older(12, Months), true, true},
		{older(35, Days), older(30, Months), false, false},
		{older(30, Months), older(20, Days), false, false},
		{older(1, Days), Condition{Op: NotNull}, true, false},
		{in(In, "A"), Condition{Op: In, Values: []string{"A"}, Column: Column{Name: "other"}}, false, false},
	} {
		if got := test.to.follows(test.from); got != test.follows {
			t.Errorf("from %s to %s: %t, want %t", test.from, test.to, got, test.follows)
		}
		if got := test.from.follows(test.to); got != test.back {
			t.Errorf("from %s to %s: %t, want %t", test.to, test.from, got, test.back)
		}
	}
}

// TestMaskHidesMore holds the whole order of the masks.
func TestMaskHidesMore(t *testing.T) {
	words := map[string]Mask{
		"none": {Strategy: MaskNone}, "hash": {Strategy: MaskHash}, "last2": {Strategy: MaskPartial, Keep: 2}, "last4": {Strategy: MaskPartial, Keep: 4},
		"first2": {Strategy: MaskTruncate, Keep: 2}, "first4": {Strategy: MaskTruncate, Keep: 4}, "year": {Strategy: MaskGeneralize, To: "year"},
		"month": {Strategy: MaskGeneralize, To: "month"}, "redact": {Strategy: MaskRedact}, "nullify": {Strategy: MaskNullify}, "block": {Strategy: MaskBlock},
	}
	stronger := map[string]string{
		"none": "hash last2 last4 first2 first4 year month redact nullify block", "hash": "redact nullify block",
		"last2": "redact nullify block", "last4": "redact nullify block", "first2": "redact nullify block",
		"first4": "first2 redact nullify block", "year": "redact nullify block", "month": "year redact nullify block",
		"redact": "nullify block", "nullify": "block", "block": "",
	}
	for old, mask := range words {
		for now, other := range words {
			want := slices.Contains(strings.Fields(stronger[old]), now)
			if got := other.hidesMore(mask); got != want {
				t.Errorf("from %s to %s: hides more is %t, want %t", old, now, got, want)
			}
		}
	}
}

// TestDiffAgreesWithOracle draws whitelists and edits. What Diff calls narrowed must show less of random rows, and what
// it calls reworded the same, by an oracle that shares no code with it.
func TestDiffAgreesWithOracle(t *testing.T) {
	narrowed, reworded := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		before := drawWhitelist(rt)
		after := copied(rt, before)
		for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(rt, "edits") {
			redraw(rt, after)
		}
		changes := Diff(before, after)
		if same := bytes.Equal(before.Canonical(), after.Canonical()); same != (len(changes) == 0) {
			rt.Fatalf("the canonical forms are the same: %t; changes: %v", same, changes)
		}
		if slices.ContainsFunc(changes, func(c Change) bool { return c.Effect == Widened }) {
			return
		}
		rows := someSights(rapid.Uint64().Draw(rt, "rows"), 300)
		if problem := readsMore(oracle{before}, oracle{after}); problem != "" {
			rt.Fatalf("%s, after %v", problem, changes)
		}
		if problem := showsMore(oracle{before}, oracle{after}, rows); problem != "" {
			rt.Fatalf("%s, after %v", problem, changes)
		}
		if OnlyNarrowed(changes) {
			narrowed++
			return
		}
		if slices.ContainsFunc(changes, func(c Change) bool { return c.Effect == Narrowed }) {
			return
		}
		reworded++
		if problem := showsMore(oracle{after}, oracle{before}, rows); problem != "" {
			rt.Fatalf("reworded shows less: %s, after %v", problem, changes)
		}
	})
	t.Logf("%d pairs narrowed, %d reworded or the same", narrowed, reworded)
	if narrowed < 5 || reworded < 5 {
		t.Error("too few for the test to mean something")
	}
}

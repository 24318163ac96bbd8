package fieldmap

import (
	"bytes"
	"strings"
	"testing"
)

// TestDigestIgnores holds that what does not matter does not ask for a new approval.
func TestDigestIgnores(t *testing.T) {
	want := mustParse(t, edited(t)).Digest()
	for name, replace := range map[string][]string{
		"a remark":          {"orders:\n", "orders: # the table\n"},
		"quotes":            {"recipient: Example Motor Sales, Customer Services", `recipient: "Example Motor Sales, Customer Services"`},
		"brackets":          {"from: dbo.RepairOrder", "from: '[dbo].[RepairOrder]'"},
		"one for a list":    {"key: RONumber", "key: [RONumber]"},
		"keys of a mapping": {"{send: item_id, column: PartNo, why: recall parts}", "{why: recall parts, column: PartNo, send: item_id}"},
		"codes of a map":    {"{C: CUSTOMER_PAY, W: WARRANTY}", "{W: WARRANTY, C: CUSTOMER_PAY}"},
		"pairs of a parent": {"{RONumber: RONumber, LineNo: LineNo}", "{LineNo: LineNo, RONumber: RONumber}"},
		"joins": {
			"    customer: {from: dbo.Customer, on: {CustomerNo: CustomerNo}}   # ours: theirs; at most one row\n", "",
			"on: {VehicleNo: VehicleNo}}\n", "on: {VehicleNo: VehicleNo}}\n    customer: {from: dbo.Customer, on: {CustomerNo: CustomerNo}}\n",
		},
		"the layout":         {"    - {send: item_id", "    - {send:  item_id", "\n  fields:\n", "\n\n  fields:\n"},
		"a span in singular": {"2 years", "2 year"},
		"no mask, said":      {"column: PartNo,", "column: PartNo, mask: NONE,"},
		"redact, unsaid":     {"narratives: redact ", "# narratives: redact "},
		"windows":            {"agreement: DMI-2026-017\n", "agreement: DMI-2026-017\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mustParse(t, edited(t, replace...)).Digest(); got != want {
				t.Error("the digest has changed")
			}
		})
	}
}

// TestDigestNotices holds that every change of what is signed asks for a new approval, and that no two are alike.
func TestDigestNotices(t *testing.T) {
	seen := map[Digest]string{mustParse(t, edited(t)).Digest(): "the sample"}
	for _, replace := range [][]string{
		{"Customer Services", "Marketing"},
		{"Not marketing.", "Marketing."},
		{"DMI-2026-017", "DMI-2026-018"},
		{"narratives: redact", "narratives: hold"},
		{"narratives: redact", "narratives: send"},
		{"from: dbo.RepairOrder", "from: RepairOrder"},
		{"from: dbo.RepairOrder", "from: '[dbo.RepairOrder]'"},
		{"key: RONumber", "key: [Store, RONumber]"},
		{"key: RONumber", "key: [RONumber, Store]"},
		{"week: ClosedAt", "week: OpenedAt"},
		{"changed: UpdatedAt", "changed: EditedAt"},
		{"  changed: UpdatedAt                  # optional\n", ""},
		{"{CustomerNo: CustomerNo}", "{CustomerNo: Customer}"},
		{"dbo.Customer,", "dbo.Customers,"},
		{"in: [I], why: internal work is", "not_in: [I], why: internal work is"},
		{"in: [I], why: internal work is", "in: [I, J], why: internal work is"},
		{"in: [I], why: internal work is", "in: ['I,J'], why: internal work is"},
		{"in: [I], why: internal work is", "before: 2024-01-31, why: internal work is"},
		{"in: [I], why: internal work is", "before: 2024-01-30, why: internal work is"},
		{"in: [I], why: internal work is", "after: 2024-01-31, why: internal work is"},
		{"in: [I], why: internal work is", "is_null: true, why: internal work is"},
		{"in: [I], why: internal work is", "not_null: true, why: internal work is"},
		{"never surveyed", "surveyed"},
		{"    - {column: ROType, in: [I], why", "    - {column: B, in: [x], why: y}\n    - {column: ROType, in: [I], why"},
		{"{column: ROType, in: [I], why", "{all: [{column: ROType, in: [I]}, {column: B, in: [x]}], why"},
		{"unit: SMI", "unit: KMT"},
		{"unit: SMI,", ""},
		{"column: vehicle.VIN", "column: VIN"},
		{"recall completion}", "recalls}"},
		{"2 years", "3 years"},
		{"2 years", "2 months"},
		{"mask: HASH", "mask: NONE"},
		{"mask: HASH", "mask: REDACT"},
		{"mask: HASH", "mask: {TRUNCATE: keep-first-3}"},
		{"mask: HASH", "mask: {TRUNCATE: keep-first-4}"},
		{"mask: HASH", "mask: {PARTIAL_MASK: keep-last-4}"},
		{"mask: HASH", "mask: {GENERALIZE: year}"},
		{"mask: HASH", "mask: {GENERALIZE: month}"},
		{"send: job\n", "send: jobs\n"},
		{"from: dbo.Job", "from: dbo.Jobs"},
		{"parent: {RONumber: RONumber} ", "parent: {RONumber: Number} "},
		{"parent: {RONumber: RONumber} ", "parent: {Number: RONumber} "},
		{"order: LineNo", "order: Seq"},
		{"order: LineNo\n", "order: [LineNo, Seq]\n"},
		{"      order: LineNo\n", ""},
		{"W: WARRANTY", "W: INTERNAL"},
		{"W: WARRANTY", "W: WARRANTY, else: OTHER"},
		{"W: WARRANTY", "W: WARRANTY, else: INTERNAL"},
		{", map: {C: CUSTOMER_PAY, W: WARRANTY}", ""},
		{"narrative: true, ", ""},
		{"currency: USD", "currency: CAD"},
		{"column: PartNo,", "column: PartNo, as: text,"},
		{"column: PartNo,", "column: PartNo, as: date,"},
		{"column: PartNo,", "column: PartNo, as: date, layout: YYYYMMDD,"},
		{"column: PartNo,", "column: PartNo, as: date, layout: MMDDYYYY,"},
		{"column: PartNo,", "column: partno,"},
		{"send: item_id", "send: item_no"},
		{"orders:\n", "classes: {work: [A]}\norders:\n"},
		{"orders:\n", "classes: {work: [A, B]}\norders:\n"},
		{"orders:\n", "classes: {money: [A]}\norders:\n"},
		{"orders:\n", "classes: {forbidden: [A]}\norders:\n"},
		{"column: PartNo,", "column: CustSSN, override: a reason,"},
		{"column: PartNo,", "column: CustSSN, override: another reason,"},
		{"column: PartNo,", "column: CustSSN,"},
	} {
		w := mustParse(t, edited(t, replace...))
		if same, taken := seen[w.Digest()]; taken {
			t.Errorf("%q has the digest of %s", replace, same)
		}
		seen[w.Digest()] = strings.Join(replace, " -> ")
		back, err := ParseCanonical(w.Canonical())
		if err != nil || back.Digest() != w.Digest() {
			t.Errorf("%q is not read back: %v", replace, err)
		}
		if changes := Diff(mustParse(t, edited(t)), w); len(changes) == 0 || changes[0].Where == "whitelist" {
			t.Errorf("Diff has no word for %q", replace)
		}
	}
}

// TestDigestOfClasses: a class's names count, their order does not, and a whitelist without keeps the digest it always had.
func TestDigestOfClasses(t *testing.T) {
	digest := func(classes string) Digest {
		return mustParse(t, edited(t, "agreement: DMI-2026-017\n", "agreement: DMI-2026-017\n"+classes)).Digest()
	}
	if got, want := digest("").String(), "01f012579a23c6064bdb24c752173dc42114bdad0b605f1d108012d656824464"; got != want {
		t.Errorf("the sample's digest is %s, and approvals of %s are lost", got, want)
	}
	if digest("classes: {work: [B, A], forbidden: C}\n") != digest("classes: {forbidden: [C], work: [A, B]}\n") {
		t.Error("the order of names counts")
	}
}

func TestParseDigest(t *testing.T) {
	want := mustParse(t, edited(t)).Digest()
	if got, err := ParseDigest(want.String()); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, s := range []string{"", "ab", want.String() + "00", strings.ToUpper(want.String()), strings.Repeat("x", 64), " " + want.String()} {
		if _, err := ParseDigest(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

// FuzzParse: no source makes Parse panic, and what it accepts can be compiled and has a digest that does not change.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, source []byte) {
		w, err := Parse("fieldmap.yaml", source)
		if err != nil {
			if err.Error() == "" {
				t.Error("a problem without a text")
			}
			return
		}
		again, err := Parse("again.yaml", append([]byte("# the same\n"), bytes.TrimPrefix(source, []byte("\uFEFF"))...))
		if err != nil || again.Digest() != w.Digest() {
			t.Errorf("read again: %v, %s; want %s", err, again.Digest(), w.Digest())
		}
		if p := w.Compile(); p.Digest != w.Digest() || len(p.Levels) == 0 {
			t.Error("the plan is of another whitelist")
		}
	})
}

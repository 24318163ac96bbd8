package fieldmap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap/class"
)

// TestSTARNamesAreNotForbidden: the standard's own names can all be sent.
func TestSTARNamesAreNotForbidden(t *testing.T) {
	table := class.NewTable()
	for name := range strings.FieldsSeq(starTree) {
		if f := table.Of(class.Name(strings.Split(strings.TrimSuffix(name, "[]"), "."))); f.Forbidden() {
			t.Errorf("%s is taken for %s", name, f)
		}
	}
}

// forbidden returns what a whitelist reads that must not leave, in words with its line.
func forbidden(t *testing.T, replace ...string) (refused, overridden []string) {
	t.Helper()
	words := func(all []Forbidden) (list []string) {
		for _, f := range all {
			list = append(list, f.String())
			if f.At.Line == 0 {
				t.Errorf("%s has no place", f)
			}
		}
		return list
	}
	no, yes := mustParse(t, edited(t, replace...)).Compile().Forbidden()
	return words(no), words(yes)
}

func TestForbidden(t *testing.T) {
	const (
		part     = "job.service_parts.item_id, read from dbo.Part."
		ssn      = "a social security, tax or other government number"
		override = ", override: the agreement's annex B asks for it"
	)
	for _, tt := range []struct {
		name                string
		replace             []string
		refused, overridden []string
	}{
		{"the sample", nil, nil, nil},
		{"by its column", []string{"column: PartNo", "column: CustSSN"}, []string{part + `CustSSN, looks like ` + ssn + ` ("SSN")`}, nil},
		{"by its sent name", []string{"send: item_id", "send: owner.tax_id"}, []string{`job.service_parts.owner.tax_id, read from dbo.Part.PartNo, looks like ` + ssn + ` ("tax id")`}, nil},
		{"by its table", []string{"from: dbo.Part", "from: dbo.Payroll"}, []string{
			`job.service_parts.item_id, read from dbo.Payroll.PartNo, looks like payroll data ("Payroll")`, `the link dbo.Payroll.RONumber looks like payroll data ("Payroll")`,
			`the link dbo.Payroll.LineNo looks like payroll data ("Payroll")`, `the order dbo.Payroll.Seq looks like payroll data ("Payroll")`,
		}, nil},
		{"by the whitelist", []string{"orders:\n", "classes: {forbidden: [PartNo]}\norders:\n"}, []string{part + `PartNo, looks like what this whitelist forbids ("Part No")`}, nil},
		{"masked all the same", []string{"column: PartNo", "column: CustSSN, mask: HASH"}, []string{part + `CustSSN, looks like ` + ssn + ` ("SSN")`}, nil},
		{"with a reason", []string{"column: PartNo", "column: CustSSN" + override}, nil, []string{part + `CustSSN, looks like ` + ssn + ` ("SSN")`}},
		{"a key", []string{"key: RONumber", "key: [RONumber, DL_NO]"}, []string{`the key dbo.RepairOrder.DL_NO looks like a driver's licence ("DL NO")`}, nil},
		{
			"a key that is a field",
			[]string{"key: RONumber", "key: [RONumber, DL_NO]", "{send: repair_order_header.document_id, column: RONumber", "{send: x, column: DL_NO" + override},
			nil,
			[]string{`x, read from dbo.RepairOrder.DL_NO, looks like a driver's licence ("DL NO")`},
		},
		{"the changed column", []string{"changed: UpdatedAt", "changed: BirthDt"}, []string{`the changed column dbo.RepairOrder.BirthDt looks like a birth date ("Birth")`}, nil},
		{
			"both sides of a link",
			[]string{"parent: {RONumber: RONumber, LineNo: LineNo}", "parent: {LoanNo: LeaseNo}"},
			[]string{`the link dbo.Job.LeaseNo looks like lease data ("Lease")`, `the link dbo.Part.LoanNo looks like loan or lien data ("Loan")`},
			nil,
		},
		{"an order", []string{"order: Seq", "order: GLAcct"}, []string{`the order dbo.Part.GLAcct looks like a general-ledger or other account ("GL")`}, nil},
		{"a condition, which never leaves", []string{"column: ROType", "column: CustSSN"}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused, overridden := forbidden(t, tt.replace...)
			if diff := cmp.Diff([2][]string{tt.refused, tt.overridden}, [2][]string{refused, overridden}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTestedForbidden(t *testing.T) {
	plan := mustParse(t, edited(t, "column: ROType", "column: CustSSN", "on: {VehicleNo: VehicleNo}", "on: {VehicleNo: LeaseNo}",
		"customer.LastPurchase", "customer.DOB", "column: CustomerNo, mask: HASH", "column: CustSSN2")).Compile()
	var got []string
	for _, f := range plan.Orders.TestedForbidden() {
		got = append(got, f.String())
	}
	want := []string{
		`the condition on dbo.Customer.DOB looks like a birth date ("DOB")`,
		`the condition on dbo.RepairOrder.CustSSN looks like a social security, tax or other government number ("SSN")`,
		`the condition on dbo.Vehicle.LeaseNo looks like lease data ("Lease")`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

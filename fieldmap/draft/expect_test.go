package draft_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/fieldmap/draft"
)

// Which tables must be chosen, which columns must be proposed, left out behind the mark, and absent from the file.
func TestExpectations(t *testing.T) {
	for _, tt := range []struct {
		schema, tables, absent string
		proposed, left         []string
		undecided              []string
	}{
		{
			schema: "flat", tables: "orders RepairOrders, job RO_Labor_Lines, parts RO_Part_Lines",
			proposed:  []string{"RepairOrders.RO_Number", "RepairOrders.Close_Date", "RepairOrders.VIN", "RepairOrders.Mileage_Out", "RO_Labor_Lines.Op_Code", "RO_Labor_Lines.Correction", "RO_Part_Lines.Part_Number"},
			left:      []string{"RepairOrders.First_Name", "RepairOrders.Home_Phone", "RepairOrders.Email", "RepairOrders.Customer_Number", "RO_Labor_Lines.Labor_Amount", "RepairOrders.License_Plate"},
			absent:    "Birth_Date Drivers_License GL_Account Credit_Limit SSN Pay_Rate Amount_Financed Lien_Holder Employees Vehicle_Sales Parts_Inventory",
			undecided: []string{"internal", "internal"},
		},
		{
			schema: "normalised", tables: "orders RepairOrder, job RepairOrderJob, parts RepairOrderPart, customer Customer, vehicle Vehicle",
			proposed:  []string{"RepairOrder.RONumber", "RepairOrder.ClosedAt", "Vehicle.VIN", "RepairOrderJob.OperationCode", "RepairOrderJob.PayType", "RepairOrderPart.PartNumber", "RepairOrderPart.Quantity"},
			left:      []string{"Customer.HomePhone", "Customer.EmailAddress", "Customer.ZipCode", "RepairOrder.CustomerID", "RepairOrder.Comments", "RepairOrderPart.Price"},
			absent:    "SSN DateOfBirth LeaseEndDate APR AmountFinanced SalesDeal",
			undecided: []string{"internal", "internal"},
		},
		{
			schema: "pick", tables: "orders RO01, job RO02, parts RO03, customer CU01, vehicle VE01",
			proposed:  []string{"RO01.RONO", "RO01.CDT", "RO01.MILO", "RO01.VIN", "RO02.OPCD", "RO02.PTYP", "RO03.PNO", "VE01.YR"},
			left:      []string{"CU01.PHONE", "CU01.FNAME", "CU01.ZIP", "RO01.CUSNO", "RO02.LBRAMT"},
			absent:    "GLACCT LSEPMT DOB SOCSEC ACCT GL01",
			undecided: []string{"keeps dates", "internal", "internal", "to which job a part belongs"},
		},
	} {
		d, err := draft.Make(catalog(t, tt.schema), options())
		if err != nil {
			t.Fatal(err)
		}
		var tables, proposed, left []string
		for _, g := range d.Tables {
			tables = append(tables, string(g.Role)+" "+g.Table)
		}
		for _, f := range d.Fields {
			if f.Off == "" {
				proposed = append(proposed, f.Column)
			} else {
				left = append(left, f.Column)
			}
		}
		if diff := cmp.Diff(tt.tables, strings.Join(tables, ", ")); diff != "" {
			t.Errorf("%s: %s", tt.schema, diff)
		}
		for _, name := range tt.proposed {
			if !slices.Contains(proposed, name) {
				t.Errorf("%s: %s is not proposed", tt.schema, name)
			}
		}
		for _, name := range tt.left {
			if !slices.Contains(left, name) || slices.Contains(proposed, name) {
				t.Errorf("%s: %s is not left out behind the mark", tt.schema, name)
			}
		}
		for name := range strings.FieldsSeq(tt.absent) {
			if regexp.MustCompile(`\b` + name + `\b`).Match(d.YAML) {
				t.Errorf("%s: %s is in the file", tt.schema, name)
			}
		}
		if len(d.Undecided) != len(tt.undecided) {
			t.Errorf("%s: undecided is %q", tt.schema, d.Undecided)
			continue
		}
		for i, word := range tt.undecided {
			if !strings.Contains(d.Undecided[i], word) {
				t.Errorf("%s: undecided is %q, which does not speak of %s", tt.schema, d.Undecided[i], word)
			}
		}
		holdsNothingPersonal(t, d)
	}
}

// What is left out counts once its mark is taken away: the file still reads.
func TestMarksCanBeTakenAway(t *testing.T) {
	for _, schema := range schemas() {
		d, err := draft.Make(catalog(t, schema), options())
		if err != nil {
			t.Fatal(err)
		}
		all := strings.ReplaceAll(string(d.YAML), fieldmap.OffMark, "")
		if schema == "normalised" && !strings.Contains(all, "\n    customer: {from: Customer") {
			t.Error("the customer's table is not among the joins")
		}
		w, err := fieldmap.Parse("draft", []byte(all))
		if err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		if len(w.Orders.Fields) <= len(d.Whitelist.Orders.Fields) {
			t.Errorf("%s: nothing came in", schema)
		}
	}
}

// Two tables that are as likely are told, and a person's word decides.
func TestTwoTablesAreAsLikely(t *testing.T) {
	schema := catalog(t, "normalised")
	for _, table := range schema.Tables {
		if table.Name.Name == "RepairOrderHistory" {
			table.Name.Name = "RepairOrderTwo"
			for _, other := range schema.Tables {
				if other.Name.Name == "RepairOrder" {
					table.Columns, table.Foreign = other.Columns, other.Foreign
				}
			}
		}
	}
	d, err := draft.Make(schema, options())
	if err != nil {
		t.Fatal(err)
	}
	if g := d.Tables[0]; g.Table != "RepairOrder" || len(g.Others) != 1 || g.Sure != draft.Guess || !strings.Contains(string(d.YAML), "LOOK AT THIS: which table is the repair orders") {
		t.Errorf("%+v\n%s", g, d.YAML[:600])
	}
	o := options()
	o.Tables = map[draft.Role]fieldmap.Table{draft.Orders: {Name: "RepairOrderTwo"}}
	if d, err = draft.Make(schema, o); err != nil || d.Whitelist.Orders.From.Name != "RepairOrderTwo" {
		t.Errorf("a person's word: %v", err)
	}
}

// Nothing like an order, and nothing at all, are said in a sentence.
func TestNoOrders(t *testing.T) {
	schema := catalog(t, "normalised")
	schema.Tables = slices.DeleteFunc(schema.Tables, func(t *draft.Table) bool { return strings.HasPrefix(t.Name.Name, "RepairOrder") })
	for _, s := range []*draft.Schema{schema, {}} {
		d, err := draft.Make(s, options())
		if err == nil || !strings.Contains(err.Error(), "is like one of repair orders") || !strings.Contains(err.Error(), "--orders") {
			t.Errorf("%v, %v", d, err)
		}
	}
}

// A DMS of many tables is read in a second of CPU: no table is compared with each other one.
func TestLargeSchema(t *testing.T) {
	schema := catalog(t, "normalised")
	few := slices.Clone(schema.Tables)
	for i := range 150 {
		for _, table := range few[:2] {
			copied := *table
			copied.Name.Name = fmt.Sprintf("X%d%s", i, table.Name.Name)
			schema.Tables = append(schema.Tables, &copied)
		}
	}
	start := time.Now()
	d, err := draft.Make(schema, options())
	if err != nil || d.Tables[0].Table != "RepairOrder" {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("%d tables took %v", len(schema.Tables), took)
	} else {
		t.Logf("%d tables took %v", len(schema.Tables), took)
	}
}

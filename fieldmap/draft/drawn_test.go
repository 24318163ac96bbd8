package draft_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"roagent/fieldmap"
	"roagent/fieldmap/class"
	"roagent/fieldmap/draft"
)

// TestDrawnSchemas draws schemas of words of the trade, of what must not leave, of what tells who a person is, and of nonsense,
// in all spellings, types and keys. None crashes it; each draft reads back, and proposes nothing that is not work or a car.
func TestDrawnSchemas(t *testing.T) {
	classes := class.NewTable()
	made := 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawSchema(t)
		d, err := draft.Make(s, options())
		if _, none := errors.AsType[*draft.NoOrdersError](err); none {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		made++
		w, err := fieldmap.Parse("draft", d.YAML)
		if err != nil {
			t.Fatalf("%v\n%s", err, d.YAML)
		}
		plan := w.Compile()
		if refused, overridden := plan.Forbidden(); len(refused)+len(overridden) > 0 {
			t.Fatalf("%s\n%s", refused, d.YAML)
		}
		for _, l := range plan.Levels {
			for _, f := range l.Fields() {
				if found := classes.Of(columnOf(l, f.Column)); found.Class != class.Work && found.Class != class.Vehicle {
					t.Fatalf("%s is proposed, and it is %s\n%s", f.Column, found, d.YAML)
				}
				if found := l.ClassOf(f); found.Class != class.Work && found.Class != class.Vehicle {
					t.Fatalf("%s is proposed, and it is %s\n%s", f.Send, found, d.YAML)
				}
			}
		}
	})
	t.Logf("%d drafts were made", made)
	if made < 10 {
		t.Error("hardly any drawn schema had a draft")
	}
}

func columnOf(l *fieldmap.Level, c fieldmap.Column) class.Name {
	from := l.From
	for _, j := range l.Joins {
		if j.Name == c.Join {
			from = j.From
		}
	}
	if from.Schema == "" {
		return class.Name{from.Name, c.Name}
	}
	return class.Name{from.Schema, from.Name, c.Name}
}

func drawSchema(t *rapid.T) *draft.Schema {
	s := &draft.Schema{}
	table := rapid.SampledFrom([]string{"RepairOrder", "RO01", "RO_HDR", "ROJob", "RO Labor", "ROPart", "Customer", "Vehicle", "Cust", "order", "Job", "Parts", "[x]", "a.b", "GLAccount", "select", "Lease", "Ünïcode", "x;y"})
	for i := range rapid.IntRange(1, 7).Draw(t, "tables") {
		name := fieldmap.Table{Name: table.Draw(t, "table"), Schema: rapid.SampledFrom([]string{"", "dbo", "s p"}).Draw(t, "schema")}
		if rapid.Bool().Draw(t, "numbered") {
			name.Name += fmt.Sprint(i)
		}
		s.Tables = append(s.Tables, drawTable(t, name))
	}
	if rapid.IntRange(0, 3).Draw(t, "orders") > 0 { // else hardly any would have a draft
		for i, name := range []string{"RONumber", "ClosedAt", "VIN", "MileageOut", "Status", "Advisor", "ROType"} {
			kind := []fieldmap.Kind{fieldmap.KindInteger, fieldmap.KindDateTime, fieldmap.KindText, fieldmap.KindInteger, fieldmap.KindText, fieldmap.KindText, fieldmap.KindText}[i]
			s.Tables[0].Columns = append(s.Tables[0].Columns, draft.Column{Name: name, Type: fieldmap.ColumnType{Kind: kind, Database: "a type"}})
		}
	}
	for _, from := range s.Tables {
		to := rapid.SampledFrom(s.Tables).Draw(t, "to")
		if rapid.Bool().Draw(t, "foreign") && len(to.Columns) > 0 && len(from.Columns) > 0 {
			from.Foreign = append(from.Foreign, draft.ForeignKey{
				Columns: []string{rapid.SampledFrom(from.Columns).Draw(t, "left").Name}, To: to.Name, ToColumns: []string{rapid.SampledFrom(to.Columns).Draw(t, "right").Name},
			})
		}
	}
	return s
}

func drawTable(t *rapid.T, name fieldmap.Table) *draft.Table {
	column := rapid.OneOf(
		rapid.SampledFrom([]string{
			"RONumber", "RONO", "RO_NO", "ROID", "Store", "ClosedAt", "CloseDate", "CDT", "Opened", "VIN", "Mileage", "MILO", "Status", "ROType", "Advisor", "CustNo", "CustomerID", "VehicleID", "UpdatedAt",
			"LineNo", "OpCode", "OPCD", "Description", "PayType", "Complaint", "Correction", "TechNo", "Hours", "PartNo", "Qty", "Price", "Seq", "Make", "Model", "Year", "Note", "ID",
		}),
		rapid.SampledFrom([]string{
			"SSN", "CustSSN", "DOB", "BirthDate", "GLAccount", "LeasePayment", "APR", "DriversLicense", "AccountNumber", "Password", "CreditLimit", "LienHolder", "BankAcct",
			"Phone", "ClosedPhone", "EMail", "VinEmail", "Address", "ZIP", "FirstName", "LastName", "CustomerName", "OptOut", "ContactStatus", "ROAddress", "Op Code Cell", "RO Number Tel",
		}),
		rapid.SampledFrom([]string{"customer.Phone", "vehicle.VIN", "a]b", `it"s`, "x--", "RO Number", "sel*ct", " ", "", "null", "true", "#", "1", "Größe", "tab\tname", "line\nbreak", "a.b", "~", "- x", "{", "RO:No", "'"}),
		rapid.StringN(0, 12, 40),
	)
	c := &draft.Table{Name: name, View: rapid.Bool().Draw(t, "view")}
	for range rapid.IntRange(0, 14).Draw(t, "columns") {
		kind := fieldmap.Kind(rapid.IntRange(int(fieldmap.KindUnknown), int(fieldmap.KindUUID)).Draw(t, "kind"))
		drawn := draft.Column{
			Name: column.Draw(t, "column"), Type: fieldmap.ColumnType{Kind: kind, Database: "a type", Scale: rapid.IntRange(-1, 2).Draw(t, "scale")},
			Length: rapid.SampledFrom([]int{0, 1, 8, 10, 14, 40, 400}).Draw(t, "length"), Unsorted: rapid.IntRange(0, 9).Draw(t, "unsorted") == 0,
		}
		if rapid.IntRange(0, 9).Draw(t, "refused") == 0 {
			drawn.Refuse = "it is a picture"
		}
		c.Columns = append(c.Columns, drawn)
	}
	for range rapid.IntRange(0, 2).Draw(t, "keys") {
		if len(c.Columns) > 0 {
			var key []string
			for _, of := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(c.Columns)-1), 1, min(3, len(c.Columns)), rapid.ID[int]).Draw(t, "key") {
				key = append(key, c.Columns[of].Name)
			}
			c.Unique = append(c.Unique, key)
			c.Primary = key
		}
	}
	return c
}

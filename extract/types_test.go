package extract_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
)

// Complaints 6, 8 and 9: local time labelled UTC, datetimeoffset, digits of decimals and money.
func TestTypes(t *testing.T) {
	type value struct {
		typ  string
		in   any
		want string // JSON; "": left out
	}
	values := []value{
		{"tinyint", 255, `255`},
		{"smallint", -32768, `-32768`},
		{"int", 2147483647, `2147483647`},
		{"bigint", int64(9223372036854775807), `9223372036854775807`},
		{"bit", 1, `true`},
		{"bit", 0, `false`},
		{"decimal(12,2)", "129.90", `"129.90"`},
		{"decimal(12,2)", "-0.10", `"-0.10"`},
		{"numeric(9,0)", "42", `"42"`},
		{"money", "1234.5", `"1234.5000"`},
		{"money", "-0.0001", `"-0.0001"`},
		{"smallmoney", "12", `"12.0000"`},
		{"float", 0.1, `0.1`},
		{"float", 1e300, `1e+300`},
		{"real", 0.25, `0.25`},
		{"date", "2026-11-09", `"2026-11-09"`},
		{"date", "0001-01-01", `"0001-01-01"`},
		{"datetime", "2026-11-09T23:59:59", `"2026-11-10T07:59:59Z"`},
		{"datetime", "2026-07-09T10:00:00", `"2026-07-09T17:00:00Z"`},
		{"datetime", "1900-01-01T00:00:00", `"1900-01-01T08:00:00Z"`},
		{"smalldatetime", "2026-11-09T10:30:00", `"2026-11-09T18:30:00Z"`},
		{"datetime2(3)", "2026-11-09T10:30:00.123", `"2026-11-09T18:30:00.123Z"`},
		{"datetime2(7)", "2026-11-09T10:30:00.123456", `"2026-11-09T18:30:00.123456Z"`},
		{"datetime2(0)", "9999-12-30T10:30:00", `"9999-12-30T18:30:00Z"`},
		{"datetimeoffset(3)", instant("2026-11-09T10:30:00.500+05:30"), `"2026-11-09T05:00:00.5Z"`},
		{"datetimeoffset(0)", instant("2026-11-09T10:30:00Z"), `"2026-11-09T10:30:00Z"`},
		{"uniqueidentifier", "6F9619FF-8B86-D011-B42D-00C04FC964FF", `"6f9619ff-8b86-d011-b42d-00c04fc964ff"`},
		{"char(6)", "ab    ", `"ab"`},
		{"nchar(6)", "é     ", `"é"`},
		{"varchar(20)", "tail  ", `"tail  "`},
		{"varchar(20)", "", `""`},
		{"nvarchar(20)", "日本 🚗", `"日本 🚗"`},
		{"nvarchar(20)", "a\"b\\c\n", `"a\"b\\c\n"`},
		{"varchar(max)", strings.Repeat("x", 9000), `"` + strings.Repeat("x", 9000) + `"`},
		{"nvarchar(max)", strings.Repeat("é", 9000), `"` + strings.Repeat("é", 9000) + `"`},
		{"text", "long ago", `"long ago"`},
		{"ntext", "löng ago", `"löng ago"`},
		{"varchar(20)", nil, ``},
		{"datetime", nil, ``},
		{"decimal(12,2)", nil, ``},
	}
	eachDialect(t, func(t *testing.T, r *rig) {
		columns, fields, want := []string{"id int NOT NULL PRIMARY KEY", "wk datetime NULL"}, "", `{"id":1`
		names, row := []string{"id", "wk"}, []any{1, "2026-11-09T12:00:00"}
		for i, v := range values {
			columns = append(columns, fmt.Sprintf("c%d %s NULL", i, v.typ))
			names = append(names, fmt.Sprintf("c%d", i))
			row = append(row, v.in)
			fields += fmt.Sprintf("    - {send: f%d, column: c%d, why: test}\n", i, i)
			if v.want != "" {
				want += fmt.Sprintf(`,"f%d":%s`, i, v.want)
			}
		}
		r.exec(t, "CREATE TABLE dbo.T ("+strings.Join(columns, ", ")+")")
		r.insert(t, "dbo.T", strings.Join(names, ", "), row)
		got := r.read(t, head+"  from: dbo.T\n  key: id\n  week: wk\n  fields:\n    - {send: id, column: id, why: test}\n"+fields, week(t, "2026-W46"), 10)
		if diff := cmp.Diff(result{Orders: []string{want + "}"}}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// as and layout: what the database's type does not tell.
func TestAs(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.T (id varchar(10) NOT NULL PRIMARY KEY, wk int NULL, a varchar(20) NULL, b varchar(20) NULL, c varchar(20) NULL, d varchar(20) NULL)")
		r.insert(t, "dbo.T", "id, wk, a, b, c, d",
			[]any{"before", 20261108, "1", "1", "1", "1"},
			[]any{"x", 20261109, " 42 ", "12.50", "Y", "09.11.2026 10:30"},
			[]any{"y", 20261115, "", nil, "N", ""},
			[]any{"z", 20261116, "1", "1", "1", "1"})
		got := r.read(t, head+`
  from: dbo.T
  key: id
  week: wk
  fields:
    - {send: wk, column: wk, as: date, layout: "20060102", why: test}
    - {send: a, column: a, as: integer, why: test}
    - {send: b, column: b, as: decimal, currency: USD, why: test}
    - {send: c, column: c, as: boolean, why: test}
    - {send: d, column: d, as: datetime, layout: "02.01.2006 15:04", why: test}
`, week(t, "2026-W46"), 10)
		want := result{Orders: []string{
			`{"wk":"2026-11-09","a":42,"b":{"value":"12.50","currency_code":"USD"},"c":true,"d":"2026-11-09T18:30:00Z"}`,
			`{"wk":"2026-11-15","c":false}`,
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Complaints 5 and 6: the week's bounds are the dealer's Monday on the DMS's clock, whatever type keeps it and
// wherever the two are; a datetime's last instant before midnight stays in its week (complaint 7).
func TestWeekBounds(t *testing.T) {
	tests := []struct {
		name, typ, dealer, dms string
		week                   string
		in, out                []any
	}{
		{
			"same zone", "datetime", "America/Los_Angeles", "", "2026-W46",
			[]any{"2026-11-09T00:00:00", "2026-11-15T23:59:59", "2026-11-15T23:59:59.997"},
			[]any{"2026-11-08T23:59:59.997", "2026-11-16T00:00:00"},
		},
		{
			"datetime2", "datetime2(6)", "America/Los_Angeles", "", "2026-W46",
			[]any{"2026-11-09T00:00:00", "2026-11-15T23:59:59.999999"},
			[]any{"2026-11-08T23:59:59.999999", "2026-11-16T00:00:00"},
		},
		{"smalldatetime", "smalldatetime", "America/Los_Angeles", "", "2026-W46", []any{"2026-11-09T00:00:00"}, []any{"2026-11-08T23:59:00", "2026-11-16T00:00:00"}},
		{"date", "date", "America/Los_Angeles", "America/New_York", "2026-W46", []any{"2026-11-09", "2026-11-15"}, []any{"2026-11-08", "2026-11-16"}},
		{
			"the DMS in New York", "datetime", "America/Los_Angeles", "America/New_York", "2026-W46",
			[]any{"2026-11-09T03:00:00", "2026-11-16T02:59:59"},
			[]any{"2026-11-09T02:59:59", "2026-11-16T03:00:00"},
		},
		{
			"the DMS in UTC, over the end of daylight saving", "datetime", "America/Los_Angeles", "UTC", "2026-W44", // 1 November: 25 hours
			[]any{"2026-10-26T07:00:00", "2026-11-02T07:59:59"}, []any{"2026-10-26T06:59:59", "2026-11-02T08:00:00"},
		},
		{
			"the DMS in UTC, over the start of daylight saving", "datetime", "America/Los_Angeles", "UTC", "2026-W10", // 8 March: 23 hours
			[]any{"2026-03-02T08:00:00", "2026-03-09T06:59:59"}, []any{"2026-03-02T07:59:59", "2026-03-09T07:00:00"},
		},
		{
			"datetimeoffset", "datetimeoffset(0)", "America/Los_Angeles", "", "2026-W46",
			[]any{instant("2026-11-09T08:00:00+00:00"), instant("2026-11-16T07:59:59+00:00")},
			[]any{instant("2026-11-09T07:59:59+00:00"), instant("2026-11-16T08:00:00+00:00")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachDialect(t, func(t *testing.T, r *rig) {
				r.config.DealerZone, r.config.Zone = zone(t, tt.dealer), nil
				if tt.dms != "" {
					r.config.Zone = zone(t, tt.dms)
				}
				r.exec(t, "CREATE TABLE dbo.T (id varchar(40) NOT NULL PRIMARY KEY, wk "+tt.typ+" NULL)")
				var want []string
				for i, in := range tt.in {
					r.insert(t, "dbo.T", "id, wk", []any{fmt.Sprint("in ", i), in})
					want = append(want, fmt.Sprintf(`{"id":"in %d"}`, i))
				}
				for i, out := range tt.out {
					r.insert(t, "dbo.T", "id, wk", []any{fmt.Sprint("out ", i), out})
				}
				r.insert(t, "dbo.T", "id", []any{"never"})
				got := r.read(t, head+"  from: dbo.T\n  key: id\n  week: wk\n  fields: [{send: id, column: id, why: test}]\n", week(t, tt.week), 2)
				if diff := cmp.Diff(want, got.Orders); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// Daylight saving, both directions: a repeated hour takes the first, a skipped one moves forward, and both are counted.
func TestDaylightSaving(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.T (id int NOT NULL PRIMARY KEY, wk datetime NULL, at datetime2(0) NULL)")
		r.insert(t, "dbo.T", "id, wk, at",
			[]any{1, "2026-11-01T01:30:00", "2026-11-01T01:30:00"},
			[]any{2, "2026-11-01T02:30:00", "2026-03-08T02:30:00"})
		got := r.read(t, head+"  from: dbo.T\n  key: id\n  week: wk\n  fields: [{send: at, column: at, why: test}]\n", week(t, "2026-W44"), 10)
		want := result{
			Orders: []string{`{"at":"2026-11-01T08:30:00Z"}`, `{"at":"2026-03-08T10:30:00Z"}`},
			Counts: fieldmap.Counts{Repeated: 1, Skipped: 1},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A 5 MB text, and bytes that are no UTF-8.
func TestLargeAndBrokenText(t *testing.T) {
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.T (id int NOT NULL PRIMARY KEY, wk datetime NULL, txt varchar(max) NULL)")
		r.insert(t, "dbo.T", "id, wk, txt", []any{1, "2026-11-09T12:00:00", strings.Repeat("0123456789", 500_000)})
		want := result{Orders: []string{`{"txt":"` + strings.Repeat("0123456789", 500_000) + `"}`}}
		if r.dialect == "sqlite" { // a varchar of SQL Server cannot hold them
			r.insert(t, "dbo.T", "id, wk, txt", []any{2, "2026-11-09T12:00:00", "a\xff\xfeb"})
			want.Orders = append(want.Orders, "{\"txt\":\"a\uFFFD\uFFFDb\"}")
			want.Counts.InvalidText = 1
		}
		got := r.read(t, head+"  from: dbo.T\n  key: id\n  week: wk\n  fields: [{send: txt, column: txt, why: test}]\n", week(t, "2026-W46"), 10)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff[:min(len(diff), 2000)])
		}
	})
}

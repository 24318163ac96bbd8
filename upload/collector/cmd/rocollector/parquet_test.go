package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

// parquetOf writes orders, given as JSON, to a Parquet file. An empty one is voided.
func parquetOf(t interface {
	Helper()
	Fatal(args ...any)
}, orders ...string,
) *parquet.File {
	t.Helper()
	var file bytes.Buffer
	n, err := writeParquet(&file, func(each func([]byte) error) error {
		for i, order := range orders {
			line := fmt.Sprintf(`{"dealer_id":"04123","week":"2026-W46","key":"RO%d","revision":%d,"repair_order":%s}`, i, i+1, order)
			if order == "" {
				line = fmt.Sprintf(`{"dealer_id":"04123","week":"2026-W46","key":"RO%d","revision":%d,"replaces":"ab","voided":true}`, i, i+1)
			}
			if err := each([]byte(line)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || n != len(orders) {
		t.Fatal(n, err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// columns names the leaves of repair_order with their types.
func columns(f *parquet.File) string {
	var names []string
	for _, path := range f.Schema().Columns() {
		if path[0] != "repair_order" {
			continue
		}
		leaf, _ := f.Schema().Lookup(path...)
		names = append(names, strings.TrimPrefix(strings.Join(path, "."), "repair_order")+":"+leaf.Node.Type().String())
	}
	return strings.Join(names, " ")
}

func TestParquetColumns(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40)
	wide := make([]string, 300)
	for i := range wide {
		wide[i] = fmt.Sprintf(`"m%d":1`, i)
	}
	for name, test := range map[string]struct {
		orders []string
		want   string
	}{
		"each type":                      {[]string{`{"i":1,"s":"x","b":true}`}, ".b:BOOLEAN .i:INT(64,true) .s:STRING"},
		"of two orders, both's":          {[]string{`{"i":1}`, "", `{"s":"x"}`}, ".i:INT(64,true) .s:STRING"},
		"lists of objects":               {[]string{`{"job":[{"n":"1"},{"p":[{"q":2}]}]}`}, ".job.list.element.n:STRING .job.list.element.p.list.element.q:INT(64,true)"},
		"a number too large, a fraction": {[]string{`{"a":123456789012345678901,"b":1.5}`}, ".a:JSON .b:JSON"},
		"nothing in common":              {[]string{`{"a":1}`, `{"a":"x"}`, `{"b":{}}`, `{"b":[1]}`}, ".a:JSON .b:JSON"},
		"object and list":                {[]string{`{"a":{"b":1}}`, `{"a":[1]}`}, ".a:JSON"},
		"nothing in it":                  {[]string{`{"a":{},"b":[],"c":[{}],"d":null}`}, ""},
		"a name that is none":            {[]string{`{"x":{"":1}}`}, ".x:JSON"},
		"too wide":                       {[]string{`{"x":{` + strings.Join(wide, ",") + `}}`}, ".x:JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, columns(parquetOf(t, test.orders...))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := columns(parquetOf(t, deep)); strings.Count(got, ".a") > maxColumnDepth+1 || !strings.HasSuffix(got, ":JSON") {
		t.Errorf("what is nested deeply: %s", got)
	}
}

// Whatever JSON orders are, what is read back is what was there.
func TestParquetHoldsWhatWasThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		orders := rapid.SliceOfN(drawnOrder(3), 0, 6).Draw(t, "orders")
		orderTexts := make([]string, len(orders))
		for i, o := range orders {
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			orderTexts[i] = string(text)
		}
		f := parquetOf(t, orderTexts...)
		if f.NumRows() != int64(len(orders)) {
			t.Fatalf("%d rows, want %d", f.NumRows(), len(orders))
		}
		columns, texts := jsonColumns(f), map[string][]string{}
		for i, row := range rowsOf(t, f) {
			want, got := unpack(jsonOf(t, orderTexts[i]), columns, texts, "repair_order"), unpack(row["repair_order"], columns, nil, "repair_order")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("order %d, %s (-want +got):\n%s", i, orderTexts[i], diff)
			}
		}
		for path, column := range columns {
			if diff := cmp.Diff(texts[path], valuesOf(t, f, column), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("the texts of %s (-want +got):\n%s", path, diff)
			}
		}
	})
}

func drawnOrder(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "ä", ""}), drawnValue(depth), 0, 4)
}

func drawnValue(depth int) *rapid.Generator[any] {
	some := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Just[any](true),
		rapid.Map(rapid.Int64(), func(i int64) any { return i }),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Just[any](1.5),
	}
	if depth > 0 {
		some = append(some, rapid.Map(drawnOrder(depth-1), func(m map[string]any) any { return m }),
			rapid.Map(rapid.SliceOfN(drawnValue(depth-1), 0, 3), func(s []any) any { return s }))
	}
	return rapid.OneOf(some...)
}

func rowsOf(t *rapid.T, f *parquet.File) []map[string]any {
	r := parquet.NewGenericReader[any](f, f.Schema())
	rows := make([]any, f.NumRows())
	n, err := r.Read(rows)
	if err != nil && !errors.Is(err, io.EOF) || n != len(rows) {
		t.Fatalf("read %d rows: %v", n, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	out := make([]map[string]any, n)
	for i, row := range rows {
		out[i] = row.(map[string]any)
	}
	return out
}

// jsonColumns are the columns that hold JSON text, by their paths.
func jsonColumns(f *parquet.File) map[string]int {
	found := map[string]int{}
	for _, path := range f.Schema().Columns() {
		leaf, _ := f.Schema().Lookup(path...)
		if leaf.Node.Type().String() == "JSON" {
			found[strings.ReplaceAll(strings.Join(path, "/"), "/list/element", "/*")] = leaf.ColumnIndex
		}
	}
	return found
}

// valuesOf are the texts in a column, in their order.
func valuesOf(t *rapid.T, f *parquet.File, column int) (texts []string) {
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		row := make([]parquet.Row, 1)
		for {
			n, err := rows.ReadRows(row)
			if n == 1 {
				for _, v := range row[0] {
					if v.Column() == column && !v.IsNull() {
						texts = append(texts, string(v.ByteArray()))
					}
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return texts
}

func jsonOf(t *rapid.T, text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// unpack returns a value in one form, whether it was read from JSON or from a row: nothing that is null or empty, numbers as
// text. What is in a column of JSON text is left out, and its text added to texts, where there are any.
func unpack(v any, columns map[string]int, texts map[string][]string, path string) any {
	if _, isJSON := columns[path]; isJSON {
		if v != nil && texts != nil {
			text, err := json.Marshal(v)
			if err != nil {
				panic(err)
			}
			texts[path] = append(texts[path], string(text))
		}
		return nil
	}
	switch v := v.(type) {
	case int64, json.Number:
		return fmt.Sprint(v)
	case []byte:
		return string(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = unpack(e, columns, texts, path+"/*")
		}
		if !slices.ContainsFunc(out, func(e any) bool { return e != nil }) {
			return nil
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if p := unpack(v[name], columns, texts, path+"/"+name); p != nil {
				out[name] = p
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	return v
}

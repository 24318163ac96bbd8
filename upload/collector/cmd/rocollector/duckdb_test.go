package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

// duckDB runs SQL in a DuckDB, in a folder, and decodes its rows into rows. It needs node and the package @duckdb/node-api where
// NODE_PATH says.
func duckDB(t *testing.T, dir, sql string, rows any) {
	t.Helper()
	if err := exec.Command("node", "-e", "require('@duckdb/node-api')").Run(); err != nil {
		t.Skipf("needs node and @duckdb/node-api in NODE_PATH: %v", err)
	}
	script, err := filepath.Abs("testdata/duckdb.js")
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(t.Context(), "node", script)
	c.Dir, c.Stdin, c.Stdout, c.Stderr = dir, strings.NewReader(sql), &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("duckdb: %v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), rows); err != nil {
		t.Fatal(err)
	}
}

// demoStore is the folder that the demo leaves: three weeks of a dealer, with revisions and voided orders. The store is its
// folder collector.
func demoStore(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "demo")
	out, err := exec.CommandContext(t.Context(), "go", "run", "roagent/agent", "demo", "--keep", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, out)
	}
	return dir
}

// exportedLine is as much of a line as the tests look at.
type exportedLine struct {
	Dealer   string          `json:"dealer_id"`
	Week     string          `json:"week"`
	Key      string          `json:"key"`
	Revision int             `json:"revision"`
	Replaces string          `json:"replaces"`
	Voided   bool            `json:"voided"`
	Order    json.RawMessage `json:"repair_order"`
}

// exported runs an export of all weeks of the demo's store.
func exported(t *testing.T, dir string, args ...string) []exportedLine {
	t.Helper()
	var stdout, stderr strings.Builder
	weeks, err := filepath.Glob(filepath.Join(dir, "collector/dealers/04123/????-W??"))
	if err != nil || len(weeks) < 3 {
		t.Fatalf("weeks: %v, %v", weeks, err)
	}
	args = append([]string{
		"export", "--store", filepath.Join(dir, "collector"), "--dealer", "04123",
		"--from", filepath.Base(weeks[0]), "--to", filepath.Base(weeks[len(weeks)-1]),
	}, args...)
	if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != exitDone {
		t.Fatalf("export: exit %d: %s", code, stderr.String())
	}
	var lines []exportedLine
	for text := range strings.Lines(stdout.String()) {
		var l exportedLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// README's query gives what the export gives, added up here.
func TestQueryOfREADME(t *testing.T) {
	readme, err := os.ReadFile("../../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("README has no query")
	}
	type row struct{ Dealer, Week, Orders, Voided, Jobs, Warranty string }
	var got []struct {
		Dealer   string `json:"dealer_id"`
		Week     string `json:"week"`
		Orders   string `json:"orders"`
		Voided   string `json:"voided"`
		Jobs     string `json:"jobs"`
		Warranty string `json:"warranty"`
	}
	dir := demoStore(t)
	duckDB(t, dir, strings.ReplaceAll(string(block[1]), "STORE/", "collector/"), &got)
	var queried, added []row
	for _, r := range got {
		queried = append(queried, row(r))
	}
	for _, l := range exported(t, dir) {
		if len(added) == 0 || added[len(added)-1].Week != l.Week {
			added = append(added, row{l.Dealer, l.Week, "0", "0", "0", "0"})
		}
		r := &added[len(added)-1]
		if l.Voided {
			r.Voided = plus(t, r.Voided, "1")
			continue
		}
		r.Orders = plus(t, r.Orders, "1")
		var order struct {
			Job []struct {
				Pays    string `json:"bill_to_party_type"`
				Pricing struct {
					Price struct {
						Amount struct{ Value string } `json:"charge_amount"`
					}
				}
			}
		}
		if err := json.Unmarshal(l.Order, &order); err != nil {
			t.Fatal(err)
		}
		for _, j := range order.Job {
			r.Jobs = plus(t, r.Jobs, "1")
			if amount := j.Pricing.Price.Amount.Value; amount != "" && j.Pays == "WARRANTY" {
				r.Warranty = plus(t, r.Warranty, amount)
			}
		}
	}
	for _, rows := range [][]row{queried, added} {
		for i := range rows {
			rows[i].Warranty = plus(t, rows[i].Warranty, "0") // 1.50 and 1.5 alike
		}
	}
	if diff := cmp.Diff(added, queried); diff != "" || len(added) < 3 {
		t.Errorf("the query against what the export adds up to (-export +query):\n%s", diff)
	}
}

func plus(t *testing.T, a, b string) string {
	t.Helper()
	x, err := decimal.NewFromString(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := decimal.NewFromString(b)
	if err != nil {
		t.Fatal(err)
	}
	return x.Add(y).String()
}

// Another program reads from the Parquet file what the lines say: all revisions, and nothing but them.
func TestParquetInDuckDB(t *testing.T) {
	dir := demoStore(t)
	lines := exported(t, dir, "--all-revisions")
	if out := exported(t, dir, "--all-revisions", "--format", "parquet", "--out", filepath.Join(dir, "all.parquet")); len(out) > 0 {
		t.Errorf("something went to standard output: %v", out)
	}
	var rows []struct {
		Dealer   string  `json:"dealer_id"`
		Week     string  `json:"week"`
		Key      string  `json:"key"`
		Revision int     `json:"revision"`
		Replaces *string `json:"replaces"`
		Voided   bool    `json:"voided"`
		Order    *string `json:"repair_order"`
	}
	duckDB(t, dir, "SELECT * REPLACE (to_json(repair_order) AS repair_order) FROM 'all.parquet'", &rows)
	revisions, voided := 0, 0
	if len(rows) != len(lines) {
		t.Fatalf("%d rows, want %d", len(rows), len(lines))
	}
	for i, r := range rows {
		l := lines[i]
		got := exportedLine{Dealer: r.Dealer, Week: r.Week, Key: r.Key, Revision: r.Revision, Voided: r.Voided}
		if r.Replaces != nil {
			got.Replaces = *r.Replaces
		}
		want, order := l, l.Order
		want.Order = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("row %d (-line +row):\n%s", i+1, diff)
		}
		if (r.Order == nil) != (order == nil) {
			t.Fatalf("row %d: the order is %v, want %s", i+1, r.Order, order)
		}
		if order != nil {
			if diff := cmp.Diff(decoded(t, string(order)), decoded(t, *r.Order)); diff != "" {
				t.Fatalf("row %d (-line +row):\n%s", i+1, diff)
			}
		}
		if l.Revision > 1 {
			revisions++
		}
		if l.Voided {
			voided++
		}
	}
	if revisions == 0 || voided == 0 {
		t.Errorf("the demo's store has %d revisions and %d voided orders: nothing was tried of them", revisions, voided)
	}
}

// decoded returns a JSON value without what is null or empty in it, as a column has it.
func decoded(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return pruned(v)
}

func pruned(v any) any {
	switch v := v.(type) {
	case json.Number:
		return fmt.Sprint(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = pruned(e)
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, m := range v {
			if p := pruned(m); p != nil {
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

package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/extract/extracttest"
	"roagent/fieldmap"
	"roagent/upload/collector"
)

// initRig is an empty folder, a DMS of a schema in SQLite, and a collector that knows the dealer.
type initRig struct {
	dir, dms, url, token, key string
	store                     collector.Store
}

func newInitRig(t *testing.T, schema string) *initRig {
	t.Helper()
	r := &initRig{dir: t.TempDir(), store: collector.NewMemStore()}
	r.dms = filepath.Join(t.TempDir(), "dms.db")
	text, err := os.ReadFile(filepath.Join("..", "fieldmap", "draft", "testdata", schema+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", r.dms)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	key, err := collector.OpenKey(t.Context(), r.store, "collector.test")
	if err != nil {
		t.Fatal(err)
	}
	r.key, r.url = key.Public, serve(t, r.store, nil)
	if r.token, err = collector.AddDealer(t.Context(), r.store, rigDealer, "Example Toyota"); err != nil {
		t.Fatal(err)
	}
	return r
}

// args are the flags that answer everything.
func (r *initRig) args(t *testing.T) []string {
	t.Helper()
	t.Setenv("INIT_TOKEN", r.token)
	return []string{
		"init", "--dealer-id", rigDealer, "--dealer-name", "Example Toyota", "--timezone", "Pacific", "--driver", "sqlite", "--path", r.dms,
		"--collector", r.url, "--token", "env:INIT_TOKEN", "--receipt-key", r.key,
		"--recipient", "Example Motor Sales", "--purpose", "Recalls", "--agreement", "DMI-1",
	}
}

func (r *initRig) config() string { return filepath.Join(r.dir, "roagent.yaml") }

func (r *initRig) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"--config", r.config()}, args...), bytes.NewReader(nil), &out, &errs)
	return code, out.String(), errs.String()
}

func (r *initRig) mustRun(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := r.run(t, args...)
	if code != exitDone {
		t.Fatalf("%v ended with %d:\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// What init writes needs no edit: it is shown, approved and pulled, and the collector holds these very lines. No row of the
// DMS that is contact data, money or forbidden is among them.
func TestInitIsPulledWithoutAnEdit(t *testing.T) {
	for schema, want := range map[string][]string{
		"flat": {`R1 {"repair_order_header":{"document_id":"R1","repair_order_completed_date_time":"2026-11-11T00:00:00Z","repair_order_invoice_date_time":"2026-11-11T00:30:00Z","repair_order_opened_date_time":"2026-11-09T16:00:00Z",` +
			`"repair_order_status":"C","ro_type":"S","in_distance_measure":{"value":1000,"unit_code":"SMI"},"out_distance_measure":{"value":1004,"unit_code":"SMI"},"service_advisor_party":{"party_id":"SA1"},` +
			`"repair_order_vehicle_line_item":{"vehicle":{"vehicle_id":"1HGCM82633A004352","make_string":"HONDA","model":"ACCORD","model_year":2003}}},` +
			`"job":[{"job_number_string":1,"operation_id":"LOF","operation_name":"OIL CHANGE","bill_to_party_type":"C","labor_actual_hours_numeric":"0.50","labor_allowance_hours_numeric":"0.40",` +
			`"codes_and_comments_expanded":{"complaint_description":"OIL DUE","cause_description":"TIME","correction_description":"CHANGED OIL"},"service_technician_party":{"party_id":"T9"},` +
			`"service_parts":[{"item_id":"15400-PLM","item_id_description":"FILTER","item_quantity":"1.00"}]}]}`},
		"normalised": {`1|1001 {"repair_order_header":{"document_id":1001,"repair_order_completed_date_time":"2026-11-11T00:00:00Z","repair_order_invoice_date_time":"2026-11-11T00:30:00Z","repair_order_opened_date_time":"2026-11-09T16:00:00Z",` +
			`"repair_order_status":"CLOSED","ro_type":"CP","department_type":"SVC","in_distance_measure":{"value":1000,"unit_code":"SMI"},"out_distance_measure":{"value":1004,"unit_code":"SMI"},"service_advisor_party":{"party_id":11},` +
			`"repair_order_vehicle_line_item":{"vehicle":{"vehicle_id":"1HGCM82633A004352","make_string":"HONDA","model":"ACCORD","model_year":2003}}},` +
			`"job":[{"job_number_string":1,"operation_id":"LOF","operation_name":"OIL CHANGE","bill_to_party_type":"C","job_status_code":"D","labor_actual_hours_numeric":"0.50","labor_allowance_hours_numeric":"0.40",` +
			`"codes_and_comments_expanded":{"complaint_description":"OIL DUE","cause_description":"TIME","correction_description":"CHANGED OIL"},"service_technician_party":{"party_id":21},"service_campaign":{"campaign_number_string":"R26"},` +
			`"service_parts":[{"item_id":"15400-PLM","item_id_description":"FILTER","item_quantity":"1.00"}]}]}`},
		"pick": {`5001 {"repair_order_header":{"document_id":5001,"repair_order_completed_date_time":"2026-11-10","repair_order_opened_date_time":"2026-11-09","repair_order_status":"C","ro_type":"C",` +
			`"in_distance_measure":{"value":1000,"unit_code":"SMI"},"out_distance_measure":{"value":1004,"unit_code":"SMI"},"service_advisor_party":{"party_id":"SA1"},` +
			`"repair_order_vehicle_line_item":{"vehicle":{"vehicle_id":"1HGCM82633A004352","make_string":"HONDA","model":"ACCORD","model_year":2003}}},` +
			`"job":[{"job_number_string":1,"operation_id":"LOF","operation_name":"OIL CHANGE","bill_to_party_type":"C","labor_actual_hours_numeric":"0.50","labor_allowance_hours_numeric":"0.40",` +
			`"codes_and_comments_expanded":{"complaint_description":"OIL DUE","cause_description":"TIME","correction_description":"CHANGED OIL"},"service_technician_party":{"party_id":"T9"}}],` +
			`"service_parts":[{"item_id":"15400-PLM","item_id_description":"FILTER","item_quantity":"1.00"}]}`},
	} {
		t.Run(schema, func(t *testing.T) {
			r := newInitRig(t, schema)
			r.mustRun(t, r.args(t)...)
			r.mustRun(t, "fieldmap", "show")
			r.mustRun(t, "fieldmap", "sql")
			r.mustRun(t, "fieldmap", "review", "--out", filepath.Join(t.TempDir(), "sheet.html"))
			if code, _, _ := r.run(t, "pull", "--week", "2026-W46"); code != exitRefused {
				t.Errorf("a draft that nobody approved is pulled: %d", code)
			}
			r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
			r.mustRun(t, "pull", "--week", "2026-W46")
			if diff := cmp.Diff(want, r.held(t, "2026-W46")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// held returns what the collector holds of a week: each order's key with what was sent of it.
func (r *initRig) held(t *testing.T, name string) []string {
	t.Helper()
	week, err := fieldmap.ParseWeek(name)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := collector.Export(t.Context(), r.store, rigDealer, week, &b); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		var l struct {
			Key   string          `json:"key"`
			Order json.RawMessage `json:"repair_order"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "CANARY") || strings.Contains(line, "8675309") {
			t.Errorf("what must not leave has left:\n%s", line)
		}
		lines = append(lines, l.Key+" "+string(l.Order))
	}
	return lines
}

// What the dealer did not list is never read, and before there is a whitelist nothing is listed: init runs no statement
// that reads a row of the DMS's tables. It reads the catalogue.
func TestInitReadsNoRow(t *testing.T) {
	for _, schema := range []string{"flat", "normalised", "pick"} {
		r := newInitRig(t, schema)
		faults := &extracttest.Faults{}
		faults.Row = func(_ int, text string) error {
			if !catalogueOnly(text) {
				return fmt.Errorf("a row is read by %s", text)
			}
			return nil
		}
		p := &program{ctx: t.Context(), stdin: strings.NewReader(""), stdout: t.Output(), stderr: t.Output(), config: r.config(), seams: seams{wrap: faults.Wrap}}
		c := initCommand{}
		file := filepath.Join(r.dir, "answers.yaml")
		if err := os.WriteFile(file, []byte(r.answers(t)), 0o600); err != nil {
			t.Fatal(err)
		}
		c.Answers = file
		if err := c.Run(p); err != nil {
			t.Fatal(err)
		}
		statements := faults.Statements()
		if len(statements) < 10 {
			t.Errorf("%s: only %d statements were seen", schema, len(statements))
		}
		for _, text := range statements {
			if !catalogueOnly(text) {
				t.Errorf("%s: this reads no catalogue:\n%s", schema, text)
			}
		}
	}
}

// tableAfter matches what a statement reads from.
var tableAfter = regexp.MustCompile(`(?i)\b(?:FROM|JOIN)\s+(\S+)|,\s*(pragma_\w+)`)

// catalogueOnly reports whether all that a statement reads from is the catalogue, or it only sets up the session.
func catalogueOnly(text string) bool {
	if strings.HasPrefix(text, "PRAGMA ") || strings.HasPrefix(text, "SET ") {
		return true
	}
	from := tableAfter.FindAllStringSubmatch(text, -1)
	for _, m := range from {
		name := strings.ToLower(m[1] + m[2])
		if !strings.HasPrefix(name, "pragma_") && !strings.HasPrefix(name, "information_schema.") && !strings.HasPrefix(name, "sys.") && name != `"main"."sqlite_schema"` {
			return false
		}
	}
	return len(from) > 0
}

func (r *initRig) answers(t *testing.T) string {
	t.Helper()
	token := filepath.Join(r.dir, "given.token")
	if err := os.WriteFile(token, []byte(r.token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`dealer: {id: %q, name: Example Toyota, timezone: America/Los_Angeles}
dms: {driver: sqlite, path: %q}
collector: {url: %q, token: "file:given.token", receipt_key: %q}
whitelist: {recipient: Example Motor Sales, purpose: Recalls, agreement: DMI-1}
`, rigDealer, r.dms, r.url, r.key)
}

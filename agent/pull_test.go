package main

import (
	"context"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/extract"
	"roagent/extract/extracttest"
	"roagent/extract/sampledms"
	"roagent/fieldmap"
)

// What the dealer did not list is never read (complaint 11): every statement that a whole pull sends to the driver is
// one that `fieldmap sql` prints, and no column outside the whitelist is in any of them, nor in what is read about the
// schema.
func TestPullSendsOnlyTheStatementsThatFieldmapSQLPrints(t *testing.T) {
	var p *program
	faults := &extracttest.Faults{}
	for _, o := range []rigOptions{{weeks: 2, orders: 150, batchOrders: 7}, {weeks: 1, orders: 5500, batchOrders: 500}} { // the other is a large week
		r := newRig(t, o)
		p = &program{ctx: t.Context(), stdout: io.Discard, stderr: t.Output(), config: r.config, seams: seams{wrap: faults.Wrap}}
		for range 2 { // the second time as a look-back
			if err := (pullCommand{From: r.weeks[0].String(), To: r.weeks[o.weeks-1].String()}).Run(p); err != nil {
				t.Fatal(err)
			}
			if err := (previewCommand{Limit: 5}).Run(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, plan, err := p.load()
	if err != nil {
		t.Fatal(err)
	}
	printed, err := extract.Statements("sqlite", plan)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, s := range printed {
		known[listless(s.SQL)] = false
	}
	observed := faults.Statements()
	for _, statement := range observed {
		if reads := strings.HasPrefix(strings.TrimSpace(statement), "SELECT"); !reads || isCatalog(statement) {
			continue
		}
		if _, ok := known[listless(statement)]; !ok {
			t.Errorf("not printed by fieldmap sql:\n%s", statement)
		}
		known[listless(statement)] = true
	}
	for statement, sent := range known {
		if !sent {
			t.Errorf("printed but never sent:\n%s", statement)
		}
	}
	for _, column := range unlisted(plan) {
		word := regexp.MustCompile(`(?i)\b` + column + `\b`)
		for _, statement := range observed {
			if word.MatchString(statement) {
				t.Errorf("%s is not in the whitelist and stands in:\n%s", column, statement)
			}
		}
	}
	if len(observed) < 20 {
		t.Errorf("only %d statements were observed", len(observed))
	}
}

// listless makes statements that differ only in the length of a list of keys equal.
func listless(statement string) string {
	statement = regexp.MustCompile(`\?\d+|@p\d+`).ReplaceAllString(statement, "?")
	return regexp.MustCompile(`\(\?(, \?)*\)`).ReplaceAllString(statement, "(…)")
}

func isCatalog(statement string) bool {
	return strings.Contains(statement, "pragma_") || strings.Contains(statement, "sqlite_master") || strings.Contains(statement, "sqlite_schema")
}

// unlisted returns the names of the sample's columns that its whitelist does not name.
func unlisted(plan *fieldmap.Plan) []string {
	listed := map[string]bool{}
	for _, l := range plan.Levels {
		for _, c := range l.Columns() {
			listed[strings.ToLower(c.Name)] = true
		}
	}
	var names []string
	for _, column := range sampledms.Forbidden() {
		_, name, _ := strings.Cut(column, ".")
		if !listed[strings.ToLower(name)] {
			names = append(names, name)
		}
	}
	return names
}

func lines(export string) map[string]string {
	byKey := map[string]string{}
	for line := range strings.Lines(export) {
		key := regexp.MustCompile(`"key":"([^"]+)"`).FindStringSubmatch(line)[1]
		byKey[key] = line
	}
	return byKey
}

// Complaints 1, 2, 3 and 7: rows of the cursor's own instant, rows that commit out of order or late, and rounded times
// are lost, or sent twice. There is no cursor: an order is read again when its changed value is another one, or young.
func TestLookBackFindsWhateverChanged(t *testing.T) {
	tests := []struct {
		name, change string
		want         string // the revision that the line of RO1000001 gets; "" where nothing is sent
	}{
		{"nothing", "SELECT 1", ""},
		{"an edit", "UPDATE RepairOrder SET MileageOut = 1, UpdatedAt = datetime('now') WHERE RONumber = 'RO1000001'", `"revision":2`},
		{"an edit that carries an earlier time", "UPDATE RepairOrder SET MileageOut = 1, UpdatedAt = '2001-01-01 00:00:00' WHERE RONumber = 'RO1000001'", `"revision":2`},
		{"an edit with no time at all", "UPDATE RepairOrder SET MileageOut = 1, UpdatedAt = NULL WHERE RONumber = 'RO1000001'", `"revision":2`},
		{"a touched row that says the same", "UPDATE RepairOrder SET UpdatedAt = datetime('now') WHERE RONumber = 'RO1000001'", ""},
		{"an edit of a job", "UPDATE Job SET Correction = 'x' WHERE RONumber = 'RO1000001'; UPDATE RepairOrder SET UpdatedAt = datetime('now') WHERE RONumber = 'RO1000001'", `"revision":2`},
		{"turned internal: the whitelist lets it leave no more", "UPDATE RepairOrder SET ROType = 'I' WHERE RONumber = 'RO1000001'", `"revision":2,"replaces"`},
		{"reopened", "UPDATE RepairOrder SET ClosedAt = NULL WHERE RONumber = 'RO1000001'", `"voided":true`},
		{"a column that is not sent", "UPDATE RepairOrder SET GLAccount = 'x', UpdatedAt = datetime('now') WHERE RONumber = 'RO1000001'", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{weeks: 1, orders: 20, batchOrders: 7})
			r.mustRun(t, "pull")
			before := lines(r.export(t))
			r.exec(t, tt.change)
			out := r.mustRun(t, "pull")
			after := lines(r.export(t))
			if tt.want == "" {
				if diff := cmp.Diff(before, after); diff != "" || !strings.Contains(out, "nothing to send") {
					t.Errorf("something was sent:\n%s\n%s", diff, out)
				}
				return
			}
			if got := after["RO1000001"]; !strings.Contains(got, tt.want) {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
			delete(before, "RO1000001")
			delete(after, "RO1000001")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("other orders changed:\n%s", diff)
			}
		})
	}
}

// Complaint 3: an order that appears late, with times of long ago, is found.
func TestLookBackFindsLateOrders(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 20, batchOrders: 7})
	r.mustRun(t, "pull")
	r.exec(t, `INSERT INTO RepairOrder (RONumber, ROType, ClosedAt, UpdatedAt)
		SELECT 'AA1', 'C', ClosedAt, '2001-01-01 00:00:00' FROM RepairOrder WHERE RONumber = 'RO1000001'`)
	r.mustRun(t, "pull")
	if got := lines(r.export(t))["AA1"]; !strings.Contains(got, `"revision":1`) {
		t.Errorf("the late order is %q", got)
	}
}

// An order that is closed again in another week leaves the one and comes into the other; its revisions go on.
func TestOrderThatMovesToAnotherWeek(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 2, orders: 20, batchOrders: 7})
	r.mustRun(t, "pull", "--from", r.weeks[0].String(), "--to", r.weeks[1].String())
	monday := r.weeks[1].Start(zone(t, "America/Los_Angeles")).Format("2006-01-02 15:04:05")
	r.exec(t, "UPDATE RepairOrder SET ClosedAt = ?, UpdatedAt = datetime('now') WHERE RONumber = 'RO1000001'", monday)
	r.mustRun(t, "pull")
	var moved []string
	for line := range strings.Lines(r.export(t)) {
		if strings.Contains(line, `"key":"RO1000001"`) {
			moved = append(moved, line)
		}
	}
	if len(moved) != 2 || !strings.Contains(moved[0], `"revision":2`) || !strings.Contains(moved[0], `"voided":true`) || !strings.Contains(moved[1], `"revision":3`) {
		t.Errorf("the order is %q", moved)
	}
	r.verify(t)
	if out := r.mustRun(t, "pull"); !strings.Contains(out, "nothing to send") {
		t.Errorf("it is sent again:\n%s", out)
	}
}

// A pull that is stopped by a person, or by its service manager, goes on where it was.
func TestCancelledPullGoesOn(t *testing.T) {
	whole := newRig(t, rigOptions{weeks: 1, orders: 60, batchOrders: 5})
	whole.mustRun(t, "pull")
	r := whole.again(t)
	ctx, cancel := context.WithCancel(t.Context())
	pages := 0
	faults := &extracttest.Faults{Statement: func(_ int, statement string) error {
		if strings.Contains(statement, `"Part"`) {
			if pages++; pages == 4 {
				cancel()
			}
		}
		return nil
	}}
	p := &program{ctx: ctx, stdout: io.Discard, stderr: t.Output(), config: r.config, seams: seams{wrap: faults.Wrap}}
	if err := (pullCommand{}).Run(p); err == nil {
		t.Fatal("the pull was not stopped")
	}
	r.mustRun(t, "pull")
	if diff := cmp.Diff(whole.export(t), r.export(t)); diff != "" {
		t.Error(diff)
	}
	r.verify(t)
}

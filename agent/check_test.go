package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"roagent/extract"
	"roagent/extract/extracttest"
)

// checkAs runs check, and holds its exit code and some of its lines: by name, "STATE text", where ~ begins what the line does not
// say. It returns them all.
func (r *rig) checkAs(t *testing.T, exit int, want map[string]string) []checked {
	t.Helper()
	var out, said bytes.Buffer
	code := run(t.Context(), []string{"--config", r.config, "check", "--json"}, bytes.NewReader(nil), &out, &said)
	var lines []checked
	if err := json.Unmarshal(out.Bytes(), &lines); err != nil {
		t.Fatalf("%v:\n%s%s", err, &out, &said)
	}
	if code != exit {
		t.Errorf("exit code %d, want %d", code, exit)
	}
	holdLines(t, lines, want)
	if t.Failed() {
		for _, l := range lines {
			t.Logf("%-8s %-22s %s | %s", l.State, l.What, l.Message, l.Hint)
		}
	}
	return lines
}

func holdLines(t *testing.T, lines []checked, want map[string]string) {
	t.Helper()
	for what, line := range want {
		state, says, _ := strings.Cut(line, " ")
		says, not, _ := strings.Cut(says, "~")
		found := false
		for _, l := range lines {
			text := l.Message + " | " + l.Hint
			found = found || l.What == what && l.State == state && strings.Contains(text, strings.TrimSpace(says)) && (not == "" || !strings.Contains(text, not))
		}
		if !found {
			t.Errorf("there is no line %q that is %s and says %q, without %q", what, state, says, not)
		}
	}
}

const notLookedAt = "warning not looked at: "

// edit replaces a text in the configuration.
func (r *rig) edit(t *testing.T, old, now string) {
	t.Helper()
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	after := strings.Replace(string(text), old, now, 1)
	if after == string(text) {
		t.Fatalf("the configuration lacks %q", old)
	}
	r.write(t, "roagent.yaml", after)
}

// A data folder that another process works in is told, and nothing that needs it is ok.
func TestCheckBesideAnother(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 20})
	q := r.open(t)
	defer q.Close()
	r.checkAs(t, exitFailed, map[string]string{
		"queue": "failure is in use by", "approval": notLookedAt + "the data folder cannot be opened", "next run": notLookedAt, "DMS tables": "ok ",
		"week": "ok none is read before", "collector": "ok it knows", "disk": "ok ",
	})
}

// Every statement of check is one that 'fieldmap sql' prints, and names no column that is not listed; before the approval only
// counts and the catalogue are asked for. Nothing is stored, and nothing but one question comes to the collector.
func TestCheckReadsNoMoreThanAPull(t *testing.T) {
	var asked []string
	r := newRig(t, rigOptions{weeks: 2, orders: 60, batchOrders: 7, wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			asked = append(asked, q.Method+" "+q.URL.Path)
			next.ServeHTTP(w, q)
		})
	}})
	check := func() []string {
		faults := &extracttest.Faults{}
		p := &program{ctx: t.Context(), stdout: io.Discard, stderr: t.Output(), config: r.config, seams: seams{wrap: faults.Wrap}}
		_ = checkCommand{}.Run(p)
		return faults.Statements()
	}
	_, plan, err := (&program{config: r.config}).load()
	if err != nil {
		t.Fatal(err)
	}
	printed, err := extract.Statements("sqlite", plan)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, s := range printed {
		names[listless(s.SQL)] = s.Name
	}
	seen := map[string]bool{}
	statements := check()
	for _, s := range statements {
		if !strings.HasPrefix(strings.TrimSpace(s), "SELECT") || isCatalog(s) {
			continue
		}
		name, ok := names[listless(s)]
		if seen[name] = true; !ok {
			t.Errorf("not printed by fieldmap sql:\n%s", s)
		}
	}
	for _, column := range unlisted(plan) {
		word := regexp.MustCompile(`(?i)\b` + column + `\b`)
		for _, s := range statements {
			if word.MatchString(s) {
				t.Errorf("%s is not in the whitelist and stands in:\n%s", column, s)
			}
		}
	}
	if !seen["orders"] || !seen["orders of a week"] || !seen["job.service_parts"] {
		t.Errorf("no page was read: %v", seen)
	}
	if fmt.Sprint(asked) != "[GET /v1/dealers/04123/weeks]" {
		t.Errorf("the collector was asked: %v", asked)
	}
	q := r.open(t)
	weeks, err := q.Weeks()
	if err != nil || len(weeks) > 0 {
		t.Errorf("check has begun a week: %+v, %v", weeks, err)
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}

	r.write(t, "fieldmap.yaml", strings.Replace(r.whitelistText(t), "purpose: ", "purpose: Another. ", 1))
	clear(seen)
	for _, s := range check() {
		if name := names[listless(s)]; name != "" {
			seen[name] = true
		}
	}
	for name := range seen {
		if !strings.Contains(name, "of a week") && !strings.HasPrefix(name, "form of") || strings.HasPrefix(name, "keys") {
			t.Errorf("without an approval it reads %s", name)
		}
	}
}

func (r *rig) whitelistText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "fieldmap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A look that does not end even with its context is left alone, and told with its exit code.
func TestCheckLeavesAloneWhatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		u := &checkup{program: &program{ctx: t.Context()}}
		l := look{name: "DMS", limit: time.Minute, late: &extract.UnreachableError{Reason: "it did not answer in time"}, run: func(*checkup, context.Context, *findings) { <-hang }}
		began := time.Now()
		if u.look(l) || time.Since(began) > 2*time.Minute {
			t.Errorf("after %v", time.Since(began))
		}
		holdLines(t, u.lines, map[string]string{"DMS": "failure it did not answer in time"})
		if code := exitCode(&checkError{u.causes}); code != exitDMS {
			t.Errorf("exit code %d", code)
		}
	})
	for _, l := range looks() {
		if l.limit > 0 && (l.late == nil || l.limit > 5*time.Minute) {
			t.Errorf("%s has no bound, or nothing to say", l.name)
		}
	}
}

// Rights that are lacking end check as they end a pull, with the names of what lacks.
func TestLackingRights(t *testing.T) {
	f := &findings{}
	f.fail("rights", lacking([]string{"dbo.Job.Amount", "dbo.Job.PayType"}))
	holdLines(t, f.lines, map[string]string{"rights": "failure may not read 2 columns that the whitelist lists: dbo.Job.Amount, dbo.Job.PayType | have the DMS's administrator grant"})
	if code := exitCode(&checkError{f.causes}); code != exitDMS {
		t.Errorf("exit code %d", code)
	}
}

package draft_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"roagent/fieldmap/class"
	"roagent/fieldmap/draft"
)

// TestHoldOut measures what the guesses are worth on schemas that were written when the patterns were finished, and to
// which the patterns were not fitted afterwards. Beside each stands what a person would list, and the figures are what was
// measured: at least so many of the fields are proposed, at most so many proposals are wrong.
func TestHoldOut(t *testing.T) {
	for _, tt := range []struct {
		schema                string
		fields, proposed, bad int // a person lists; of them proposed; proposed otherwise
		tables                int // taken for what a person takes them for
	}{
		{"surrogate", 25, 23, 0, 5},
		{"german", 22, 17, 0, 5},
		{"views", 16, 16, 0, 3},
		{"uk", 21, 14, 0, 4},
		{"abbrev", 25, 0, 0, 0}, // nothing is found, and that is said: CDAT is no word that is known
	} {
		d, err := draft.Make(catalog(t, filepath.Join("holdout", tt.schema)), options())
		if _, none := errors.AsType[*draft.NoOrdersError](err); none && tt.tables == 0 {
			continue
		} else if err != nil {
			t.Errorf("%s: %v", tt.schema, err)
			continue
		}
		text, err := os.ReadFile(filepath.Join("testdata", "holdout", tt.schema+".want"))
		if err != nil {
			t.Fatal(err)
		}
		var fields, proposed, bad, tables int
		want := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")), "\n")
		for _, line := range want {
			what, name, _ := strings.Cut(line, " ")
			if slices.Contains(draft.Roles(), draft.Role(what)) {
				if slices.ContainsFunc(d.Tables, func(g *draft.TableGuess) bool { return string(g.Role) == what && g.Table == name }) {
					tables++
				} else {
					t.Logf("%s: %s is not taken for %s", tt.schema, name, what)
				}
				continue
			}
			fields++
			if slices.ContainsFunc(d.Fields, func(f draft.FieldGuess) bool { return f.Off == "" && f.Send == what && f.Column == name }) {
				proposed++
			} else {
				t.Logf("%s: not proposed: %s", tt.schema, line)
			}
		}
		for _, f := range d.Fields {
			if f.Off == "" && !slices.Contains(want, f.Send+" "+f.Column) {
				bad++
				t.Logf("%s: wrong: %s %s (%s)", tt.schema, f.Send, f.Column, f.Sure)
			}
		}
		t.Logf("%s: of %d fields %d proposed, %d wrong; %d tables right; undecided: %q", tt.schema, fields, proposed, bad, tables, d.Undecided)
		if fields != tt.fields || proposed < tt.proposed || bad > tt.bad || tables < tt.tables {
			t.Errorf("%s: of %d fields %d are proposed and %d proposals are wrong, %d tables are right; it was %v", tt.schema, fields, proposed, bad, tables, tt)
		}
		holdsNothingPersonal(t, d)
	}
}

// holdsNothingPersonal holds that no active field is contact data or forbidden by its column's name.
func holdsNothingPersonal(t testing.TB, d *draft.Draft) {
	t.Helper()
	classes := class.NewTable()
	for _, f := range d.Fields {
		if f.Off != "" {
			continue
		}
		if found := classes.Of(class.Name(strings.Split(f.Column, "."))); found.Class != class.Work && found.Class != class.Vehicle {
			t.Errorf("%s is proposed, and it is %s", f.Column, found)
		}
	}
}

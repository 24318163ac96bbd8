package fieldmap

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What is written is read back as the same whitelist, whatever is in it.
func TestYAMLReadsBack(t *testing.T) {
	readsBack := func(t rapid.TB, w *Whitelist) {
		t.Helper()
		got, err := Parse("fieldmap.yaml", w.YAML())
		if err != nil {
			t.Fatalf("%v\n%s", err, w.YAML())
		}
		if diff := cmp.Diff(string(w.Canonical()), string(got.Canonical())); diff != "" {
			t.Fatalf("%s\n%s", diff, w.YAML())
		}
	}
	texts := rapid.StringMatching(`[ -~é日]{1,12}`).Filter(func(s string) bool { return strings.TrimSpace(s) != "" })
	names := texts.Filter(func(s string) bool {
		return !sqlText.MatchString(s) && !strings.Contains(s, ".") && s == strings.TrimSpace(s)
	})
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWhitelist(rt)
		w.Recipient, w.Agreement = texts.Draw(rt, "recipient"), texts.Draw(rt, "agreement")
		w.Orders.From, w.Orders.Week = Table{names.Draw(rt, "schema"), names.Draw(rt, "table")}, "W"+names.Draw(rt, "week") // no column of a field
		for i := range w.Orders.Skip {
			w.Orders.Skip[i].Why = texts.Draw(rt, "why")
			for j := range w.Orders.Skip[i].All {
				if c := &w.Orders.Skip[i].All[j]; c.Op == In || c.Op == NotIn {
					c.Values = rapid.SliceOfNDistinct(rapid.OneOf(texts, rapid.SampledFrom([]string{"null", "~", "", "true", "No", "01", "1e3", "0x1F", "-", "#", "a: b", "a #b", "[", "'", `"`, "*a", "&a", "!a", "%a", "@a", "`", ">", "|", "?", "...", "---"})), 1, 5, rapid.ID).Draw(rt, "values")
				}
			}
		}
		readsBack(rt, w)
	})
	readsBack(t, mustParse(t, edited(t)))
	for _, file := range []string{"../testdata/fieldmap.yaml", "../testdata/consent.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		readsBack(t, mustParse(t, text))
	}
}

package strictyaml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap/strictyaml"
)

// fill repeats a text up to a quarter of the largest size that is read: enough to tell time that grows with the square.
func fill(before, s, after string) string {
	return before + strings.Repeat(s, (strictyaml.MaxSize/4-len(before)-len(after))/len(s)) + after
}

// hostile are files made to exhaust memory, stack or time.
func hostile() map[string]string {
	var keys, indents strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&keys, "k%d: v\n", i)
	}
	for i := range 1000 {
		indents.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return map[string]string{
		"billion laughs":     "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nmake: *c\n",
		"aliases":            fill("a: &a x\nb: [", "*a,", "]"),
		"10 MB of aliases":   "a: &a x\nb: [" + strings.Repeat("*a,", 10<<20/3) + "]",
		"open brackets":      fill("", "[", ""),
		"open braces":        fill("", "{a: ", ""),
		"dashes":             fill("", "- ", ""),
		"keys in a line":     fill("", "a: ", ""),
		"keys in braces":     fill("{", "a: ", ""),
		"question marks":     fill("", "? ", ""),
		"indents":            indents.String(),
		"distinct keys":      keys.String(),
		"one key":            fill("", "a: b\n", ""),
		"a file of objects":  "make: x\nparts:\n" + strings.Repeat("- {make: x}\n", 20_000),
		"wrong objects":      fill("parts:\n", "- {mke: x, b: c}\n", ""),
		"commas":             fill("[", "a,", "]"),
		"only commas":        fill("[", ",", "]"),
		"documents":          fill("", "---\n", ""),
		"tags":               fill("", "!a ", ""),
		"exclamation marks":  fill("", "!", ""),
		"pipes":              fill("", "|\n", ""),
		"quotes":             fill("", "'", ""),
		"colons":             fill("", ":\n", ""),
		"blank lines":        fill("", "\n", ""),
		"remarks":            fill("", "# x\n", ""),
		"a long text":        fill("make: ", "x", ""),
		"a long block":       fill("make: |\n", "  x\n", ""),
		"a folded text":      fill("make: x\n", "  x\n", ""),
		"escapes":            fill("make: \"", `\n`, "\""),
		"a text and returns": fill("make: x", "\r", ""),
		"percent signs":      fill("", "%a\n", ""),
	}
}

// A hostile file is a problem or nothing special, but never a crash or a long wait.
func TestHostileFiles(t *testing.T) {
	for name, source := range hostile() {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := read(source)
			if err == nil && !strings.HasPrefix(name, "a ") {
				t.Error("no problem found")
			}
			if err != nil && len(err.Error()) > 64<<10 {
				t.Errorf("the report has %d bytes", len(err.Error()))
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestClosest(t *testing.T) {
	names := []string{"column", "withhold", "narrative", "customer", "why"}
	for name, want := range map[string]string{
		"colum": "column", "Column": "column", "clomun": "column", "with_hold": "withhold", "custmer": "customer", "costumer": "customer",
		"wy": "", "whyy": "why", "": "", "owner": "", "x": "",
	} {
		if diff := cmp.Diff(want, strictyaml.Closest(name, names)); diff != "" {
			t.Errorf("Closest(%q) (-want +got)\n%s", name, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	for name, source := range hostile() {
		if len(source) < 10_000 {
			f.Add(source)
		} else {
			f.Logf("too long for a seed: %s", name)
		}
	}
	f.Add("make: Toyota\ndoors: 5\ntow: true\nparts:\n  - {make: x}\ncolors: {r: red}\n")
	f.Fuzz(func(t *testing.T, source string) {
		_, err := read(source)
		if err != nil && err.Error() == "" {
			t.Error("a problem without a text")
		}
	})
}

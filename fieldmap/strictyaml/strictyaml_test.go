package strictyaml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap/strictyaml"
)

// car is what the tests read: every kind of value, and a list of them.
type car struct {
	Make   string
	Doors  int
	Tow    bool
	Fuel   string
	Tags   []string
	Parts  []car
	Colors [][2]string
}

func readCar(n strictyaml.Node) car {
	o := n.Object("make", "doors tow fuel tags parts colors")
	c := car{Make: o.Get("make").Text(), Doors: o.Get("doors").Int(1, 6), Tow: o.Get("tow").Bool(), Fuel: o.Get("fuel").OneOf("petrol", "diesel")}
	for _, tag := range o.Get("tags").OneOrMore() {
		c.Tags = append(c.Tags, tag.Scalar())
	}
	for _, part := range o.Get("parts").List() {
		c.Parts = append(c.Parts, readCar(part))
	}
	for _, e := range o.Get("colors").Entries() {
		c.Colors = append(c.Colors, [2]string{e.Key.Text(), e.Value.Text()})
	}
	return c
}

func read(source string) (car, error) {
	root, problems := strictyaml.Parse("car.yaml", []byte(source))
	return readCar(root), problems.Err()
}

func TestValues(t *testing.T) {
	for name, tt := range map[string]struct {
		source string
		want   car
	}{
		"all kinds": {
			"make: Toyota\ndoors: 5\ntow: true\nfuel: diesel\ntags: [a, b]\nparts:\n  - make: x\n  - {make: y, doors: 1}\ncolors: {r: red, g: green}\n",
			car{
				Make: "Toyota", Doors: 5, Tow: true, Fuel: "diesel", Tags: []string{"a", "b"}, Parts: []car{{Make: "x"}, {Make: "y", Doors: 1}},
				Colors: [][2]string{{"r", "red"}, {"g", "green"}},
			},
		},
		"scalars stay as written": {
			"make: 01\ntags: [01, NO, Y, on, 1_000, 0x1F, 1e3, .inf, 1.50, TRUE, 2024-01-31, 2024-01-31 17:30:00, '', +1, '~']\n",
			car{Make: "01", Tags: []string{"01", "NO", "Y", "on", "1_000", "0x1F", "1e3", ".inf", "1.50", "TRUE", "2024-01-31", "2024-01-31 17:30:00", "", "+1", "~"}},
		},
		"keys stay as written": {
			"make: x\ncolors: {01: one, NO: no, true: yes, 1.50: money, '~': none}\n",
			car{Make: "x", Colors: [][2]string{{"01", "one"}, {"NO", "no"}, {"true", "yes"}, {"1.50", "money"}, {"~", "none"}}},
		},
		"quotes and blocks": {
			"make: |\n  two\n  lines\ntags: ['it''s', \"a\\u00e9\", \"[x]\"]\nfuel: >-\n  diesel\n",
			car{Make: "two\nlines", Tags: []string{"it's", "aé", "[x]"}, Fuel: "diesel"},
		},
		"one stands for a list": {"make: x\ntags: a\n", car{Make: "x", Tags: []string{"a"}}},
		"windows and a mark":    {"\uFEFFmake: x\r\ndoors: 2\r\ntags:\r\n  - a\r\n", car{Make: "x", Doors: 2, Tags: []string{"a"}}},
		"a header":              {"---\nmake: x # and a remark\n", car{Make: "x"}},
		"backslashes":           {`make: dms01\SERVICE`, car{Make: `dms01\SERVICE`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(tt.source)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestProblems holds the whole text that a person sees, place by place.
func TestProblems(t *testing.T) {
	for name, tt := range map[string]struct{ source, want string }{
		"several at once": {
			"mke: Toyota\ndoors: seven\ntow: yes\nfuel: deisel\ndoors: 2\n",
			`
car.yaml:1:1: there is no such key here
     1 | mke: Toyota
       | ^
       = did you mean make?
car.yaml:2:8: doors must be a whole number from 1 to 6
     2 | doors: seven
       |        ^
car.yaml:3:6: tow must be true or false
     3 | tow: yes
       |      ^
       = write true or false
car.yaml:4:7: fuel must be one of petrol, diesel
     4 | fuel: deisel
       |       ^
       = did you mean diesel?
car.yaml:5:1: the key is here already, in line 2
     5 | doors: 2
       | ^`,
		},
		"wrong types": {
			"make: [dbo].x\n", `
car.yaml:1:12: this is not YAML: value is not allowed in this context
     1 | make: [dbo].x
       |            ^
       = a text that begins with a bracket or a quote must be in quotes as a whole, '[dbo].[Repair.Order]'; and check the indentation`,
		},
		"missing":                 {"doors: 1\nparts: [{doors: 2}]\n", "car.yaml:1:1: the file lacks the key make\n     1 | doors: 1\n       | ^\ncar.yaml:2:9: an entry of parts lacks the key make\n     2 | parts: [{doors: 2}]\n       |         ^"},
		"list for a text":         {"make: [x]\n", "car.yaml:1:7: make must be a text, not a list\n     1 | make: [x]\n       |       ^\n       = put quotes around a text that begins with [ or {"},
		"text for a list":         {"make: x\nparts: y\n", "car.yaml:2:8: parts must be a list, not a text\n     2 | parts: y\n       |        ^"},
		"text for keys":           {"make: x\nparts: [y]\n", "car.yaml:2:9: an entry of parts must be a group of keys, not a text\n     2 | parts: [y]\n       |         ^"},
		"list for keys":           {"- x\n", "car.yaml:1:1: the file must be a group of keys, not a list\n     1 | - x\n       | ^"},
		"an empty list":           {"make: x\nparts: []\n", "car.yaml:2:8: parts is an empty list\n     2 | parts: []\n       |        ^\n       = leave the key out where there is nothing to list"},
		"no value":                {"make:\n", "car.yaml:1:1: make has no value\n     1 | make:\n       | ^\n       = give it a value or leave the key out; put the word null in quotes if it is meant as a text"},
		"null":                    {"make: null\n", "car.yaml:1:1: make has no value\n     1 | make: null\n       | ^\n       = give it a value or leave the key out; put the word null in quotes if it is meant as a text"},
		"an empty text":           {"make: ''\n", "car.yaml:1:7: make is empty\n     1 | make: ''\n       |       ^"},
		"a far key":               {"make: x\ncolour_of_seat: y\n", "car.yaml:2:1: there is no such key here\n     2 | colour_of_seat: y\n       | ^\n       = known keys: make, doors, tow, fuel, tags, parts, colors"},
		"a swapped key":           {"make: x\nTasg: y\n", "car.yaml:2:1: there is no such key here\n     2 | Tasg: y\n       | ^\n       = did you mean tags?"},
		"a hidden character":      {"make: \"a\\u202Eb\"\n", "car.yaml:1:7: make has a character that does not show (U+202E)\n     1 | make: \"a\\u202Eb\"\n       |       ^"},
		"a turned text":           {"make: \"a\\u2066b\"\n", "car.yaml:1:7: make has a character that does not show (U+2066)\n     1 | make: \"a\\u2066b\"\n       |       ^"},
		"a number just too large": {"make: x\ndoors: 7\n", "car.yaml:2:8: doors must be a whole number from 1 to 6\n     2 | doors: 7\n       |        ^"},
		"too many keys":           {"colors: {" + strings.Repeat("a: b,\n", 25_000) + "}\n", "car.yaml:25000:2: the file has more than 25000 keys\n 25000 | a: b,\n       |  ^\n       = is it the right file?"},
		"a line break":            {"make: \"a\\nb\"\n", "car.yaml:1:7: make has a character that does not show (U+000A)\n     1 | make: \"a\\nb\"\n       |       ^"},
		"a number too large":      {"make: x\ndoors: 99999999999999999999\n", "car.yaml:2:8: doors must be a whole number from 1 to 6\n     2 | doors: 99999999999999999999\n       |        ^"},
		"anchor and alias":        {"make: &a x\nfuel: *a\n", "car.yaml:1:7: anchors and aliases (& and *) are not accepted here\n     1 | make: &a x\n       |       ^\n       = write it out; put quotes around a text that begins with & or *\ncar.yaml:2:7: anchors and aliases (& and *) are not accepted here\n     2 | fuel: *a\n       |       ^\n       = write it out; put quotes around a text that begins with & or *"},
		"merge key":               {"<<: {make: x}\n", "car.yaml:1:1: merge keys (<<) are not accepted here\n     1 | <<: {make: x}\n       | ^\n       = write the keys out"},
		"tag":                     {"make: !!str x\n", "car.yaml:1:7: tags (!) are not accepted here\n     1 | make: !!str x\n       |       ^\n       = put quotes around a text that begins with !"},
		"complex key":             {"? make\n: x\n", "car.yaml:1:1: keys marked with ? are not accepted here\n     1 | ? make\n       | ^\n       = put quotes around a text that begins with ?"},
		"two documents":           {"make: x\n---\nmake: y\n", "car.yaml:2:1: the file may hold one document only: --- is not accepted here\n     2 | ---\n       | ^"},
		"a directive":             {"%YAML 1.2\nmake: x\n", "car.yaml:1:1: directives (%) are not accepted here\n     1 | %YAML 1.2\n       | ^\n       = put quotes around a text that begins with %"},
		"a tab":                   {"make: x\n\tdoors: 1\n", "car.yaml:2:1: this is not YAML: found character '\t' that cannot start any token\n     2 |  doors: 1\n       | ^\n       = indent with spaces, not with tabs"},
		"a colon":                 {"make: a: b\n", "car.yaml:1:7: this is not YAML: mapping value is not allowed in this context\n     1 | make: a: b\n       |       ^\n       = a text with a colon and a space in it must be in quotes"},
		"a missing quote":         {"make: 'x\n", "car.yaml:1:7: this is not YAML: could not find end character of single-quoted text\n     1 | make: 'x\n       |       ^\n       = a quote is missing at the end"},
		"a missing bracket":       {"make: x\ntags: [a\n", "car.yaml:2:7: this is not YAML: sequence end token ']' not found\n     2 | tags: [a\n       |       ^\n       = a bracket or a comma is missing"},
		"not UTF-8":               {"make: x\nfuel: di\xffsel\n", "car.yaml:2:9: here is a character that is not UTF-8\n     2 | fuel: di\uFFFDsel\n       |         ^\n       = save it as UTF-8 (in Notepad: Save as, Encoding: UTF-8)"},
		"UTF-16":                  {"\xff\xfem\x00a\x00", "car.yaml: the file is not plain text; it may be UTF-16\n       = save it as UTF-8 (in Notepad: Save as, Encoding: UTF-8)"},
		"empty":                   {"", "car.yaml: the file is empty"},
		"only remarks":            {"# nothing\n", "car.yaml: the file is empty"},
		"too large":               {"make: x\n" + strings.Repeat("#", strictyaml.MaxSize), "car.yaml: the file has more than 1048576 bytes\n       = is it the right file?"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(tt.source)
			if err == nil {
				t.Fatal("no problem found")
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

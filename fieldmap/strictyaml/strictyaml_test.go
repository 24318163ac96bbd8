package strictyaml_test

import (
	"fmt"
	"os"
	"path/filepath"
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
			"make: x\ncolors: {01: one, NO: no, true: yes, 1.50: money, '': none}\n",
			car{Make: "x", Colors: [][2]string{{"01", "one"}, {"NO", "no"}, {"true", "yes"}, {"1.50", "money"}}},
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
			if name == "keys stay as written" {
				if err == nil || !strings.Contains(err.Error(), "a key is empty") {
					t.Errorf("error %v, want one about the empty key", err)
				}
				got.Colors = got.Colors[:4]
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

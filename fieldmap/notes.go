package fieldmap

import "strings"

// Notes are the comments of a whitelist's file, by the address of what they are about: an *Orders, *Join, *Lines, *Rule or
// *Field of the whitelist, or of another note's parts that are left out.
type Notes struct {
	Head []string // lines before everything
	At   map[any]Note
}

// Note is what is said of one part. What is left out stands in the file behind the mark #~ and counts once that is taken away.
type Note struct {
	Above []string // lines before the part, or first within Orders and Lines
	Below []string // lines at the end of Orders and Lines

	OffChanged string
	OffJoins   []*Join
	OffFields  []*Field
}

// OffMark begins a line that is left out.
const OffMark = "#~ "

// AnnotatedYAML is YAML with comments.
func (w *Whitelist) AnnotatedYAML(n Notes) []byte { return w.yaml(n) }

func (y *yamlWriter) comment(lines []string) {
	for _, line := range lines {
		y.line("%s", strings.TrimSpace("# "+strings.Join(strings.FieldsFunc(line, unprintable), " ")))
	}
}

func unprintable(r rune) bool {
	return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff
}

// off writes lines that are left out.
func (y *yamlWriter) off(write func()) {
	y.mark = OffMark
	write()
	y.mark = ""
}

// offJoins writes the joins that are left out, with the key that they need where nothing else has written it.
func (y *yamlWriter) offJoins(o *Orders) {
	for i, j := range y.notes.At[o].OffJoins {
		y.comment(y.notes.At[j].Above)
		y.off(func() {
			if i == 0 && len(o.Joins) == 0 {
				y.line("join:")
			}
			y.join(j)
		})
	}
}

func (y *yamlWriter) offFields(of any) {
	for _, f := range y.notes.At[of].OffFields {
		y.within(func() { y.comment(y.notes.At[f].Above) })
		y.off(func() { y.field(f) })
	}
}

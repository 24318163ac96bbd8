package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file, both counted from 1. The zero Pos is nowhere in particular.
type Pos struct{ Line, Column int }

// Problem is one thing that is wrong with a file: a sentence, and what to do about it.
type Problem struct {
	At      Pos
	Message string
	Hint    string
}

// Problems is everything wrong with one file. As an error it prints each with its place and source line.
type Problems struct {
	File   string
	Source []byte
	List   []Problem
}

// maxListed keeps the report of a file that is wrong throughout readable, and small.
const maxListed = 100

// Add notes a problem. hint may be "".
func (p *Problems) Add(at Pos, hint, format string, args ...any) {
	p.List = append(p.List, Problem{At: at, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// Err returns p, sorted by place, as an error, or nil where there is no problem.
func (p *Problems) Err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		return cmp.Or(a.At.Line-b.At.Line, a.At.Column-b.At.Column)
	})
	return p
}

// Error prints the problems, one after the other: place, message, source line with a mark, hint.
func (p *Problems) Error() string {
	var b strings.Builder
	lines := strings.Split(string(p.Source), "\n")
	for i, problem := range p.List {
		if i == maxListed {
			fmt.Fprintf(&b, "\n%s: and %d more problems", p.File, len(p.List)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Place(problem) + problem.Message)
		if at := problem.At; at.Line > 0 && at.Line <= len(lines) {
			source, mark := excerpt(lines[at.Line-1], at.Column)
			fmt.Fprintf(&b, "\n%6d | %s\n       | %s", at.Line, source, mark)
		}
		if problem.Hint != "" {
			fmt.Fprintf(&b, "\n       = %s", problem.Hint)
		}
	}
	return b.String()
}

// Place returns where a problem is, to be put before its message: file:line:column and a colon.
func (p *Problems) Place(problem Problem) string {
	if problem.At.Line == 0 {
		return p.File + ": "
	}
	return fmt.Sprintf("%s:%d:%d: ", p.File, problem.At.Line, problem.At.Column)
}

// excerpt returns a source line as a terminal may show it, and a line with a mark below a column. Of a long line it
// shows the part around the column.
func excerpt(line string, column int) (source, mark string) {
	const most, lead = 120, 60
	shown := []rune(strings.Map(func(r rune) rune {
		if misleads(r) {
			return ' '
		}
		return r
	}, strings.TrimRight(line, "\r")))
	column = min(max(column, 1), len(shown)+1)
	if len(shown) > most {
		from := min(max(0, column-1-lead), len(shown)-most)
		shown, column = shown[from:from+most], column-from
	}
	return string(shown), strings.Repeat(" ", min(column-1, len(shown))) + "^"
}

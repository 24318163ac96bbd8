package freetext_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap/freetext"
)

// labelled is one narrative of the labelled set, and the secrets in it.
type labelled struct {
	place string // file and line
	held  bool   // its misses are not shown: every fifth line, and those written when the scanner was finished
	text  string
	want  []freetext.Match
}

// readLabelled reads a file of the set: {kind:text} marks a secret, \n a line break, # a remark.
func readLabelled(t testing.TB, file string) []labelled {
	t.Helper()
	source, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []labelled
	for i, line := range strings.Split(strings.TrimSuffix(string(source), "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		l := labelled{place: fmt.Sprintf("%s:%d", file, i+1), held: file == "fresh.txt" || len(lines)%5 == 4}
		l.text, l.want = unmark(t, l.place, strings.ReplaceAll(line, `\n`, "\n"))
		lines = append(lines, l)
	}
	return lines
}

func unmark(t testing.TB, place, line string) (text string, want []freetext.Match) {
	t.Helper()
	for {
		before, marked, found := strings.Cut(line, "{")
		text += before
		if !found {
			return text, want
		}
		secret, rest, closed := strings.Cut(marked, "}")
		word, secret, named := strings.Cut(secret, ":")
		kind, known := kindOf(word)
		if !closed || !named || !known {
			t.Fatalf("%s: a mark that is none: {%s", place, marked)
		}
		want = append(want, freetext.Match{Kind: kind, From: len(text), To: len(text) + len(secret)})
		text += secret
		line = rest
	}
}

func kindOf(word string) (freetext.Kind, bool) {
	for _, k := range freetext.Kinds() {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}

// score counts for one kind. A secret is found where a match of its kind covers all of it; one that is found as another
// kind is missed, and taken wrongly.
type score struct{ secrets, found, matches, right int }

func (s score) recall() float64    { return float64(s.found) / float64(max(1, s.secrets)) }
func (s score) precision() float64 { return float64(s.right) / float64(max(1, s.matches)) }

func covers(a, b freetext.Match) bool { return a.Kind == b.Kind && a.From <= b.From && a.To >= b.To }

// TestLabelled measures recall and precision on the labelled set, and prints them: of all of it, and of what was
// held out.
func TestLabelled(t *testing.T) {
	lines := slices.Concat(readLabelled(t, "hard.txt"), readLabelled(t, "made.txt"), readLabelled(t, "fresh.txt"))
	if len(lines) < 2000 {
		t.Errorf("the set has %d lines", len(lines))
	}
	all, held := map[freetext.Kind]score{}, map[freetext.Kind]score{}
	clean := 0
	for _, l := range lines {
		got := freetext.Find(l.text)
		l.count(got, all)
		if l.held {
			l.count(got, held)
		} else if !cmp.Equal(l.want, got) {
			t.Logf("%s: %q\n\twant %s\n\tgot  %s", l.place, l.text, said(l.text, l.want), said(l.text, got))
		}
		if len(l.want) == 0 {
			clean++
		}
	}
	t.Logf("%d lines, %d without a secret", len(lines), clean)
	for _, k := range freetext.Kinds() {
		a, h := all[k], held[k]
		t.Logf("%-10s  recall %.3f (%4d)  precision %.3f (%4d)   held out: recall %.3f (%3d)  precision %.3f (%3d)",
			k, a.recall(), a.secrets, a.precision(), a.matches, h.recall(), h.secrets, h.precision(), h.matches)
		least := map[freetext.Kind][2]float64{
			freetext.SSN: {0.99, 0.98}, freetext.Card: {0.99, 0.98}, freetext.Bank: {0.98, 0.98}, freetext.Licence: {0.97, 0.97},
			freetext.Email: {0.99, 0.99}, freetext.Phone: {0.98, 0.98}, freetext.BirthDate: {0.98, 0.98},
		}[k]
		if a.recall() < least[0] || a.precision() < least[1] {
			t.Errorf("%s: recall %.4f and precision %.4f, less than %v", k, a.recall(), a.precision(), least)
		}
	}
}

func (l labelled) count(got []freetext.Match, scores map[freetext.Kind]score) {
	for _, k := range freetext.Kinds() {
		s := scores[k]
		for _, w := range l.want {
			if w.Kind == k {
				s.secrets++
				s.found += hits(w, got, func(w, g freetext.Match) bool { return covers(g, w) })
			}
		}
		for _, g := range got {
			if g.Kind == k {
				s.matches++
				s.right += hits(g, l.want, covers)
			}
		}
		scores[k] = s
	}
}

// hits is 1 where m fits one of the others.
func hits(m freetext.Match, others []freetext.Match, fits func(m, other freetext.Match) bool) int {
	for _, other := range others {
		if fits(m, other) {
			return 1
		}
	}
	return 0
}

// said shows matches, for the tests' own output: every secret of the set is made up.
func said(text string, matches []freetext.Match) string {
	var b strings.Builder
	for _, m := range matches {
		fmt.Fprintf(&b, "{%s:%s} ", m.Kind, text[m.From:m.To])
	}
	return b.String()
}

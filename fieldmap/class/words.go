package class

import (
	"strings"
	"unicode"
)

// word is a word of a name.
type word struct {
	text  string // as the name spells it
	lower string
	one   string // as rules spell it
	last  bool   // of the name's last part
}

// split returns the words of a name as its spelling marks them: by anything but letters and digits, by a change from small
// to capital letters or between letters and digits. Of several capitals the last belongs to the small letters after it:
// SSNNo is SSN No. Letters that stand alone are one word: S_S_N. The character # is a word, since it means number.
func split(name Name) []word {
	var words []word
	for i, part := range name {
		from := len(words)
		words = append(words, splitPart(part)...)
		words = append(words[:from], joinLetters(words[from:])...)
		for j := from; j < len(words); j++ {
			words[j].last = i == len(name)-1
		}
	}
	return words
}

func splitPart(part string) []word {
	var words []word
	runes := []rune(part)
	start := 0
	cut := func(end int) {
		if end > start {
			text := string(runes[start:end])
			words = append(words, word{text: text, lower: strings.ToLower(text)})
		}
		start = end
	}
	for i, r := range runes {
		switch {
		case r == '#':
			cut(i)
			words = append(words, word{text: "#", lower: "#"})
			start = i + 1
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			cut(i)
			start = i + 1
		case i > start && begins(runes, i):
			cut(i)
		}
	}
	cut(len(runes))
	return words
}

// begins reports whether a word begins at a letter or digit that follows another.
func begins(runes []rune, i int) bool {
	before, here := runes[i-1], runes[i]
	switch {
	case unicode.IsDigit(before) != unicode.IsDigit(here):
		return true
	case !unicode.IsUpper(here):
		return false
	}
	return unicode.IsLower(before) || i+1 < len(runes) && unicode.IsLower(runes[i+1])
}

// joinLetters makes one word of single letters that follow one another.
func joinLetters(words []word) []word {
	var joined []word
	letters := 0 // at the end of joined
	for _, w := range words {
		single := len([]rune(w.lower)) == 1 && unicode.IsLetter([]rune(w.lower)[0])
		if single && letters > 0 {
			last := &joined[len(joined)-1]
			last.text, last.lower = last.text+w.text, last.lower+w.lower
			continue
		}
		letters = 0
		if single {
			letters = 1
		}
		joined = append(joined, w)
	}
	return joined
}

// readings returns the ways to read a name, each without its numbers too: words as the spelling marks them, words of parts
// whose capitals mean nothing (CUSTssn), and words behind the two letters of a file that older systems put before each
// column (BNSS#). Words that nothing separates are told apart in all of them.
func (t *Table) readings(name Name) [][]word {
	var plain Name
	for _, part := range name {
		plain = append(plain, strings.ToLower(part))
	}
	names := []Name{name, plain}
	if rest, ok := t.withoutFile(name[len(name)-1]); ok {
		names = append(names, append(plain[:len(plain)-1:len(plain)-1], rest))
	}
	var all [][]word
	for _, n := range names {
		var apart []word
		for _, w := range split(n) {
			apart = append(apart, t.takeApart(w)...)
		}
		for i := range apart {
			apart[i].one = t.spell(apart[i].lower)
		}
		all = append(all, apart)
		if bare := withoutNumbers(apart); len(bare) < len(apart) {
			all = append(all, bare)
		}
	}
	return all
}

// withoutFile returns what follows the two letters of a file in a column's name of at most ten capitals, digits and #.
func (t *Table) withoutFile(column string) (rest string, ok bool) {
	const file, shortest, longest = 2, 5, 10
	if len(column) < shortest || len(column) > longest || strings.Trim(column, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#") != "" {
		return "", false
	}
	if words := split(Name{column}); t.knows(words[0].lower) || len(t.takeApart(words[0])) > 1 {
		return "", false // it begins with a word of its own
	}
	rest = strings.ToLower(column[file:])
	return rest, len(rest) > file+1 || strings.HasSuffix(rest, "#")
}

func withoutNumbers(words []word) []word {
	var bare []word
	for _, w := range words {
		if !unicode.IsDigit([]rune(w.lower)[0]) {
			bare = append(bare, w)
		}
	}
	return bare
}

// takeApart returns the known words that a word is made of, if it is made of nothing else: LSEPMT is LSE PMT.
func (t *Table) takeApart(w word) []word {
	if t.knows(w.lower) || len(w.lower) != len(w.text) {
		return []word{w}
	}
	ends := t.ends(w.lower, 0)
	if ends == nil {
		return []word{w}
	}
	var parts []word
	from := 0
	for _, to := range ends {
		parts = append(parts, word{text: w.text[from:to], lower: w.lower[from:to], last: w.last})
		from = to
	}
	return parts
}

// ends returns where the known words end that make up text from a place on; the longest are tried first.
func (t *Table) ends(text string, from int) []int {
	const shortest, longest = 2, 14
	for to := min(len(text), from+longest); to >= from+shortest; to-- {
		if !t.joined[text[from:to]] {
			continue
		}
		if to == len(text) {
			return []int{to}
		}
		if rest := t.ends(text, to); rest != nil {
			return append([]int{to}, rest...)
		}
	}
	return nil
}

func (t *Table) knows(lower string) bool {
	_, known := t.spelling[lower]
	return known || t.joined[lower]
}

// spell returns the one spelling that rules use of a word; the singular of a plural that is not known itself.
func (t *Table) spell(lower string) string {
	if one, ok := t.spelling[lower]; ok {
		return one
	}
	singular, plural := strings.CutSuffix(lower, "s")
	if one, ok := t.spelling[singular]; ok && plural && len(singular) > 2 {
		return one
	}
	if plural && t.joined[singular] && len(singular) > 2 {
		return singular
	}
	return lower
}

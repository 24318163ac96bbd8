package freetext

import "strings"

// scanner walks a text once, token by token. A token is a run of ASCII letters and digits.
type scanner struct {
	text  string
	at    int
	said  label // what a word said the next number is
	since int   // where that word ends
	word  int   // where the last word ends that says something
	found []Match
}

// reach is how many bytes behind its end a word still says what a number is.
const reach = 40

func (s *scanner) scan() {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case isLetter(c), isDigit(c):
			s.token()
		case c == '@':
			s.address()
		case c == '[':
			s.mark()
		default:
			if s.endsSentence(c) {
				s.said = none
			}
			s.at++
		}
	}
}

// token reads one token: a word, a number, or something of both.
func (s *scanner) token() {
	end, letters, digits := span(s.text, s.at)
	switch {
	case end < len(s.text) && s.text[end] == '@': // an address is read from its @
		s.at = end
	case !digits:
		s.read(end)
	case !letters:
		s.number()
	default:
		s.mixed(end)
	}
}

// read reads a word, and notes what it says of what follows.
func (s *scanner) read(end int) {
	word, end := spell(s.text, s.at, end)
	s.at = end
	s.label(meaning(word.bytes()), end)
}

// label notes what a word says that ends at end.
func (s *scanner) label(l label, end int) {
	if l != none {
		s.word = end
	}
	if s.at-s.since > reach {
		s.said = none
	}
	switch l = s.said.then(l); l {
	case filler:
		return // says nothing, and takes nothing back
	case none:
		switch s.said {
		case other, taxes, driver, social: // these count for the next word or number only
			s.said = none
		}
		return
	case social:
		if rest := strings.TrimLeft(s.text[end:], " "); strings.HasPrefix(rest, "#") || strings.HasPrefix(rest, ":") {
			l = ssn
		}
	case licence:
		s.ahead(Licence, licenceAt)
		l = none
	case plate:
		s.ahead(Licence, plainLicenceAt)
		l = none
	case birth:
		s.ahead(BirthDate, date)
		l = none
	}
	s.said, s.since = l, max(end, s.at)
}

// number reads digits, and takes as many groups of them as make a secret.
func (s *scanner) number() {
	if s.at-s.since > reach {
		s.said = none
	}
	n := readNumber(s.text, s.at)
	n.floor = s.floor()
	if n.count == 0 { // grown together with letters
		s.at, _, _ = span(s.text, s.at)
		s.said = none
		return
	}
	if kind, groups := n.secret(s.said); kind != 0 {
		from := s.at
		if kind == Phone {
			from = n.dialled()
		}
		s.take(Match{kind, max(from, s.floor()), n.groups[groups-1].to})
		return
	}
	if end, ok := date(s.text, s.at); ok && behind(s.text, end) == birth {
		s.take(Match{BirthDate, s.at, end})
		return
	}
	s.at = n.groups[0].to
	if s.said == other { // the whole of a part number is one
		s.at = n.tied()
	}
	s.said = none
}

// mixed reads letters and digits that are grown together: an IBAN, a label and its number, or none of our business.
func (s *scanner) mixed(end int) {
	if to, ok := iban(s.text, s.at); ok {
		s.take(Match{Bank, s.at, to})
		return
	}
	if isDigit(s.text[s.at]) {
		s.number()
		return
	}
	letters := s.at
	for isLetter(s.text[letters]) {
		letters++
	}
	word, _ := spell(s.text, s.at, letters)
	if l := meaning(word.bytes()); l != none && allDigits(s.text[letters:end]) {
		s.at = letters
		s.label(l, letters)
		return
	}
	s.at, s.said = end, none
}

// take notes a secret and goes on behind it.
func (s *scanner) take(m Match) {
	s.found = append(s.found, m)
	s.at = m.To
	s.after(m.Kind)
}

// after is what a secret says of the next number: an account stands beside its routing number, her telephone beside his.
func (s *scanner) after(k Kind) {
	s.said, s.since = none, s.at
	switch k {
	case Bank:
		s.said = bank
	case Phone:
		s.said = call
	}
}

// mark passes what was redacted before as the secret that it was.
func (s *scanner) mark() {
	if rest, found := strings.CutPrefix(s.text[s.at:], markOpen); found {
		for _, k := range Kinds() {
			if strings.HasPrefix(rest, k.String()+"]") {
				s.at += len(markOpen) + len(k.String()) + 1
				s.after(k)
				return
			}
		}
	}
	s.at++
}

// floor is where the last secret ends.
func (s *scanner) floor() int {
	if len(s.found) == 0 {
		return 0
	}
	return s.found[len(s.found)-1].To
}

// endsSentence reports whether what a word said ends with c, as it does not with the full stop of the word (ph., no.).
func (s *scanner) endsSentence(c byte) bool {
	if c != '.' && c != ';' && c != '!' && c != '?' || s.at == s.word {
		return false
	}
	next := s.at + 1
	return next == len(s.text) || isBlank(s.text[next])
}

// span returns the end of the token at i, and what it is made of.
func span(text string, i int) (end int, letters, digits bool) {
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case isDigit(c):
			digits = true
		case isLetter(c):
			letters = true
		default:
			return i, letters, digits
		}
	}
	return i, letters, digits
}

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool  { return c-'0' <= 9 }
func isLetter(c byte) bool { return c|0x20-'a' <= 'z'-'a' }
func isBlank(c byte) bool  { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

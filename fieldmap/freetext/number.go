package freetext

import "unicode/utf8"

// maxGroups is how many groups of digits one number may have: a social security number typed digit by digit.
const maxGroups = 9

// number is a group of digits, and those that follow with a separator between them.
type number struct {
	text   string
	floor  int // where the last secret ends: what it is made of ties nothing
	groups [maxGroups]group
	count  int
}

type group struct {
	from, to int
	gap      byte // what stands before it: - . / ) or a blank, whatever the character; 0 before the first
}

func (g group) size() int { return g.to - g.from }

// readNumber reads the number at i. It has no groups where the first is grown together with letters that do not
// belong behind a number.
func readNumber(text string, i int) (n number) {
	n.text = text
	for gap := byte(0); n.count < maxGroups; {
		to := i
		for to < len(text) && isDigit(text[to]) {
			to++
		}
		if to == i || to < len(text) && isLetter(text[to]) && !isSuffix(text, to) {
			return n
		}
		n.groups[n.count] = group{i, to, gap}
		n.count++
		if i, gap = readGap(text, to); gap == 0 {
			return n
		}
	}
	return n
}

// isSuffix reports whether the letters at i may follow a number without a blank: 0123x4, 1111exp.
func isSuffix(text string, i int) bool {
	end := i
	for end < len(text) && isLetter(text[end]) {
		end++
	}
	var w spelling
	w.add(text[i:end])
	switch string(w.bytes()) {
	case "x", "ext", "exp", "cvv", "cell", "c", "h", "w", "m", "hm", "wk", "home", "work", "zip":
		return true
	}
	return false
}

// readGap reads what may stand between two groups of a number, at most four characters. next is at the next group's
// first digit; sep is 0 where none follows.
func readGap(text string, i int) (next int, sep byte) {
	sep = ' '
	for range 4 {
		if i >= len(text) {
			return i, 0
		}
		c, size := text[i], 1
		if c >= utf8.RuneSelf {
			c, size = plainSeparator(text[i:])
		}
		switch {
		case isDigit(c):
			return i, sep
		case isBlank(c):
		case c == '-', c == '.', c == '/':
			sep = c
		case c == '(', c == ')':
			sep = ')'
		default:
			return i, 0
		}
		i += size
	}
	if i < len(text) && isDigit(text[i]) {
		return i, sep
	}
	return i, 0
}

// plainSeparator returns the ASCII character for which a dash or blank beyond ASCII stands; 0 for any other rune.
func plainSeparator(text string) (c byte, size int) {
	r, size := utf8.DecodeRuneInString(text)
	switch {
	case r >= '\u2010' && r <= '\u2015', r == '\u2212', r == '\uff0d':
		return '-', size
	case r == '\u00a0', r >= '\u2000' && r <= '\u200b', r == '\u202f', r == '\u2060':
		return ' ', size
	}
	return 0, size
}

// secret returns what the number is, and how many of its groups belong to it.
func (n *number) secret(said label) (Kind, int) {
	if n.short() {
		return 0, 0
	}
	if g := n.card(said); g > 0 {
		return Card, g
	}
	if g := n.ssn(said); g > 0 {
		return SSN, g
	}
	if g := n.bank(said); g > 0 {
		return Bank, g
	}
	if g := n.phone(said); g > 0 {
		return Phone, g
	}
	return 0, 0
}

// short reports whether the number has fewer digits than any secret but a date.
func (n *number) short() bool {
	digits := 0
	for _, g := range n.groups[:n.count] {
		digits += g.size()
	}
	return digits < 6
}

// sizes reports whether the number begins with groups of these sizes.
func (n *number) sizes(sizes ...int) bool {
	if n.count < len(sizes) {
		return false
	}
	for i, size := range sizes {
		if n.groups[i].size() != size {
			return false
		}
	}
	return true
}

// gaps reports whether one separator stands between all of the first groups, and which.
func (n *number) gaps(groups int) (sep byte, same bool) {
	for _, g := range n.groups[1:groups] {
		if sep != 0 && g.gap != sep {
			return sep, false
		}
		sep = g.gap
	}
	return sep, true
}

// first returns how many groups have that many digits together; 0 where no number of them has.
func (n *number) first(digits int) int {
	have := 0
	for i, g := range n.groups[:n.count] {
		if have += g.size(); have == digits {
			return i + 1
		} else if have > digits {
			return 0
		}
	}
	return 0
}

// digit returns the digit at a place of the number, 0 to 9.
func (n *number) digit(place int) int {
	for _, g := range n.groups[:n.count] {
		if place < g.size() {
			return int(n.text[g.from+place] - '0')
		}
		place -= g.size()
	}
	return 0
}

// appendDigits appends the first digits of the number.
func (n *number) appendDigits(dst []byte, digits int) []byte {
	for place := range digits {
		dst = append(dst, '0'+byte(n.digit(place)))
	}
	return dst
}

// value returns the number that some of its digits make.
func (n *number) value(from, to int) int {
	v := 0
	for place := from; place < to; place++ {
		v = v*10 + n.digit(place)
	}
	return v
}

// behind returns what the word behind the first groups says of them.
func (n *number) behind(groups int) label { return behind(n.text, n.groups[groups-1].to) }

// alone reports whether the first groups are no part of something longer, like a part number.
func (n *number) alone(groups int, said label) bool {
	return !n.tiedBefore(said) && !n.tiedBehind(groups)
}

func (n *number) tiedBefore(said label) bool {
	i := n.groups[0].from
	if i < 2 || n.text[i-1] != '-' && n.text[i-1] != '.' {
		return false
	}
	from := i - 1
	for from > n.floor && (isLetter(n.text[from-1]) || isDigit(n.text[from-1])) {
		from--
	}
	_, letters, digits := span(n.text, from)
	return digits || letters && i-1-from <= 2 && (said == none || said == other)
}

func (n *number) tiedBehind(groups int) bool {
	i := n.groups[groups-1].to
	if i+1 >= len(n.text) || n.text[i] != '-' && n.text[i] != '.' {
		return false
	}
	end, letters, digits := span(n.text, i+1)
	return digits && (n.text[i] == '-' || isDigit(n.text[i+1])) || letters && n.text[i] == '-' && end-i-1 <= 2
}

// tied returns the end of the groups that nothing but one dash or point separates.
func (n *number) tied() int {
	end := n.groups[0].to
	for _, g := range n.groups[1:n.count] {
		if g.gap != '-' && g.gap != '.' || g.from-end != 1 {
			break
		}
		end = g.to
	}
	return end
}

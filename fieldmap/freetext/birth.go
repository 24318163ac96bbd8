package freetext

import "strings"

// datePart is one of the three parts of a date.
type datePart struct {
	value  int
	digits int // 0: the name of a month
}

func (p datePart) month() bool { return p.value >= 1 && p.value <= 12 }
func (p datePart) day() bool   { return p.digits > 0 && p.digits <= 2 && p.value >= 1 && p.value <= 31 }

func (p datePart) year() bool {
	return p.digits == 2 || p.digits == 4 && isYear(p.value)
}

// date reports whether a date stands at i, in any of the shapes that people type, and where it ends: 3/4/61, 1961-03-04,
// 03041961, Mar 4th 1961, 4-MAR-61.
func date(text string, i int) (end int, ok bool) {
	var parts [3]datePart
	for k := range parts {
		if k > 0 {
			i = dateGap(text, i)
		}
		if parts[k], i, ok = readDatePart(text, i); !ok {
			return 0, false
		}
		if k == 0 && parts[0].digits > 4 {
			return i, ends(text, i) && parts[0].compact()
		}
	}
	a, b, c := parts[0], parts[1], parts[2]
	switch {
	case a.digits == 0:
		ok = b.day() && c.year()
	case a.digits == 4:
		ok = a.year() && b.month() && c.day()
	case b.digits == 0:
		ok = a.day() && c.year()
	default:
		ok = a.day() && b.day() && c.year() && c.digits > 0 && (a.month() || b.month())
	}
	return i, ok && ends(text, i)
}

// compact reports whether the digits are a date without separators: 030461, 03041961, 19610304.
func (p datePart) compact() bool {
	switch p.digits {
	case 6:
		return isDate(p.value/10000, p.value/100%100)
	case 8:
		return isDate(p.value/1_000_000, p.value/10000%100) && isYear(p.value%10000) || isDate(p.value/100%100, p.value%100) && isYear(p.value/10000)
	}
	return false
}

func isDate(month, day int) bool { return month >= 1 && month <= 12 && day >= 1 && day <= 31 }
func isYear(year int) bool       { return year >= 1900 && year < 2100 }

// readDatePart reads digits, with the ending of an ordinal number or not, or the name of a month.
func readDatePart(text string, i int) (p datePart, end int, ok bool) {
	for end = i; end < len(text) && isDigit(text[end]); end++ {
		if p.digits++; p.digits > 8 {
			return p, end, false
		}
		p.value = p.value*10 + int(text[end]-'0')
	}
	letters := end
	for letters < len(text) && isLetter(text[letters]) {
		letters++
	}
	if p.digits > 0 {
		if isOrdinal(text[end:letters]) {
			end = letters
		}
		return p, end, true
	}
	p.value = monthNamed(text[end:letters])
	return p, letters, p.value > 0
}

func isOrdinal(letters string) bool {
	var w spelling
	w.add(letters)
	switch string(w.bytes()) {
	case "st", "nd", "rd", "th":
		return true
	}
	return false
}

// monthNamed returns the month of a name or of its first three letters or more; 0 for any other word.
func monthNamed(word string) int {
	if len(word) < 3 {
		return 0
	}
	for i, name := range [...]string{
		"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
	} {
		if len(word) <= len(name) && strings.EqualFold(word, name[:len(word)]) {
			return i + 1
		}
	}
	return 0
}

// dateGap passes what stands between the parts of a date.
func dateGap(text string, i int) int {
	for range 4 {
		if i >= len(text) {
			return i
		}
		c, size := text[i], 1
		if c >= 0x80 {
			c, size = plainSeparator(text[i:])
		}
		switch {
		case c == ' ', c == '-', c == '.', c == '/', c == ',', c == '\'':
			i += size
		case strings.HasPrefix(text[i:], "of "):
			i += len("of ")
		default:
			return i
		}
	}
	return i
}

// ends reports whether no letter or digit follows.
func ends(text string, i int) bool {
	return i >= len(text) || !isLetter(text[i]) && !isDigit(text[i])
}

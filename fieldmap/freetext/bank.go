package freetext

// bank reports how many groups are a routing number or an account. Both need a word beside them; a routing number has
// a check digit too.
func (n *number) bank(said label) int {
	g := n.groups[0]
	switch {
	case !n.alone(1, said):
		return 0
	case said == account && g.size() >= 6 && g.size() <= 17:
		return 1
	case g.size() == 9 && n.routing() && (said == bank || n.behind(1) == bank):
		return 1
	}
	return 0
}

// routing reports whether nine digits are a routing number: the Federal Reserve's districts, and the ABA's check digit.
func (n *number) routing() bool {
	sum := 0
	for place := range 9 {
		sum += n.digit(place) * [...]int{3, 7, 1}[place%3]
	}
	district := n.value(0, 2)
	return sum%10 == 0 && n.value(0, 9) != 0 &&
		(district <= 12 || district >= 21 && district <= 32 || district >= 61 && district <= 72 || district == 80)
}

// iban reports whether an IBAN (ISO 13616) stands at i, in any case, with or without blanks, and where it ends.
func iban(text string, i int) (end int, ok bool) {
	if i+4 > len(text) || !isLetter(text[i+1]) || !isDigit(text[i+2]) || !isDigit(text[i+3]) {
		return 0, false
	}
	length := ibanLength([2]byte{text[i] | 0x20, text[i+1] | 0x20})
	var chars [34]byte
	have, blank := 0, false
	for ; i < len(text) && have < length; i++ {
		switch c := text[i]; {
		case isLetter(c) || isDigit(c):
			chars[have], blank = c, false
			have++
		case (c == ' ' || c == '-') && !blank && have >= 4:
			blank = true
		default:
			return 0, false
		}
	}
	if have < length || length == 0 || i < len(text) && (isLetter(text[i]) || isDigit(text[i])) {
		return 0, false
	}
	return i, mod97(chars[4:have], chars[:4]) == 1
}

// mod97 returns the remainder of the number that the characters of both parts make, a letter being 10 to 35.
func mod97(parts ...[]byte) int {
	rest := 0
	for _, part := range parts {
		for _, c := range part {
			if isDigit(c) {
				rest = (rest*10 + int(c-'0')) % 97
			} else {
				rest = (rest*100 + int(c|0x20-'a') + 10) % 97
			}
		}
	}
	return rest
}

// ibanLength returns how many characters a country's IBANs have; 0 for a country that has none.
func ibanLength(country [2]byte) int {
	switch string(country[:]) {
	case "no":
		return 15
	case "be":
		return 16
	case "dk", "fi", "nl":
		return 18
	case "si":
		return 19
	case "at", "lt", "lu", "ee":
		return 20
	case "ch", "hr", "lv", "li", "cr":
		return 21
	case "de", "gb", "ie", "bg", "rs", "ge":
		return 22
	case "ae", "il":
		return 23
	case "es", "se", "cz", "sk", "sa", "ro", "pk", "ad":
		return 24
	case "pt":
		return 25
	case "is", "tr":
		return 26
	case "fr", "it", "gr", "mc", "sm":
		return 27
	case "pl", "hu", "cy", "al", "lb", "do", "gt":
		return 28
	case "br", "eg", "qa", "ua":
		return 29
	case "jo", "kw", "mu":
		return 30
	case "mt":
		return 31
	}
	return 0
}

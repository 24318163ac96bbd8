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

// routing reports whether nine digits are a routing number.
func (n *number) routing() bool {
	var buffer [9]byte
	digits := n.appendDigits(buffer[:0], 9)
	return RoutingDistrict(digits) && RoutingSum(digits)
}

// RoutingDistrict reports whether digits begin as bank routing numbers do: with a Federal Reserve district, that of a
// thrift (21 to 32), an electronic one (61 to 72), or 80 of traveler's cheques. 00 is the Treasury's, and no customer's.
func RoutingDistrict(digits []byte) bool {
	two := string(digits[:2])
	return two >= "01" && two <= "12" || two >= "21" && two <= "32" || two >= "61" && two <= "72" || two == "80"
}

// RoutingSum reports whether nine digits have the check digit of the American Bankers Association: weights 3, 7 and 1.
func RoutingSum(digits []byte) bool {
	sum := 0
	for place, c := range digits {
		sum += int(c-'0') * [...]int{3, 7, 1}[place%3]
	}
	return sum%10 == 0
}

// iban reports whether an IBAN (ISO 13616) stands at i, in any case, with or without blanks, and where it ends.
func iban(text string, i int) (end int, ok bool) {
	if i+4 > len(text) || !isLetter(text[i+1]) || !isDigit(text[i+2]) || !isDigit(text[i+3]) {
		return 0, false
	}
	length := IBANLength([2]byte{text[i] | 0x20, text[i+1] | 0x20})
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
	return i, IBANSum(chars[:have])
}

// IBANSum reports whether letters and digits without blanks have the check digits of ISO 13616: the number that they
// make, the first four behind the others and a letter being 10 to 35, leaves 1 by 97.
func IBANSum(chars []byte) bool {
	rest := 0
	for i := range chars {
		if c := chars[(i+4)%len(chars)]; isDigit(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c|0x20-'a') + 10) % 97
		}
	}
	return rest == 1
}

// IBANLength returns how many characters the IBANs of a country, in lower case, have; 0 for a country that has none.
func IBANLength(country [2]byte) int {
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
	case "ae", "gi", "il":
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

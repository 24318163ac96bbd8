package freetext

// card reports how many groups are a payment card's number: one that an issuer could have given (ISO/IEC 7812), in
// groups of at least three digits. Numbers of 13 digits, which only old Visa cards have, look like barcodes: a word must say
// that they are a card's. One run of digits that a word calls a number of the workshop's own is taken for that.
func (n *number) card(said label) int {
	for groups := n.count; groups > 0; groups-- {
		length, ok := n.cardShape(groups)
		if !ok || groups == 1 && (said == other || length == 13 && said != card) {
			continue
		}
		var buffer [19]byte
		if digits := n.appendDigits(buffer[:0], length); Issued(digits) && Luhn(digits) && n.alone(groups, said) {
			return groups
		}
	}
	return 0
}

func (n *number) cardShape(groups int) (length int, ok bool) {
	for _, g := range n.groups[:groups] {
		if g.size() < 3 || g.gap == '/' || g.gap == ')' {
			return 0, false
		}
		length += g.size()
	}
	return length, length >= 13 && length <= 19
}

// Issued reports whether cards of that many digits, four at least, begin as these do.
func Issued(digits []byte) bool {
	first, length := 0, len(digits)
	for _, c := range digits[:4] {
		first = first*10 + int(c-'0')
	}
	two := first / 100
	switch {
	case first/1000 == 4: // Visa
		return length == 13 || length == 16 || length == 19
	case two == 34, two == 37: // American Express
		return length == 15
	case two >= 51 && two <= 55, first >= 2221 && first <= 2720: // Mastercard
		return length == 16
	case first >= 3000 && first <= 3059, first == 3095, two == 36, two == 38, two == 39: // Diners Club
		return length == 14
	case first >= 3528 && first <= 3589, first == 6011, first >= 6440 && first <= 6599, two == 62: // JCB, Discover, UnionPay
		return length >= 16
	}
	return false
}

// Luhn reports whether the last digit is the check digit of the others.
func Luhn(digits []byte) bool {
	sum := 0
	for place, c := range digits {
		d := int(c - '0')
		if (len(digits)-place)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

package fieldmap

import (
	"strings"

	"roagent/fieldmap/freetext"
)

// secretKind is what a value may be as a whole.
type secretKind int

const (
	ssnSecret secretKind = iota
	cardSecret
	ibanSecret
	routingSecret
	secretKinds

	noSecret secretKind = -1
)

// String names values of the kind.
func (k secretKind) String() string {
	return [...]string{"social security or tax numbers", "card numbers", "bank accounts (IBAN)", "bank routing numbers"}[k]
}

// The shortest secret is a routing number, the longest an IBAN of 34 characters in groups of four.
const (
	shortestSecret = 9
	longestSecret  = 42
)

// secretOf returns what a text has the shape of, and whether it passes that kind's check.
func secretOf(s string) (kind secretKind, passes bool) {
	if len(s) < shortestSecret || len(s) > longestSecret {
		return noSecret, false
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9':
		return numberSecret(s)
	case c >= 'A' && c <= 'Z':
		return ibanOf(s)
	}
	return noSecret, false
}

// numberSecret looks at digits, with blanks or dashes between groups of them.
func numberSecret(s string) (kind secretKind, passes bool) {
	var buffer [19]byte
	digits := buffer[:0]
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9' && len(digits) < cap(digits):
			digits = append(digits, c)
		case c == '.' && strings.Trim(s[i+1:], "0") == "":
			s = s[:i] // decimal(16,2); the loop ends here
		case (c == '-' || c == ' ') && i+1 < len(s) && s[i+1] != '-' && s[i+1] != ' ':
		default:
			return noSecret, false
		}
	}
	switch n := len(digits); {
	case n == 9 && len(s) == 11 && s[3] == s[6] && (s[3] == '-' || s[3] == ' '):
		return ssnSecret, freetext.GivenSSN(digits)
	case n == 9 && len(s) == 9 && freetext.RoutingDistrict(digits):
		return routingSecret, freetext.RoutingSum(digits)
	case n >= 13 && digits[0] >= '2' && digits[0] <= '6':
		return cardSecret, freetext.Issued(digits) && freetext.Luhn(digits)
	}
	return noSecret, false
}

// ibanOf looks at two letters of a country, two digits and an account, in groups of four or in one (ISO 13616).
func ibanOf(s string) (kind secretKind, passes bool) {
	if s[1] < 'A' || s[1] > 'Z' || s[2] < '0' || s[2] > '9' || s[3] < '0' || s[3] > '9' {
		return noSecret, false
	}
	var buffer [longestSecret]byte
	chars := buffer[:0]
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z':
			chars = append(chars, c)
		case c != ' ':
			return noSecret, false
		}
	}
	if len(chars) != freetext.IBANLength([2]byte{s[0] | 0x20, s[1] | 0x20}) {
		return noSecret, false
	}
	return ibanSecret, freetext.IBANSum(chars)
}

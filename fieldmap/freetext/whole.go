package freetext

import "strings"

// Whole reports whether a value as a whole is a secret, as the values of a column with a harmless name may be. No word
// helps here: licences and dates of birth cannot be told from other values, and nine digits are a routing number where their
// check digit says so, else a social security number where one could have been given.
func Whole[T string | []byte](text T) (Kind, bool) {
	if len(text) > maxWhole {
		return 0, false
	}
	value := strings.TrimSpace(string(text))
	if found := Find(value); len(found) == 1 && found[0].From == 0 && found[0].To == len(value) {
		return found[0].Kind, true
	}
	if len(value) != 9 || !allDigits(value) {
		return 0, false
	}
	switch n := readNumber(value, 0); {
	case n.routing():
		return Bank, true
	case n.plausibleSSN():
		return SSN, true
	}
	return 0, false
}

// maxWhole is longer than any address that people have.
const maxWhole = 254

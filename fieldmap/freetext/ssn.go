package freetext

// ssn reports how many groups are a social security number.
//
// With dashes, 3-2-4 is one whatever its digits: nothing else in a workshop is written so, and an area of 9 is a taxpayer's
// number (ITIN), no less secret; areas that were never given (000, 666) are mistyped ones. Only 000-00-0000 is nobody's. With
// other separators it must be one that could have been given. Any nine digits are one where a word says so.
func (n *number) ssn(said label) int {
	groups := n.first(9)
	if groups == 0 || n.value(0, 9) == 0 || !n.alone(groups, said) {
		return 0
	}
	if said == ssn || groups == 1 && n.behind(groups) == ssn {
		return groups
	}
	if !n.sizes(3, 2, 4) || said == other {
		return 0
	}
	switch sep, same := n.gaps(3); {
	case !same:
		return 0
	case sep == '-':
		return 3
	case (sep == ' ' || sep == '.') && n.plausibleSSN():
		return 3
	}
	return 0
}

// plausibleSSN reports whether the number could have been given.
func (n *number) plausibleSSN() bool {
	var digits [9]byte
	return GivenSSN(n.appendDigits(digits[:0], 9))
}

// GivenSSN reports whether nine digits, in groups of 3, 2 and 4, can be a number of the Social Security Administration
// (areas 000, 666 and from 900, group 00 and serial 0000 are never given) or an ITIN of the IRS (9xx, groups from 50).
func GivenSSN(digits []byte) bool {
	area, group, serial := string(digits[:3]), string(digits[3:5]), string(digits[5:])
	if area == "000" || area == "666" || group == "00" || serial == "0000" {
		return false
	}
	return area < "900" || group >= "50"
}

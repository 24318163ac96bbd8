package freetext

// licenceAt reports whether a driver's licence stands at i, behind a word that says so, and where it ends. The states
// number them with up to two letters and 5 to 14 digits, or with letters and digits mixed (Washington, New Hampshire).
func licenceAt(text string, i int) (end int, ok bool) {
	if end, ok := numberedLicence(text, i, 5); ok {
		return end, true
	}
	end, letters, digits := span(text, i)
	if size := end - i; !letters || !digits || size < 7 || size > 14 {
		return 0, false
	}
	return end, countDigits(text[i:end]) >= 3
}

// plainLicenceAt is licenceAt behind LIC, which is more often a plate: it takes what no plate looks like.
func plainLicenceAt(text string, i int) (end int, ok bool) { return numberedLicence(text, i, 7) }

func numberedLicence(text string, i, least int) (end int, ok bool) {
	from := i
	for i < len(text) && isLetter(text[i]) {
		i++
	}
	letters := i - from
	if letters == 1 && i < len(text) && (text[i] == ' ' || text[i] == '-') {
		i++
	}
	n := readNumber(text, i)
	groups := 0
	if n.count > 0 {
		groups = n.licence(letters, least)
	}
	if groups == 0 || n.tiedBehind(groups) {
		return 0, false
	}
	end = n.groups[groups-1].to
	return end, end == len(text) || !isLetter(text[end])
}

// licence reports how many groups behind that many letters are a licence's.
func (n *number) licence(letters, least int) int {
	size := n.groups[0].size()
	switch letters {
	case 0:
		for _, shape := range [...][]int{{3, 3, 3}, {2, 3, 3}, {2, 3, 4}, {4, 2, 4}} { // NY, PA, CO, IN
			if n.sizes(shape...) {
				return len(shape)
			}
		}
		if size >= max(7, least) && size <= 10 || size == 12 {
			return 1
		}
	case 1:
		for _, shape := range [...][]int{{3, 3, 2, 3, 1}, {3, 3, 2, 3}, {3, 3, 3, 3}, {3, 4, 4, 2}, {3, 4, 4}, {4, 5, 5}, {2, 3, 3}, {2, 2, 4}} { // FL, MI, WI, IL, NJ, KY, KS
			if n.sizes(shape...) {
				return len(shape)
			}
		}
		if size >= least && size <= 14 {
			return 1
		}
	case 2:
		if n.sizes(3, 3) { // OH
			return 2
		}
		if size == 6 || size == 7 {
			return 1
		}
	}
	return 0
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if isDigit(s[i]) {
			n++
		}
	}
	return n
}

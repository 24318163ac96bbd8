package freetext

// phone reports how many groups are a telephone number of the North American plan: ten digits, a one before them or not,
// of which area and exchange begin with 2 to 9. What is written 3-3-4 is one; other groupings, and seven digits, need a word.
func (n *number) phone(said label) int {
	if said == other {
		return 0
	}
	spoken := said == phone || said == call
	for lead := range 2 {
		groups := n.first(10 + lead)
		if groups == 0 || lead == 1 && n.digit(0) != 1 || n.digit(lead) < 2 || n.digit(lead+3) < 2 || !n.alone(groups, said) {
			continue
		}
		if spoken || n.sizes(3, 3, 4) || n.sizes(1, 3, 3, 4) || n.opened() || n.behind(groups) == phone {
			return groups
		}
	}
	return n.local(said)
}

// local reports how many groups are a number without its area.
func (n *number) local(said label) int {
	groups := n.first(7)
	switch {
	case groups == 0 || n.digit(0) < 2 || !n.alone(groups, said):
		return 0
	case said == phone && groups <= 2:
		return groups
	case n.sizes(3, 4) && (said == call || n.behind(groups) == phone):
		return groups
	}
	return 0
}

// opened reports whether the number begins as only telephone numbers do: +1, (626).
func (n *number) opened() bool {
	from := n.groups[0].from
	if from == 0 {
		return false
	}
	return n.text[from-1] == '+' || n.text[from-1] == '(' && n.count > 1 && n.groups[1].gap == ')'
}

// dialled returns where the telephone number begins, with its + and (.
func (n *number) dialled() int {
	from := n.groups[0].from
	for range 2 {
		if from > 0 && (n.text[from-1] == '(' || n.text[from-1] == '+') {
			from--
		}
	}
	return from
}

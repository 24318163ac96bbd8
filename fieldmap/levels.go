package fieldmap

// KeyAt returns the places in Select of the orders' key, in the order of Key. It must not be changed.
func (l *Level) KeyAt() []int { return l.key }

// AnchorsAt returns the places in Select of the values that rows of l.Lists[list] name, in the order of that list's
// Link. It must not be changed.
func (l *Level) AnchorsAt(list int) []int { return l.anchors[list] }

// Chain returns the levels from the first below the orders down to l: job, job.service_parts. It is empty for the
// orders themselves.
func (l *Level) Chain() []*Level {
	if l.Parent == nil {
		return nil
	}
	return append(l.Parent.Chain(), l)
}

// Park sets an order of the page aside, by its place in Reset's keys. The reason names no value of the record.
func (p *Page) Park(place int, reason string) {
	p.sealed = false
	p.park(place, reason)
}

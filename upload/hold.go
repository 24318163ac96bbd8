package upload

import "roagent/fieldmap"

// hold parks the line of an order that must wait until a person releases it. To the order's state it is a line that was
// refused: the same content stays parked at every pull, another one takes its place, and a release sends it.
func (w *pageWriter) hold(record fieldmap.Record, state, next orderState) (orderState, error) {
	text := appendLine(nil, w.q.dealer, w.name, record.Key().Text, next.revision, state.replaces(), record.JSON())
	line, err := parseLine(text)
	if err != nil {
		return next, err
	}
	if next, err = next.refuse(&line); err != nil {
		return next, err
	}
	w.stored.Parked++
	head := parkedHead{Week: w.name, Key: line.Key, Lines: 1, Held: true, Reason: record.Held(), Since: w.now, Fieldmap: w.digest}
	return next, w.q.parkLines(w.tx, head, "", []string{line.Key}, [][]byte{text}, orderTags{line.Key: record.Tags()})
}

// refusedByCollector reports whether the collector refused what is parked of the order w.key. What only was held may go
// once the whitelist no longer holds it.
func (w *pageWriter) refusedByCollector() (bool, error) {
	for _, number := range parkedOf(w.tx, w.key) {
		head, err := loadParked(w.tx, number)
		if err != nil {
			return false, err
		}
		if head.Held && head.Week == w.name {
			return false, nil
		}
	}
	return true, nil
}

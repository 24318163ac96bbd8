package extract

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"roagent/fieldmap"
)

// KeyPage is some keys of one week, in the DMS's own order.
type KeyPage struct {
	keys   []fieldmap.OrderKey
	values [][]any // of the key's columns, by key
	parked []fieldmap.Parked
	next   []byte   // position after all that was read for this page; nil: the week ends here
	seen   *session // whose transaction the keys are of
}

// Keys returns the keys. They must not be changed.
func (k *KeyPage) Keys() []fieldmap.OrderKey { return k.keys }

// Parked returns orders between the keys whose own key cannot be written, and so cannot be read. Their Key is the
// JSON of its columns.
func (k *KeyPage) Parked() []fieldmap.Parked { return k.parked }

// Next returns the position after the page, for [Reading.Keys], or nil where the week has no more keys.
func (k *KeyPage) Next() []byte { return k.next }

// NextAt returns the position after the page's first n keys: where a reading goes on that has stored no more of them.
// After all of them it is Next.
func (k *KeyPage) NextAt(n int) []byte {
	if n >= len(k.keys) {
		return k.next
	}
	return position(k.values[n-1])
}

// Pick returns a page of the keys with these places. Its Next is the whole page's.
func (k *KeyPage) Pick(places []int) *KeyPage {
	picked := &KeyPage{
		keys: make([]fieldmap.OrderKey, 0, len(places)), values: make([][]any, 0, len(places)), next: k.next, seen: k.seen,
	}
	for _, i := range places {
		picked.keys = append(picked.keys, k.keys[i])
		picked.values = append(picked.values, k.values[i])
	}
	return picked
}

// Rest returns a page without the first n keys, to read those that [Reading.Orders] left out.
func (k *KeyPage) Rest(n int) *KeyPage {
	return &KeyPage{keys: k.keys[n:], values: k.values[n:], next: k.next, seen: k.seen}
}

// readAhead is how many pages of keys one statement reads. On SQLite the first of a week is found by its index; further
// ones walk along the key, since sorting the rest of a week that large for each of them would cost more.
const readAhead = 16

// keyBuffer holds keys that were read ahead.
type keyBuffer struct {
	week    fieldmap.Week
	since   time.Time
	from    string // the position before entries
	entries []keyEntry
	space   []keyEntry // of entries, to be used again
	next    []byte     // the position after entries; nil: the week ends there
	seen    *session
}

// keyEntry is one key as it was read.
type keyEntry struct {
	key    fieldmap.OrderKey
	values []any
	reason string // why it cannot be used; "" where it can
}

// page takes the first limit entries.
func (b *keyBuffer) page(limit int) *KeyPage {
	n := min(limit, len(b.entries))
	page := &KeyPage{keys: make([]fieldmap.OrderKey, 0, n), values: make([][]any, 0, n), next: b.next, seen: b.seen}
	for _, e := range b.entries[:n] {
		if e.reason != "" {
			page.parked = append(page.parked, fieldmap.Parked{Week: b.week, Key: e.key, Reason: e.reason})
			continue
		}
		page.keys = append(page.keys, e.key)
		page.values = append(page.values, e.values)
	}
	if n < len(b.entries) {
		page.next = position(b.entries[n-1].values)
	}
	b.entries = b.entries[n:]
	b.from = string(page.next)
	return page
}

// Keys returns up to limit keys of a week that come after a position (nil: from the start), without those of skipped
// rows and NULL keys. A key of several rows comes once. since is when the week was last read: see
// [fieldmap.OrderKey.Recent].
func (rd *Reading) Keys(ctx context.Context, week fieldmap.Week, after []byte, limit int, since time.Time) (*KeyPage, error) {
	b := &rd.ahead
	if b.week != week || !b.since.Equal(since) || len(b.entries) == 0 || b.from != string(after) {
		*b = keyBuffer{space: b.space} // which is written over, whatever comes of it
		entries, next, err := rd.readKeys(ctx, week, after, limit*readAhead, since)
		if err != nil {
			return nil, err
		}
		*b = keyBuffer{week: week, since: since, entries: entries, space: entries, next: next, seen: rd.session}
	}
	return b.page(limit), nil
}

// readKeys reads up to limit keys, or more where limit rows give none but the last page's.
func (rd *Reading) readKeys(ctx context.Context, week fieldmap.Week, after []byte, limit int, since time.Time) (entries []keyEntry, next []byte, err error) {
	r := rd.reader
	op := rd.op("the keys", week)
	s, q := r.statements.nextKeys, request{week: week, limit: limit}
	if len(after) > 0 {
		if q.after, err = parsePosition(after, len(r.plan.Orders.Key)); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", op, err)
		}
	} else {
		weekly, err := rd.weekly(ctx, week)
		if err != nil {
			return nil, nil, err
		}
		s = weekly.firstKeys
	}
	for {
		args, err := r.arguments(s, q)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", op, err)
		}
		var k *keyScan
		err = rd.do(ctx, op, func(ctx context.Context, session *session) error {
			k = &keyScan{reader: r, since: since, after: string(after), moved: len(after) == 0, entries: rd.ahead.space[:0]}
			return session.run(ctx, s, s.head, args, k.add)
		})
		switch {
		case err != nil:
			return nil, nil, err
		case k.rows < q.limit:
			return k.entries, nil, nil
		case k.moved:
			return k.entries, position(k.entries[len(k.entries)-1].values), nil
		}
		q.limit *= 2
	}
}

// keyScan takes the rows of a key statement.
type keyScan struct {
	reader  *Reader
	since   time.Time
	after   string // the last page's position
	rows    int
	moved   bool // some key is not the last page's in another case
	entries []keyEntry
}

// recent reports whether a value of the changed column lies after the week's last reading, or shortly before it.
func (k *keyScan) recent(changed any) bool {
	if k.since.IsZero() {
		return false // never read: all orders are
	}
	at := k.reader.encoder.Moment(changed)
	return !at.IsZero() && !at.Before(k.since)
}

func (k *keyScan) add(values row) error {
	k.rows++
	for _, c := range k.reader.keyConverters {
		values[c.at] = c.convert(values[c.at])
	}
	width := len(k.reader.plan.Orders.Key)
	e := keyEntry{values: slices.Clone([]any(values[:width]))}
	if k.after != "" && !k.moved {
		at := string(position(e.values))
		if k.moved = !strings.EqualFold(at, k.after); at == k.after {
			return nil
		}
	}
	var err error
	if e.key.Text, err = k.reader.encoder.KeyText(e.values); err != nil {
		e.key.Text, e.reason = string(position(e.values)), err.Error()+"; correct the order's key in the DMS"
	}
	if len(values) > width {
		e.key.Changed = k.reader.encoder.Token(values[width])
		e.key.Recent = k.recent(values[width])
	}
	if last := len(k.entries) - 1; last >= 0 && k.entries[last].key.Text == e.key.Text {
		if k.entries[last].key.Changed != e.key.Changed {
			k.entries[last].key.Changed = "" // two rows that do not agree: read them, to see what is wrong
		}
		return nil
	}
	k.entries = append(k.entries, e)
	return nil
}

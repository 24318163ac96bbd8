package fieldmap

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// MaxOrder is the most bytes that one order may have as it is sent; a larger one is parked.
const MaxOrder = 15 << 20

// Records yields the orders that can be sent, in the order of Reset's keys; [Record.Held] tells which of them wait for a
// person first. An order of the keys that had no row is not among them.
func (p *Page) Records() iter.Seq[Record] {
	p.seal()
	held := p.holds()
	return func(yield func(Record) bool) {
		from := 0
		for i, to := range p.ends {
			json := p.out[from:to:to]
			from = to
			if len(json) == 0 {
				continue
			}
			if !yield(Record{week: p.week, key: p.keys[i], json: json, digest: sha256.Sum256(json), held: held[i], tags: p.writer.tags[i]}) {
				return
			}
		}
	}
}

// Parked returns the orders that cannot be sent, each with a reason that names no value of the record.
func (p *Page) Parked() []Parked {
	p.seal()
	var parked []Parked
	for i, reason := range p.reason {
		if reason != "" {
			parked = append(parked, Parked{Week: p.week, Key: p.keys[i], Reason: reason})
		}
	}
	return parked
}

// Counts returns what was left out or altered on this page, of the orders that can be sent.
func (p *Page) Counts() Counts {
	p.seal()
	var c Counts
	paths := p.enc.paths()
	for _, e := range p.writer.events {
		if p.reason[e.order] != "" {
			continue
		}
		switch e.kind {
		case eventWithheld:
			c.Withheld = count(c.Withheld, paths[e.field], 1)
		case eventInvalidText:
			c.InvalidText++
		case eventRepeated:
			c.Repeated++
		case eventSkipped:
			c.Skipped++
		case eventSecret:
			if p.enc.plan.Whitelist.Narratives == SendNarratives {
				c.Exposed = count(c.Exposed, e.secret.String(), 1)
			} else {
				c.Redacted = count(c.Redacted, e.secret.String(), 1)
			}
		}
	}
	return c
}

// paths returns the sent paths of all fields, by their number.
func (e *Encoder) paths() []string {
	var paths []string
	for _, l := range e.plan.Levels {
		for _, f := range l.fields {
			paths = append(paths, strings.TrimPrefix(l.Path+"."+f.field.Send, "."))
		}
	}
	return paths
}

// seal writes every order that can be sent into out.
func (p *Page) seal() {
	if p.sealed {
		return
	}
	p.sealed = true
	p.out = slices.Grow(p.out[:0], p.Size()+p.Size()/4)
	p.ends = p.ends[:0]
	for i := range p.keys {
		from := len(p.out)
		if at := p.levels[0].heads[i]; at >= 0 && p.reason[i] == "" {
			p.out = p.appendRow(p.out, p.enc.plan.Orders, at)
			if size := len(p.out) - from; size > MaxOrder {
				p.park(i, fmt.Sprintf("the order has %d bytes, more than the %d that can be sent; shorten its texts in the DMS, or TRUNCATE them in the whitelist", size, MaxOrder))
				p.out = p.out[:from]
			}
		}
		p.ends = append(p.ends, len(p.out))
	}
}

// appendRow appends a row as an object: its own members, then its lists.
func (p *Page) appendRow(dst []byte, l *Level, at int) []byte {
	rows := &p.levels[l.Index]
	dst = append(dst, '{')
	from := len(dst)
	dst = append(dst, rows.body[rows.rows[at].from:rows.rows[at].to]...)
	for _, list := range l.Lists {
		head := p.levels[list.Index].heads[at]
		if head < 0 {
			continue
		}
		if len(dst) > from {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, list.Path[strings.LastIndexByte(list.Path, '.')+1:]...)
		dst = append(dst, `":[`...)
		dst = p.appendList(dst, list, head)
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendList appends the rows of a list that begins with head. Rows that the whitelist's order does not tell apart are
// put in the order of their bytes, so that the same rows always make the same order.
func (p *Page) appendList(dst []byte, list *Level, head int) []byte {
	rows := p.levels[list.Index].rows
	for from := head; from >= 0; {
		if from != head {
			dst = append(dst, ',')
		}
		until := rows[from].next
		for until >= 0 && p.sameToken(list, from, until) {
			until = rows[until].next
		}
		if until == rows[from].next { // the usual case: alone
			dst = p.appendRow(dst, list, from)
		} else {
			var texts [][]byte
			for at := from; at != until; at = rows[at].next {
				texts = append(texts, p.appendRow(nil, list, at))
			}
			slices.SortFunc(texts, bytes.Compare)
			dst = append(dst, bytes.Join(texts, []byte{','})...)
		}
		from = until
	}
	return dst
}

func (p *Page) sameToken(list *Level, a, b int) bool {
	l := &p.levels[list.Index]
	token := func(r row) []byte { return l.tokens[r.tokenFrom:r.tokenTo] }
	return bytes.Equal(token(l.rows[a]), token(l.rows[b]))
}

// Parked is an order that cannot be sent as it is.
type Parked struct {
	Week   Week
	Key    OrderKey
	Reason string // what is wrong and what to do; no value of the record
}

// Counts is what was left out of orders or altered in them.
type Counts struct {
	Withheld    map[string]int `json:"withheld,omitempty"`     // by sent path
	Redacted    map[string]int `json:"redacted,omitempty"`     // secrets in free text, by kind
	Exposed     map[string]int `json:"exposed,omitempty"`      // secrets in free text that are sent as they are, by kind
	InvalidText int            `json:"invalid_text,omitempty"` // texts with bytes that are no UTF-8, now U+FFFD
	Repeated    int            `json:"repeated,omitempty"`     // times in an hour that daylight saving repeats
	Skipped     int            `json:"skipped,omitempty"`      // times in an hour that it skips
}

// Add adds d to c.
func (c *Counts) Add(d Counts) {
	for path, n := range d.Withheld {
		c.Withheld = count(c.Withheld, path, n)
	}
	for kind, n := range d.Redacted {
		c.Redacted = count(c.Redacted, kind, n)
	}
	for kind, n := range d.Exposed {
		c.Exposed = count(c.Exposed, kind, n)
	}
	c.InvalidText += d.InvalidText
	c.Repeated += d.Repeated
	c.Skipped += d.Skipped
}

func count(counts map[string]int, name string, n int) map[string]int {
	if counts == nil {
		counts = map[string]int{}
	}
	counts[name] += n
	return counts
}

// SkipCount is how many rows one skip rule left out.
type SkipCount struct {
	List  string `json:"list"` // "" for the orders, else job or job.service_parts
	Why   string `json:"why"`  // the rule's reason
	Count int    `json:"count"`
}

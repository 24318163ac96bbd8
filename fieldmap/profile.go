package fieldmap

import (
	"fmt"
	"maps"
	"math/big"
	"math/bits"
	"slices"
	"strings"
)

// Profile is what the orders of a week look like, as far as they are sent: counts and totals, and nothing of a single order or customer.
// Two profiles of one week's parts can be added.
type Profile struct {
	Orders  int                       `json:"orders"`
	Lines   map[string]int            `json:"lines,omitempty"`   // by list, as job and job.service_parts
	Present map[string]int            `json:"present,omitempty"` // by sent path: orders or lines that had a value; every field that is sent is named
	Codes   map[string]map[string]int `json:"codes,omitempty"`   // by sent path of who pays, by what is sent; OtherCode for what the whitelist does not name
	Sums    map[string]string         `json:"sums,omitempty"`    // by sent path of an amount: the total, as a decimal
}

const (
	// OtherCode counts in [Profile].Codes what the whitelist's map does not name, which may be anything.
	OtherCode = "other"
	// MinSummed is the fewest orders whose amounts are totalled: of fewer, a total is nearly somebody's bill.
	MinSummed = 5
	// MaxCodes is the most codes that are counted apart.
	MaxCodes = 20
)

// Of returns how many orders or lines could have had the field of this sent path.
func (p *Profile) Of(path string) int {
	of, longest := p.Orders, ""
	for list, n := range p.Lines {
		if strings.HasPrefix(path, list+".") && len(list) > len(longest) {
			of, longest = n, list
		}
	}
	return of
}

// Add adds q to p. Nothing of q is shared with p afterwards, nor anything of what p was.
func (p *Profile) Add(q *Profile) {
	p.Orders += q.Orders
	p.Lines = added(p.Lines, q.Lines)
	p.Present = added(p.Present, q.Present)
	codes := make(map[string]map[string]int, len(p.Codes))
	for path, counts := range p.Codes {
		codes[path] = added(counts, nil)
	}
	for path, counts := range q.Codes {
		codes[path] = added(codes[path], counts)
	}
	p.Codes = codes
	sums := make(map[string]string, len(p.Sums))
	maps.Copy(sums, p.Sums)
	for path, sum := range q.Sums {
		sums[path] = addDecimals(sums[path], sum)
	}
	p.Sums = sums
}

func added(a, b map[string]int) map[string]int {
	sum := make(map[string]int, max(len(a), len(b)))
	maps.Copy(sum, a)
	for name, n := range b {
		sum[name] += n
	}
	return sum
}

// Public returns what of the profile may leave: without the totals of few orders.
func (p *Profile) Public() *Profile {
	public := *p
	if public.Orders < MinSummed {
		public.Sums = nil
	}
	return &public
}

// sumDigits are the digits of a total behind its point.
const sumDigits = 4

func addDecimals(a, b string) string {
	var sum, other big.Rat
	if a != "" {
		sum.SetString(a)
	}
	other.SetString(b)
	return sum.Add(&sum, &other).FloatString(sumDigits)
}

// profiled is what an encoder must know of a level's fields to count them.
type profiled struct {
	paths  []string // by fieldEncoder.place
	coded  []*codedField
	summed []int // places of amounts
}

// codedField is a field that says who pays.
type codedField struct {
	place int
	names []string       // by code; the last is OtherCode
	codes map[string]int // what is sent to its place in names
}

// rowProfile is what is counted of one row, beside its members.
type rowProfile struct {
	present []uint64 // a bit for each field of the level, by its place
	codes   []uint8  // by profiled.coded: one more than its place in names; 0: no value
	amounts []int64  // by profiled.summed: in units of the last of sumDigits
}

// note counts a field's value as it is sent.
func (r *rowProfile) note(f *fieldEncoder, sent []byte) {
	r.present[f.place/64] |= 1 << (f.place % 64)
	switch {
	case f.coded != nil:
		code, ok := f.coded.codes[string(sent)]
		if !ok {
			code = len(f.coded.names) - 1
		}
		r.codes[f.codeAt] = uint8(code + 1)
	case f.summed:
		r.amounts[f.sumAt] = amountOf(sent[len(f.head) : len(sent)-len(f.tail)])
	}
}

// amountOf reads a decimal in quotes, in units of the last of sumDigits; 0 for one of more digits than a bill has. It runs for each line.
func amountOf(text []byte) int64 {
	n, behind, point, negative := int64(0), 0, false, false
	for _, c := range text {
		switch {
		case c == '-':
			negative = true
		case c == '.':
			point = true
		case c < '0' || c > '9' || behind == sumDigits:
		case n > maxAmount:
			return 0
		default:
			n = 10*n + int64(c-'0')
			if point {
				behind++
			}
		}
	}
	for ; behind < sumDigits; behind++ {
		n *= 10
	}
	if n > maxAmount {
		return 0
	}
	if negative {
		return -n
	}
	return n
}

const maxAmount = 1e13 // a thousand million, in units of the last of sumDigits

// profile readies a level's fields for counting.
func (le *levelEncoder) profile(l *Level, fields []*fieldEncoder) {
	for i, f := range fields {
		f.place = i
		le.counted.paths = append(le.counted.paths, f.path)
		switch {
		case strings.HasSuffix("."+f.path, ".bill_to_party_type") && f.mask.plain():
			f.coded, f.codeAt = f.codedBy(i), len(le.counted.coded)
			le.counted.coded = append(le.counted.coded, f.coded)
		case strings.HasSuffix("."+f.path, ".charge_amount") && f.field.Currency != "" && f.mask.plain():
			f.summed, f.sumAt = true, len(le.counted.summed)
			le.counted.summed = append(le.counted.summed, i)
		}
	}
	le.row = rowProfile{
		present: make([]uint64, (len(fields)+63)/64), codes: make([]uint8, len(le.counted.coded)), amounts: make([]int64, len(le.counted.summed)),
	}
}

// codedBy names the codes of a field: those that the whitelist's map sends. Without a map all are others: what a column holds is nobody's
// word but the DMS's.
func (f *fieldEncoder) codedBy(place int) *codedField {
	c := &codedField{place: place, codes: map[string]int{}}
	if f.field.Map != nil {
		for _, entry := range f.field.Map.Codes {
			if !slices.Contains(c.names, entry.Send) && len(c.names) < MaxCodes-1 {
				c.names = append(c.names, entry.Send)
			}
		}
		if other := f.field.Map.Else; f.field.Map.HasElse && !slices.Contains(c.names, other) && len(c.names) < MaxCodes-1 {
			c.names = append(c.names, other)
		}
	}
	for i, name := range c.names {
		sent, _ := AppendJSON(nil, name)
		c.codes[string(sent)] = i
	}
	c.names = append(c.names, OtherCode)
	return c
}

// Profile returns what the orders of this page that can be sent look like.
func (p *Page) Profile() *Profile {
	p.seal()
	profile := &Profile{Lines: map[string]int{}, Present: map[string]int{}, Codes: map[string]map[string]int{}, Sums: map[string]string{}}
	for i := range p.keys {
		if p.reason[i] == "" && p.levels[0].heads[i] >= 0 {
			profile.Orders++
		}
	}
	for _, l := range p.enc.plan.Levels {
		p.profileLevel(l, profile)
	}
	return profile
}

func (p *Page) profileLevel(l *Level, profile *Profile) {
	le, rows := p.enc.levels[l.Index], &p.levels[l.Index]
	counted := &le.counted
	words, codes, sums := len(le.row.present), len(counted.coded), len(counted.summed)
	present := make([]int, len(counted.paths))
	tallies := make([][MaxCodes + 1]int, codes)
	totals := make([]int64, sums)
	lines := 0
	for i := range rows.rows {
		if p.reason[rows.rows[i].order] != "" {
			continue
		}
		lines++
		for w, word := range rows.present[i*words : (i+1)*words] {
			for ; word != 0; word &= word - 1 {
				present[w*64+bits.TrailingZeros64(word)]++
			}
		}
		for j, code := range rows.codes[i*codes : (i+1)*codes] {
			tallies[j][code]++
		}
		for j, amount := range rows.amounts[i*sums : (i+1)*sums] {
			totals[j] += amount
		}
	}
	if l.Parent != nil {
		profile.Lines[l.Path] = lines
	}
	for i, path := range counted.paths {
		profile.Present[path] = present[i]
	}
	for j, coded := range counted.coded {
		counts := map[string]int{}
		for i, name := range coded.names {
			if n := tallies[j][i+1]; n > 0 {
				counts[name] += n
			}
		}
		profile.Codes[counted.paths[coded.place]] = counts
	}
	for j, place := range counted.summed {
		profile.Sums[counted.paths[place]] = addDecimals("", fmt.Sprintf("%de-%d", totals[j], sumDigits))
	}
}

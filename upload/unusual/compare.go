package unusual

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"roagent/fieldmap"
)

const (
	// MinHistory is the fewest weeks that a week is compared with.
	MinHistory = 4
	// MaxHistory is the most: the latest ones. A store changes, and a quarter of a year holds a holiday at most.
	MaxHistory = 12
)

// How far off a figure is before it is told.
const (
	low      = 0.25 // of the median: a week of holidays has more
	high     = 4    // times the median: the week after has less
	noise    = 5    // times the store's own noise
	halved   = 0.5  // of the median share of a field that has values
	atLeast  = 20   // orders or lines that a share is taken of
	expected = 12   // of those, such as should have been there and are not
	shifted  = 0.3  // of all: how far a code's share moves
	mostly   = 0.97 // of all lines: nearly all have one code
)

// Compare returns what is unusual in a week against the weeks before it, oldest first: nothing where these are fewer than [MinHistory].
// The same profiles have the same findings in the same order.
func Compare(week *fieldmap.Profile, history []*fieldmap.Profile) []Finding {
	history = slices.DeleteFunc(slices.Clone(history), func(p *fieldmap.Profile) bool { return p == nil })
	if week == nil || len(history) < MinHistory {
		return nil
	}
	history = history[max(0, len(history)-MaxHistory):]
	c := comparison{week: week, history: history}
	c.orders()
	if week.Orders > 0 {
		for _, list := range slices.Sorted(maps.Keys(week.Lines)) {
			c.lines(list)
		}
		for _, path := range slices.Sorted(maps.Keys(week.Present)) {
			c.field(path)
		}
		for _, path := range slices.Sorted(maps.Keys(week.Codes)) {
			c.codes(path)
		}
		for _, path := range slices.Sorted(maps.Keys(week.Sums)) {
			c.sum(path)
		}
	}
	return c.found
}

type comparison struct {
	week    *fieldmap.Profile
	history []*fieldmap.Profile
	found   []Finding
}

// yardstick is what a figure was in the weeks before.
type yardstick struct {
	weeks          int
	median, spread float64
	least, most    float64
}

// measure returns the yardstick of a figure; ok is false where fewer than MinHistory weeks have it.
func (c *comparison) measure(of func(*fieldmap.Profile) (float64, bool)) (y yardstick, ok bool) {
	var values []float64
	for _, p := range c.history {
		if v, known := of(p); known {
			values = append(values, v)
		}
	}
	if len(values) < MinHistory {
		return y, false
	}
	y.weeks, y.median = len(values), median(values)
	distances := make([]float64, len(values))
	for i, v := range values {
		distances[i] = math.Abs(v - y.median)
	}
	y.spread = 1.4826 * median(distances)
	y.least, y.most = slices.Min(values), slices.Max(values)
	return y, true
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (c *comparison) add(kind Kind, path, code string, value float64, y yardstick) {
	c.found = append(c.found, Finding{Kind: kind, Path: path, Code: code, Value: round(value), Median: round(y.median), Least: round(y.least), Most: round(y.most), Weeks: y.weeks})
}

// round leaves four digits behind the point: a finding is compared and printed.
func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// orders tells of a week with far fewer orders than the others, or far more.
func (c *comparison) orders() {
	y, ok := c.measure(func(p *fieldmap.Profile) (float64, bool) { return float64(p.Orders), true })
	if !ok {
		return
	}
	v := float64(c.week.Orders)
	far := y.median-v > noise*y.spread || v < y.least // what came before, however wild, was more
	few := v < low*y.median && far && y.median-v > 3.5*math.Sqrt(y.median) && y.median-v >= expected
	many := v > high*max(y.median, 1) && v-y.median > noise*max(y.spread, math.Sqrt(y.median)) && v-y.median >= 2*expected
	if few || many {
		c.add(Orders, "", "", v, y)
	}
}

// lines tells of a list that is nearly empty for so many orders.
func (c *comparison) lines(list string) {
	y, ok := c.measure(func(p *fieldmap.Profile) (float64, bool) {
		n, named := p.Lines[list]
		return share(n, p.Orders), named && p.Orders > 0
	})
	if !ok {
		return
	}
	v, should := share(c.week.Lines[list], c.week.Orders), y.median*float64(c.week.Orders)
	if v < low*y.median && y.median-v > noise*y.spread && should >= atLeast {
		c.add(Lines, list, "", v, y)
	}
}

// field tells of a field that had values, and has none or few.
func (c *comparison) field(path string) {
	y, ok := c.measure(func(p *fieldmap.Profile) (float64, bool) {
		n, named := p.Present[path]
		return share(n, p.Of(path)), named && p.Of(path) >= atLeast/4
	})
	of := c.week.Of(path)
	if !ok || of < atLeast/2 {
		return
	}
	v := share(c.week.Present[path], of)
	lacking := (y.median - v) * float64(of)
	empty := c.week.Present[path] == 0 && y.least > 0 && lacking >= expected
	emptied := c.week.Present[path] == 0 && y.least >= halved && lacking >= atLeast/4
	rare := v < halved*y.median && y.median-v > noise*max(y.spread, chance(y.median, of)) && lacking >= expected
	if empty || emptied || rare {
		c.add(Field, path, "", v, y)
	}
}

// codes tells of a kind of payer whose share is another than ever, most of all where nearly everything is of one kind.
func (c *comparison) codes(path string) {
	total := func(p *fieldmap.Profile) (n int) {
		for _, count := range p.Codes[path] {
			n += count
		}
		return n
	}
	of := total(c.week)
	if of < atLeast {
		return
	}
	names := map[string]bool{}
	for _, p := range append(slices.Clone(c.history), c.week) {
		for code := range p.Codes[path] {
			names[code] = true
		}
	}
	var worst *Finding
	for _, code := range slices.Sorted(maps.Keys(names)) {
		y, ok := c.measure(func(p *fieldmap.Profile) (float64, bool) {
			n := total(p)
			return share(p.Codes[path][code], n), n >= atLeast/2
		})
		if !ok {
			continue
		}
		v := share(c.week.Codes[path][code], of)
		moved := math.Abs(v - y.median) // the lines of an order mostly have one payer, so the orders are what chance draws
		beyond := moved > noise*max(y.spread, chance(y.median, c.week.Orders)) && moved >= shifted
		all := v >= mostly && y.most < mostly && (v-y.median)*float64(c.week.Orders) >= expected && moved > noise/2*y.spread
		if !beyond && !all {
			continue
		}
		f := Finding{Kind: Codes, Path: path, Code: code, Value: round(v), Median: round(y.median), Least: round(y.least), Most: round(y.most), Weeks: y.weeks}
		if worst == nil || v > worst.Value { // one share cannot move alone: the one that grew tells it
			worst = &f
		}
	}
	if worst != nil {
		c.found = append(c.found, *worst)
	}
}

// sum tells of amounts that are another size: per line that has one, so that the number of orders does not matter.
func (c *comparison) sum(path string) {
	each := func(p *fieldmap.Profile) (float64, bool) {
		sum, err := strconv.ParseFloat(p.Sums[path], 64)
		n := p.Present[path]
		return sum / float64(max(n, 1)), err == nil && n >= atLeast/2
	}
	y, ok := c.measure(each)
	v, known := each(c.week)
	if !ok || !known || y.median <= 0 {
		return
	}
	if (v < low*y.median || v > high*y.median) && math.Abs(v-y.median) > noise*y.spread {
		c.add(Sum, path, "", v, y)
	}
}

// share is n of so many.
func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

// chance is how much a share of so many differs by chance.
func chance(share float64, of int) float64 {
	share = min(max(share, 0.02), 0.98)
	return math.Sqrt(share * (1 - share) / float64(max(of, 1)))
}

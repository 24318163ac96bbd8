package sampledms

import (
	"fmt"
	"math/rand/v2"
	"time"

	"roagent/fieldmap"
)

// fill writes customers and vehicles, and then week by week the orders with their jobs and parts.
func (w *writer) fill(o Options) error {
	w.tables = map[string]*tableWriter{}
	for _, t := range tables() {
		w.tables[t.name] = &tableWriter{spec: t}
	}
	g := &generator{w: w, words: newWords(), r: rand.New(rand.NewPCG(o.Seed, 0)), first: o.First.Start(time.UTC)}
	g.customers = max(20, o.Weeks*o.OrdersPerWeek/3)
	for no := 1; no <= g.customers; no++ {
		if err := g.customer(no); err != nil {
			return err
		}
	}
	for i := range o.Weeks {
		week := o.First.Add(i)
		g.r = rand.New(rand.NewPCG(o.Seed, uint64(i+1))) // of its place, not of its date: tests that run today see what they saw last year
		for n := range o.OrdersPerWeek {
			if err := g.order(week, 1_000_000+i*o.OrdersPerWeek+n, float64(n)/float64(o.OrdersPerWeek)); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// generator makes the rows.
type generator struct {
	w         *writer
	words     *words
	r         *rand.Rand
	customers int
	first     time.Time // when the first week begins
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// chance is true in percent of 100 cases.
func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

// customer writes a customer and the car of the same number.
func (g *generator) customer(no int) error {
	first, last := pick(g.r, g.words.firstNames), pick(g.r, g.words.lastNames)
	city := pick(g.r, g.words.cities)
	optOut, lastPurchase := "N", any(nil)
	if g.chance(12) {
		optOut = "Y"
	}
	if g.chance(85) {
		lastPurchase = g.first.AddDate(0, 0, -1-g.r.IntN(1500)).Format(time.DateOnly)
	}
	var email any
	if g.chance(70) {
		email = fmt.Sprintf("%s.%s%d@example.com", asciiLower(first), asciiLower(last), no)
	}
	err := g.w.add("Customer", no, first, last, fmt.Sprintf("%d %s", 1+g.r.IntN(9900), pick(g.r, g.words.streets)), city.name, city.state,
		fmt.Sprintf("%05d", city.zip+g.r.IntN(90)), fmt.Sprintf("(%d) 555-%04d", city.area, g.r.IntN(10000)), email, optOut, lastPurchase,
		fmt.Sprintf("%s-SSN-%06d", canary, no), fmt.Sprintf("%s-IBAN-%06d", canary, no), canaryAmount)
	if err != nil {
		return err
	}
	m := pick(g.r, g.words.models)
	return g.w.add("Vehicle", no, g.vin(m.wmi), m.maker, m.name, 2012+g.r.IntN(15), fmt.Sprintf("8%s%03d", pick(g.r, g.words.plates), g.r.IntN(1000)), canaryAmount)
}

func (g *generator) vin(wmi string) string {
	const letters = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
	b := []byte(wmi)
	for len(b) < 17 {
		b = append(b, letters[g.r.IntN(len(letters))])
	}
	return string(b)
}

// order writes a repair order with its jobs that was closed in a week, Monday to Saturday from nine to seven, about in
// the order of their numbers. part is how far the week has gone.
func (g *generator) order(week fieldmap.Week, number int, part float64) error {
	day := 24 * time.Hour
	today := time.Duration(part * 6)
	hours := time.Duration((part*6 - float64(today)) * float64(9*time.Hour)).Truncate(time.Second)
	closed := week.Start(time.UTC).Add(today*day + 9*time.Hour + hours + time.Duration(g.r.IntN(3600))*time.Second)
	opened := closed.Add(-time.Duration(1+g.r.IntN(7)) * time.Hour)
	if g.chance(15) {
		opened = opened.Add(-time.Duration(1+g.r.IntN(4)) * day)
	}
	roType, internal := "C", g.chance(8)
	if internal {
		roType = "I"
	}
	customer, notes := 1+g.r.IntN(g.customers), any(nil)
	if g.chance(10) {
		notes = canary + " do not send: " + pick(g.r, g.words.internalNotes)
	}
	miles := 500 + g.r.IntN(140_000)
	ro := fmt.Sprintf("RO%d", number)
	c := func(t time.Time) string { return clock(g.w.dialect, t) }
	err := g.w.add("RepairOrder", ro, roType, c(opened), c(closed), c(closed.Add(time.Duration(g.r.IntN(600))*time.Second)), miles, miles+g.r.IntN(12),
		customer, customer, fmt.Sprintf("SA%02d", 1+g.r.IntN(7)), notes, canary+"-GL-4000")
	if err != nil {
		return err
	}
	slip := g.slip(number)
	for line := 1; line <= 1+g.r.IntN(5); line++ {
		if err := g.job(ro, line, internal, slip); err != nil {
			return err
		}
		slip = ""
	}
	return nil
}

// slip returns what somebody typed into an order's text that does not belong there; of most orders, nothing.
func (g *generator) slip(number int) string {
	const every = 60
	if number%every != 11 {
		return ""
	}
	return ". " + g.words.slips[number/every%len(g.words.slips)]
}

// job writes one line of an order with its parts.
func (g *generator) job(ro string, line int, internal bool, slip string) error {
	op := pick(g.r, g.words.operations)
	pay := pick(g.r, []string{"C", "C", "C", "W", "W"})
	var campaign any
	switch {
	case internal || g.chance(5):
		pay = "I"
	case op.campaign != "":
		pay, campaign = "W", op.campaign
	}
	complaint := pick(g.r, g.words.openings) + pick(g.r, op.complaints) + pick(g.r, g.words.closings) + slip
	correction := pick(g.r, op.corrections) + pick(g.r, g.words.tests)
	hours := op.tenths + g.r.IntN(4)
	err := g.w.add("Job", ro, line, op.code, op.name, pay, fmt.Sprintf("%d.%d0", hours/10, hours%10), complaint, pick(g.r, op.causes), correction, campaign,
		cents(hours*1650+g.r.IntN(4000)), canary+"-GL-4100")
	if err != nil {
		return err
	}
	for seq := range g.r.IntN(5) {
		if seq >= len(op.parts) {
			break
		}
		p := op.parts[seq]
		if err := g.w.add("Part", ro, line, seq+1, p.number, p.name, fmt.Sprintf("%d.00", 1+g.r.IntN(p.most)), cents(p.cents+g.r.IntN(500)), canaryAmount); err != nil {
			return err
		}
	}
	return nil
}

func cents(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }

func asciiLower(s string) string {
	var b []byte
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z':
			b = append(b, c)
		}
	}
	return string(b)
}

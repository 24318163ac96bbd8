package unusual_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/unusual"
)

const (
	payer  = "job.bill_to_party_type"
	amount = "job.pricing.price.charge_amount"
	email  = "repair_order_header.owner_party.specified_person.uri_communication.uri_id"
	vin    = "repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id"
	recall = "job.service_campaign.campaign_number_string"
)

// likes is how a store's weeks are drawn.
type likes struct {
	orders          float64
	jobs            float64 // an order
	warranty, email float64 // shares
	recall          float64
	bill            float64 // a job
	wild            float64 // noise beyond chance, of the shares and the counts
}

// draw makes a week of so many orders, each by chance.
func (l likes) draw(r *rand.Rand, orders int) *fieldmap.Profile {
	p := &fieldmap.Profile{Orders: orders, Lines: map[string]int{}, Present: map[string]int{}, Codes: map[string]map[string]int{payer: {}}}
	some := func(share float64) float64 { return min(1, max(0, share*(1+l.wild*r.NormFloat64()))) }
	warranty, mail, called := some(l.warranty), some(l.email), some(l.recall)
	sum := 0.0
	for range orders {
		p.Present[vin]++
		if r.Float64() < mail {
			p.Present[email]++
		}
		jobs := 1 + poisson(r, l.jobs-1)
		kind := "CUSTOMER_PAY"
		if r.Float64() < warranty {
			kind = "WARRANTY"
		}
		for range jobs {
			p.Lines["job"]++
			p.Codes[payer][kind]++
			p.Present[payer]++
			p.Present[amount]++
			sum += l.bill * math.Exp(r.NormFloat64()-0.5)
			if r.Float64() < called {
				p.Present[recall]++
			}
		}
	}
	p.Present[email], p.Present[recall] = p.Present[email]+0, p.Present[recall]+0
	if orders >= fieldmap.MinSummed {
		p.Sums = map[string]string{amount: fmt.Sprintf("%.4f", sum)}
	}
	if p.Lines["job"] == 0 {
		p.Lines["job"] = 0
	}
	return p
}

func poisson(r *rand.Rand, mean float64) int {
	if mean > 30 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*r.NormFloat64())))
	}
	n, p := 0, r.Float64()
	for limit := math.Exp(-mean); p > limit; n++ {
		p *= r.Float64()
	}
	return n
}

func drawLikes(r *rand.Rand) likes {
	return likes{
		orders: 5 * math.Exp(r.Float64()*math.Log(80)), jobs: 1.2 + 2*r.Float64(), warranty: 0.1 + 0.4*r.Float64(), email: 0.3 + 0.65*r.Float64(),
		recall: 0.02 + 0.1*r.Float64(), bill: 80 + 300*r.Float64(), wild: 0.05 + 0.1*r.Float64(),
	}
}

// week draws a week of a year: seasons, growth, days off.
func (l likes) week(r *rand.Rand, n int) *fieldmap.Profile {
	mean := l.orders * (1 + 0.2*math.Sin(2*math.Pi*float64(n)/52)) * (1 + 0.1*float64(n)/52) * math.Exp(l.wild*r.NormFloat64())
	switch n % 52 {
	case 0, 51: // two or three working days
		mean *= 0.35 + 0.2*r.Float64()
	case 14, 21, 26, 35, 47: // one day less
		mean *= 0.75
	}
	return l.draw(r, poisson(r, mean))
}

var stores = flag.Int("unusual.stores", 200, "how many stores are simulated; the documented figure is of 2000")

// TestFalseAlarms measures how often a week of which nothing is wrong has a finding. The figure is in the package's documentation.
func TestFalseAlarms(t *testing.T) {
	const weeks = 112
	r := rand.New(rand.NewPCG(6, 4))
	alarms, compared, kinds := 0, 0, map[unusual.Kind]int{}
	for range *stores {
		l := drawLikes(r)
		var history []*fieldmap.Profile
		for n := range weeks {
			week := l.week(r, n)
			if n >= unusual.MinHistory {
				compared++
				found := unusual.Compare(week, history)
				if len(found) > 0 {
					alarms++
				}
				for _, f := range found {
					kinds[f.Kind]++
				}
			}
			history = append(history, week)
		}
	}
	share := float64(alarms) / float64(compared) * 100
	t.Logf("%d of %d weeks had a finding: %.3f %%; %v", alarms, compared, share, kinds)
	if share > 0.1 {
		t.Errorf("%.3f %% of weeks of which nothing is wrong have a finding", share)
	}
}

// faults are what goes wrong with a week that came through.
func faults() map[string]func(l likes, r *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile {
	return map[string]func(l likes, r *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile{
		"a thirtieth of the orders": func(l likes, r *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile { return l.draw(r, p.Orders/30) },
		"no orders":                 func(l likes, r *rand.Rand, _ *fieldmap.Profile) *fieldmap.Profile { return l.draw(r, 0) },
		"six times the orders":      func(l likes, r *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile { return l.draw(r, 6*p.Orders) },
		"all warranty": func(l likes, r *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile {
			l.warranty, l.wild = 1, 0
			return l.draw(r, p.Orders)
		},
		"no e-mail": func(l likes, r *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile {
			p.Present[email] = 0
			return p
		},
		"no VIN": func(_ likes, _ *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile {
			p.Present[vin] = 0
			return p
		},
		"cents for dollars": func(l likes, r *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile {
			l.bill *= 100
			return l.draw(r, p.Orders)
		},
		"no jobs": func(_ likes, _ *rand.Rand, p *fieldmap.Profile) *fieldmap.Profile {
			p.Lines["job"] = 0
			for _, path := range []string{payer, amount, recall} {
				p.Present[path] = 0
			}
			p.Codes, p.Sums = nil, nil
			return p
		},
	}
}

// TestFaultsAreFound measures how many of the faults are found, at stores of forty orders a week and more.
func TestFaultsAreFound(t *testing.T) {
	const tries = 300
	all, found := 0, 0
	for name, spoil := range faults() {
		r := rand.New(rand.NewPCG(7, 4))
		hits := 0
		for range tries {
			l := drawLikes(r)
			l.orders = max(l.orders, 40)
			var history []*fieldmap.Profile
			for n := range 4 + r.IntN(20) {
				history = append(history, l.week(r, n+1))
			}
			if len(unusual.Compare(spoil(l, r, l.week(r, 25)), history)) > 0 {
				hits++
			}
		}
		all, found = all+tries, found+hits
		t.Logf("%s: %d of %d", name, hits, tries)
		if hits < tries*95/100 {
			t.Errorf("%s: only %d of %d are found", name, hits, tries)
		}
	}
	t.Logf("%.1f %% of faults are found", 100*float64(found)/float64(all))
}

// flat is a history that differs by what the property allows: shares and counts within some hundredths.
func flat(t *rapid.T) (history []*fieldmap.Profile, orders int) {
	orders = rapid.IntRange(60, 400).Draw(t, "orders")
	for i := range rapid.IntRange(unusual.MinHistory, 30).Draw(t, "weeks") {
		n := orders * rapid.IntRange(80, 117).Draw(t, fmt.Sprint("week ", i)) / 100
		history = append(history, even(n, rapid.IntRange(25, 35).Draw(t, "warranty"), rapid.IntRange(60, 70).Draw(t, "e-mail")))
	}
	return history, orders
}

// even is a week whose shares, of a hundred, are as they are given.
func even(orders, warranty, mail int) *fieldmap.Profile {
	jobs := 2 * orders
	return &fieldmap.Profile{
		Orders: orders, Lines: map[string]int{"job": jobs}, Present: map[string]int{vin: orders, email: orders * mail / 100, payer: jobs, amount: jobs},
		Codes: map[string]map[string]int{payer: {"WARRANTY": jobs * warranty / 100, "CUSTOMER_PAY": jobs - jobs*warranty/100}},
		Sums:  map[string]string{amount: fmt.Sprintf("%d.0000", 150*jobs)},
	}
}

func TestLikeItsHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history, orders := flat(t)
		week := even(orders, 30, 65)
		if found := unusual.Compare(week, history); len(found) > 0 {
			t.Fatalf("a week like the others: %v", found)
		}
		holiday := even(orders*rapid.IntRange(30, 60).Draw(t, "holiday")/100, 30, 65)
		if found := unusual.Compare(holiday, history); len(found) > 0 {
			t.Fatalf("a week of holidays: %v", found)
		}
		if found := unusual.Compare(week, history[:unusual.MinHistory-1]); found != nil {
			t.Fatalf("three weeks are no history: %v", found)
		}
	})
}

func TestUnlikeItsHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history, orders := flat(t)
		for name, test := range map[string]struct {
			week func() *fieldmap.Profile
			kind unusual.Kind
			path string
		}{
			"few":          {func() *fieldmap.Profile { return even(orders/30, 30, 65) }, unusual.Orders, ""},
			"none":         {func() *fieldmap.Profile { return even(0, 30, 65) }, unusual.Orders, ""},
			"many":         {func() *fieldmap.Profile { return even(orders*6, 30, 65) }, unusual.Orders, ""},
			"all warranty": {func() *fieldmap.Profile { return even(orders, 100, 65) }, unusual.Codes, payer},
			"no warranty":  {func() *fieldmap.Profile { return even(orders, 0, 65) }, unusual.Codes, payer},
			"no e-mail":    {func() *fieldmap.Profile { return even(orders, 30, 0) }, unusual.Field, email},
			"no VIN": {func() *fieldmap.Profile {
				p := even(orders, 30, 65)
				p.Present[vin] = 0
				return p
			}, unusual.Field, vin},
			"cents": {func() *fieldmap.Profile {
				p := even(orders, 30, 65)
				p.Sums[amount] = fmt.Sprintf("%d", 150*100*2*orders)
				return p
			}, unusual.Sum, amount},
			"no jobs": {func() *fieldmap.Profile {
				return &fieldmap.Profile{Orders: orders, Lines: map[string]int{"job": 0}, Present: map[string]int{vin: orders, email: orders * 65 / 100, payer: 0, amount: 0}}
			}, unusual.Lines, "job"},
		} {
			found := unusual.Compare(test.week(), history)
			hit := false
			for _, f := range found {
				hit = hit || f.Kind == test.kind && f.Path == test.path
			}
			if !hit || len(found) > 1 {
				t.Fatalf("%s: %v", name, found)
			}
			if again := unusual.Compare(test.week(), history); cmp.Diff(found, again) != "" {
				t.Fatalf("%s: %v, and then %v", name, found, again)
			}
		}
	})
}

// Three weeks are no history, four are; a week whose profile is not known is none.
func TestHistoryOfFourWeeks(t *testing.T) {
	sound := even(120, 30, 65)
	if found := unusual.Compare(even(4, 30, 65), []*fieldmap.Profile{sound, nil, sound, sound}); found != nil {
		t.Errorf("three weeks: %v", found)
	}
	if found := unusual.Compare(even(4, 30, 65), []*fieldmap.Profile{sound, sound, nil, sound, sound}); len(found) != 1 {
		t.Errorf("four weeks: %v", found)
	}
	if found := unusual.Compare(nil, []*fieldmap.Profile{sound, sound, sound, sound}); found != nil {
		t.Errorf("no profile: %v", found)
	}
}

// A week that was wrong before is no yardstick: the next one is found, too.
func TestOddWeeksMoveLittle(t *testing.T) {
	history := []*fieldmap.Profile{even(120, 30, 65), even(4, 30, 65), even(110, 100, 0), even(130, 30, 65), nil, even(120, 30, 65), even(125, 30, 65), even(118, 30, 65)}
	for _, week := range []*fieldmap.Profile{even(3, 30, 65), even(120, 100, 65), even(120, 30, 0)} {
		if found := unusual.Compare(week, history); len(found) != 1 {
			t.Errorf("%+v: %v", week, found)
		}
	}
}

// What a page shows is a sentence that needs nothing else.
func TestFindingSaysIt(t *testing.T) {
	var history []*fieldmap.Profile
	for _, n := range []int{95, 140, 120, 119, 121, 120, 120, 118, 125, 130, 110, 120} {
		history = append(history, even(n, 30, 65))
	}
	for want, week := range map[string]*fieldmap.Profile{
		"4 orders; this store's last 12 weeks had 95 to 140 (median 120)":                                        even(4, 30, 65),
		"100 % of job.bill_to_party_type is WARRANTY; this store's last 12 weeks had 30 % to 30 % (median 30 %)": even(120, 100, 65),
		email + " has a value in 0 %; this store's last 12 weeks had it in 64 % to 65 % (median 65 %)":           even(120, 30, 0),
	} {
		var said []string
		for _, f := range unusual.Compare(week, history) {
			said = append(said, f.String())
		}
		if got := strings.Join(said, "\n"); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestManifests(t *testing.T) {
	var manifests []upload.Manifest
	for week, p := range map[string]*fieldmap.Profile{
		"2026-W01": even(120, 30, 65), "2026-W02": even(118, 30, 65), "2026-W03": nil, "2026-W04": even(122, 30, 65), "2025-W52": even(119, 30, 65),
		"2026-W05": even(4, 30, 65), "2026-W06": even(120, 30, 65), "2026-W07": nil,
	} {
		manifests = append(manifests, upload.Manifest{Week: week, Profile: p})
	}
	found := unusual.Manifests(manifests)
	if len(found) != 1 || len(found["2026-W05"]) != 1 {
		t.Errorf("found: %v", found)
	}
}

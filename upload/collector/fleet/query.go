package fleet

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"roagent/fieldmap"
)

// Query is what a page is asked for. All of it is in the address, so that a view can be kept and sent on.
type Query struct {
	Week    fieldmap.Week
	Text    string // in a store's id, name, agent version or whitelist digest
	State   State  // "": all
	Overdue bool   // only those that should be in and are not
	Sort    string // state, name, heartbeat
	Page    int    // from 1
	Weeks   int    // columns of the map
}

// Limits of a query.
const (
	maxText  = 100
	maxWeeks = 26
	perPage  = 50
)

// parseQuery reads an address. The week is fallback where it names none.
func parseQuery(values url.Values, fallback fieldmap.Week) (Query, error) {
	q := Query{
		Week: fallback, Text: strings.TrimSpace(values.Get("q")), State: State(values.Get("state")), Overdue: values.Get("overdue") == "yes",
		Sort: values.Get("sort"), Page: 1, Weeks: 13,
	}
	if name := values.Get("week"); name != "" {
		var err error
		if q.Week, err = fieldmap.ParseWeek(name); err != nil {
			return q, err
		}
	}
	if len(q.Text) > maxText {
		return q, fmt.Errorf("the search has more than %d bytes", maxText)
	}
	known := func(d definition) bool { return d.State == q.State }
	if q.State != "" && !slices.ContainsFunc(DefaultRules().definitions(), known) {
		return q, fmt.Errorf("there is no such state")
	}
	if q.Sort != "" && q.Sort != "name" && q.Sort != "heartbeat" {
		return q, fmt.Errorf("there is no such order")
	}
	var err error
	if q.Page, err = numberIn(values.Get("page"), 1, 1, 1_000_000); err != nil {
		return q, fmt.Errorf("page: %w", err)
	}
	if q.Weeks, err = numberIn(values.Get("weeks"), 13, 1, maxWeeks); err != nil {
		return q, fmt.Errorf("weeks: %w", err)
	}
	return q, nil
}

func numberIn(text string, fallback, least, most int) (int, error) {
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("it is a number from %d to %d", least, most)
	}
	return n, nil
}

// Values returns the address that asks for q. What a page takes by itself is left out.
func (q Query) Values() url.Values {
	v := url.Values{"week": {q.Week.String()}}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", q.Text)
	set("state", string(q.State))
	set("sort", q.Sort)
	if q.Overdue {
		v.Set("overdue", "yes")
	}
	if q.Page > 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	if q.Weeks != 13 {
		v.Set("weeks", strconv.Itoa(q.Weeks))
	}
	return v
}

// At returns the address of path with q.
func (q Query) At(path string) string { return path + "?" + q.Values().Encode() }

// The queries that links of a page ask.

// InState is q for one state, and for all where it is that one already.
func (q Query) InState(s State) Query {
	q.Page, q.Overdue = 1, false
	if q.State == s {
		s = ""
	}
	q.State = s
	return q
}

// All is q without filters.
func (q Query) All() Query { return Query{Week: q.Week, Page: 1, Weeks: q.Weeks} }

// Late is q for all that are overdue.
func (q Query) Late() Query {
	q.State, q.Overdue, q.Page = "", true, 1
	return q
}

// OnPage is q at another page of its results.
func (q Query) OnPage(n int) Query {
	q.Page = n
	return q
}

// OfWeek is q for another week.
func (q Query) OfWeek(w fieldmap.Week) Query {
	q.Week, q.Page = w, 1
	return q
}

func (q Query) takes(v *row) bool {
	if q.State != "" && v.State != q.State || q.Overdue && !v.Overdue {
		return false
	}
	if q.Text == "" {
		return true
	}
	text := strings.ToLower(q.Text)
	for _, s := range []string{v.Entry.Dealer.DealerID, v.Entry.Dealer.Name} {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return strings.HasPrefix(v.Entry.Beat.AgentVersion, text) || strings.HasPrefix(v.Entry.Beat.FieldmapDigest, text)
}

// filter returns the rows that q takes, in its order.
func (q Query) filter(rows []*row) []*row {
	var taken []*row
	for _, v := range rows {
		if q.takes(v) {
			taken = append(taken, v)
		}
	}
	slices.SortStableFunc(taken, q.compare)
	return taken
}

func (q Query) compare(a, b *row) int {
	var first int
	switch q.Sort {
	case "":
		first = cmp.Compare(a.rank, b.rank)
	case "heartbeat":
		first = a.Entry.Dealer.ReceivedAt.Compare(b.Entry.Dealer.ReceivedAt)
	}
	return cmp.Or(first, strings.Compare(a.key, b.key))
}

// lastEnded is the newest week that is over.
func lastEnded(now time.Time, zone *time.Location) fieldmap.Week {
	return fieldmap.WeekOf(now.In(zone)).Add(-1)
}

package fleet

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"

	"roagent/fieldmap"
	"roagent/upload/collector"
	"roagent/upload/look"
)

// storeWeeks is how many weeks the page of one store shows.
const storeWeeks = 26

// storePage is the page of one store.
type storePage struct {
	Row   *row
	Skew  string
	Queue string // how full, in words; "" where nothing waits
	Weeks []weekLine
	Chart template.HTML
	Older string
	Query Query
}

// weekLine is a week of one store.
type weekLine struct {
	cell
	Held *collector.FleetWeek
	Link string
}

// find returns the row of the store that the path names.
func (p *Page) find(r *http.Request, week fieldmap.Week, weeks int) (*view, *row, error) {
	v, err := p.load(r.Context(), week, weeks)
	if err != nil {
		return nil, nil, err
	}
	d, ok := v.dealers.Entries[r.PathValue("dealer")]
	if !ok {
		return nil, nil, &refusal{http.StatusNotFound, "There is no such store", "It was never added here, or it has left and all that was held of it was deleted."}
	}
	found := p.row(d, p.parse(v.dealers), v)
	p.explain(v, []*row{found})
	return v, found, nil
}

func (p *Page) dealer(w http.ResponseWriter, r *http.Request) error {
	q, err := p.query(r)
	if err != nil {
		return err
	}
	v, row, err := p.find(r, q.Week, storeWeeks)
	if err != nil {
		return err
	}
	s := storePage{Row: row, Query: q, Queue: queueOf(row), Older: q.OfWeek(q.Week.Add(-storeWeeks)).At(r.URL.Path)}
	if skew := row.Skew(); !row.Entry.Beat.At.IsZero() {
		s.Skew = look.Age(skew.Abs()) + " " + direction(skew)
		if skew.Abs() <= p.Rules.Skew {
			s.Skew = "right, to within " + look.Age(p.Rules.Skew)
		}
	}
	var bars []look.Part
	for i, c := range row.Past {
		line := weekLine{cell: c, Link: fmt.Sprintf("/stores/%s/%s", row.Entry.Dealer.DealerID, c.Week)}
		bar := look.Part{Class: "void", Label: c.Text, Value: -1}
		if held, ok := v.readings[i].Entries[row.Entry.Dealer.DealerID]; ok {
			line.Held = &held
			bar.Class, bar.Value = string(c.State), held.Held
		} else if c.State != "" {
			bar.Class = string(c.State)
		}
		bars = append(bars, bar)
		s.Weeks = append(s.Weeks, line)
	}
	s.Chart = look.Bars("Orders held by week", bars)
	slices.Reverse(s.Weeks)
	p.render(w, r, "store", http.StatusOK, base{
		Title: row.Entry.Dealer.Name, At: v.at, Damaged: v.damaged, Home: q.All().At("/"), Weeks: q.All().At("/weeks"), Content: s,
	})
	return nil
}

func queueOf(v *row) string {
	b := v.Entry.Beat
	if b.QueuedBatches == 0 && b.QueuedBytes == 0 {
		return "empty"
	}
	said := look.Plural(b.QueuedBatches, "batch", "batches") + oldest(v)
	if b.QueueLimit > 0 {
		said += fmt.Sprintf("; %d %% full", 100*b.QueuedBytes/b.QueueLimit)
	}
	return said
}

// weekPage is the page of one store's week.
type weekPage struct {
	Row      *row
	Held     collector.HeldWeek
	Range    string
	Withheld []count
	Redacted []count
	Back     string
}

// count is a name with its number.
type count struct {
	Name  string
	Count int
}

func (p *Page) dealerWeek(w http.ResponseWriter, r *http.Request) error {
	week, err := fieldmap.ParseWeek(r.PathValue("week"))
	if err != nil {
		return &refusal{http.StatusBadRequest, "This address asks for nothing that there is", err.Error()}
	}
	v, row, err := p.find(r, week, 1)
	if err != nil {
		return err
	}
	held, err := collector.ReadHeldWeek(r.Context(), p.store, row.Entry.Dealer.DealerID, week)
	if errors.Is(err, collector.ErrNoDealer) {
		return notFound()
	}
	if err != nil {
		return err
	}
	p.render(w, r, "week", http.StatusOK, base{Title: row.Entry.Dealer.Name + ", " + week.String(), At: v.at, Damaged: v.damaged, Content: weekPage{
		Row: row, Held: held, Range: weekRange(week), Withheld: counts(held.Manifest.Left.Withheld), Redacted: counts(held.Manifest.Left.Redacted),
		Back: "/stores/" + row.Entry.Dealer.DealerID,
	}})
	return nil
}

// counts sorts the largest first.
func counts(of map[string]int) []count {
	var sorted []count
	for name, n := range of {
		sorted = append(sorted, count{name, n})
	}
	slices.SortFunc(sorted, func(a, b count) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return sorted
}

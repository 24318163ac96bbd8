package fleet

import (
	"net/http"
	"time"

	"roagent/fieldmap"
)

// weekMap is the page of stores by weeks.
type weekMap struct {
	Query   Query
	Weeks   []column
	Means   []definition
	Results results
	Spans   []int
}

// column is a week of the map.
type column struct {
	Week  fieldmap.Week
	Short string // W46
	Range string
	In    int // stores, of those that are filtered
	Link  string
}

func (p *Page) weeks(w http.ResponseWriter, r *http.Request) error {
	q, v, err := p.asked(r, 0)
	if err != nil {
		return err
	}
	m := weekMap{Query: q, Means: p.states, Results: p.results(v, q, "/weeks"), Spans: []int{8, 13, 26}}
	taken := q.filter(v.rows)
	for i, week := range v.weeks {
		c := column{Week: week, Short: week.String()[5:], Range: weekRange(week), Link: q.OfWeek(week).At("/")}
		for _, row := range taken {
			if _, in := v.readings[i].Entries[row.Entry.Dealer.DealerID]; in {
				c.In++
			}
		}
		m.Weeks = append(m.Weeks, c)
	}
	p.render(w, r, "map", http.StatusOK, base{
		Title: "Stores by weeks", Here: "map", At: v.at, Damaged: v.damaged, Home: q.All().At("/"), Weeks: q.All().At("/weeks"), Content: m,
	})
	return nil
}

// weekRange names a week's days.
func weekRange(w fieldmap.Week) string {
	monday := w.Start(time.UTC)
	return monday.Format("2 January") + " to " + monday.AddDate(0, 0, 6).Format("2 January 2006")
}

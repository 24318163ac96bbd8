package fleet

import (
	"html/template"
	"net/http"

	"roagent/upload/look"
)

// pastWeeks is how many weeks a row of the glance shows.
const pastWeeks = 8

// glance is the first page: one week, all stores.
type glance struct {
	Query    Query
	Range    string
	Expected int
	In       int // also those that look wrong
	Overdue  int
	Awaited  int
	Share    template.HTML
	Tiles    []tile
	Means    []definition
	Results  results
	Late     bool // the filter
}

// tile is a state with its number of stores.
type tile struct {
	definition
	Count  int
	Chosen bool
	Link   string
}

// results are the rows of one page of what was filtered.
type results struct {
	Rows                 []*row
	Total, From, To      int
	Previous, Next       string // addresses, or ""
	CSV                  string
	Page, Pages          int
	Filtered             bool
	All                  string
	ByState, ByName, ByH string
}

func (p *Page) glance(w http.ResponseWriter, r *http.Request) error {
	q, v, err := p.asked(r, pastWeeks)
	if err != nil {
		return err
	}
	g := glance{Query: q, Range: weekRange(q.Week), Means: p.states, Late: q.Overdue}
	counts := map[State]int{}
	for _, row := range v.rows {
		counts[row.State]++
		if row.Overdue {
			g.Overdue++
		}
	}
	g.In = counts[In] + counts[Wrong]
	g.Expected = len(v.rows) - counts[NotExpected] - counts[Suspended]
	g.Awaited = g.Expected - g.In - g.Overdue
	g.Share = p.share(counts)
	for _, d := range p.states {
		g.Tiles = append(g.Tiles, tile{d, counts[d.State], q.State == d.State, q.InState(d.State).At("/")})
	}
	g.Results = p.results(v, q, "/")
	p.render(w, r, "glance", http.StatusOK, base{
		Title: "Week " + q.Week.String(), Here: "glance", At: v.at, Damaged: v.damaged, Home: q.All().At("/"), Weeks: q.All().At("/weeks"), Content: g,
	})
	return nil
}

// share draws the states, those that are in first.
func (p *Page) share(counts map[State]int) template.HTML {
	var parts []look.Part
	for i := range p.states {
		d := p.states[len(p.states)-1-i]
		if n := counts[d.State]; n > 0 {
			parts = append(parts, look.Part{Class: string(d.State), Label: look.Plural(n, "store", "stores") + " " + d.Name, Value: n})
		}
	}
	return look.Share("Stores by state", parts)
}

// results filters, and cuts out the page that is asked for.
func (p *Page) results(v *view, q Query, path string) results {
	taken := q.filter(v.rows)
	s := results{Total: len(taken), CSV: q.OnPage(1).At("/stores.csv"), All: q.All().At(path), Filtered: q.Text != "" || q.State != "" || q.Overdue}
	s.Pages = max(1, (len(taken)+perPage-1)/perPage)
	s.Page = min(q.Page, s.Pages)
	first := (s.Page - 1) * perPage
	s.Rows = p.explain(v, taken[first:min(first+perPage, len(taken))])
	s.From, s.To = min(first+1, len(taken)), first+len(s.Rows)
	if s.Page > 1 {
		s.Previous = q.OnPage(s.Page - 1).At(path)
	}
	if s.Page < s.Pages {
		s.Next = q.OnPage(s.Page + 1).At(path)
	}
	return s
}

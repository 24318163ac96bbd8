package draft

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap"
)

// TableGuess is a table that was taken for a role, and why.
type TableGuess struct {
	Role    Role     `json:"role"`
	Table   string   `json:"table"`
	Sure    Sure     `json:"sure"`
	Because string   `json:"because"`
	Link    string   `json:"link,omitempty"`   // how its rows are found
	Others  []string `json:"others,omitempty"` // as likely, or nearly

	reading *reading
	link    link
}

// Sure says how sure a guess is.
type Sure string

// What a guess can be.
const (
	Certain Sure = "sure"
	Likely  Sure = "likely"
	Guess   Sure = "a guess"
)

func sureOf(score float64) Sure {
	switch {
	case score >= 88:
		return Certain
	case score >= 70:
		return Likely
	}
	return Guess
}

// link is how rows of one table belong to rows of another one.
type link struct {
	pairs []fieldmap.Pair // Left is the child's column, or the orders' for a joined table
	score float64
	how   string
}

// shop is one way to see the tables as a repair shop's.
type shop struct {
	orders *reading
	key    []string
	number *columnReading
	others map[Role]*TableGuess
	points float64
	rowsOf string // why a row may be less than an order; "" where it is one
}

const (
	documentID = "repair_order_header.document_id"
	vehicleID  = "repair_order_header.repair_order_vehicle_line_item.vehicle.vehicle_id"
	ownerID    = "repair_order_header.owner_party.party_id"
	jobNumber  = "job_number_string"
)

// weekNames are the sent names of columns that can say in which week an order falls, the best first.
func weekNames() []string {
	return []string{
		"repair_order_header.repair_order_completed_date_time", "repair_order_header.repair_order_invoice_date_time",
		"repair_order_header.repair_order_opened_date_time",
	}
}

// shops returns the ways to see the schema, the best first.
func (r *reader) shops(tables map[Role]fieldmap.Table) []*shop {
	var all []*shop
	for _, t := range r.most(Orders, tables) {
		if s := r.shop(t, tables); s != nil {
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b *shop) int { return cmp.Compare(b.points, a.points) })
	return all
}

// most returns the tables that are most like one of a role: of a large DMS there is no use in looking at all of them.
func (r *reader) most(role Role, tables map[Role]fieldmap.Table) []*reading {
	const looked = 25
	if _, given := tables[role]; given {
		return r.readings
	}
	if r.likeliest[role] == nil {
		sorted := slices.Clone(r.readings)
		slices.SortStableFunc(sorted, func(a, b *reading) int { return cmp.Compare(b.points[role], a.points[role]) })
		r.likeliest[role] = sorted[:min(looked, len(sorted))]
	}
	return r.likeliest[role]
}

// shop takes a table for the one of orders; nil where it cannot be.
func (r *reader) shop(t *reading, tables map[Role]fieldmap.Table) *shop {
	const line = 3.0     // points that it costs when a row is only a line of an order
	const hopeless = 2.0 // points
	if named, given := tables[Orders]; given && named != t.Name || !given && t.points[Orders] < hopeless {
		return nil
	}
	s := &shop{orders: t, others: map[Role]*TableGuess{}, points: t.points[Orders]}
	if s.number, _ = r.find(t, Orders, documentID); s.number == nil {
		return nil
	}
	if _, week := r.week(t); week == nil {
		return nil
	}
	if s.key, s.rowsOf = r.key(t, s.number); s.rowsOf != "" {
		s.points -= line
	}
	if t.View {
		s.points -= 0.3
	}
	s.lists(r, tables)
	for _, role := range []Role{Customer, Vehicle} {
		if g := r.best(role, tables, []*reading{t}, func(o *reading) link { return r.joinTo(t, o, role) }); g != nil {
			s.others[role] = g
			s.points += 0.5
		}
	}
	return s
}

// lists finds the tables of jobs and of parts.
func (s *shop) lists(r *reader, tables map[Role]fieldmap.Table) {
	toOrders := func(t *reading) link { return r.linkTo(t, s.orders, s.keys()) }
	jobs := r.best(Jobs, tables, []*reading{s.orders}, toOrders)
	taken := []*reading{s.orders}
	if jobs != nil {
		s.others[Jobs] = jobs
		s.points += 0.4 * jobs.reading.points[Jobs]
		taken = append(taken, jobs.reading)
	}
	parts := r.best(Parts, tables, taken, func(t *reading) link {
		if jobs != nil {
			if l := r.linkToJob(t, jobs); len(l.pairs) > 0 {
				return l
			}
		}
		return toOrders(t)
	})
	if parts != nil {
		s.others[Parts] = parts
		s.points += 0.3 * parts.reading.points[Parts]
	}
}

// best returns the table that is most like one of a role among those that are linked.
func (r *reader) best(role Role, tables map[Role]fieldmap.Table, taken []*reading, linked func(*reading) link) *TableGuess {
	const fewest, near = 2.2, 0.9
	type candidate struct {
		t      *reading
		l      link
		points float64
	}
	var all []candidate
	for _, t := range r.most(role, tables) {
		named, given := tables[role]
		if slices.Contains(taken, t) || given && named != t.Name || !given && !r.isMost(t, role, fewest) {
			continue
		}
		if l := linked(t); len(l.pairs) > 0 {
			all = append(all, candidate{t, l, t.points[role] + l.score/100})
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.points, a.points) })
	g := &TableGuess{Role: role, Table: all[0].t.Name.String(), reading: all[0].t, link: all[0].l, Link: all[0].l.String()}
	for _, other := range all[1:] {
		if other.points >= near*all[0].points {
			g.Others = append(g.Others, other.t.Name.String())
		}
	}
	score := min(100, 100*all[0].points/5, all[0].l.score+10)
	if len(g.Others) > 0 {
		score = min(score, 65)
	}
	g.Sure, g.Because = sureOf(score), r.because(all[0].t, role)
	return g
}

// isMost reports whether a table has enough points for a role, and is no more like an order, a job or a part than that.
func (r *reader) isMost(t *reading, role Role, fewest float64) bool {
	if t.points[role] < fewest {
		return false
	}
	if role == Jobs {
		return t.points[Parts] <= t.points[Jobs]
	}
	if role == Parts {
		return t.points[Jobs] <= t.points[Parts]
	}
	return true
}

// because says what shows a table's role.
func (r *reader) because(t *reading, role Role) string {
	count := 0
	for _, target := range r.targets {
		if c, _ := r.find(t, role, target.send); target.role == role && c != nil {
			count++
		}
	}
	said := fmt.Sprintf("%d of its columns look like it", count)
	if r.namePoints(t, role) > 0 {
		said = "its name, and " + said
	}
	return said
}

func (l link) String() string {
	var pairs []string
	for _, p := range l.pairs {
		pairs = append(pairs, p.Left+" = "+p.Right)
	}
	return strings.Join(pairs, ", ") + " (" + l.how + ")"
}

// week returns the column that says in which week an order falls, and the name under which it would be sent.
func (r *reader) week(t *reading) (send string, c *columnReading) {
	for _, send := range weekNames() {
		if c, _ := r.find(t, Orders, send); c != nil && allowed(c.found.Class) {
			return send, c
		}
	}
	return "", nil
}

// key returns the columns that name an order: a unique index on its number, with the store's or without; or else a number of
// the database's own. rowsOf says why several rows may have the same.
func (r *reader) key(t *reading, number *columnReading) (key []string, rowsOf string) {
	var own []string
	for _, unique := range t.Unique {
		if !r.canBeKey(t, unique) {
			continue
		}
		if !contains(unique, number.Name) {
			if own == nil && len(unique) == 1 {
				own = unique
			}
			continue
		}
		beyond := slices.DeleteFunc(slices.Clone(unique), func(c string) bool { return strings.EqualFold(c, number.Name) || r.isStore(t, c) })
		if len(beyond) == 0 {
			return unique, ""
		}
		if key == nil && (own == nil || slices.ContainsFunc(beyond, func(c string) bool { return r.isLine(t, c) })) {
			key, rowsOf = []string{number.Name}, "its rows are told apart by "+strings.Join(unique, ", ")+", so that one order may have several"
		}
	}
	switch {
	case key != nil:
		return key, rowsOf
	case own != nil:
		return own, ""
	}
	return []string{number.Name}, ""
}

// isLine reports whether a column numbers the lines of an order.
func (r *reader) isLine(t *reading, column string) bool {
	c, score := r.find(t, Jobs, jobNumber)
	return c != nil && score >= 80 && strings.EqualFold(c.Name, column)
}

// isStore reports whether a column says which of several stores an order is of.
func (r *reader) isStore(t *reading, column string) bool {
	for _, c := range t.columns {
		if !strings.EqualFold(c.Name, column) {
			continue
		}
		for _, words := range c.words {
			if slices.Contains(words, "store") || slices.Contains(words, "company") {
				return true
			}
		}
	}
	return false
}

// canBeKey reports whether all columns can be named, compared and sent.
func (r *reader) canBeKey(t *reading, columns []string) bool {
	return len(columns) > 0 && !slices.ContainsFunc(columns, func(name string) bool {
		c := t.named(name)
		return c == nil || c.Refuse != "" || c.Unsorted || c.Type.Kind == fieldmap.KindFloat || !keyable(c)
	})
}

// keyable reports whether a column may stand in what is sent of every order: not what tells who a person is.
func keyable(c *columnReading) bool { return allowed(c.found.Class) }

func (t *reading) named(name string) *columnReading {
	for _, c := range t.columns {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// keys returns what rows of other tables may name an order by, the best first.
func (s *shop) keys() [][]string {
	keys := [][]string{s.key, s.orders.Primary}
	keys = append(keys, s.orders.Unique...)
	return append(keys, []string{s.number.Name})
}

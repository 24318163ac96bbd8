package draft

import (
	"errors"
	"fmt"

	"roagent/fieldmap"
)

// Options are what a schema does not tell.
type Options struct {
	Recipient, Purpose, Agreement string

	Unit     string // of distances whose name does not say it: SMI or KMT
	Currency string // of amounts of money: USD
	Tables   map[Role]fieldmap.Table
}

// Draft is a whitelist that a person has yet to look at.
type Draft struct {
	Whitelist *fieldmap.Whitelist
	YAML      []byte
	Tables    []*TableGuess
	Fields    []FieldGuess
	Forbidden int      // columns of these tables that must not leave, by their names
	Unknown   int      // columns of these tables that say nothing to us
	Undecided []string // what a person has to look at, in sentences
}

// FieldGuess is a column that was taken for a sent name.
type FieldGuess struct {
	Send   string `json:"send"`
	Column string `json:"column"`
	Sure   Sure   `json:"sure"`
	Off    string `json:"off,omitempty"` // why it is left out; "": it is proposed
}

// NoOrdersError says that no table is like one of repair orders.
type NoOrdersError struct{ Message, Hint string }

func (e *NoOrdersError) Error() string { return e.Message + "\n  " + e.Hint }

const (
	fewestPoints = 5.0  // of a table that is taken for the one of orders
	surePoints   = 8.0  // of one that surely is
	near         = 0.93 // of the best one's points: as likely
)

// Make drafts a whitelist. Its error is a [*NoOrdersError] where nothing is like a table of repair orders.
func Make(s *Schema, o Options) (*Draft, error) {
	r := newReader(s)
	for role, name := range o.Tables {
		if s.table(name) == nil {
			return nil, &NoOrdersError{fmt.Sprintf("the DMS has no table or view %s, which is named for %s", name, role), "look for a misspelling; or the login may lack the right to see it, which is SELECT on the table"}
		}
	}
	shops := r.shops(o.Tables)
	_, given := o.Tables[Orders]
	if len(shops) == 0 || shops[0].points < fewestPoints && !given {
		return nil, r.noOrders(s, shops, given)
	}
	best := shops[0]
	d := &Draft{Tables: []*TableGuess{r.ordersGuess(best, shops[1:])}}
	for _, role := range Roles()[1:] {
		if g := best.others[role]; g != nil {
			d.Tables = append(d.Tables, g)
		}
	}
	w := newWriter(r, best, o, d)
	if err := w.write(); err != nil {
		return nil, err
	}
	return d, nil
}

func (r *reader) noOrders(s *Schema, shops []*shop, given bool) error {
	if given {
		return &NoOrdersError{"the table named for the orders has no column that is like an order's number, or none like a date on which it was closed", "make a view in the database whose columns have such names (RONumber, ClosedDate), or write the whitelist by hand"}
	}
	closest := ""
	if len(shops) > 0 {
		closest = "; the nearest is " + shops[0].orders.Name.String()
	}
	return &NoOrdersError{
		fmt.Sprintf("none of the %d tables and views that the login sees is like one of repair orders: a number, a date of closing, a car%s", len(s.Tables), closest),
		"is it the right database, and may the login see its tables? Else name the tables: --orders, --jobs, --parts, --customer, --vehicle",
	}
}

func (r *reader) ordersGuess(s *shop, others []*shop) *TableGuess {
	g := &TableGuess{Role: Orders, Table: s.orders.Name.String(), reading: s.orders, Because: r.because(s.orders, Orders)}
	for _, other := range others {
		if other.points >= near*s.points {
			g.Others = append(g.Others, other.orders.Name.String())
		}
	}
	switch {
	case len(g.Others) > 0 || s.rowsOf != "" || s.points < fewestPoints:
		g.Sure = Guess
	case s.points < surePoints:
		g.Sure = Likely
	default:
		g.Sure = Certain
	}
	return g
}

// errUnreadable is a fault of this package: what it writes is read back before anybody sees it.
var errUnreadable = errors.New("the draft cannot be read back: please report the names of the tables and columns in question")

// check reads the draft back as every command will, and holds that it lists nothing that must not leave.
func (d *Draft) check() error {
	w, err := fieldmap.Parse("draft", d.YAML)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if refused, _ := w.Compile().Forbidden(); len(refused) > 0 {
		return fmt.Errorf("%w: it lists what must not leave: %s", errUnreadable, refused[0].Found.Kind)
	}
	if w.Compile().Digest != d.Whitelist.Compile().Digest {
		return fmt.Errorf("%w: it reads back as something else", errUnreadable)
	}
	d.Whitelist = w
	return nil
}

func (d *Draft) undecided(format string, args ...any) {
	d.Undecided = append(d.Undecided, fmt.Sprintf(format, args...))
}

package fieldmap

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"

	"roagent/fieldmap/strictyaml"
)

// ParseFile reads the whitelist in a file. See [Parse].
func ParseFile(path string) (*Whitelist, error) {
	source, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, source)
}

// Parse reads a whitelist and checks all that can be checked without the DMS. file is what problems call it. Its error
// is a *strictyaml.Problems with everything that is wrong.
func Parse(file string, source []byte) (*Whitelist, error) {
	root, problems := strictyaml.Parse(file, source)
	o := root.Object("fieldmap recipient purpose agreement orders", "narratives classes")
	w := &Whitelist{
		Version:    version,
		Recipient:  o.Get("recipient").Text(),
		Purpose:    o.Get("purpose").Text(),
		Agreement:  o.Get("agreement").Text(),
		Narratives: parseNarratives(o.Get("narratives")),
		Classes:    parseClasses(o.Get("classes")),
		Orders:     parseOrders(o.Get("orders")),
	}
	if v := o.Get("fieldmap"); v.Given() && v.Text() != strconv.Itoa(version) {
		v.Problem("write fieldmap: 1; a newer whitelist needs a newer roagent", "this roagent reads version 1 of the whitelist")
	}
	w.verify(problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return w, nil
}

func parseNarratives(n strictyaml.Node) Narratives {
	word := n.OneOf(string(RedactNarratives), string(HoldNarratives), string(SendNarratives))
	return cmp.Or(Narratives(word), RedactNarratives)
}

func parseOrders(n strictyaml.Node) Orders {
	o := n.Object("from key week fields", "changed join skip lines")
	joins := o.Get("join").Entries()
	in := scope{joins: joinNames(joins)}
	orders := Orders{
		At: n.At, KeyAt: o.Get("key").At, ChangedAt: o.Get("changed").At,
		From:    parseTable(o.Get("from")),
		Key:     in.ownColumns(o.Get("key")),
		Week:    in.ownColumn(o.Get("week")),
		Changed: in.ownColumn(o.Get("changed")),
		Skip:    in.rules(o.Get("skip")),
		Fields:  in.fields(o.Get("fields")),
		Lines:   in.lists(o.Get("lines")),
	}
	for _, e := range joins {
		orders.Joins = append(orders.Joins, in.join(e))
	}
	return orders
}

// scope is what names mean within one table of the whitelist.
type scope struct {
	joins []string // the names of the tables joined to it
}

// A join's name becomes an alias in SQL, so it is a plain word. Databases do not tell its letters' cases apart.
var joinName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,59}$`)

func joinNames(entries []strictyaml.Entry) []string {
	var names []string
	for _, e := range entries {
		name := e.Key.Scalar()
		if !joinName.MatchString(name) {
			e.Key.Problem("name it like customer", "a join's name is one word of letters, digits and _")
		}
		if slices.ContainsFunc(names, func(have string) bool { return sameName(have, name) }) {
			e.Key.Problem("", "two joins are called %s", name)
		}
		names = append(names, name)
	}
	return names
}

func (in scope) join(e strictyaml.Entry) Join {
	o := e.Value.Object("from on", "")
	return Join{
		Name: e.Key.Scalar(),
		From: parseTable(o.Get("from")),
		On:   parsePairs(o.Get("on"), in, scope{}),
		At:   e.Key.At,
	}
}

func (in scope) lists(n strictyaml.Node) []Lines {
	var lists []Lines
	for _, entry := range n.List() {
		lists = append(lists, in.list(entry))
	}
	return lists
}

func (parent scope) list(n strictyaml.Node) Lines {
	o := n.Object("send from parent", "order skip fields lines")
	in := scope{} // a list's table has no joins
	l := Lines{
		At: n.At, ParentAt: o.Get("parent").At, OrderAt: o.Get("order").At,
		Send:   parseSend(o.Get("send"), listName, "job"),
		From:   parseTable(o.Get("from")),
		Parent: parsePairs(o.Get("parent"), in, parent),
		Order:  in.ownColumns(o.Get("order")),
		Skip:   in.rules(o.Get("skip")),
		Fields: in.fields(o.Get("fields")),
		Lines:  in.lists(o.Get("lines")),
	}
	if !o.Get("fields").Given() && !o.Get("lines").Given() {
		o.Problem("", "a list needs fields, or lines of its own")
	}
	return l
}

// parsePairs reads a mapping of one table's columns to another's.
func parsePairs(n strictyaml.Node, left, right scope) []Pair {
	var pairs []Pair
	for _, e := range n.Entries() {
		pairs = append(pairs, Pair{Left: left.ownColumn(e.Key), Right: right.ownColumn(e.Value)})
	}
	if n.IsObject() && len(pairs) == 0 {
		n.Problem("", "here two tables are linked: name at least one pair of columns")
	}
	return pairs
}

package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// waitingOrder is a line of 'hold list --lines'.
type waitingOrder struct {
	Key    string
	Voided bool
	Order  any `json:"repair_order"`
}

// veto drops an order, a field, the week or nothing of what waits for the dealer, and lets the rest go. before is what the
// collector has.
func (s *canarySite) veto(before map[string]string) {
	orders := s.waitingOrders()
	if len(orders) > 0 {
		one := rapid.SampledFrom(orders).Draw(s.T, "dropped")
		switch paths := leaves(one.Order, ""); rapid.IntRange(0, 3).Draw(s.T, "drop") {
		case 0:
			s.drop("--order", one.Key)
			s.forget(before, one)
		case 1:
			s.drop("--week", s.week.String())
			s.forget(before, orders...)
		case 2:
			if len(paths) > 0 {
				path := rapid.SampledFrom(paths).Draw(s.T, "field")
				s.drop("--field", path)
				s.forgetField(orders, path)
			}
		}
	}
	s.letGo()
	none := ""
	s.run(&none, &s.keys, -1, "send")
}

func (s *canarySite) drop(flag, what string) {
	none := ""
	s.run(&s.keys, &none, exitDone, "hold", "drop", flag, what, "--why", "asked for", "--by", "Dana Dealer")
}

// waitingOrders returns the orders that wait, without lines that void one.
func (s *canarySite) waitingOrders() (orders []waitingOrder) {
	none := ""
	_, out := s.run(&s.lines, &none, exitDone, "hold", "list", "--lines", "--limit", "0")
	for line := range strings.Lines(out) {
		var w waitingOrder
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		if err := d.Decode(&w); err != nil {
			s.Fatal(err)
		}
		if !w.Voided {
			orders = append(orders, w)
		}
	}
	return orders
}

// letGo lets go what waits for the dealer.
func (s *canarySite) letGo() {
	none := ""
	if _, out := s.run(&none, &none, exitDone, "hold", "list", "--json"); s.delayed && out != "[]\n" {
		s.run(&none, &none, exitDone, "hold", "release", "--by", "Dana Dealer")
	}
}

// forget notes that orders were dropped: the collector keeps what it has of them, and nothing of them is sent.
func (s *canarySite) forget(before map[string]string, orders ...waitingOrder) {
	for _, o := range orders {
		s.replace(o.Key, "")
		if delete(s.held, o.Key); before[o.Key] != "" {
			s.held[o.Key] = before[o.Key]
		}
	}
}

// forgetField notes that a field of the orders was dropped.
func (s *canarySite) forgetField(orders []waitingOrder, path string) {
	for _, o := range orders {
		if takeOut(o.Order, strings.Split(path, ".")) {
			s.held[o.Key] = plain(o.Order)
			s.replace(o.Key, o.Key+" "+s.held[o.Key]+"\n")
		}
	}
}

// replace notes what may be sent of an order in place of what it reads, which only people may see.
func (s *canarySite) replace(key, line string) {
	read := plain(s.judged[key].order)
	s.dropped[key] = s.judged[key].read
	s.lines = strings.ReplaceAll(s.lines, key+" "+read+"\n", line)
	s.waiting += read + "\n"
}

// leaves returns the paths of all values of an order.
func leaves(order any, prefix string) (paths []string) {
	switch v := order.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			paths = append(paths, leaves(v[name], prefix+"."+name)...)
		}
		return paths
	case []any:
		for _, member := range v {
			paths = append(paths, leaves(member, prefix)...)
		}
		return paths
	}
	return []string{strings.TrimPrefix(prefix, ".")}
}

// takeOut takes the values at a path out of an order, and reports whether there were any.
func takeOut(order any, path []string) (taken bool) {
	switch v := order.(type) {
	case map[string]any:
		if _, ok := v[path[0]]; ok && len(path) == 1 {
			delete(v, path[0])
			return true
		}
		if member, ok := v[path[0]]; ok && len(path) > 1 {
			return takeOut(member, path[1:])
		}
	case []any:
		for _, member := range v {
			taken = takeOut(member, path) || taken
		}
	}
	return taken
}

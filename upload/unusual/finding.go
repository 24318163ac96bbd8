package unusual

import (
	"fmt"
	"strconv"
)

// Kind says which figure is unusual.
type Kind string

// What can be unusual.
const (
	Orders Kind = "orders" // how many orders there are
	Lines  Kind = "lines"  // how many lines of a list an order has
	Field  Kind = "field"  // how many have a value in a field
	Codes  Kind = "codes"  // which share one kind of payer has
	Sum    Kind = "sum"    // how large an amount is
)

// Finding is one thing that is unusual in a week, with what the weeks before had.
type Finding struct {
	Kind   Kind    `json:"kind"`
	Path   string  `json:"path,omitempty"` // a list or a sent path; "" for the orders
	Code   string  `json:"code,omitempty"` // of Codes
	Value  float64 `json:"value"`          // of this week: a count, a share from 0 to 1, lines of an order, or an amount of a line
	Median float64 `json:"median"`         // of the weeks before: half had more, half less
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
	Weeks  int     `json:"weeks"` // how many weeks before
}

// String says it in a sentence that needs nothing else.
func (f Finding) String() string {
	weeks := fmt.Sprintf("this store's last %d weeks had", f.Weeks)
	switch f.Kind {
	case Orders:
		return fmt.Sprintf("%s; %s %s to %s (median %s)", orders(f.Value), weeks, number(f.Least), number(f.Most), number(f.Median))
	case Lines:
		return fmt.Sprintf("%s lines of %s an order; %s %s to %s (median %s)", number(f.Value), f.Path, weeks, number(f.Least), number(f.Most), number(f.Median))
	case Field:
		return fmt.Sprintf("%s has a value in %s; %s it in %s to %s (median %s)", f.Path, percent(f.Value), weeks, percent(f.Least), percent(f.Most), percent(f.Median))
	case Codes:
		return fmt.Sprintf("%s of %s is %s; %s %s to %s (median %s)", percent(f.Value), f.Path, f.Code, weeks, percent(f.Least), percent(f.Most), percent(f.Median))
	}
	return fmt.Sprintf("%s is %s a line; %s %s to %s (median %s)", f.Path, number(f.Value), weeks, number(f.Least), number(f.Most), number(f.Median))
}

func orders(n float64) string {
	if n == 1 {
		return "1 order"
	}
	return number(n) + " orders"
}

// number writes a figure with two digits behind its point at most.
func number(v float64) string {
	return strconv.FormatFloat(float64(int64(v*100+0.5*sign(v)))/100, 'f', -1, 64)
}

func sign(v float64) float64 {
	if v < 0 {
		return -1
	}
	return 1
}

// percent writes a share. What is not none is not written as 0 %, nor what is not all as 100 %.
func percent(share float64) string {
	switch p := share * 100; {
	case p > 0 && p < 1:
		return "under 1 %"
	case p < 100 && p > 99:
		return "over 99 %"
	default:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	}
}

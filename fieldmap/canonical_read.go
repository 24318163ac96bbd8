package fieldmap

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxCanonical is the most bytes that a canonical form may have: more than any file that Parse accepts makes.
const maxCanonical = 32 << 20

// errNotCanonical is a text that [Whitelist.Canonical] would not have written.
var errNotCanonical = errors.New("it is not what this roagent writes for a whitelist")

// ParseCanonical reads a whitelist back from its canonical form, to compare and to show it. It accepts only what
// [Whitelist.Canonical] writes, byte for byte; what a file may say is [Parse]'s to check. No part of the whitelist has
// a place in a file.
func ParseCanonical(form []byte) (*Whitelist, error) {
	if len(form) > maxCanonical {
		return nil, fmt.Errorf("read the canonical form of a whitelist: it has %d bytes, more than %d", len(form), maxCanonical)
	}
	var c canonicalWhitelist
	d := json.NewDecoder(bytes.NewReader(form))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("read the canonical form of a whitelist: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the canonical form of a whitelist: something follows it: %w", errNotCanonical)
	}
	w, err := c.whitelist()
	if err != nil {
		return nil, fmt.Errorf("read the canonical form of a whitelist: %w", err)
	}
	if !bytes.Equal(w.Canonical(), form) {
		return nil, fmt.Errorf("read the canonical form of a whitelist: %w", errNotCanonical)
	}
	return w, nil
}

func (c canonicalWhitelist) whitelist() (*Whitelist, error) {
	o := c.Orders
	skip, skipErr := readRules(o.Skip)
	fields, fieldsErr := readFields(o.Fields)
	lines, linesErr := readLists(o.Lines)
	orders := Orders{From: Table(o.From), Key: o.Key, Week: o.Week, Changed: o.Changed, Skip: skip, Fields: fields, Lines: lines}
	for _, j := range o.Joins {
		orders.Joins = append(orders.Joins, Join{Name: j.Name, From: Table(j.From), On: readPairs(j.On)})
	}
	w := &Whitelist{
		Version: c.Version, Recipient: c.Recipient, Purpose: c.Purpose, Agreement: c.Agreement,
		Narratives: cmp.Or(c.Narratives, RedactNarratives), Orders: orders,
	}
	for _, classed := range c.Classes {
		w.Classes = append(w.Classes, Classed{Class: classed.Class, Name: classed.Name})
	}
	if c.Version != version {
		return nil, fmt.Errorf("version %d: %w", c.Version, errNotCanonical)
	}
	if !slices.Contains([]Narratives{RedactNarratives, HoldNarratives, SendNarratives}, w.Narratives) {
		return nil, fmt.Errorf("narratives %q: %w", w.Narratives, errNotCanonical)
	}
	return w, errors.Join(skipErr, fieldsErr, linesErr)
}

func readPairs(form [][2]string) []Pair {
	var pairs []Pair
	for _, p := range form {
		pairs = append(pairs, Pair{Left: p[0], Right: p[1]})
	}
	return pairs
}

func readLists(form []canonicalLines) ([]Lines, error) {
	var lists []Lines
	for _, l := range form {
		skip, skipErr := readRules(l.Skip)
		fields, fieldsErr := readFields(l.Fields)
		lines, linesErr := readLists(l.Lines)
		if err := errors.Join(skipErr, fieldsErr, linesErr); err != nil {
			return nil, err
		}
		lists = append(lists, Lines{
			Send: l.Send, From: Table(l.From), Parent: readPairs(l.Parent), Order: l.Order,
			Skip: skip, Fields: fields, Lines: lines,
		})
	}
	return lists, nil
}

func readFields(form []canonicalField) ([]Field, error) {
	var fields []Field
	for _, c := range form {
		f := Field{
			Send: c.Send, Column: Column(c.Column), Why: c.Why, Layout: c.Layout, Unit: c.Unit, Currency: c.Currency,
			Map: readMap(c), Mask: Mask{Strategy: MaskNone}, Narrative: c.Narrative, Override: c.Override,
		}
		if c.Mask != nil {
			f.Mask = Mask(*c.Mask)
		}
		var asErr, withholdErr error
		f.As, asErr = readKind(c.As)
		f.Withhold, withholdErr = readRules(c.Withhold)
		if err := errors.Join(asErr, withholdErr); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func readMap(c canonicalField) *ValueMap {
	if c.Map == nil && c.Else == nil {
		return nil
	}
	m := &ValueMap{HasElse: c.Else != nil}
	for _, entry := range c.Map {
		m.Codes = append(m.Codes, MapEntry{Code: entry[0], Send: entry[1]})
	}
	if c.Else != nil {
		m.Else = *c.Else
	}
	return m
}

func readKind(word string) (Kind, error) {
	if word == "" {
		return KindUnknown, nil
	}
	if i := slices.IndexFunc(castKinds(), func(k Kind) bool { return k.String() == word }); i >= 0 {
		return castKinds()[i], nil
	}
	return KindUnknown, fmt.Errorf("as %q: %w", word, errNotCanonical)
}

func readRules(form []canonicalRule) ([]Rule, error) {
	var rules []Rule
	for _, c := range form {
		r := Rule{Why: c.Why}
		for _, condition := range c.All {
			read, err := condition.condition()
			if err != nil {
				return nil, err
			}
			r.All = append(r.All, read)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (c canonicalCondition) condition() (Condition, error) {
	i := slices.Index(strings.Fields(conditionKeys), c.Op)
	if i < 0 {
		return Condition{}, fmt.Errorf("test %q: %w", c.Op, errNotCanonical)
	}
	read := Condition{Column: Column(c.Column), Op: Op(i + 1)}
	var err error
	switch read.Op {
	case In, NotIn:
		read.Values = c.Values
	case Before, After:
		read.Time, err = time.Parse(canonicalTime, c.Time)
	case OlderThan:
		count, unit, _ := strings.Cut(c.Age, " ")
		read.Age.Unit = AgeUnit(unit)
		read.Age.N, err = strconv.Atoi(count)
	}
	if err != nil {
		return Condition{}, fmt.Errorf("%w: %w", errNotCanonical, err)
	}
	return read, nil
}

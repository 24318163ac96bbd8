package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"roagent/fieldmap"
)

const (
	samplesShown = 3   // values a field
	sampleOrders = 300 // read at most to find them
	sampleLength = 120 // characters of a value that are shown
)

// samples collects values of each field out of orders as they would be sent: what is withheld, skipped or masked is so
// here too.
type samples struct {
	plan   *fieldmap.Plan
	orders int
	values map[string][]string // by the field's path
}

// readSamples reads the first orders of a week until each field has its samples.
func (s *site) readSamples(ctx context.Context, week fieldmap.Week) (*samples, error) {
	dms, reader, err := s.openDMS(ctx)
	if err != nil {
		return nil, err
	}
	defer dms.Close()
	found := &samples{plan: s.plan, values: map[string][]string{}}
	w := &walk{pageSize: min(50, s.config.Queue.BatchOrders), full: found.full, record: found.record, parked: func([]fieldmap.Parked) {}}
	if err := w.week(ctx, reader, week); err != nil {
		return nil, err
	}
	return found, nil
}

func (s *samples) full() bool {
	if s.orders >= sampleOrders {
		return true
	}
	for _, l := range s.plan.Levels {
		for _, f := range l.Fields() {
			if len(s.values[fieldPath(l, f)]) < samplesShown {
				return false
			}
		}
	}
	return true
}

func fieldPath(l *fieldmap.Level, f *fieldmap.Field) string {
	return strings.TrimPrefix(l.Path+"."+f.Send, ".")
}

// object is a part of a sent order.
type object = map[string]json.RawMessage

func (s *samples) record(r fieldmap.Record) error {
	s.orders++
	var order object
	if err := json.Unmarshal(r.JSON(), &order); err != nil {
		return fmt.Errorf("read a record for its samples: %w", err)
	}
	return s.rows(s.plan.Orders, []object{order})
}

func (s *samples) rows(l *fieldmap.Level, rows []object) error {
	for _, f := range l.Fields() {
		for _, row := range rows {
			if err := s.value(fieldPath(l, f), row, f.Send); err != nil {
				return err
			}
		}
	}
	for _, list := range l.Lists {
		name := list.Path[strings.LastIndexByte(list.Path, '.')+1:]
		var below []object
		for _, row := range rows {
			var lines []object
			if err := json.Unmarshal(orNull(row[name]), &lines); err != nil {
				return fmt.Errorf("read the samples of %s: %w", list.Path, err)
			}
			below = append(below, lines...)
		}
		if err := s.rows(list, below); err != nil {
			return err
		}
	}
	return nil
}

// orNull returns what stands for a member that was left out.
func orNull(member json.RawMessage) json.RawMessage {
	if member == nil {
		return json.RawMessage("null")
	}
	return member
}

// value notes what a row sends to a path, where it sends something that was not seen yet.
func (s *samples) value(path string, row object, send string) error {
	name, rest, deeper := strings.Cut(send, ".")
	member, sent := row[name]
	if !sent || len(s.values[path]) >= samplesShown {
		return nil
	}
	if deeper {
		var inner object
		if err := json.Unmarshal(member, &inner); err != nil {
			return fmt.Errorf("read the samples of %s: %w", path, err)
		}
		return s.value(path, inner, rest)
	}
	if text := sampleText(member); !slices.Contains(s.values[path], text) {
		s.values[path] = append(s.values[path], text)
	}
	return nil
}

// sampleText is a sent value as a person reads it: 48210 SMI for {"value":48210,"unit_code":"SMI"}.
func sampleText(value json.RawMessage) string {
	var text string
	var amount struct {
		Value    json.RawMessage `json:"value"`
		Unit     string          `json:"unit_code"`
		Currency string          `json:"currency_code"`
	}
	switch {
	case json.Unmarshal(value, &text) == nil:
	case json.Unmarshal(value, &amount) == nil && amount.Value != nil:
		text = sampleText(amount.Value) + " " + amount.Unit + amount.Currency
	default:
		text = string(value)
	}
	if utf8.RuneCountInString(text) > sampleLength {
		text = string([]rune(text)[:sampleLength]) + "…"
	}
	return text
}

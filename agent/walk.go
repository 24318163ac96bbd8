package main

import (
	"context"
	"time"

	"roagent/extract"
	"roagent/fieldmap"
)

// walk reads a week's orders as a pull does, page by page, and stores nothing.
type walk struct {
	pageSize int
	full     func() bool // enough was seen
	record   func(fieldmap.Record) error
	parked   func([]fieldmap.Parked)
	profile  fieldmap.Profile // of all that was read
}

func (v *walk) week(ctx context.Context, reader *extract.Reader, week fieldmap.Week) error {
	reading, err := reader.Begin(ctx)
	if err != nil {
		return err
	}
	defer reading.Close()
	var after []byte
	for {
		keys, err := reading.Keys(ctx, week, after, v.pageSize, time.Time{})
		if err != nil {
			return err
		}
		if err := v.page(ctx, reading, week, keys); err != nil {
			return err
		}
		if after = keys.Next(); after == nil || v.full() {
			return nil
		}
	}
}

func (v *walk) page(ctx context.Context, reading *extract.Reading, week fieldmap.Week, keys *extract.KeyPage) error {
	v.parked(keys.Parked())
	for len(keys.Keys()) > 0 && !v.full() {
		page, n, err := reading.Orders(ctx, week, keys)
		if err != nil {
			return err
		}
		for record := range page.Records() {
			if v.full() {
				break
			}
			if err := v.record(record); err != nil {
				return err
			}
		}
		v.parked(page.Parked())
		v.profile.Add(page.Profile())
		keys = keys.Rest(n)
	}
	return nil
}

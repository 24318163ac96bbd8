package main

import (
	"context"
	"errors"
	"fmt"

	"roagent/fieldmap"
	"roagent/upload/collector"
)

type indexCommand struct {
	storeFlag
	Week string `placeholder:"WEEK" help:"Only this week, like 2026-W46."`
}

// Run makes anew what tells of all dealers. What cannot be read is named, and ends it with a failure after all else is done.
func (c *indexCommand) Run(ctx context.Context, s streams) (err error) {
	var week fieldmap.Week
	if c.Week != "" {
		if week, err = fieldmap.ParseWeek(c.Week); err != nil {
			return usageError{fmt.Errorf("--week: %w", err)}
		}
	}
	store, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	made, err := collector.RebuildFleet(ctx, store, week)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "Indexed %d dealers and %d closed weeks.\n", made.Dealers, made.Weeks)
	for _, name := range made.Damaged {
		fmt.Fprintf(s.stderr, "%s cannot be read; it is not in the index.\n", name)
	}
	if len(made.Damaged) > 0 {
		return fmt.Errorf("%d objects of the store cannot be read", len(made.Damaged))
	}
	return nil
}

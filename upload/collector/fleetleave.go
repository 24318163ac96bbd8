package collector

import (
	"context"
	"path"
	"strings"

	"roagent/fieldmap"
)

// sweepLimit is how many weeks are gone through at a time: an index of 20,000 dealers takes some 20 MB of memory.
const sweepLimit = 4

// forgetDealer removes all that is held of a dealer who left, and what the fleet's objects tell of it. Its tombstone is there.
func forgetDealer(ctx context.Context, store Store, dealer string) error {
	if err := store.Remove(ctx, dealerFolder(dealer)); err != nil {
		return err
	}
	if err := store.Remove(ctx, fleetDealerFile(dealer)); err != nil {
		return err
	}
	left := map[string]bool{dealer: true}
	if err := sweepIndex(ctx, store, fleetDealersIndex, left); err != nil {
		return err
	}
	weeks, err := fleetWeeks(ctx, store)
	if err != nil {
		return err
	}
	return each(ctx, sweepLimit, weeks, func(ctx context.Context, week fieldmap.Week) error {
		if err := store.Remove(ctx, fleetWeekFile(dealer, week)); err != nil {
			return err
		}
		return sweepIndex(ctx, store, fleetWeekIndex(week), left)
	})
}

// sweepFleet removes what the fleet's objects still tell of dealers who left. Each folder is listed once, however many they are.
func sweepFleet(ctx context.Context, store Store, left map[string]bool) error {
	if err := sweepFolder(ctx, store, fleetDealers, fleetDealersIndex, left); err != nil {
		return err
	}
	weeks, err := fleetWeeks(ctx, store)
	if err != nil {
		return err
	}
	return each(ctx, sweepLimit, weeks, func(ctx context.Context, week fieldmap.Week) error {
		return sweepFolder(ctx, store, fleetWeekFolder(week), fleetWeekIndex(week), left)
	})
}

func sweepFolder(ctx context.Context, store Store, folder, index string, left map[string]bool) error {
	names, err := Names(ctx, store, folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !left[strings.TrimSuffix(path.Base(name), ".json")] {
			continue
		}
		if err := store.Remove(ctx, name); err != nil {
			return err
		}
	}
	return sweepIndex(ctx, store, index, left)
}

package main

import (
	"context"
	"errors"
	"fmt"

	"roagent/upload/collector"
)

type dealerCommand struct {
	Add dealerAddCommand `cmd:"" help:"Add a dealer and print its token, once."`
}

type dealerAddCommand struct {
	storeFlag
	ID    string `arg:"" help:"The dealer's id, as dealer.id of its roagent.yaml."`
	Name  string `required:"" help:"The dealer's name."`
	Again bool   `help:"Also a dealer who left: it begins anew, with nothing of what was held."`
}

// Run adds the dealer. Only the token goes to stdout, so that it can be piped to where it is kept.
func (c *dealerAddCommand) Run(ctx context.Context, s streams) (err error) {
	store, err := c.open(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if c.Again {
		if err := collector.Readmit(ctx, store, c.ID); err != nil {
			return err
		}
	}
	token, err := collector.AddDealer(ctx, store, c.ID, c.Name)
	if errors.Is(err, collector.ErrDealerExists) {
		return fmt.Errorf("%w; its token was printed when it was added. For a new one remove dealers/%s/dealer.json from the store, then add it again", err, c.ID)
	}
	if _, ok := errors.AsType[*collector.LeftError](err); ok {
		return fmt.Errorf("%w. If it takes part again, add it with --again: it begins anew, with a new token", err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "Dealer %s may send now. This is its token; it is kept nowhere and will not be shown again:\n", c.ID)
	_, err = fmt.Fprintln(s.stdout, token)
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"

	"roagent/upload/collector"
)

type keyCommand struct {
	storeFlag
	Name string `placeholder:"HOST" help:"Name of the key, where it is to be created: the collector's host name, by custom."`
}

// Run prints the verifier key and creates the key on first use.
func (c *keyCommand) Run(ctx context.Context, s streams) (err error) {
	store, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	key, err := collector.OpenKey(ctx, store, c.Name)
	if err != nil {
		return err
	}
	if c.Name != "" && key.Verifier.Name() != c.Name {
		return usageError{fmt.Errorf("this store's key is named %s already, and agents know it by that name; leave --name out to print it", key.Verifier.Name())}
	}
	_, err = fmt.Fprintln(s.stdout, key.Public)
	return err
}

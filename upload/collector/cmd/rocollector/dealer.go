package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"text/tabwriter"
	"time"

	"roagent/upload/collector"
)

type dealerCommand struct {
	Add     dealerAddCommand     `cmd:"" help:"Add a dealer and print its token, once."`
	Show    dealerShowCommand    `cmd:"" help:"Print what may act for a dealer: tokens by their ids, revoked certificates, whether it is suspended."`
	Token   dealerTokenCommand   `cmd:"" help:"Give a dealer a second token and print it, once: the first stays valid until it is revoked."`
	Revoke  dealerRevokeCommand  `cmd:"" help:"Make a token, all tokens or a client certificate of a dealer worthless, at once."`
	Suspend dealerSuspendCommand `cmd:"" help:"Keep a dealer out, at once, until it is resumed. It can still leave."`
	Resume  dealerResumeCommand  `cmd:"" help:"Let a suspended dealer send again."`
}

// actFlags are what every command has that is written down as an administrative act.
type actFlags struct {
	storeFlag
	By string `placeholder:"NAME" help:"Who does it, for the record of acts. Default: this account on this machine."`
}

// begin opens the store and writes down what is about to be done.
func (f actFlags) begin(ctx context.Context, mustExist bool, act collector.Act) (openStore, error) {
	store, err := f.open(ctx, mustExist)
	if err != nil {
		return nil, err
	}
	act.By = f.By
	if act.By == "" {
		act.By = operator()
	}
	if err := collector.Record(ctx, store, act); err != nil {
		return nil, errors.Join(fmt.Errorf("it was not done, since it cannot be recorded: %w", err), store.Close())
	}
	return store, nil
}

// operator names the account and the machine, as far as they are known.
func operator() string {
	account := "unknown"
	if u, err := user.Current(); err == nil {
		account = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return account
	}
	return account + "@" + host
}

type dealerAddCommand struct {
	actFlags
	ID    string `arg:"" help:"The dealer's id, as dealer.id of its roagent.yaml."`
	Name  string `required:"" help:"The dealer's name."`
	Again bool   `help:"Also a dealer who left: it begins anew, with nothing of what was held."`
}

// Run adds the dealer. Only the token goes to stdout, so that it can be piped to where it is kept.
func (c *dealerAddCommand) Run(ctx context.Context, s streams) (err error) {
	act := collector.Act{Act: "dealer add", Dealer: c.ID}
	if c.Again {
		act.Detail = "again"
	}
	store, err := c.begin(ctx, false, act)
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
		return fmt.Errorf("%w; its token was printed when it was added. For a new one: rocollector dealer token %s", err, c.ID)
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

type dealerShowCommand struct {
	storeFlag
	ID   string `arg:"" help:"The dealer's id."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run prints the dealer's credentials, of which none is a secret.
func (c *dealerShowCommand) Run(ctx context.Context, s streams) (err error) {
	store, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	known, err := collector.ReadCredentials(ctx, store, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.stdout)
		e.SetIndent("", "  ")
		return e.Encode(known)
	}
	t := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "dealer\t%s\nname\t%s\nadded\t%s\n", known.Dealer, known.Name, known.Added.Format(time.DateOnly))
	if known.Left != nil {
		fmt.Fprintf(t, "left\t%s\n", known.Left.Format(time.DateOnly))
	}
	if known.Suspended != nil {
		fmt.Fprintf(t, "suspended\t%s: %s\n", known.Suspended.Format(time.DateOnly), known.Why)
	}
	for _, token := range known.Tokens {
		fmt.Fprintf(t, "token\t%s  of %s  %s\n", token.ID, token.Added.Format(time.DateOnly), token.Note)
	}
	if len(known.Tokens) == 0 {
		fmt.Fprintln(t, "token\tnone")
	}
	for _, print := range known.Certificates {
		fmt.Fprintf(t, "revoked certificate\t%s\n", print)
	}
	return t.Flush()
}

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"roagent/upload/collector"
)

type dealerTokenCommand struct {
	actFlags
	ID   string `arg:"" help:"The dealer's id."`
	Note string `help:"What it is for, as 'dealer show' tells it."`
}

// Run adds a token. Only the token goes to stdout.
func (c *dealerTokenCommand) Run(ctx context.Context, s streams) (err error) {
	store, err := c.begin(ctx, true, collector.Act{Act: "dealer token", Dealer: c.ID, Detail: c.Note})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	token, err := collector.AddToken(ctx, store, c.ID, c.Note)
	if errors.Is(err, collector.ErrTooManyTokens) {
		return fmt.Errorf("%w; 'rocollector dealer show %s' names them, 'rocollector dealer revoke %s --token ID' ends one", err, c.ID, c.ID)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "Dealer %s has two tokens now. Once the dealer uses this one, revoke the other. It is kept nowhere and will not be shown again:\n", c.ID)
	_, err = fmt.Fprintln(s.stdout, token)
	return err
}

type dealerRevokeCommand struct {
	actFlags
	ID          string `arg:"" help:"The dealer's id."`
	Token       string `xor:"what" required:"" placeholder:"ID" help:"The token's id, as 'dealer show' tells it."`
	AllTokens   bool   `xor:"what" required:"" help:"All its tokens."`
	Certificate string `xor:"what" required:"" placeholder:"FILE" help:"This client certificate, PEM; or its SHA-256 in hex."`
}

// Run revokes what is named.
func (c *dealerRevokeCommand) Run(ctx context.Context, s streams) (err error) {
	act, revoke := collector.Act{Act: "dealer revoke", Dealer: c.ID}, collector.RevokeTokens
	switch {
	case c.AllTokens:
		act.Detail = "all tokens"
	case c.Token != "":
		act.Detail = "token " + c.Token
		revoke = func(ctx context.Context, store collector.Store, id string) error {
			return collector.RevokeToken(ctx, store, id, c.Token)
		}
	default:
		print, err := certificatePrint(c.Certificate)
		if err != nil {
			return usageError{err}
		}
		act.Detail = "certificate " + print
		revoke = func(ctx context.Context, store collector.Store, id string) error {
			return collector.RevokeCertificate(ctx, store, id, print)
		}
	}
	store, err := c.begin(ctx, true, act)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	err = revoke(ctx, store, c.ID)
	if errors.Is(err, collector.ErrNoToken) {
		return fmt.Errorf("%w; 'rocollector dealer show %s' names those that are valid", err, c.ID)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "Revoked: %s of dealer %s. It is refused from the next request on.\n", act.Detail, c.ID)
	return nil
}

// certificatePrint returns the SHA-256 of a certificate's DER in lower-case hex, of a PEM file or as it is given.
func certificatePrint(given string) (string, error) {
	if sum, err := hex.DecodeString(given); err == nil && len(sum) == sha256.Size {
		return hex.EncodeToString(sum), nil
	}
	text, err := os.ReadFile(given)
	if err != nil {
		return "", fmt.Errorf("--certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return "", fmt.Errorf("--certificate %s: there is no PEM certificate in it", given)
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:]), nil
}

type dealerSuspendCommand struct {
	actFlags
	ID  string `arg:"" help:"The dealer's id."`
	Why string `required:"" help:"The reason, for those who run the collector; the dealer is not told."`
}

// Run suspends the dealer.
func (c *dealerSuspendCommand) Run(ctx context.Context, s streams) (err error) {
	store, err := c.begin(ctx, true, collector.Act{Act: "dealer suspend", Dealer: c.ID, Detail: c.Why})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := collector.Suspend(ctx, store, c.ID, c.Why); err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "Dealer %s is suspended: its agent queues and sends nothing until 'rocollector dealer resume %s'.\n", c.ID, c.ID)
	return nil
}

type dealerResumeCommand struct {
	actFlags
	ID string `arg:"" help:"The dealer's id."`
}

// Run ends the suspension.
func (c *dealerResumeCommand) Run(ctx context.Context, s streams) (err error) {
	store, err := c.begin(ctx, true, collector.Act{Act: "dealer resume", Dealer: c.ID})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := collector.Resume(ctx, store, c.ID); err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "Dealer %s may send again.\n", c.ID)
	return nil
}

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

// consent is how the whitelist as the file has it now stands to what the dealer approved.
type consent struct {
	left     *upload.LeftError // the store has left, or has begun to: no approval counts
	given    bool              // a whitelist was approved
	approval upload.Approval   // the latest
	digest   fieldmap.Digest   // of the file as it is now
	changes  []fieldmap.Change
	override []fieldmap.Forbidden // of the file as it is now: what may leave by the word of two people
	problem  error                // why the approved whitelist cannot be compared
}

// consent compares the whitelist with the approved one.
func (s *site) consent() (consent, error) {
	c := consent{digest: s.plan.Digest}
	_, c.override = s.plan.Forbidden()
	if d, gone, err := s.queue.Departure(); err != nil {
		return c, err
	} else if gone {
		c.left = &upload.LeftError{Departure: d}
	}
	var err error
	if c.approval, c.given, err = s.queue.Approved(); err != nil || !c.given || c.exact() {
		return c, err
	}
	approved, err := readApproved(c.approval)
	if err != nil {
		c.problem = err
		return c, nil
	}
	c.changes = fieldmap.Diff(approved, s.plan.Whitelist)
	return c, nil
}

// readApproved reads the text of an approval, which must be the one that its digest names.
func readApproved(a upload.Approval) (*fieldmap.Whitelist, error) {
	sum := sha256.Sum256([]byte(a.Text))
	if hex.EncodeToString(sum[:]) != a.Digest {
		return nil, fmt.Errorf("the approval of %s in the ledger is damaged: its text does not have its digest", a.At.Format(time.DateOnly))
	}
	w, err := fieldmap.ParseCanonical([]byte(a.Text))
	if err != nil {
		return nil, fmt.Errorf("the whitelist that %s approved on %s cannot be compared: %w", a.Who, a.At.Format(time.DateOnly), err)
	}
	return w, nil
}

// exact reports whether the whitelist is the approved one.
func (c consent) exact() bool { return c.given && c.approval.Digest == c.digest.String() }

// narrower reports whether the whitelist is the approved one less something, which needs no new approval.
func (c consent) narrower() bool { return c.given && fieldmap.OnlyNarrowed(c.changes) }

// Given reports whether a whitelist was approved; with the other exported ones, it is what the review sheet's template asks.
func (c consent) Given() bool { return c.given }

// By is who approved.
func (c consent) By() string { return approvers(c.approval.Who, c.approval.Second) }

// On is the day of the approval.
func (c consent) On() string { return c.approval.At.Format(time.DateOnly) }

// Problem is why the approved whitelist cannot be compared; "" where it can.
func (c consent) Problem() string {
	if c.problem == nil {
		return ""
	}
	return c.problem.Error()
}

// state says in a word how the whitelist stands.
func (c consent) state() string {
	switch {
	case c.left != nil:
		return "left"
	case c.exact():
		return "approved"
	case c.narrower():
		return "narrowed"
	case c.given:
		return "changed"
	}
	return "unapproved"
}

// String says how the whitelist stands, after the word "approved".
func (c consent) String() string {
	switch c.state() {
	case "approved":
		return fmt.Sprintf("by %s on %s", c.By(), c.On())
	case "narrowed":
		return fmt.Sprintf("by %s on %s, and narrower since (%s): needs no new approval", c.By(), c.On(), plural(len(c.changes), "change"))
	case "left":
		return fmt.Sprintf("no: this store has left, or is about to (%s)", c.left.At.Format(time.DateOnly))
	case "changed":
		return fmt.Sprintf("no: %s approved another one on %s (%.12s…); 'roagent fieldmap diff' says what differs", c.By(), c.On(), c.approval.Digest)
	}
	return "no: nothing is read until it is"
}

// check refuses a whitelist that lets more leave than the approved one, or other things, or for other reasons.
func (c consent) check() error {
	switch c.state() {
	case "approved", "narrowed":
		if len(c.override) > 0 && c.approval.Second == "" {
			return needsSecond(c.override)
		}
		return nil
	case "left":
		return c.left
	case "changed":
		return &refusedError{
			fmt.Sprintf("the whitelist was changed after %s approved it on %s: nothing is read", c.By(), c.On()),
			strings.Join(c.firstChanges(), "\n  ") + "\n  look at all of it with 'roagent fieldmap diff', then 'roagent fieldmap approve --by NAME', or put the approved file back",
		}
	}
	return &refusedError{"the whitelist is not approved: nothing is read", "look at it with 'roagent fieldmap review', then 'roagent fieldmap approve --by NAME'"}
}

// changesShown is how many changes a refusal tells.
const changesShown = 3

// firstChanges tells the changes that matter most, a line each.
func (c consent) firstChanges() []string {
	if c.problem != nil {
		return []string{c.problem.Error()}
	}
	var lines []string
	for _, g := range groupChanges(c.changes) {
		for _, change := range g.Changes {
			lines = append(lines, fmt.Sprintf("%s: %s: %s", g.Effect, change.Where, changeText(change)))
		}
	}
	if more := len(lines) - changesShown; more > 1 {
		lines = append(lines[:changesShown], fmt.Sprintf("and %d more", more))
	}
	return lines
}

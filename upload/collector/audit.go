package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"roagent/upload"
)

// Act is an administrative act: what a person did to a store of a collector, by a command. The record of acts is numbered
// from 1 without a gap, and each holds the digest of the one before, so that none can be changed or taken from the middle
// unseen (Safeguards Rule, 16 CFR 314.4(c)(8): the activity of authorized users is logged).
type Act struct {
	N      int       `json:"n"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Act    string    `json:"act"` // the command, like "dealer suspend"
	Dealer string    `json:"dealer_id,omitempty"`
	Detail string    `json:"detail,omitempty"` // never a secret
	Before string    `json:"before"`           // SHA-256 of the bytes of the act before, lower-case hex; empty for the first
}

const auditFolder = "audit"

func actFile(n int) string { return path.Join(auditFolder, fmt.Sprintf("%09d.json", n)) }

// recordTries is how often an act looks for its number, where others record theirs at the same time.
const recordTries = 100

// Record writes down an act; N, At and Before are filled in. It is to be called before the act is done, so that none is done
// that is not on record: one that is there may have failed.
func Record(ctx context.Context, store Store, a Act) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("record %s: %w", a.Act, err)
	}
	last, err := lastAct(ctx, store)
	if err != nil {
		return fmt.Errorf("record %s: %w", a.Act, err)
	}
	for range recordTries {
		before, err := bytesOfAct(ctx, store, last)
		if err != nil {
			return fmt.Errorf("record %s: %w", a.Act, err)
		}
		a.N, a.At, a.Before = last+1, now(), before
		data, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("record %s: %w", a.Act, err)
		}
		err = store.Put(ctx, actFile(a.N), append(data, '\n'), Create)
		if !exists(err) {
			return err
		}
		last++ // somebody else's
	}
	return fmt.Errorf("record %s: %w", a.Act, ErrBusy)
}

// maxActText is the most bytes of each text of an act.
const maxActText = 300

// check refuses what would spoil the record.
func (a *Act) check() error {
	if a.Dealer != "" {
		if err := checkDealer(a.Dealer); err != nil {
			return err
		}
	}
	for _, text := range []string{a.By, a.Act, a.Detail} {
		if len(text) > maxActText || !upload.IsPlain(text) {
			return fmt.Errorf("who does it and what is done have at most %d bytes that can be printed", maxActText)
		}
	}
	if a.By == "" || a.Act == "" {
		return errors.New("it does not say who does what")
	}
	return nil
}

// lastAct returns the number of the last act on record, or 0.
func lastAct(ctx context.Context, store Store) (int, error) {
	names, err := Names(ctx, store, auditFolder)
	if err != nil || len(names) == 0 {
		return 0, err
	}
	name := names[len(names)-1]
	n, err := strconv.Atoi(strings.TrimSuffix(path.Base(name), ".json"))
	if err != nil || name != actFile(n) {
		return 0, fmt.Errorf("%s is no act; what is it?", name)
	}
	return n, nil
}

// bytesOfAct returns the digest of an act's bytes, or "" for the one before the first.
func bytesOfAct(ctx context.Context, store Store, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	data, err := store.Get(ctx, actFile(n))
	if err != nil {
		return "", err
	}
	return digestOf(data), nil
}

// AuditError says where the record of acts is not whole.
type AuditError struct {
	N   int
	Why string
}

// Error names the act.
func (e *AuditError) Error() string {
	return fmt.Sprintf("the record of administrative acts is not whole: %s %s", actFile(e.N), e.Why)
}

// Acts calls each for every act on record, in order. It returns an [*AuditError] at the first that is missing or was changed. The
// last ones missing cannot be told.
func Acts(ctx context.Context, store Store, each func(Act) error) error {
	last, err := lastAct(ctx, store)
	if err != nil {
		return fmt.Errorf("read acts: %w", err)
	}
	before := ""
	for n := 1; n <= last; n++ {
		data, err := store.Get(ctx, actFile(n))
		if missing(err) {
			return &AuditError{n, "is missing"}
		}
		if err != nil {
			return fmt.Errorf("read acts: %w", err)
		}
		var a Act
		switch err := json.Unmarshal(data, &a); {
		case err != nil || a.N != n:
			return &AuditError{n, "is damaged"}
		case a.Before != before:
			return &AuditError{n, "does not follow the one before it: one of the two was changed"}
		}
		if err := each(a); err != nil {
			return err
		}
		before = digestOf(data)
	}
	return nil
}

package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// ErrDealerExists is wrapped by [AddDealer]'s error for a dealer that is there already.
var ErrDealerExists = errors.New("the dealer is there already")

// LeftError is what [AddDealer] and [Export] say of a dealer who left and had all deleted that was held of it.
type LeftError struct {
	Dealer string
	At     time.Time
}

// Error says when it left.
func (e *LeftError) Error() string {
	return fmt.Sprintf("dealer %s left on %s, and all that was held of it was deleted", e.Dealer, e.At.Format(time.DateOnly))
}

// dealerRecord is dealer.json, and what is kept of a dealer who left.
type dealerRecord struct {
	DealerID    string        `json:"dealer_id"`
	Name        string        `json:"name"`
	Tokens      []tokenRecord `json:"tokens"`                 // those that are valid
	TokenSHA256 string        `json:"token_sha256,omitempty"` // of a record from when a dealer had one token; read only
	Revoked     []revokedLeaf `json:"certificates,omitempty"` // client certificates that are not taken any more
	Suspended   *suspension   `json:"suspended,omitempty"`
	Added       time.Time     `json:"added"`
	Left        *deletion     `json:"left,omitempty"`
}

const maxDealerName = 200

// AddDealer lets a dealer send, and returns its token, which cannot be had again. The token begins with the dealer's
// id, so that a token used on another dealer's path is known for what it is.
func AddDealer(ctx context.Context, store Store, id, name string) (token string, err error) {
	if err := checkDealer(id); err != nil {
		return "", fmt.Errorf("add dealer: %w", err)
	}
	if name == "" || len(name) > maxDealerName || strings.ContainsFunc(name, unicode.IsControl) {
		return "", fmt.Errorf("add dealer %s: a name has 1 to %d bytes and no control characters", id, maxDealerName)
	}
	if known, err := readDealer(ctx, store, id); err != nil {
		return "", fmt.Errorf("add dealer %s: %w", id, err)
	} else if known != nil && known.Left != nil {
		return "", fmt.Errorf("add dealer: %w", &LeftError{Dealer: id, At: known.Left.At})
	} else if known != nil {
		return "", fmt.Errorf("add dealer %s: %w", id, ErrDealerExists)
	}
	token, kept := newToken(id, "")
	record := dealerRecord{DealerID: id, Name: name, Tokens: []tokenRecord{kept}, Added: kept.Added}
	// First, since the token of a dealer whose record is there can be had no more. What is there already stays: one that was
	// cut off has written it, and the first heartbeat replaces it.
	if err := putFleetDealer(ctx, store, &record, time.Time{}, nil, Create); err != nil && !exists(err) {
		return "", fmt.Errorf("add dealer %s: %w", id, err)
	}
	err = record.put(ctx, store, dealerFile(id), Create)
	if exists(err) {
		return "", fmt.Errorf("add dealer %s: %w", id, ErrDealerExists)
	}
	if err != nil {
		return "", fmt.Errorf("add dealer %s: %w", id, err)
	}
	return token, nil
}

func (d *dealerRecord) put(ctx context.Context, store Store, name string, mode PutMode) error {
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return store.Put(ctx, name, append(data, '\n'), mode)
}

// readDealer returns what is known of a dealer, also of one who left, or nil for one that was never added. The tombstone is
// read last: it is put before the record goes, so whoever finds no record any more finds the tombstone.
func readDealer(ctx context.Context, store Store, id string) (*dealerRecord, error) {
	record, err := readRecord(ctx, store, id, dealerFile(id))
	if err != nil {
		return nil, err
	}
	left, err := readRecord(ctx, store, id, deletionFile(id))
	if err != nil || left == nil {
		return record, err
	}
	if left.Left == nil {
		return nil, fmt.Errorf("read dealer %s: %s is damaged: it does not say when the dealer left", id, deletionFile(id))
	}
	return left, nil
}

func readRecord(ctx context.Context, store Store, id, name string) (*dealerRecord, error) {
	data, err := store.Get(ctx, name)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read dealer %s: %w", id, err)
	}
	var record dealerRecord
	if err := json.Unmarshal(data, &record); err != nil {
		return nil, fmt.Errorf("read dealer %s: %s: %w", id, name, err)
	}
	// On a file system that does not tell a from A, another dealer's file answers to this name.
	if record.DealerID != id {
		return nil, nil
	}
	if record.TokenSHA256 != "" {
		record.Tokens = append(record.Tokens, tokenRecord{SHA256: record.TokenSHA256, Added: record.Added})
		record.TokenSHA256 = ""
	}
	return &record, nil
}

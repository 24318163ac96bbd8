package collector

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// ErrDealerExists is wrapped by [AddDealer]'s error for a dealer that is there already.
var ErrDealerExists = errors.New("the dealer is there already")

// dealerRecord is dealer.json. The token itself is nowhere: of 256 random bits a plain digest is as good as a slow one.
type dealerRecord struct {
	DealerID    string    `json:"dealer_id"`
	Name        string    `json:"name"`
	TokenSHA256 string    `json:"token_sha256"` // lower-case hex
	Added       time.Time `json:"added"`
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
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	token = id + "." + base64.RawURLEncoding.EncodeToString(secret)
	sum := sha256.Sum256([]byte(token))
	record, err := json.MarshalIndent(dealerRecord{
		DealerID:    id,
		Name:        name,
		TokenSHA256: hex.EncodeToString(sum[:]),
		Added:       time.Now().UTC().Truncate(time.Second),
	}, "", "  ")
	if err != nil {
		return "", fmt.Errorf("add dealer %s: %w", id, err)
	}
	err = store.Put(ctx, dealerFile(id), append(record, '\n'), Create)
	if exists(err) {
		return "", fmt.Errorf("add dealer %s: %w", id, ErrDealerExists)
	}
	if err != nil {
		return "", fmt.Errorf("add dealer %s: %w", id, err)
	}
	return token, nil
}

// readDealer returns what is known of a dealer, or nil for one that was never added.
func readDealer(ctx context.Context, store Store, id string) (*dealerRecord, error) {
	data, err := store.Get(ctx, dealerFile(id))
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read dealer %s: %w", id, err)
	}
	var record dealerRecord
	if err := json.Unmarshal(data, &record); err != nil {
		return nil, fmt.Errorf("read dealer %s: %s: %w", id, dealerFile(id), err)
	}
	// On a file system that does not tell a from A, another dealer's file answers to this name.
	if record.DealerID != id {
		return nil, nil
	}
	return &record, nil
}

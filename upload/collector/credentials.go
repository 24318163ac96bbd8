package collector

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"roagent/upload"
)

// A dealer has one token, and two while the first is exchanged for the second. What is changed here holds from the next
// request on, at every collector on the store: each request reads the record.

// maxTokens is how many tokens of a dealer are valid at a time.
const maxTokens = 2

// maxNote is the most bytes of what a person writes down of a token or a suspension.
const maxNote = 200

// tokenRecord is what is kept of a token, which itself is nowhere: of 256 random bits a plain digest is as good as a slow one.
type tokenRecord struct {
	SHA256 string    `json:"sha256"` // lower-case hex
	Added  time.Time `json:"added"`
	Note   string    `json:"note,omitempty"`
}

// revokedLeaf is a client certificate that is not taken any more.
type revokedLeaf struct {
	SHA256 string    `json:"sha256"` // of the certificate's DER, lower-case hex
	At     time.Time `json:"at"`
}

// suspension keeps a dealer out without taking its credentials away.
type suspension struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// Errors of changes to a dealer's credentials.
var (
	ErrTooManyTokens = fmt.Errorf("%d tokens are valid already", maxTokens)
	ErrNoToken       = errors.New("the dealer has no such token")
	ErrBusy          = errors.New("somebody else is changing this dealer")
)

// newToken makes a token of a dealer, and what is kept of it. It begins with the dealer's id, so that a token used on another
// dealer's path is known for what it is.
func newToken(dealer, note string) (string, tokenRecord) {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	token := dealer + "." + base64.RawURLEncoding.EncodeToString(secret)
	sum := sha256.Sum256([]byte(token))
	return token, tokenRecord{SHA256: hex.EncodeToString(sum[:]), Added: now(), Note: note}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// Credentials is what may act for a dealer. It holds no secret.
type Credentials struct {
	Dealer       string     `json:"dealer_id"`
	Name         string     `json:"name"`
	Added        time.Time  `json:"added"`
	Tokens       []Token    `json:"tokens"`
	Certificates []string   `json:"revoked_certificates"` // SHA-256 of their DER, lower-case hex
	Suspended    *time.Time `json:"suspended,omitempty"`
	Why          string     `json:"why,omitempty"` // it is suspended
	Left         *time.Time `json:"left,omitempty"`
}

// Token is a valid token of a dealer. Its ID is the beginning of its SHA-256, by which it can be revoked.
type Token struct {
	ID    string    `json:"id"`
	Added time.Time `json:"added"`
	Note  string    `json:"note,omitempty"`
}

// tokenID is how many hex digits of a token's digest name it: of two tokens.
const tokenID = 12

// ReadCredentials returns what may act for a dealer, or an error that wraps [ErrNoDealer].
func ReadCredentials(ctx context.Context, store Store, id string) (*Credentials, error) {
	if err := checkDealer(id); err != nil {
		return nil, err
	}
	record, err := readDealer(ctx, store, id)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return nil, fmt.Errorf("dealer %s: %w", id, ErrNoDealer)
	}
	c := &Credentials{Dealer: id, Name: record.Name, Added: record.Added, Tokens: []Token{}, Certificates: []string{}}
	for _, t := range record.Tokens {
		c.Tokens = append(c.Tokens, Token{t.SHA256[:min(tokenID, len(t.SHA256))], t.Added, t.Note})
	}
	for _, r := range record.Revoked {
		c.Certificates = append(c.Certificates, r.SHA256)
	}
	if s := record.Suspended; s != nil {
		c.Suspended, c.Why = &s.At, s.Why
	}
	if record.Left != nil {
		c.Left = &record.Left.At
	}
	return c, nil
}

// AddToken gives a dealer a second token, which cannot be had again; the first one stays valid until it is revoked, so that
// nothing is refused while the dealer exchanges them. Errors wrap [ErrNoDealer], [ErrTooManyTokens] or are a [LeftError].
func AddToken(ctx context.Context, store Store, id, note string) (token string, err error) {
	if err := checkNote(note); err != nil {
		return "", fmt.Errorf("add token of dealer %s: %w", id, err)
	}
	err = change(ctx, store, id, func(d *dealerRecord) error {
		if len(d.Tokens) >= maxTokens {
			return ErrTooManyTokens
		}
		var kept tokenRecord
		token, kept = newToken(id, note)
		d.Tokens = append(d.Tokens, kept)
		return nil
	})
	return token, err
}

// RevokeToken makes a token of a dealer worthless at once. tokenID is the beginning of its SHA-256, at least eight hex digits.
func RevokeToken(ctx context.Context, store Store, id, tokenID string) error {
	if len(tokenID) < 8 {
		return fmt.Errorf("revoke token of dealer %s: name it by at least 8 hex digits: %w", id, ErrNoToken)
	}
	return change(ctx, store, id, func(d *dealerRecord) error {
		left := slices.DeleteFunc(slices.Clone(d.Tokens), func(t tokenRecord) bool { return strings.HasPrefix(t.SHA256, tokenID) })
		if len(left) != len(d.Tokens)-1 {
			return ErrNoToken
		}
		d.Tokens = left
		return nil
	})
}

// RevokeTokens makes all tokens of a dealer worthless at once.
func RevokeTokens(ctx context.Context, store Store, id string) error {
	return change(ctx, store, id, func(d *dealerRecord) error {
		d.Tokens = nil
		return nil
	})
}

// RevokeCertificate makes a client certificate worthless for a dealer at once. print is the SHA-256 of its DER in lower-case hex.
func RevokeCertificate(ctx context.Context, store Store, id, print string) error {
	if !isDigest(print) {
		return fmt.Errorf("revoke certificate of dealer %s: a certificate is named by the SHA-256 of its DER in 64 lower-case hex digits", id)
	}
	return change(ctx, store, id, func(d *dealerRecord) error {
		if !slices.ContainsFunc(d.Revoked, func(r revokedLeaf) bool { return r.SHA256 == print }) {
			d.Revoked = append(d.Revoked, revokedLeaf{print, now()})
		}
		return nil
	})
}

// Suspend keeps a dealer out from the next request on. It keeps its credentials, and can still leave.
func Suspend(ctx context.Context, store Store, id, why string) error {
	if err := checkNote(why); err != nil || why == "" {
		return fmt.Errorf("suspend dealer %s: the reason has 1 to %d bytes that can be printed", id, maxNote)
	}
	return change(ctx, store, id, func(d *dealerRecord) error {
		d.Suspended = &suspension{now(), why}
		return nil
	})
}

// Resume ends a suspension.
func Resume(ctx context.Context, store Store, id string) error {
	return change(ctx, store, id, func(d *dealerRecord) error {
		d.Suspended = nil
		return nil
	})
}

func checkNote(note string) error {
	if len(note) > maxNote || !upload.IsPlain(note) {
		return fmt.Errorf("a note has at most %d bytes that can be printed", maxNote)
	}
	return nil
}

// suspended is the answer to a dealer who is. The reason stays with those who run the collector.
func suspended(s *suspension) error {
	return refuse(http.StatusForbidden, "this store was suspended on %s; ask whoever runs the collector", s.At.Format(time.DateOnly))
}

// fingerprint is how a certificate is named.
func fingerprint(c *x509.Certificate) string { return digestOf(c.Raw) }

// change reads a dealer's record, lets it be changed and puts it back, while nobody else does.
func change(ctx context.Context, store Store, id string, what func(*dealerRecord) error) (err error) {
	if err := checkDealer(id); err != nil {
		return err
	}
	if record, err := readDealer(ctx, store, id); err != nil { // before the lock, which would make a folder of who is none
		return err
	} else if record == nil {
		return fmt.Errorf("dealer %s: %w", id, ErrNoDealer)
	}
	if err := lock(ctx, store, id); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Remove(context.WithoutCancel(ctx), lockFile(id))) }()
	record, err := readDealer(ctx, store, id)
	switch {
	case err != nil:
		return err
	case record == nil:
		return fmt.Errorf("dealer %s: %w", id, ErrNoDealer)
	case record.Left != nil:
		return fmt.Errorf("change: %w", &LeftError{Dealer: id, At: record.Left.At})
	}
	if err := what(record); err != nil {
		return fmt.Errorf("dealer %s: %w", id, err)
	}
	if err := record.put(ctx, store, dealerFile(id), Replace); err != nil {
		return err
	}
	if err := noteRecord(ctx, store, record); err != nil {
		return err
	}
	// Who left in the meantime must not come back by what was just put: see withdraw.
	left, err := readRecord(ctx, store, id, deletionFile(id))
	if err != nil || left == nil || left.Left == nil {
		return err
	}
	return errors.Join(&LeftError{Dealer: id, At: left.Left.At}, forgetDealer(ctx, store, id))
}

// How long a lock is waited for, and when it must be of one that died: a change takes no longer than three requests to the store.
const (
	lockWait  = 10 * time.Second
	lockRetry = 200 * time.Millisecond
	lockStale = 5 * time.Minute
)

// lock takes the lock of a dealer, waiting for whoever has it.
func lock(ctx context.Context, store Store, id string) error {
	name := lockFile(id)
	for until := time.Now().Add(lockWait); ; {
		err := store.Put(ctx, name, []byte(time.Now().UTC().Format(time.RFC3339Nano)), Create)
		if !exists(err) {
			return err
		}
		held, err := store.Get(ctx, name)
		if err != nil && !missing(err) {
			return err
		}
		since, parseErr := time.Parse(time.RFC3339Nano, string(held))
		switch {
		case err != nil: // let go this moment
		case parseErr != nil || time.Since(since) > lockStale:
			if err := store.Remove(ctx, name); err != nil {
				return err
			}
		case time.Now().After(until):
			return fmt.Errorf("dealer %s: %w since %s", id, ErrBusy, since.Format(time.RFC3339))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockRetry):
		}
	}
}

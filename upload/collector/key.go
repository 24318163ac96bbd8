package collector

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// DefaultKeyName is the name a receipt key has where nobody chose one.
const DefaultKeyName = "collector"

// Key is what receipts are signed with: a C2SP signed-note key (Ed25519). It lies in the store, because every
// collector on that store must sign alike.
type Key struct {
	Signer   note.Signer
	Verifier note.Verifier
	Public   string // the verifier key, as agents have it in collector.receipt_key: name+hash+key
}

// OpenKey returns the store's receipt key and creates it on first use. name is for a new key only; "" is
// [DefaultKeyName].
func OpenKey(ctx context.Context, store Store, name string) (Key, error) {
	secret, err := store.Get(ctx, keyFile)
	if missing(err) {
		if err := createKey(ctx, store, name); err != nil {
			return Key{}, err
		}
		secret, err = store.Get(ctx, keyFile)
	}
	if err != nil {
		return Key{}, fmt.Errorf("open receipt key: %w", err)
	}
	key, err := parseKey(strings.TrimSpace(string(secret)))
	if err != nil {
		return Key{}, fmt.Errorf("open receipt key %s: %w", keyFile, err)
	}
	return key, nil
}

// Check reports whether the store can be read, and holds this very key: then a collector can do its work.
func (k Key) Check(ctx context.Context, store Store) error {
	secret, err := store.Get(ctx, keyFile)
	if err != nil {
		return fmt.Errorf("read receipt key: %w", err)
	}
	held, err := parseKey(strings.TrimSpace(string(secret)))
	if err != nil {
		return fmt.Errorf("read receipt key %s: %w", keyFile, err)
	}
	if held.Public != k.Public {
		return errors.New("the store's receipt key is not the one that receipts are signed with; restart this collector")
	}
	return nil
}

func createKey(ctx context.Context, store Store, name string) error {
	if name == "" {
		name = DefaultKeyName
	}
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return fmt.Errorf("create receipt key %q: %w", name, err)
	}
	if _, err := note.NewVerifier(public); err != nil {
		return fmt.Errorf("create receipt key: %q cannot be a key's name: it must have no blank and no +", name)
	}
	// Where another collector was first, its key is the one.
	if err := store.Put(ctx, keyFile, []byte(secret+"\n"), Create); err != nil && !exists(err) {
		return fmt.Errorf("create receipt key: %w", err)
	}
	return nil
}

var errKeyForm = errors.New("it is not a signed-note key of type Ed25519")

// parseKey reads PRIVATE+KEY+name+hash+base64(0x01, seed). The error never shows the key.
func parseKey(secret string) (Key, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return Key{}, errKeyForm
	}
	// The key may itself hold a +: base64 does.
	data, err := base64.StdEncoding.DecodeString(strings.SplitN(secret, "+", 5)[4])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return Key{}, errKeyForm
	}
	pair := ed25519.NewKeyFromSeed(data[1:])
	public, err := note.NewEd25519VerifierKey(signer.Name(), pair.Public().(ed25519.PublicKey))
	if err != nil {
		return Key{}, errKeyForm
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return Key{}, errKeyForm
	}
	return Key{Signer: signer, Verifier: verifier, Public: public}, nil
}

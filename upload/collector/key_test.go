package collector_test

import (
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"roagent/upload/collector"
)

// Collectors that are started at once on an empty store sign with one key: the one that any of them was given.
func TestOneStoreOneKey(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		stores := []collector.Store{openDir(t, dir), openDir(t, dir)}
		keys := make([]collector.Key, 8)
		var group sync.WaitGroup
		for i := range keys {
			group.Go(func() {
				var err error
				if keys[i], err = collector.OpenKey(t.Context(), stores[i%2], "collector.example.com"); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		for _, key := range keys {
			if key.Public != keys[0].Public {
				t.Fatalf("one store has the keys %s and %s", key.Public, keys[0].Public)
			}
		}
	}
}

func TestKey(t *testing.T) {
	store := collector.NewMemStore()
	key, err := collector.OpenKey(t.Context(), store, "")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(key.Public)
	if err != nil || verifier.Name() != collector.DefaultKeyName {
		t.Fatalf("%q is no verifier key named %s: %v", key.Public, collector.DefaultKeyName, err)
	}
	signed, err := note.Sign(&note.Note{Text: "x\n"}, key.Signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(signed, note.VerifierList(verifier)); err != nil {
		t.Errorf("what the key signs does not verify: %v", err)
	}
	secret, err := store.Get(t.Context(), "receipt.key")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "PRIVATE", "PRIVATE+KEY+x", strings.Replace(string(secret), "+collector+", "+other+", 1), string(secret[:len(secret)-3])} {
		if err := store.Put(t.Context(), "receipt.key", []byte(bad), collector.Replace); err != nil {
			t.Fatal(err)
		}
		if _, err := collector.OpenKey(t.Context(), store, ""); err == nil || len(bad) > 20 && strings.Contains(err.Error(), bad[len(bad)-20:]) {
			t.Errorf("a damaged key: %v", err)
		}
	}
}

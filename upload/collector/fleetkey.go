package collector

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
)

const fleetKeyFile = "fleet.key"

// OpenFleetKey returns the secret that seals the cookies of the fleet's page, and keeps fresh where the store has none yet. All collectors
// on a store have the same, so a person is signed in at each. Whoever removes it signs everybody out, once the collectors are started again.
func OpenFleetKey(ctx context.Context, store Store, fresh []byte) ([]byte, error) {
	err := store.Put(ctx, fleetKeyFile, []byte(hex.EncodeToString(fresh)+"\n"), Create)
	if err == nil {
		return fresh, nil
	}
	if !exists(err) {
		return nil, fmt.Errorf("open the fleet's key: %w", err)
	}
	data, err := store.Get(ctx, fleetKeyFile)
	if err != nil {
		return nil, fmt.Errorf("open the fleet's key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(data)))
	if err != nil || len(key) != len(fresh) {
		return nil, fmt.Errorf("open the fleet's key: %s is damaged; remove it, and people sign in anew", fleetKeyFile) // nothing of it
	}
	return key, nil
}

package collector

import (
	"context"
	"fmt"
	"time"

	"roagent/upload"
)

// receipt returns the receipt kept under name, and signs and keeps it where there is none. What it is for must be
// durable by now; so is the receipt when it is returned, so that the same one is answered ever after.
func (h *Handler) receipt(ctx context.Context, name string, r upload.Receipt) ([]byte, error) {
	r.Stored = time.Now().UTC().Truncate(time.Second)
	signed, err := r.Sign(h.key.Signer)
	if err != nil {
		return nil, fmt.Errorf("sign receipt %s: %w", name, err)
	}
	err = h.store.Put(ctx, name, signed, Create)
	if !exists(err) {
		return signed, err
	}
	held, err := h.store.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if h.proves(held, r) == nil {
		return held, nil
	}
	// Damaged, or signed by a key that the store no longer has: no agent would take it.
	h.Logger.WarnContext(ctx, "stored receipt does not verify; signed again", "name", name)
	return signed, h.store.Put(ctx, name, signed, Replace)
}

// proves reports whether signed is a receipt for what r says.
func (h *Handler) proves(signed []byte, r upload.Receipt) error {
	got, err := upload.OpenReceipt(signed, h.key.Verifier)
	if err != nil {
		return err
	}
	return got.Proves(r)
}

package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"roagent/fieldmap"
	"roagent/upload"
)

// getWeek answers what is held of a week.
func (h *Handler) getWeek(r *http.Request, t target) (answer, error) {
	held, err := h.held(r.Context(), t.dealer, t.week)
	if err != nil {
		return answer{}, err
	}
	closed, err := h.closed(r.Context(), t, held)
	if err != nil {
		return answer{}, err
	}
	body, err := json.Marshal(upload.WeekHeld{DealerID: t.dealer, Week: t.week.String(), Batches: held, Closed: closed})
	return answer{http.StatusOK, "application/json", body}, err
}

// held returns the batches of a week for which a receipt was given, sorted by id. A batch whose receipt is missing or
// damaged is not among them: when it comes again, it gets one.
func (h *Handler) held(ctx context.Context, dealer string, week fieldmap.Week) ([]upload.ManifestBatch, error) {
	ids, err := batchIDs(ctx, h.store, dealer, week)
	if err != nil {
		return nil, err
	}
	held := make([]upload.ManifestBatch, 0, len(ids))
	for _, id := range ids {
		signed, err := h.store.Get(ctx, receiptFile(dealer, week, id))
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		receipt, err := upload.OpenReceipt(signed, h.key.Verifier)
		if err != nil || receipt.Proves(upload.Receipt{
			Dealer: dealer, Week: week, What: upload.BatchReceipt, ID: id, Orders: receipt.Orders,
		}) != nil {
			h.Logger.WarnContext(ctx, "stored receipt does not verify", "name", receiptFile(dealer, week, id))
			continue
		}
		held = append(held, upload.ManifestBatch{ID: id, Orders: receipt.Orders})
	}
	return held, nil
}

// batchIDs returns the ids of the batches stored of a week, sorted.
func batchIDs(ctx context.Context, store Store, dealer string, week fieldmap.Week) ([]string, error) {
	names, err := Names(ctx, store, batchFolder(dealer, week))
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(names))
	for _, name := range names {
		id, ok := strings.CutSuffix(path.Base(name), batchSuffix)
		if ok && isDigest(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// closed reports whether the manifest held names exactly these batches, which are sorted by id.
func (h *Handler) closed(ctx context.Context, t target, held []upload.ManifestBatch) (bool, error) {
	data, err := h.store.Get(ctx, manifestFile(t.dealer, t.week))
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var m upload.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return false, fmt.Errorf("read manifest %s: %w", manifestFile(t.dealer, t.week), err)
	}
	slices.SortFunc(m.Batches, func(a, b upload.ManifestBatch) int { return strings.Compare(a.ID, b.ID) })
	return slices.Equal(m.Batches, held), nil
}

package collector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"roagent/fieldmap"
	"roagent/upload"
)

// getWeeks answers of which weeks anything is held.
func (h *Handler) getWeeks(r *http.Request, t target) (answer, error) {
	names, err := Names(r.Context(), h.store, dealerFolder(t.dealer))
	if err != nil {
		return answer{}, err
	}
	weeks := []string{}
	for _, name := range names {
		week, err := fieldmap.ParseWeek(path.Base(path.Dir(path.Dir(name))))
		if err != nil || path.Dir(name) != batchFolder(t.dealer, week) || !isBatch(name) || slices.Contains(weeks, week.String()) {
			continue
		}
		weeks = append(weeks, week.String())
	}
	slices.Sort(weeks)
	body, err := json.Marshal(upload.WeeksHeld{DealerID: t.dealer, Weeks: weeks})
	return answer{http.StatusOK, "application/json", body}, err
}

// isBatch reports whether a name in a folder of batches is that of a batch.
func isBatch(name string) bool {
	id, ok := strings.CutSuffix(path.Base(name), batchSuffix)
	return ok && isDigest(id)
}

// getOrders answers what an agent must know that has lost its queue, or a part of it: the batches of a week that count,
// with their receipts, and the newest revision of each order in them. It is what [Export] writes, without the orders
// themselves.
func (h *Handler) getOrders(r *http.Request, t target) (answer, error) {
	held, err := h.ordersHeld(r.Context(), t)
	if err != nil {
		return answer{}, err
	}
	body, err := json.Marshal(held)
	if err == nil && len(body) > upload.MaxHeld {
		err = fmt.Errorf("the orders held of %s fill %d bytes, more than an agent reads", t.week, len(body))
	}
	return answer{http.StatusOK, "application/json", body}, err
}

func (h *Handler) ordersHeld(ctx context.Context, t target) (upload.OrdersHeld, error) {
	held := upload.OrdersHeld{DealerID: t.dealer, Week: t.week.String(), Batches: []upload.HeldBatch{}, Orders: []upload.HeldOrder{}}
	batches, err := validBatches(ctx, h.store, t.dealer, t.week)
	if err != nil {
		return held, err
	}
	decoder, err := newBatchDecoder()
	if err != nil {
		return held, err
	}
	defer decoder.Close()
	open := &batchCache{store: h.store, dealer: t.dealer, week: t.week, decoder: decoder}
	newest, err := indexOrders(ctx, open, batches, NewestRevisions)
	if err != nil {
		return held, err
	}
	for _, b := range batches {
		one, err := h.heldBatch(ctx, open, t, b.id)
		if err != nil {
			return held, err
		}
		held.Batches = append(held.Batches, one)
	}
	for _, key := range slices.Sorted(maps.Keys(newest)) {
		order, err := heldOrder(ctx, open, key, newest[key][0])
		if err != nil {
			return held, err
		}
		held.Orders = append(held.Orders, order)
	}
	held.Closed, err = h.closed(ctx, t, manifestBatches(held.Batches))
	return held, err
}

// heldBatch returns a batch with its receipt. One that was stored when the collector ended, before it could sign, gets
// its receipt now.
func (h *Handler) heldBatch(ctx context.Context, open *batchCache, t target, id string) (upload.HeldBatch, error) {
	data, err := open.get(ctx, id)
	if err != nil {
		return upload.HeldBatch{}, err
	}
	orders := bytes.Count(bytes.TrimSuffix(data, []byte{'\n'}), []byte{'\n'}) + 1
	receipt, err := h.receipt(ctx, receiptFile(t.dealer, t.week, id), upload.Receipt{
		Dealer: t.dealer, Week: t.week, What: upload.BatchReceipt, ID: id, Orders: orders,
	})
	return upload.HeldBatch{ID: id, Orders: orders, Receipt: string(receipt)}, err
}

// heldOrder reads what is told of an order out of its newest line.
func heldOrder(ctx context.Context, open *batchCache, key string, at place) (upload.HeldOrder, error) {
	order := upload.HeldOrder{Key: key, Revision: at.revision}
	data, err := open.get(ctx, at.batch)
	if err != nil {
		return order, err
	}
	raw, err := splitLine(data[at.offset:at.end])
	if err != nil {
		return order, fmt.Errorf("batch %s: %w", at.batch, err)
	}
	if order.Voided = raw.voided != nil; order.Voided {
		order.SHA256, _ = text(raw.replaces)
	} else {
		order.SHA256 = digestOf(raw.repairOrder)
	}
	return order, nil
}

func manifestBatches(held []upload.HeldBatch) []upload.ManifestBatch {
	batches := make([]upload.ManifestBatch, 0, len(held))
	for _, b := range held {
		batches = append(batches, upload.ManifestBatch{ID: b.ID, Orders: b.Orders})
	}
	slices.SortFunc(batches, func(a, b upload.ManifestBatch) int { return strings.Compare(a.ID, b.ID) })
	return batches
}

func newBatchDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(upload.MaxBatch))
}

package uploadtest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"roagent/upload"
)

// get answers what is held: of which weeks, of a week, of each order of a week.
func (c *Collector) get(r *http.Request) (*http.Response, error) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/dealers/"), "/")
	c.mu.Lock()
	defer c.mu.Unlock()
	var held any
	switch {
	case len(path) == 2 && path[1] == "weeks":
		weeks := slices.DeleteFunc(slices.Sorted(maps.Keys(c.batches)), func(week string) bool { return len(c.batches[week]) == 0 })
		held = upload.WeeksHeld{DealerID: path[0], Weeks: append([]string{}, weeks...)}
	case len(path) == 3 && path[1] == "weeks":
		held = upload.WeekHeld{DealerID: path[0], Week: path[2], Batches: c.batchesHeld(path[2]), Closed: c.closed(path[2])}
	case len(path) == 4 && path[3] == "orders" && !c.NoOrders:
		var err error
		if held, err = c.ordersHeld(path[0], path[2]); err != nil {
			return nil, err
		}
	default:
		return respond(r, http.StatusNotFound, "text/html", []byte("<h1>404</h1>")), nil
	}
	body, err := json.Marshal(held)
	if err != nil {
		return nil, err
	}
	return respond(r, http.StatusOK, "application/json", body), nil
}

func (c *Collector) batchesHeld(week string) []upload.ManifestBatch {
	held := []upload.ManifestBatch{}
	for _, id := range slices.Sorted(maps.Keys(c.batches[week])) {
		held = append(held, upload.ManifestBatch{ID: id, Orders: len(c.batches[week][id])})
	}
	return held
}

func (c *Collector) closed(week string) bool {
	m, ok := c.manifest[week]
	return ok && len(m.Batches) == len(c.batches[week])
}

// ordersHeld is made of the lines themselves, each order's newest.
func (c *Collector) ordersHeld(dealer, week string) (upload.OrdersHeld, error) {
	held := upload.OrdersHeld{DealerID: dealer, Week: week, Batches: []upload.HeldBatch{}, Orders: []upload.HeldOrder{}, Closed: c.closed(week)}
	newest := map[string]upload.HeldOrder{}
	for _, b := range c.batchesHeld(week) {
		receipt, err := upload.Receipt{
			Dealer: dealer, Week: weekOf(week), What: upload.BatchReceipt, ID: b.ID, Orders: b.Orders, Stored: time.Now().UTC().Truncate(time.Second),
		}.Sign(c.signer)
		if err != nil {
			return held, err
		}
		held.Batches = append(held.Batches, upload.HeldBatch{ID: b.ID, Orders: b.Orders, Receipt: string(receipt)})
		for _, line := range c.batches[week][b.ID] {
			if newest[line.Key].Revision < line.Revision {
				newest[line.Key] = upload.HeldOrder{Key: line.Key, Revision: line.Revision, SHA256: cmp.Or(digestOf(line), line.Replaces), Voided: line.Voided}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(newest)) {
		held.Orders = append(held.Orders, newest[key])
	}
	return held, nil
}

// digestOf returns the SHA-256 of a line's order in hex; "" where it has none.
func digestOf(line upload.Line) string {
	if line.Voided {
		return ""
	}
	sum := sha256.Sum256(line.RepairOrder)
	return hex.EncodeToString(sum[:])
}

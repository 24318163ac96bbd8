package upload

// MaxHeld is the most bytes of an answer that says what the collector holds: 400,000 orders of a week.
const MaxHeld = 64 << 20

// WeekHeld is the answer to GET …/weeks/{week}: what the collector holds of that week.
type WeekHeld struct {
	DealerID string          `json:"dealer_id"`
	Week     string          `json:"week"`
	Batches  []ManifestBatch `json:"batches"` // sorted by id
	Closed   bool            `json:"closed"`  // a manifest is held that names exactly these batches
}

// WeeksHeld is the answer to GET …/weeks: the weeks of which the collector holds anything.
type WeeksHeld struct {
	DealerID string   `json:"dealer_id"`
	Weeks    []string `json:"weeks"` // oldest first
}

// OrdersHeld is the answer to GET …/weeks/{week}/orders: what an agent must know to go on behind what the collector
// holds of that week.
type OrdersHeld struct {
	DealerID string      `json:"dealer_id"`
	Week     string      `json:"week"`
	Batches  []HeldBatch `json:"batches"` // those that count, in the order in which they were stored
	Orders   []HeldOrder `json:"orders"`  // of these batches, sorted by key
	Closed   bool        `json:"closed"`  // a manifest is held that names exactly these batches
}

// HeldBatch is a batch that the collector holds.
type HeldBatch struct {
	ID      string `json:"id"`
	Orders  int    `json:"orders"`
	Receipt string `json:"receipt"` // as it was given for the batch
}

// HeldOrder is the newest revision of an order that the collector holds.
type HeldOrder struct {
	Key      string `json:"key"`
	Revision int    `json:"revision"`
	SHA256   string `json:"sha256"`           // of the repair_order bytes of the last revision that had any, lower-case hex
	Voided   bool   `json:"voided,omitempty"` // the newest revision voids it
}

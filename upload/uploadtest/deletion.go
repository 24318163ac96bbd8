package uploadtest

import (
	"net/http"
	"strings"
	"time"

	"roagent/upload"
)

// Deletions returns the requests to delete all.
func (c *Collector) Deletions() []Request {
	return c.requestsThat(func(r Request) bool { return r.Method == http.MethodDelete })
}

// deleteDealer deletes all, and answers with the same receipt each time.
func (c *Collector) deleteDealer(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == nil {
		c.left = &upload.DeletionReceipt{
			Dealer: strings.TrimPrefix(r.URL.Path, "/v1/dealers/"), Left: time.Now().UTC().Truncate(time.Second), Weeks: len(c.batches),
		}
		for _, batches := range c.batches {
			c.left.Batches += len(batches)
			for _, lines := range batches {
				c.left.Orders += len(lines)
			}
		}
		c.forgetAll()
	}
	signed, err := c.left.Sign(c.signer)
	if err != nil {
		return nil, err
	}
	return respond(r, http.StatusOK, upload.ReceiptType, signed), nil
}

func (c *Collector) forgetAll() {
	clear(c.declared)
	clear(c.batches)
	clear(c.orders)
	clear(c.raw)
	clear(c.history)
	clear(c.offered)
	clear(c.forgotten)
	clear(c.manifest)
	c.statuses = nil
}

func (c *Collector) hasLeft() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left != nil
}

// Readmit lets the dealer take part again that left.
func (c *Collector) Readmit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = nil
}

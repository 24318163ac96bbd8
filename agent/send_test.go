package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// TestUnapprovedIsNotSent holds that what was read under a whitelist that nobody approved stays, with exit 3.
func TestUnapprovedIsNotSent(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 1})
	q, orders := r.open(t), uploadtest.NewOrders(t, "nobody's")
	pull, err := q.Begin(r.weeks[0], orders.Digest(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, err = pull.Store(upload.PageResult{Records: orders.Records(r.weeks[0], uploadtest.Order{Key: rigOrder, Text: "oil"})})
	if err := errors.Join(err, q.Close()); err != nil {
		t.Fatal(err)
	}
	code, out := r.run(t, "send")
	if code != exitRefused || !strings.Contains(out, "the ledger holds no approval of it") || !strings.Contains(out, "still queued: 1 batch") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if held := r.export(t); held != "" {
		t.Errorf("the collector holds %s", held)
	}
}

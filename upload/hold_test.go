package upload_test

import (
	"strings"
	"testing"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

// TestHeldOrder holds that an order with a secret in its text waits until a person releases it, is then sent redacted,
// and that nothing of the secret is anywhere before or after.
func TestHeldOrder(t *testing.T) {
	const secret = "078-05-1120"
	s := newSite(t)
	s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
	for range 2 { // the second time it is parked already
		if s.pull("2026-W46", order("RO1", "ssn "+secret), order("RO2", "oil")); s.parkedOrders() != 1 {
			t.Errorf("%d orders are parked", s.parkedOrders())
		}
	}
	item, lines := s.heldItem(t)
	if item.Refused || item.Key != "RO1" || !strings.Contains(item.Reason, "order_notes (ssn)") || strings.Contains(item.Reason, secret) {
		t.Errorf("parked: %+v", item)
	}
	if len(lines) != 1 || !strings.Contains(string(lines[0]), `"ssn [REDACTED:ssn]"`) {
		t.Errorf("lines: %q", lines)
	}
	s.send()
	if m, _ := s.collector.Manifest("2026-W46"); m.Parked != 1 || m.Held != 1 {
		t.Errorf("manifest: %+v", m)
	}

	if err := s.queue.Release(item.Number, "kim"); err != nil {
		t.Fatal(err)
	}
	s.send()
	held := s.collector.Held()["2026-W46/RO1"]
	if held.Revision != 1 || !strings.Contains(string(held.RepairOrder), "[REDACTED:ssn]") {
		t.Errorf("the collector has %+v", held)
	}
	stored, _ := s.pull("2026-W46", order("RO1", "ssn "+secret), order("RO2", "oil"))
	if stored.Unchanged != 2 || stored.Parked != 0 || s.parkedOrders() != 0 {
		t.Errorf("read again: %+v", stored)
	}
	s.absent(secret)
	s.sound()
}

// TestHeldOrderIsEdited holds that an edit takes the place of what is held, and that what the collector has stays
// until then.
func TestHeldOrderIsEdited(t *testing.T) {
	s := newSite(t)
	s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
	s.pull("2026-W46", order("RO1", "oil"))
	s.pull("2026-W46", order("RO1", "oil, ssn 078-05-1120"))
	s.pull("2026-W46", order("RO1", "oil, ssn 078-05-1120, cc 4111111111111111"))
	item, _ := s.heldItem(t)
	if !strings.Contains(item.Reason, "(ssn, card)") {
		t.Errorf("parked: %+v", item)
	}
	if s.send(); !strings.Contains(string(s.collector.Held()["2026-W46/RO1"].RepairOrder), `"oil"`) {
		t.Error("what is held was sent")
	}
	s.pull("2026-W46", order("RO1", "oil and filter"))
	s.send()
	if held := s.collector.Held()["2026-W46/RO1"]; held.Revision != 2 || s.parkedOrders() != 0 {
		t.Errorf("the collector has %+v, %d orders are parked", held, s.parkedOrders())
	}
	s.sound()
}

// TestHeldOrderGoesWithTheRule holds that what was held is sent once the whitelist redacts instead.
func TestHeldOrderGoesWithTheRule(t *testing.T) {
	s := newSite(t)
	s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
	s.pull("2026-W46", order("RO1", "ssn 078-05-1120"))
	s.orders = uploadtest.NewOrders(t, "maker")
	if stored, _ := s.pull("2026-W46", order("RO1", "ssn 078-05-1120")); stored.New != 1 || s.parkedOrders() != 0 {
		t.Errorf("stored %+v", stored)
	}
	s.send()
	s.sound()
}

func TestHeldOrderIsDropped(t *testing.T) {
	s := newSite(t)
	s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
	for range 2 { // what a person dropped is not parked again
		s.pull("2026-W46", order("RO1", "ssn 078-05-1120"))
		for _, item := range s.parkedItems(t) {
			if err := s.queue.Drop(item.Number, "kim"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if sent := s.send(); sent.Orders != 0 || s.parkedOrders() != 0 {
		t.Errorf("sent %+v", sent)
	}
	s.sound()
}

func TestPreviewOfHeldOrder(t *testing.T) {
	s := newSite(t)
	s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
	for record := range s.orders.Records(week(t, "2026-W46"), order("RO1", "ssn 078-05-1120")) {
		if line, held, err := s.queue.Preview(record); line != nil || !held || err != nil {
			t.Errorf("would send %s, held %v, %v", line, held, err)
		}
	}
}

func (s *site) parkedItems(t *testing.T) []upload.ParkedItem {
	t.Helper()
	items, err := s.queue.Parked()
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// heldItem returns the one order that is held, and its lines.
func (s *site) heldItem(t *testing.T) (upload.ParkedItem, [][]byte) {
	t.Helper()
	items := s.parkedItems(t)
	if len(items) != 1 || !items[0].Held {
		t.Fatalf("parked: %+v", items)
	}
	item, lines, err := s.queue.ParkedLines(items[0].Number)
	if err != nil {
		t.Fatal(err)
	}
	return item, lines
}

// TestAboutHeldOrder holds that an order which is held, released, sent and whose copy is purged is found by whom it is
// about, under its revision.
func TestAboutHeldOrder(t *testing.T) {
	s := newSite(t)
	s.orders = uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
	held := uploadtest.Order{Key: "RO1", Text: "ssn 078-05-1120", VIN: "A", Customer: "7"}
	s.pull("2026-W46", held, about("RO2", "B", "7"))
	s.send()
	s.wantAbout(fieldmap.Vehicle, "A", found{Held: []string{"2026-W46 RO1/1"}})
	item, _ := s.heldItem(t)
	if err := s.queue.Release(item.Number, "kim"); err != nil {
		t.Fatal(err)
	}
	s.wantAbout(fieldmap.Vehicle, "A", found{Waiting: []string{"2026-W46 RO1/1"}})
	s.send()
	if n, err := s.queue.Purge(time.Now().Add(time.Hour)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	s.reopen()
	s.wantAbout(fieldmap.Vehicle, "A", found{Sent: []string{"2026-W46 RO1/1"}})
	s.wantAbout(fieldmap.Customer, "7", found{Sent: []string{"2026-W46 RO2/1", "2026-W46 RO1/1"}})
	s.sound()
}

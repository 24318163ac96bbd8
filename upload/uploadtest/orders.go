package uploadtest

import (
	"bytes"
	"iter"
	"testing"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
)

// Order is one order of a DMS that has a key and a text.
type Order struct {
	Key      string
	Changed  string // the changed column's value; "" where the test has no such column
	Text     string
	VIN      string // "" where the test has no such column
	Customer string // likewise
}

// TagKey is the key of the tags that Records have.
func TagKey() []byte { return bytes.Repeat([]byte{7}, 32) }

// Orders makes Records as a pull does: through a whitelist, its plan and a page.
type Orders struct {
	t    testing.TB
	plan *fieldmap.Plan
	page *fieldmap.Page
}

// NewOrders returns a maker of orders under a whitelist for this recipient: another recipient, another digest.
func NewOrders(t testing.TB, recipient string) *Orders {
	t.Helper()
	return NewOrdersThat(t, fieldmap.RedactNarratives, recipient)
}

// NewOrdersThat is NewOrders under a whitelist that says what becomes of secrets in the texts.
func NewOrdersThat(t testing.TB, narratives fieldmap.Narratives, recipient string) *Orders {
	t.Helper()
	column := func(name string) fieldmap.Column { return fieldmap.Column{Name: name} }
	whitelist := &fieldmap.Whitelist{
		Version: 1, Recipient: recipient, Purpose: "tests", Agreement: "none", Narratives: narratives,
		Orders: fieldmap.Orders{
			From: fieldmap.Table{Name: "RepairOrder"}, Key: []string{"RONumber"}, Week: "ClosedAt",
			Fields: []fieldmap.Field{
				{Send: "repair_order_header.document_id", Column: column("RONumber"), Why: "names the visit"},
				{Send: "repair_order_header.order_notes", Column: column("Notes"), Why: "what was done", Narrative: true},
				{Send: fieldmap.Vehicle.Path(), Column: column("VIN"), Why: "recalls"},
				{Send: fieldmap.Customer.Path(), Column: column("CustomerNo"), Mask: fieldmap.Mask{Strategy: fieldmap.MaskHash}, Why: "tells two visits apart"},
			},
		},
	}
	plan := whitelist.Compile()
	text := func(*fieldmap.Level, fieldmap.Column) fieldmap.ColumnType {
		return fieldmap.ColumnType{Kind: fieldmap.KindText, Database: "text"}
	}
	encoder, err := plan.Bind(text, fieldmap.Options{DMSZone: time.UTC, HashKey: make([]byte, 32), TagKey: TagKey()})
	if err != nil {
		t.Fatal(err)
	}
	return &Orders{t: t, plan: plan, page: encoder.NewPage()}
}

// Digest returns the whitelist's digest.
func (o *Orders) Digest() fieldmap.Digest { return o.plan.Digest }

// Approve has the whitelist approved in a queue, unless the approval that is there is of it.
func (o *Orders) Approve(q *upload.Queue) error {
	approved, ok, err := q.Approved()
	if err != nil || ok && approved.Digest == o.Digest().String() {
		return err
	}
	return q.RecordApproval("kim", "", o.Digest(), o.Text(), time.Now())
}

// Text returns the whitelist's canonical form.
func (o *Orders) Text() string { return string(o.plan.Whitelist.Canonical()) }

// Profile returns what the orders of the last Records look like.
func (o *Orders) Profile() *fieldmap.Profile { return o.page.Profile() }

// Records returns the Records of orders, valid until the next call.
func (o *Orders) Records(week fieldmap.Week, orders ...Order) iter.Seq[fieldmap.Record] {
	o.t.Helper()
	o.page.Reset(week, Keys(orders...))
	level := o.plan.Orders
	for _, order := range orders {
		values := make([]any, len(level.Select))
		for i, s := range level.Select {
			switch s.Column.Name {
			case "RONumber":
				values[i] = order.Key
			case "Notes":
				values[i] = order.Text
			case "VIN":
				values[i] = orNull(order.VIN)
			case "CustomerNo":
				values[i] = orNull(order.Customer)
			}
		}
		if err := o.page.Add(level, values); err != nil {
			o.t.Fatal(err)
		}
	}
	return o.page.Records()
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// Keys returns the keys of orders.
func Keys(orders ...Order) []fieldmap.OrderKey {
	keys := make([]fieldmap.OrderKey, len(orders))
	for i, order := range orders {
		keys[i] = fieldmap.OrderKey{Text: order.Key, Changed: order.Changed}
	}
	return keys
}

package fieldmap

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestEveryMaskOnAPage holds what each of STAR's strategies sends of a text and of a time.
func TestEveryMaskOnAPage(t *testing.T) {
	closed := time.Date(2026, 11, 1, 0, 30, 0, 0, time.UTC) // on the dealer's wall; in UTC it is later
	for _, tt := range []struct {
		name  string
		mask  Mask
		phone string // `` where nothing is sent
		time  string
	}{
		{"none", Mask{Strategy: MaskNone}, `"555-0101"`, `"2026-11-01T07:30:00Z"`},
		{"left out", Mask{}, `"555-0101"`, `"2026-11-01T07:30:00Z"`},
		{"hash", Mask{Strategy: MaskHash}, `"` + hashOf(t, "555-0101") + `"`, `"` + hashOf(t, "2026-11-01T07:30:00Z") + `"`},
		{"partial", Mask{Strategy: MaskPartial, Keep: 4}, `"****0101"`, `"****************:00Z"`},
		{"partial of more than there is", Mask{Strategy: MaskPartial, Keep: 20}, `"********"`, `"********************"`},
		{"truncate", Mask{Strategy: MaskTruncate, Keep: 3}, `"555"`, `"202"`},
		{"redact", Mask{Strategy: MaskRedact}, `"[REDACTED]"`, `"[REDACTED]"`},
		{"nullify", Mask{Strategy: MaskNullify}, ``, ``},
		{"year", Mask{Strategy: MaskGeneralize, To: "year"}, ``, `"2026"`},
		{"month", Mask{Strategy: MaskGeneralize, To: "month"}, ``, `"2026-11"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan, p := samplePage(t, func(w *Whitelist) {
				w.Orders.Fields = []Field{{Send: "closed", Column: Column{Name: "ClosedAt"}, Mask: tt.mask}}
				if tt.mask.Strategy != MaskGeneralize {
					w.Orders.Fields = append(w.Orders.Fields, Field{Send: "phone", Column: Column{"customer", "Phone"}, Mask: tt.mask})
				}
				w.Orders.Lines = nil
			})
			mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1", "ClosedAt": closed, "customer.Phone": "555-0101"})
			var want []string
			if tt.time != "" {
				want = append(want, `"closed":`+tt.time)
			}
			if tt.phone != "" {
				want = append(want, `"phone":`+tt.phone)
			}
			if got, want := records(p)["RO1"], "{"+strings.Join(want, ",")+"}"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// A masked value is absent where there is none: not even [REDACTED] says that a customer has no phone.
func TestMasksOfNothing(t *testing.T) {
	for _, mask := range []MaskStrategy{MaskHash, MaskRedact, MaskNullify, MaskBlock} {
		plan, p := samplePage(t, func(w *Whitelist) { w.Orders.Fields[3].Mask = Mask{Strategy: mask} })
		err := add(t, p, plan.Orders, map[string]any{"RONumber": "RO1"})
		if got := records(p)["RO1"]; err != nil || strings.Contains(got, "phone") {
			t.Errorf("%s: %s, %v", mask, got, err)
		}
	}
}

func TestBlockNamesNoValue(t *testing.T) {
	plan, p := samplePage(t, func(w *Whitelist) { w.Orders.Fields[3].Mask = Mask{Strategy: MaskBlock} })
	err := add(t, p, plan.Orders, map[string]any{"RONumber": "RO1", "customer.Phone": "555-0101"})
	if !errors.Is(err, ErrBlocked) || strings.Contains(err.Error(), "555") || !strings.Contains(err.Error(), "header.owner.phone (dbo.Customer.Phone)") {
		t.Errorf("got %v", err)
	}
}

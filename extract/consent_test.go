package extract_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConsentLapsesToTheDay runs testdata/consent.yaml on customers that stand on each side of each of its limits. The week
// ends with 15 November 2026.
func TestConsentLapsesToTheDay(t *testing.T) {
	whitelist, err := os.ReadFile("../testdata/consent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const (
		both  = "phone email"
		phone = "phone"
		email = "email"
		none  = ""
	)
	customers := []struct {
		name                                     string
		by, noCalls, noEmail, bought, asked, was any // of the customer
		sent                                     string
	}{
		{"bought two years ago", "P", "N", "N", "2024-11-16", nil, nil, both},
		{"bought a day earlier", "P", "N", "N", "2024-11-15", nil, nil, none},
		{"bought later, and had a service long ago", "P", "N", "N", "2026-01-02", nil, "2019-01-01", both},
		{"bought, nobody knows when", "P", "N", "N", nil, "2026-11-01", "2026-11-01", none},
		{"asked six months ago", "Q", "N", "N", nil, "2026-05-16", nil, both},
		{"asked a day earlier", "Q", "N", "N", nil, "2026-05-15", nil, none},
		{"asked a day earlier, but bought lately", "Q", "N", "N", "2026-11-01", "2026-05-15", nil, none},
		{"asked, nobody knows when", "Q", "N", "N", "2026-11-01", nil, nil, none},
		{"was served 25 months ago", "S", "N", "N", nil, nil, "2024-10-16", both},
		{"was served a day earlier", "S", "N", "N", nil, nil, "2024-10-15", none},
		{"was served, nobody knows when", "S", "N", "N", nil, nil, nil, none},
		{"agreed long ago", "E", "N", "N", "2001-01-01", "2001-01-01", "2001-01-01", both},
		{"agreed, with no word on channels", "E", nil, nil, nil, nil, nil, both},
		{"agreed, but not to calls", "E", "Y", "N", nil, nil, nil, email},
		{"bought two years ago, but wants no e-mail", "P", "N", "Y", "2024-11-16", nil, nil, phone},
		{"agreed to nothing, says the file", "X", "N", "N", "2026-11-01", "2026-11-01", "2026-11-01", none},
		{"of whom nothing is noted", nil, "N", "N", "2026-11-01", "2026-11-01", "2026-11-01", none},
	}
	if refused, overridden := plan(t, string(whitelist)).Forbidden(); len(refused)+len(overridden) > 0 {
		t.Errorf("forbidden: %v, %v", refused, overridden)
	}
	eachDialect(t, func(t *testing.T, r *rig) {
		r.exec(t, "CREATE TABLE dbo.RepairOrder (RONumber varchar(12) NOT NULL PRIMARY KEY, ClosedAt datetime NULL, CustomerNo int NULL)",
			"CREATE TABLE dbo.Customer (CustomerNo int NOT NULL PRIMARY KEY, Phone varchar(20), Email varchar(80), ConsentBy char(1) NULL, "+
				"NoCalls char(1) NULL, NoEmail char(1) NULL, LastPurchase date NULL, LastInquiry date NULL, LastService date NULL)")
		want := map[string]string{"RO99": none} // of no customer
		r.insert(t, "dbo.RepairOrder", "RONumber, ClosedAt, CustomerNo", []any{"RO99", "2026-11-11T09:00:00", 99})
		for i, c := range customers {
			key := fmt.Sprintf("RO%02d", i)
			r.insert(t, "dbo.RepairOrder", "RONumber, ClosedAt, CustomerNo", []any{key, "2026-11-11T09:00:00", i})
			r.insert(t, "dbo.Customer", "CustomerNo, Phone, Email, ConsentBy, NoCalls, NoEmail, LastPurchase, LastInquiry, LastService",
				[]any{i, "phone", "email", c.by, c.noCalls, c.noEmail, c.bought, c.asked, c.was})
			want[key] = c.sent
		}
		got := map[string]string{}
		for _, order := range r.read(t, string(whitelist), week(t, "2026-W46"), 5).Orders {
			key, sent := contacts(t, order)
			got[key] = sent
		}
		for i, c := range customers {
			if key := fmt.Sprintf("RO%02d", i); got[key] != want[key] {
				t.Errorf("%s: %q is sent, want %q", c.name, got[key], want[key])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// contacts returns an order's number and what it says of how to reach its customer.
func contacts(t *testing.T, order string) (key, sent string) {
	t.Helper()
	var o struct {
		Header struct {
			ID    string `json:"document_id"`
			Owner struct {
				Person struct {
					Phone struct {
						Number string `json:"complete_number"`
					} `json:"telephone_communication"`
					Email struct {
						Address string `json:"uri_id"`
					} `json:"uri_communication"`
				} `json:"specified_person"`
			} `json:"owner_party"`
		} `json:"repair_order_header"`
	}
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		t.Fatal(err)
	}
	person := o.Header.Owner.Person
	return o.Header.ID, strings.TrimSpace(person.Phone.Number + " " + person.Email.Address)
}

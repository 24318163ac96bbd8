package fieldmap

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// counted is the sample with who pays and what it costs under STAR's names.
func counted(w *Whitelist) {
	job := &w.Orders.Lines[0]
	job.Fields[1].Send = "bill_to_party_type"
	job.Fields[1].Map.Codes = append(job.Fields[1].Map.Codes, MapEntry{"X", "CUSTOMER_PAY"})
	job.Fields[1].Map.HasElse, job.Fields[1].Map.Else = true, "OTHER"
	job.Fields[2].Send = "pricing.price.charge_amount"
}

// profileOf counts in the records' JSON, the plain way.
func profileOf(t *rapid.T, p *Page) *Profile {
	profile := emptyProfile(p)
	sums := map[string]*big.Rat{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if _, leaf := profile.Present[path]; leaf {
			profile.Present[path]++
			if amount, ok := v.(map[string]any); ok && strings.HasSuffix(path, "charge_amount") {
				n, _ := new(big.Rat).SetString(amount["value"].(string))
				sums[path] = n.Add(n, sums[path])
			}
			if strings.HasSuffix(path, "bill_to_party_type") {
				profile.Codes[path][v.(string)]++
			}
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				walk(strings.TrimPrefix(path+"."+name, "."), member)
			}
		case []any:
			for _, line := range v {
				profile.Lines[path]++
				walk(path, line)
			}
		}
	}
	for path := range profile.Sums {
		sums[path] = new(big.Rat)
	}
	for record := range p.Records() {
		profile.Orders++
		var order any
		if err := json.Unmarshal(record.JSON(), &order); err != nil {
			t.Fatal(err)
		}
		walk("", order)
	}
	for path, sum := range sums {
		profile.Sums[path] = sum.FloatString(4)
	}
	return profile
}

// emptyProfile names what can be counted, at nothing.
func emptyProfile(p *Page) *Profile {
	empty := *p.Profile()
	empty.Orders = 0
	empty.Present = maps.Clone(empty.Present)
	for path := range empty.Present {
		empty.Present[path] = 0
	}
	empty.Lines = map[string]int{"job": 0, "job.service_parts": 0}
	empty.Codes = map[string]map[string]int{"job.bill_to_party_type": {}}
	empty.Sums = map[string]string{"job.pricing.price.charge_amount": ""}
	return &empty
}

// TestProfile holds the profile of drawn pages, also of several added, against what is in their records.
func TestProfile(t *testing.T) {
	plan, p := samplePage(t, counted)
	orders, jobs, parts := plan.Levels[0], plan.Levels[1], plan.Levels[2]
	rapid.Check(t, func(rt *rapid.T) {
		var sum, want Profile
		for range rapid.IntRange(1, 3).Draw(rt, "pages") {
			keys := []OrderKey{{Text: "RO1"}, {Text: "RO2"}, {Text: "RO3"}, {Text: "RO4"}}
			p.Reset(Week{2026, 46}, keys)
			some := func(v any) any {
				if rapid.Bool().Draw(rt, "given") {
					return v
				}
				return nil
			}
			for i, key := range keys {
				if rapid.IntRange(0, 5).Draw(rt, "gone") == 0 {
					continue
				}
				mustAdd(t, p, orders, map[string]any{"RONumber": key.Text, "MileageOut": some(int64(100)), "customer.Phone": some("555"), "CustomerNo": some(int64(i)), "withheld": some(1)})
				for line := range rapid.IntRange(0, 3).Draw(rt, "jobs") {
					// A letter for an amount cannot be sent: it parks the order, of which nothing counts then.
					amounts := rapid.SampledFrom([]string{"129.90", "0.005", "-7", "1000000", "12.3456", "x"})
					mustAdd(t, p, jobs, map[string]any{
						"RONumber": key.Text, "LineNo": int64(line), "PayType": some(rapid.SampledFrom([]string{"C", "W", "X", "Z "}).Draw(rt, "payer")),
						"Amount": some([]byte(amounts.Draw(rt, "amount"))),
					})
				}
			}
			if rapid.Bool().Draw(rt, "parts") && len(p.levels[1].rows) > 0 {
				first := p.levels[1].rows[0]
				mustAdd(t, p, parts, map[string]any{"RONumber": keys[first.order].Text, "LineNo": int64(0), "Seq": int64(1), "PartNo": some("A")})
			}
			sum.Add(p.Profile())
			want.Add(profileOf(rt, p))
		}
		if diff := cmp.Diff(want, sum); diff != "" {
			rt.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// What nobody listed as a code is not repeated, however many there are; and few orders have no totals.
func TestProfileIsBounded(t *testing.T) {
	_, p := samplePage(t, func(w *Whitelist) {
		counted(w)
		w.Orders.Lines[0].Fields[1].Map = nil
	})
	mustAdd(t, p, p.enc.plan.Levels[0], map[string]any{"RONumber": "RO1"})
	for i := range 30 {
		mustAdd(t, p, p.enc.plan.Levels[1], map[string]any{"RONumber": "RO1", "LineNo": int64(i), "PayType": fmt.Sprint("Zebulon", i), "Amount": []byte("1")})
	}
	profile := p.Profile()
	if diff := cmp.Diff(map[string]int{OtherCode: 30}, profile.Codes["job.bill_to_party_type"]); diff != "" {
		t.Error(diff)
	}
	if profile.Sums["job.pricing.price.charge_amount"] != "30.0000" || profile.Public().Sums != nil {
		t.Errorf("sums: %v, %v", profile.Sums, profile.Public().Sums)
	}
	_, many := samplePage(t, func(w *Whitelist) {
		counted(w)
		codes := &w.Orders.Lines[0].Fields[1].Map.Codes
		for i := range 40 {
			*codes = append(*codes, MapEntry{fmt.Sprint("Z", i), fmt.Sprint("KIND_", i)})
		}
	})
	mustAdd(t, many, many.enc.plan.Levels[0], map[string]any{"RONumber": "RO1"})
	for i := range 40 {
		mustAdd(t, many, many.enc.plan.Levels[1], map[string]any{"RONumber": "RO1", "LineNo": int64(i), "PayType": fmt.Sprint("Z", i)})
	}
	codes, sum := many.Profile().Codes["job.bill_to_party_type"], 0
	for _, n := range codes {
		sum += n
	}
	if len(codes) > MaxCodes || sum != 40 {
		t.Errorf("%d codes of %d lines: %v", len(codes), sum, codes)
	}
	if of := many.Profile().Of("job.bill_to_party_type"); of != 40 {
		t.Errorf("of %d", of)
	}
}

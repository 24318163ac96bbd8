package upload_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// benchOrders returns a page of orders with about as much text as a real one with three jobs has.
func benchOrders(from, n int) []uploadtest.Order {
	words := strings.Fields("replaced front brake pads and rotors customer states noise when cold verified found worn torque to spec road test ok oil filter service 4W9921 2.5h")
	r := rand.New(rand.NewPCG(uint64(from), 1))
	orders := make([]uploadtest.Order, n)
	for i := range orders {
		var b strings.Builder
		for b.Len() < 1400 {
			fmt.Fprintf(&b, "%s %d ", words[r.IntN(len(words))], r.IntN(1000))
		}
		orders[i] = uploadtest.Order{Key: fmt.Sprintf("RO%09d", from+i), Changed: fmt.Sprintf("2026-11-10T%06d", (from+i)%86400), Text: b.String()}
	}
	return orders
}

// BenchmarkStore measures what the queue adds to an order that is read: line, digest, zstd, seal, states, commit.
func BenchmarkStore(b *testing.B) {
	s := newSite(b)
	const page = 500
	orders := benchOrders(0, page)
	p := s.begin("2026-W46")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		b.StopTimer()
		for i := range orders {
			orders[i].Key = fmt.Sprintf("RO%09d", n+i)
		}
		result := upload.PageResult{Records: s.orders.Records(p.Week(), orders...), Next: []byte("x")}
		for range result.Records { // encode, which is fieldmap's
			break
		}
		b.StartTimer()
		if _, err := p.Store(result); err != nil {
			b.Fatal(err)
		}
		n += page
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/order")
}

// BenchmarkUnchanged measures a look-back in which nothing changed: keys are compared, states are marked as seen.
func BenchmarkUnchanged(b *testing.B) {
	s := newSite(b)
	const page, pages = 500, 20
	s.pull("2026-W46", benchOrders(0, page*pages)...)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		p := s.begin("2026-W46")
		for i := range pages {
			b.StopTimer()
			keys := uploadtest.Keys(benchOrders(i*page, page)...)
			b.StartTimer()
			if wanted, err := p.Wanted(keys); err != nil || len(wanted) > 0 {
				b.Fatal(len(wanted), err)
			}
			if _, err := p.Store(upload.PageResult{Unchanged: keys, Records: s.orders.Records(p.Week()), Next: nextIf(i < pages-1)}); err != nil {
				b.Fatal(err)
			}
			n += page
		}
		if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/order")
}

func nextIf(more bool) []byte {
	if more {
		return []byte("x")
	}
	return nil
}

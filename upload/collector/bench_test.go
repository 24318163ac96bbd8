package collector_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"roagent/upload/collector"
)

// BenchmarkPutBatch is what a batch of 500 orders costs apart from the network and the disk.
func BenchmarkPutBatch(b *testing.B) {
	r := newRig(b, collector.NewMemStore())
	r.handler.Logger = slog.New(slog.DiscardHandler)
	job := `{"job_number_string":"1","codes_and_comments_expanded":{"correction_description":"replaced the front pads"},"pricing":{"price":{"charge_amount":{"value":"129.90","currency_code":"USD"}}}}`
	orders := make([]string, 500)
	for i := range orders {
		orders[i] = lineWith(fmt.Sprintf("RO%d", i), 1, `{"job":[`+strings.Repeat(job+",", 6)+job+`]}`)
	}
	content := strings.Join(orders, "\n") + "\n"
	q := r.batchBytes(content, pack(b, content))
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		h := httptest.NewRequest(q.method, q.path, strings.NewReader(string(q.body)))
		h.Header = q.header
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, h)
		if w.Code > 201 {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(orders)), "ns/order")
}

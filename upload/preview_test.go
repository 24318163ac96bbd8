package upload_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// TestPreview holds that a preview is what the next pull sends, byte for byte, and changes nothing.
func TestPreview(t *testing.T) {
	s := newSite(t)
	s.pull("2026-W45", order("RO4", "lamp"))
	s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
	s.send()
	now := []uploadtest.Order{order("RO1", "oil"), order("RO2", "four tyres"), order("RO3", "wash"), order("RO4", "lamp")}
	var preview strings.Builder
	for record := range s.orders.Records(week(t, "2026-W46"), now...) {
		line, _, err := s.queue.Preview(record)
		if err != nil {
			t.Fatal(err)
		}
		preview.Write(line)
	}
	if pending, err := s.queue.Pending(); err != nil || pending != (upload.PendingStatus{}) {
		t.Errorf("waiting after a preview: %+v %v", pending, err)
	}
	s.pull("2026-W46", now...)
	s.send()
	if diff := cmp.Diff(preview.String(), s.collector.Newest("2026-W46", "RO2", "RO3", "RO4")); diff != "" {
		t.Error(diff)
	}
}

package upload_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/upload"
)

func TestPullAndSend(t *testing.T) {
	s := newSite(t)
	stored, _ := s.pull("2026-W46", order("RO1", "oil"), order("RO2", "tyres"))
	if diff := cmp.Diff(upload.Stored{New: 2, Batches: 1, Bytes: stored.Bytes}, stored); diff != "" {
		t.Error(diff)
	}
	sent := s.send()
	if diff := cmp.Diff(upload.Sent{Batches: 1, Orders: 2, Bytes: sent.Bytes, Manifests: 1}, sent); diff != "" {
		t.Error(diff)
	}
	s.sound()
}

package main

import (
	"fmt"
	"testing"

	"roagent/upload"
)

// TestExitOfForeignFolder holds that a data folder that this program must not use counts as a wrong file.
func TestExitOfForeignFolder(t *testing.T) {
	for _, err := range []error{&upload.NewerError{Format: 2, Knows: 1}, &upload.ForeignError{}} {
		if code := exitCode(fmt.Errorf("open: %w", err)); code != exitUsage {
			t.Errorf("%T: %d", err, code)
		}
	}
	if code := exitCode(&upload.MigrationError{}); code != exitFailed {
		t.Errorf("a failed migration: %d", code)
	}
}

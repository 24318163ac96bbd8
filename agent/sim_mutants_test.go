//go:build mutants

package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mutant is the program, broken on purpose in one place.
type mutant struct {
	name     string
	file     string // from the module's root
	old, new string // old must be there exactly once
}

func mutants() []mutant {
	return []mutant{
		{
			"the checkpoint moves before the batch is stored", "upload/pull.go",
			"	err := p.q.update(\"store page of \"+p.name, func(tx *bbolt.Tx) error {\n",
			`	if err := p.q.update("move checkpoint of "+p.name, func(tx *bbolt.Tx) error {
		w, err := p.load(tx)
		if err != nil {
			return err
		}
		w.Reading.After, w.Reading.Done = bytes.Clone(page.Next), page.Next == nil
		return w.save(tx, p.name)
	}); err != nil {
		return Stored{}, err
	}
	err := p.q.update("store page of "+p.name, func(tx *bbolt.Tx) error {
`,
		},
		{
			"the collector acknowledges what it could not store", "upload/collector/batch.go",
			"	status, err := h.keepBatch(r.Context(), t, packed)\n",
			"	status, err := h.keepBatch(r.Context(), t, packed)\n	if err != nil {\n		status, err = http.StatusCreated, nil\n	}\n",
		},
		{"the overlap is forgotten", "upload/pull.go", "const overlap = 24 * time.Hour\n", "const overlap = 0\n"},
		{
			"a 403 is taken for a refusal of the orders", "upload/status.go",
			"	case http.StatusRequestEntityTooLarge:\n", "	case http.StatusForbidden:\n		return park, nil\n	case http.StatusRequestEntityTooLarge:\n",
		},
		{"receipts are not verified", "upload/sender.go", "	receipt, err := OpenReceipt(answer.body, r.ReceiptKey)\n	if err == nil {\n", "	receipt, err := OpenReceipt(answer.body, r.ReceiptKey)\n	err = nil\n	if false {\n"},
		{
			"a receipt comes into the ledger after the batch has left the queue", "upload/deliver.go",
			`	return q.update("deliver batch", func(tx *bbolt.Tx) error { return deliverIn(tx, w, receipt, signed) })
}

func deliverIn(tx *bbolt.Tx, w waiting, receipt Receipt, signed []byte) error {
	if err := removePending(tx, w.at, w.head); err != nil {
		return err
	}
	head := w.head
	head.Delivered = receipt.Stored
	if err := putHead(tx, w.at, head); err != nil {
		return err
	}
	if err := touchWeek(tx, head.Week); err != nil {
		return err
	}
	return record(tx, Entry{
`,
			`	if err := q.update("deliver batch", func(tx *bbolt.Tx) error { return deliverIn(tx, w, receipt, nil) }); err != nil {
		return err
	}
	return q.update("note receipt", func(tx *bbolt.Tx) error { return noteReceipt(tx, w.head, signed) })
}

func deliverIn(tx *bbolt.Tx, w waiting, receipt Receipt, signed []byte) error {
	if err := removePending(tx, w.at, w.head); err != nil {
		return err
	}
	head := w.head
	head.Delivered = receipt.Stored
	if err := putHead(tx, w.at, head); err != nil {
		return err
	}
	if err := touchWeek(tx, head.Week); err != nil || signed == nil {
		return err
	}
	return noteReceipt(tx, head, signed)
}

func noteReceipt(tx *bbolt.Tx, head batchHead, signed []byte) error {
	return record(tx, Entry{
`,
		},
		{"another whitelist does not make orders read anew", "upload/pull.go", "				All: w.Last == nil || w.Last.Fieldmap != digest.String() || w.Reading != nil,\n", ""},
		{"what is gone is not voided", "upload/state.go", "	return sendVoid, s.void()\n", "	return sendNothing, s\n"},
		{"the second half of a batch that was too large is lost", "upload/deliver.go", "			q.putAgain(tx, w.at.child(1), w.head, lines[half:], tags),\n", ""},
		{"what the collector lost is not sent again", "upload/sender.go", "		return true, r.Queue.requeue(week, answer.problem.Missing)\n", "		return false, nil\n"},
		{"missed Mondays are not made up", "agent/schedule.go", "	first := last.Next()\n	if ended.Before(first) {\n", "	first := last.Next()\n	if ended != first {\n"},
		{"a stopped reading is not gone on with", "agent/pull.go", "		if !slices.Contains(weeks, w) {\n", "		if false {\n"},
		{"the look-back is a week short", "agent/schedule.go", "	for w := first.Add(-lookback); w.Before(first)", "	for w := first.Add(1 - lookback); w.Before(first)"},
		{"a refused line keeps its revision", "upload/state.go", "	s.revision--\n	s.voids >>= 1\n", "	s.voids >>= 1\n"},
		{"a reading goes on under another whitelist", "upload/pull.go", "		if w.Reading == nil || w.Reading.Fieldmap != digest.String() {\n", "		if w.Reading == nil {\n"},
		{"a broken connection ends a page, and half of it counts", "extract/session.go", "	return s.late(ctx, rows.Err())\n", "	return nil\n"},
	}
}

// A simulation that finds nothing may be blind. Each of these faults in the program itself must be found within 500
// seeds, or the simulation is not to be trusted. -run 'TestSimFindsMutants/overlap' tries one.
func TestSimFindsMutants(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	finding := regexp.MustCompile(`seed (\d+): ([^\n]+)`)
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			dir := t.TempDir()
			program := filepath.Join(dir, "sim.test")
			build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, "-overlay", m.overlay(t, root, dir), "./agent")
			build.Dir = root
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("the mutant does not build: %v\n%s", err, out)
			}
			sim := exec.CommandContext(t.Context(), program, "-test.run", "^TestSim$", "-test.failfast", "-test.timeout", "60m", "-sim.seeds", "500", "-sim.weeks", "8")
			sim.Dir = filepath.Join(root, "agent")
			out, err := sim.CombinedOutput()
			found := finding.FindSubmatch(out)
			switch exit := (*exec.ExitError)(nil); {
			case errors.Is(err, context.Canceled):
				t.Fatal(err)
			case err == nil:
				t.Error("500 seeds found nothing")
			case found == nil || !errors.As(err, &exit):
				t.Errorf("the simulation failed otherwise: %v\n%.2000s", err, out)
			default:
				t.Logf("seed %s: %s", found[1], found[2])
			}
		})
	}
}

// overlay writes the mutated file, and what tells the go command to take it.
func (m mutant) overlay(t *testing.T, root, dir string) string {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Fatalf("%s holds %d times:\n%s", m.file, n, m.old)
	}
	mutated, list := filepath.Join(dir, filepath.Base(path)), filepath.Join(dir, "overlay.json")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(mutated, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600), os.WriteFile(list, overlay, 0o600)); err != nil {
		t.Fatal(err)
	}
	return list
}

//go:build mutants

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutant is the program, broken on purpose in one place.
type mutant struct {
	name     string // what is changed
	file     string // from the module's root
	old, new string // old must be there exactly once
	means    string // for a dealer
	seed     int    // that found it last: tried first
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
			"a crash between the two leaves a page of orders out", 45,
		},
		{
			"the collector acknowledges what it could not store", "upload/collector/batch.go",
			"	status, err := h.keepBatch(r.Context(), t, packed)\n",
			"	status, err := h.keepBatch(r.Context(), t, packed)\n	if err != nil {\n		status, err = http.StatusCreated, nil\n	}\n",
			"the receipt proves what nobody has", 35,
		},
		{
			"the overlap is forgotten", "upload/pull.go", "const overlap = 24 * time.Hour\n", "const overlap = 0\n",
			"edits of the moment of a reading, and late commits, never come", 500,
		},
		{
			"a 403 is taken for a refusal of the orders", "upload/status.go",
			"	case http.StatusRequestEntityTooLarge:\n", "	case http.StatusForbidden:\n		return park, nil\n	case http.StatusRequestEntityTooLarge:\n",
			"a wrong token parks every order until a person releases it", 240,
		},
		{
			"receipts are not verified", "upload/sender.go", "	receipt, err := OpenReceipt(answer.body, r.ReceiptKey)\n	if err == nil {\n", "	receipt, err := OpenReceipt(answer.body, r.ReceiptKey)\n	err = nil\n	if false {\n",
			"a login page on the way counts as the collector", 238,
		},
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
			"a crash between the two leaves the dealer without a proof", 297,
		},
		{
			"another whitelist does not make orders read anew", "upload/pull.go", " || w.Last.Fieldmap != digest.String() || w.Last.Zones", " || w.Last.Zones",
			"what is newly listed comes for edited orders only; what is no longer listed stays", 5,
		},
		{
			"what is gone is not voided", "upload/state.go", "	return sendVoid, s.void()\n", "	return sendNothing, s\n",
			"voided and internal orders are surveyed", 1,
		},
		{
			"the second half of a batch that was too large is lost", "upload/deliver.go", "			q.putAgain(tx, w.at.child(1), w.head, lines[half:], tags),\n", "",
			"orders never come, and nothing says so", 30,
		},
		{
			"what the collector lost is not sent again", "upload/sender.go", "		return r.lost(ctx, week, answer.problem.Missing)\n", "		return false, nil\n",
			"the week is never closed", 3,
		},
		{
			"missed Mondays are not made up", "agent/schedule.go", "	first := last.Next()\n	if ended.Before(first) {\n", "	first := last.Next()\n	if ended != first {\n",
			"the weeks of a holiday never come", 59,
		},
		{
			"the look-back is a week short", "agent/schedule.go", "	for w := first.Add(-lookback); w.Before(first)", "	for w := first.Add(1 - lookback); w.Before(first)",
			"edits of the fifth week never come", 84,
		},
		{
			"a refused line keeps its revision", "upload/state.go", "	s.revision--\n	s.voids >>= 1\n", "	s.voids >>= 1\n",
			"revisions skip a number: something seems to be missing", 278,
		},
		{
			"a reading goes on under another whitelist", "upload/pull.go", "|| w.Reading.Fieldmap != digest.String() || w.Reading.Zones != q.Zones || w.Reading.Comers", "|| w.Reading.Comers",
			"orders of one week are read by two whitelists", 5,
		},
		{
			"a broken connection ends a page, and half of it counts", "extract/rows.go",
			"		if err := rows.Next(values); errors.Is(err, io.EOF) {\n			return nil\n		} else if err != nil {\n			return err\n",
			"		if err := rows.Next(values); errors.Is(err, io.EOF) || err != nil {\n			return nil\n",
			"orders that are there are voided", 145,
		},
		{
			"the collector acknowledges before what it stores is durable", "upload/collector/batch.go",
			"	status, err := h.keepBatch(r.Context(), t, packed)\n",
			`	status, err := http.StatusCreated, error(nil)
	packed = bytes.Clone(packed)
	soon, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 1e9)
	context.AfterFunc(soon, func() {
		cancel()
		_, _ = h.keepBatch(context.WithoutCancel(soon), t, packed)
	})
`,
			"what the collector's power failure took has a receipt", 1,
		},
		{
			"a 403 is ignored", "upload/sender.go",
			"	switch action, err := batchAction(answer); action {\n	case accept:\n",
			"	if answer.status == http.StatusForbidden {\n		return r.Queue.deliver(w, Receipt{}, nil)\n	}\n	switch action, err := batchAction(answer); action {\n	case accept:\n",
			"a wrong token drops every order", 240,
		},
		{
			"another time zone does not make orders read anew", "upload/pull.go", " || w.Last.Zones != q.Zones || w.Reading != nil,\n", " || w.Reading != nil,\n",
			"orders keep the times that were wrong", 8,
		},
		{
			"the weeks beside those of another time zone are left alone", "agent/zones.go", "return w.Comers || w.Zones && w.Reading == nil })\n", "return false })\n",
			"orders at the end of the look-back are voided and come nowhere else", 138,
		},
		{
			"what was read before it was over counts as read", "agent/status.go", "return w.Readings > 0 && !w.Early })", "return w.Readings > 0 })",
			"after weeks switched off, the look-back is shorter than it should be", 341,
		},
		{
			"a last run that is still to come is waited for", "agent/schedule.go", "next.After(now) && !last.After(now)", "next.After(now)",
			"a clock that was ahead for an hour keeps the service asleep for a year", 19,
		},
	}
}

// A simulation that finds nothing may be blind. Each of these faults in the program itself must be found within 500
// seeds, or the simulation is not to be trusted. What finds it must be well in the program as it is. The seed that found
// it last is tried first; a change of the simulated world may ask for another. -run 'TestSimFindsMutants/mutant/overlap' tries one.
func TestSimFindsMutants(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	whole := buildSim(t, root)
	list := mutants()
	found := make([]string, len(list))
	t.Run("mutant", func(t *testing.T) {
		for i, m := range list {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				seed, verdict := m.hunt(t, root, whole)
				found[i] = fmt.Sprintf("| %s (`%s`) | %s | %d | %s |", m.name, m.file, m.means, seed, verdict)
				if seed == 0 {
					t.Errorf("%d seeds found nothing", mutantSeeds)
				}
			})
		}
	})
	t.Logf("\n| The program, broken | What it would mean | Seed | What the oracle said |\n|---|---|---|---|\n%s", strings.Join(found, "\n"))
}

// mutantSeeds is how many seeds may be tried.
const mutantSeeds = 500

// hunt returns the first seed that finds the mutant and is well in the program as it is, and what its oracle said.
func (m mutant) hunt(t *testing.T, root, whole string) (seed int, verdict string) {
	t.Helper()
	broken := buildSim(t, root, "-overlay", m.overlay(t, root, t.TempDir()))
	for i := range mutantSeeds + 1 {
		if seed = cmp.Or(i, m.seed); seed == 0 || i == m.seed && i > 0 {
			continue
		}
		verdict, bad := runSeed(t, root, broken, seed)
		if !bad {
			continue
		}
		if was, bad := runSeed(t, root, whole, seed); bad {
			t.Logf("seed %d proves nothing: without the mutant, too: %s", seed, was)
			continue
		}
		return seed, verdict
	}
	return 0, "nothing"
}

// buildSim builds the simulation and returns its path.
func buildSim(t *testing.T, root string, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sim.test")
	build := exec.CommandContext(t.Context(), "go", slices.Concat([]string{"test", "-c", "-o", program}, flags, []string{"./agent"})...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the program does not build: %v\n%s", err, out)
	}
	return program
}

// runSeed runs one seed, and returns the first thing that its oracle found.
func runSeed(t *testing.T, root, program string, seed int) (verdict string, bad bool) {
	t.Helper()
	sim := exec.CommandContext(t.Context(), program, "-test.run", "^TestSim$", "-test.timeout", "10m", "-sim.seed", strconv.Itoa(seed), "-sim.weeks", "8")
	sim.Dir = filepath.Join(root, "agent")
	out, err := sim.CombinedOutput()
	if err == nil {
		return "", false
	}
	said := regexp.MustCompile(`seed \d+: ([^\n]{1,100})`).FindSubmatch(out)
	if exit := (*exec.ExitError)(nil); said == nil || !errors.As(err, &exit) {
		t.Fatalf("seed %d failed otherwise: %v\n%.2000s", seed, err, out)
	}
	return string(said[1]), true
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

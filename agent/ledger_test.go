package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rogpeppe/go-internal/testscript"
	"go.etcd.io/bbolt"
	"roagent/upload"
)

// scriptTamper changes one byte of an entry of the ledger.
func scriptTamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || len(args[0]) != 1 {
		ts.Fatalf("usage: tamper N")
	}
	db, err := bbolt.Open(ts.MkAbs("data/queue.db"), 0o600, nil)
	ts.Check(err)
	defer db.Close()
	ts.Check(db.Update(func(tx *bbolt.Tx) error {
		ledger, number := tx.Bucket([]byte("ledger")), binary.BigEndian.AppendUint64(nil, uint64(args[0][0]-'0'))
		text := bytes.Clone(ledger.Get(number))
		text[bytes.Index(text, []byte(`"bytes":`))+8] ^= 1
		return ledger.Put(number, text)
	}))
}

// scriptKeep keeps the head of the ledger that was printed as JSON.
func scriptKeep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || args[0] != "head" {
		ts.Fatalf("usage: keep head")
	}
	var sum struct {
		Head string `json:"head"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &sum))
	ts.Setenv("HEAD", sum.Head)
}

// scriptChain verifies an exported ledger as DESIGN.md of package upload says, with nothing of roagent's.
func scriptChain(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: chain FILE")
	}
	previous := sha256.Sum256(nil)
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	for i, line := range lines {
		var entry struct {
			Number   int    `json:"number"`
			Previous string `json:"previous"`
		}
		ts.Check(json.Unmarshal([]byte(line), &entry))
		if entry.Number != i+1 || entry.Previous != hex.EncodeToString(previous[:]) {
			ts.Fatalf("line %d of %s does not follow from the one before", i+1, args[0])
		}
		previous = sha256.Sum256([]byte(line))
	}
	if len(lines) < 3 {
		ts.Fatalf("%s has only %d lines", args[0], len(lines))
	}
}

// scriptSums holds that a folder has the files that its SHA256SUMS names, and no others.
func scriptSums(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sums DIR")
	}
	dir := ts.MkAbs(args[0])
	var got strings.Builder
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "SHA256SUMS" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		sum := sha256.Sum256(text)
		got.WriteString(hex.EncodeToString(sum[:]) + "  " + filepath.ToSlash(name) + "\n")
		return err
	}))
	if diff := cmp.Diff(ts.ReadFile(filepath.Join(dir, "SHA256SUMS")), got.String()); diff != "" {
		ts.Fatalf("%s", diff)
	}
}

// TestLedgerPurge holds that deleting old copies is on record, is in the evidence, and takes nothing from the answer to
// who was in them.
func TestLedgerPurge(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 12, batchOrders: 5})
	r.exec(t, "UPDATE RepairOrder SET CustomerNo = 1")
	r.mustRun(t, "pull")
	before := r.mustRun(t, "ledger", "who", "--customer", "1")
	if strings.Count(before, "RO10000") < 6 {
		t.Fatalf("only this was sent:\n%s", before)
	}
	q := r.open(t)
	purged, err := q.Purge(time.Now().Add(time.Hour))
	if err := errors.Join(err, q.Close()); err != nil || purged == 0 {
		t.Fatalf("%d batches were purged: %v", purged, err)
	}
	if out := r.mustRun(t, "ledger", "list", "--kind", "purged"); !strings.Contains(out, "copies of ") {
		t.Errorf("the list says\n%s", out)
	}
	dir := filepath.Join(r.dir, "audit")
	r.mustRun(t, "ledger", "export", "--evidence", dir)
	text, err := os.ReadFile(filepath.Join(dir, "purges.csv"))
	if err != nil || strings.Count(string(text), "\r\n") != 2 {
		t.Errorf("purges.csv is %q: %v", text, err)
	}
	if after := r.mustRun(t, "ledger", "who", "--customer", "1"); after != before {
		t.Errorf("before the purge\n%s\nafter it\n%s", before, after)
	}
	r.verify(t)
}

// TestEvidenceOfAccess holds that the evidence tells each proof of the period, one that failed too, and no other.
func TestEvidenceOfAccess(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 2})
	q := r.open(t)
	at := time.Date(2025, 6, 2, 10, 0, 0, 0, time.UTC)
	for _, p := range []upload.AccessProof{
		{Tried: 1, Names: []string{"dbo.Customer.SSN"}, At: at.AddDate(-1, 0, 0)},
		{Tried: 2, Names: []string{"dbo.Customer.SSN", "dbo.Part.[Dealer Cost]"}, At: at},
		{Tried: 2, Names: []string{"dbo.Part.DealerCost"}, Readable: []string{"dbo.Customer.SSN"}, At: at.AddDate(0, 0, 7)},
	} {
		if err := q.RecordProof(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(r.dir, "audit")
	r.mustRun(t, "ledger", "export", "--evidence", dir, "--year", "2025")
	text, err := os.ReadFile(filepath.Join(dir, "access_proofs.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want := "entry,tried_at,tried,refused,columns_refused,columns_readable\r\n" +
		"3,2025-06-02T03:00:00-07:00,2,2,dbo.Customer.SSN dbo.Part.[Dealer Cost],\r\n" +
		"4,2025-06-09T03:00:00-07:00,2,1,dbo.Part.DealerCost,dbo.Customer.SSN\r\n"
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
}

// TestEvidencePeriod holds that a year is the dealer's, and that the last twelve months end with today.
func TestEvidencePeriod(t *testing.T) {
	zone := zone(t, "America/Los_Angeles")
	now := time.Date(2027, 1, 1, 2, 0, 0, 0, time.UTC) // still New Year's Eve there
	for name, tt := range map[string]struct {
		year     int
		from, to string
	}{
		"the last 12 months": {0, "2026-01-01", "2027-01-01"},
		"a year":             {2025, "2025-01-01", "2026-01-01"},
	} {
		from, to := ledgerExportCommand{Year: tt.year}.period(now, zone)
		if got := [2]string{from.Format(time.DateOnly), to.Format(time.DateOnly)}; got != [2]string{tt.from, tt.to} || from.Location() != zone {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestHarmless holds that no cell of a CSV file is a formula, and that all else stays as it is.
func TestHarmless(t *testing.T) {
	for cell, want := range map[string]string{
		"":              "",
		"RO1":           "RO1",
		"a=b":           "a=b",
		"=1+1":          "'=1+1",
		"+1":            "'+1",
		"-1":            "'-1",
		"@SUM(A1)":      "'@SUM(A1)",
		"\t=1":          "'\t=1",
		"\r=1":          "'\r=1",
		"\n=1":          "'\n=1",
		"＝1":            "'＝1",
		"\xff=1":        "\xff=1",
		`"=1", "quoted`: `"=1", "quoted`,
	} {
		if got := harmless(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
}

// FuzzCSV holds that a row reads back as what was written, and no cell of it begins a formula.
func FuzzCSV(f *testing.F) {
	f.Add("=cmd|' /C calc'!A0", "RO1,\"\r\n")
	f.Add("-2+3", "\ufeff=1")
	f.Fuzz(func(t *testing.T, a, b string) {
		var text bytes.Buffer
		out := newCSV(&text)
		out.write("entry", a, b)
		if err := out.flush(); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&text).ReadAll()
		if err != nil || len(rows) != 1 {
			t.Fatalf("%q: %v", rows, err)
		}
		lines := func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "") }
		for i, cell := range []string{a, b} {
			if got := rows[0][i+1]; strings.ContainsAny(got[:min(1, len(got))], "=+-@\t\r\n") || lines(strings.TrimPrefix(got, "'")) != lines(strings.TrimPrefix(cell, "'")) {
				t.Errorf("%q came back as %q", cell, got)
			}
		}
	})
}

// TestPrintable holds that what a key holds cannot steer a terminal.
func TestPrintable(t *testing.T) {
	if got := printable("RO1\x1b[2J\n\tZoë"); got != "RO1\uFFFD[2J\uFFFD\uFFFDZoë" {
		t.Errorf("got %q", got)
	}
}

package upload_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

// A format that was released stays in testdata/format/N for good. Where a new one is made:
//
//	go test ./upload -run '^TestFormats$' -format
var makeFormat = flag.Bool("format", false, "make testdata/format/N of the format that this program makes")

// kept is what a queue tells of itself.
type kept struct {
	Weeks   []upload.WeekStatus  `json:"weeks"`
	Pending upload.PendingStatus `json:"pending"`
	Parked  []upload.ParkedItem  `json:"parked"`
	Lines   [][]string           `json:"lines"` // of what is parked
	About   upload.Disclosure    `json:"about"`
	Ledger  []string             `json:"ledger"`
	Arrives []string             `json:"arrives"` // at a collector that has nothing: orders and revisions
}

func keptOf(t *testing.T, q *upload.Queue) kept {
	t.Helper()
	var k kept
	var err, pending, parked, about error
	k.Weeks, err = q.Weeks()
	k.Pending, pending = q.Pending()
	k.Parked, parked = q.Parked()
	k.About, about = q.About(fieldmap.Vehicle, fieldmap.NewTagger(uploadtest.TagKey()).Tag(fieldmap.Vehicle, []byte("VIN1")))
	if err := errors.Join(err, pending, parked, about, q.Check()); err != nil {
		t.Fatal(err)
	}
	for _, item := range k.Parked {
		_, lines, err := q.ParkedLines(item.Number)
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{}
		for _, line := range lines {
			texts = append(texts, string(line))
		}
		k.Lines = append(k.Lines, texts)
	}
	for e, err := range q.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		k.Ledger = append(k.Ledger, string(e.Raw))
	}
	if _, err := q.VerifyLedger(); err != nil {
		t.Error(err)
	}
	return k
}

// arrives sends what the queue has to a collector that has nothing.
func arrives(t *testing.T, q *upload.Queue, orders *uploadtest.Orders) []string {
	t.Helper()
	c := uploadtest.NewCollector(t)
	s := &site{t: t, log: t.Output(), queue: q, sender: upload.NewSender(q), collector: c, orders: orders}
	s.sender.URL, s.sender.Token, s.sender.Transport, s.sender.ReceiptKey, s.sender.Timezone = "https://collector.test", "the-token", c, c.Verifier, "America/Los_Angeles"
	s.send()
	s.sound()
	var got []string
	for _, line := range c.Taken() {
		got = append(got, fmt.Sprintf("%s %s/%d", line.Week, line.Key, line.Revision))
	}
	slices.Sort(got)
	return got
}

func formatFolder(format int) string {
	return filepath.Join("testdata", "format", strconv.Itoa(format))
}

// fixtureOrders is under the whitelist of the queues in testdata/format.
func fixtureOrders(t *testing.T) *uploadtest.Orders {
	return uploadtest.NewOrdersThat(t, fieldmap.HoldNarratives, "maker")
}

// copyFormat makes a data folder out of one in testdata/format, and returns what its queue told when it was made.
func copyFormat(t *testing.T, format int) (dir string, k kept) {
	t.Helper()
	dir = t.TempDir()
	from := formatFolder(format)
	write(t, filepath.Join(dir, "queue.db"), read(t, filepath.Join(from, "queue.db")))
	key, err := hex.DecodeString(strings.TrimSpace(string(read(t, filepath.Join(from, "key.hex")))))
	if err == nil {
		err = errors.Join(upload.WriteKey(filepath.Join(dir, "queue.key"), key), json.Unmarshal(read(t, filepath.Join(from, "kept.json")), &k))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, k
}

// TestFormats opens a queue of every format that was released, with sent, queued, refused, held and dropped orders in it:
// it tells what it told then, and what is to arrive arrives.
func TestFormats(t *testing.T) {
	newest := upload.NewQueue("", dealer).Format()
	if *makeFormat {
		makeFormatFolder(t, newest)
	}
	for format := 1; format <= newest; format++ {
		t.Run(strconv.Itoa(format), func(t *testing.T) {
			dir, want := copyFormat(t, format)
			q := openFormat(t, dir)
			got := keptOf(t, q)
			got.Arrives = arrives(t, q, fixtureOrders(t))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-then +now:\n%s", diff)
			}
		})
	}
}

func openFormat(t *testing.T, dir string, next ...func(*bbolt.Tx) error) *upload.Queue {
	t.Helper()
	q := upload.NewQueue(dir, dealer)
	q.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	q.Program = "2.0.0"
	q.Migrate(next...)
	if err := q.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func makeFormatFolder(t *testing.T, format int) {
	s := &site{t: t, log: t.Output(), dir: t.TempDir()}
	q := upload.NewQueue(s.dir, dealer)
	q.Program = "1.0.0"
	if err := errors.Join(q.Open(), q.Close()); err != nil {
		t.Fatal(err)
	}
	s.connect(t)
	s.orders = fixtureOrders(t)
	s.pull("2026-W45", about("RO1", "VIN1", "7"), order("RO2", "brakes"))
	s.send() // closes that week
	s.pull("2026-W46", about("RO3", "VIN1", "8"), order("RO4", "tyres"))
	s.collector.Refuse = func(l upload.Line) string {
		if l.Key == "RO4" {
			return "no such op code"
		}
		return ""
	}
	s.send() // RO4 is parked
	s.pull("2026-W46", about("RO3", "VIN1", "8"), order("RO4", "tyres"), order("RO5", "ssn 078-05-1120"), order("RO6", "wipers"), order("RO7", "dropped"))
	if _, err := s.queue.Veto(upload.Veto{What: upload.DropOrder, Key: "RO7", Why: "a friend's car", Who: "kim"}); err != nil {
		t.Fatal(err)
	}
	p := s.begin("2026-W47") // a reading that is not finished
	s.store(p, []byte("next"), order("RO8", "oil"))
	k := keptOf(t, s.queue)
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	folder := formatFolder(format)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	key, err := upload.LoadKey(filepath.Join(s.dir, "queue.key"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "key.hex"), []byte(hex.EncodeToString(key)+"\n"))
	write(t, filepath.Join(folder, "queue.db"), read(t, filepath.Join(s.dir, "queue.db")))
	s.open()
	k.Arrives = arrives(t, s.queue, s.orders)
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "kept.json"), append(text, '\n'))
}

// Two formats that were never released: a part more, and each week's value written anew.
func addPart(tx *bbolt.Tx) error {
	b, err := tx.CreateBucket([]byte("test_part"))
	if err != nil {
		return err
	}
	return b.Put([]byte("made"), []byte("yes"))
}

func rewriteWeeks(tx *bbolt.Tx) error {
	b := tx.Bucket([]byte("weeks"))
	rewritten := map[string][]byte{}
	if err := b.ForEach(func(week, value []byte) error {
		rewritten[string(week)] = append([]byte(`{"test":true,`), bytes.TrimPrefix(value, []byte("{"))...)
		return nil
	}); err != nil {
		return err
	}
	for _, week := range slices.Sorted(maps.Keys(rewritten)) {
		if err := b.Put([]byte(week), rewritten[week]); err != nil {
			return err
		}
	}
	return nil
}

// TestMigrate holds that a newer program brings a queue to its format behind a copy, that all is as it was, that an older
// one says which program it takes and changes nothing, and that the copy is the way back.
func TestMigrate(t *testing.T) {
	dir, want := copyFormat(t, 1)
	var log bytes.Buffer
	q := upload.NewQueue(dir, dealer)
	q.Logger, q.Program = slog.New(slog.NewTextHandler(&log, nil)), "2.0.0"
	q.Migrate(addPart, rewriteWeeks)
	if err := q.Open(); err != nil {
		t.Fatal(err)
	}
	want.Arrives = nil
	if diff := cmp.Diff(want, keptOf(t, q)); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
	wantMigrated(t, q)
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	aside, path := filepath.Join(dir, "queue.db.format-1"), filepath.Join(dir, "queue.db")
	if text := log.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, aside) {
		t.Errorf("it said %s", text)
	}

	migrated := read(t, path)
	err := upload.NewQueue(dir, dealer).Open()
	newer, ok := errors.AsType[*upload.NewerError](err)
	if !ok || newer.Format != 3 || newer.Knows != 1 || newer.Program != "2.0.0" || newer.Copy != aside || !strings.Contains(err.Error(), "Install roagent 2.0.0 or a later one") {
		t.Errorf("an older program: %v", err)
	}
	if !bytes.Equal(migrated, read(t, path)) {
		t.Error("an older program changed the file")
	}
	openFormat(t, dir, addPart, rewriteWeeks) // and the newer one takes it again

	back := t.TempDir()
	write(t, filepath.Join(back, "queue.db"), read(t, aside))
	write(t, filepath.Join(back, "queue.key"), read(t, filepath.Join(dir, "queue.key")))
	if diff := cmp.Diff(want, keptOf(t, openFormat(t, back))); diff != "" {
		t.Errorf("the copy, -before +after:\n%s", diff)
	}
}

// wantMigrated fails the test where the queue has not gone through addPart and rewriteWeeks, once.
func wantMigrated(t *testing.T, q *upload.Queue) {
	t.Helper()
	if err := q.View(func(tx *bbolt.Tx) error {
		if format := string(tx.Bucket([]byte("meta")).Get([]byte("format"))); format != "roagent queue 3" {
			t.Errorf("the format is %q", format)
		}
		if tx.Bucket([]byte("test_part")) == nil {
			t.Error("the first step did not run")
		}
		return tx.Bucket([]byte("weeks")).ForEach(func(week, value []byte) error {
			if bytes.Count(value, []byte(`"test":true`)) != 1 {
				t.Errorf("the second step did not run once: %s %s", week, value)
			}
			return nil
		})
	}); err != nil {
		t.Error(err)
	}
}

// TestMigrateFails holds that a step that fails undoes those before it, and that nothing is rebuilt because of it.
func TestMigrateFails(t *testing.T) {
	tests := map[string]func(*bbolt.Tx) error{
		"an error":        func(*bbolt.Tx) error { return errors.New("no such thing") },
		"damage":          func(*bbolt.Tx) error { return &upload.CorruptError{Err: errors.New("no such thing")} },
		"a part is gone":  func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("ledger")) },
		"numbers are off": func(tx *bbolt.Tx) error { return tx.Bucket([]byte("ledger")).SetSequence(0) },
	}
	for name, fails := range tests {
		t.Run(name, func(t *testing.T) {
			dir, want := copyFormat(t, 1)
			path := filepath.Join(dir, "queue.db")
			before := read(t, path)
			q := upload.NewQueue(dir, dealer)
			q.Migrate(rewriteWeeks, fails)
			err := q.Open()
			failed, ok := errors.AsType[*upload.MigrationError](err)
			if !ok || failed.From != 1 || failed.To != 3 || !strings.Contains(err.Error(), "Install roagent 1.0.0 again") || strings.Contains(err.Error(), "makes a new one") {
				t.Fatalf("got %v", err)
			}
			if errors.As(err, new(*upload.CorruptError)) {
				t.Error("the queue would be rebuilt")
			}
			if !bytes.Equal(before, read(t, path)) {
				t.Error("the file was changed")
			}
			want.Arrives = nil
			if diff := cmp.Diff(want, keptOf(t, openFormat(t, dir))); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
		})
	}
}

// TestMigrateDies holds that a process that ends on the way leaves a queue that the next one brings to the new format.
func TestMigrateDies(t *testing.T) {
	if at := os.Getenv("ROAGENT_TEST_DIES"); at != "" {
		migrateAndDie(at)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	points := []string{"before the transaction", "in the first step", "in the last step", "after the transaction"}
	for range 12 { // wherever it may be
		points = append(points, strconv.Itoa(rand.IntN(30_000)))
	}
	for _, at := range append(points, "a copy is half written", "a copy is there") {
		t.Run(at, func(t *testing.T) {
			dir, want := copyFormat(t, 1)
			switch at {
			case "a copy is half written":
				write(t, filepath.Join(dir, "queue.db.copying"), read(t, filepath.Join(dir, "queue.db"))[:5000])
			case "a copy is there":
				write(t, filepath.Join(dir, "queue.db.format-1"), []byte("of an earlier attempt"))
			default:
				child := exec.CommandContext(t.Context(), self, "-test.run=^TestMigrateDies$")
				child.Env = append(os.Environ(), "ROAGENT_TEST_DIES="+at, "ROAGENT_TEST_DIR="+dir)
				out, err := child.CombinedOutput()
				if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != dies {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			q := openFormat(t, dir, addPart, rewriteWeeks)
			wantMigrated(t, q)
			want.Arrives = nil
			if diff := cmp.Diff(want, keptOf(t, q)); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
			if db, err := bbolt.Open(filepath.Join(dir, "queue.db.format-1"), 0o600, &bbolt.Options{ReadOnly: true}); err != nil {
				t.Error(err)
			} else if err := db.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "queue.db.copying")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("half a copy is left: %v", err)
			}
		})
	}
}

const dies = 77 // exit code

// migrateAndDie opens the queue, and ends the process at a point, or so many microseconds after it began.
func migrateAndDie(at string) {
	end := func(point string) {
		if at == point {
			os.Exit(dies)
		}
	}
	if after, err := strconv.Atoi(at); err == nil {
		time.AfterFunc(time.Duration(after)*time.Microsecond, func() { os.Exit(dies) })
	}
	q := upload.NewQueue(os.Getenv("ROAGENT_TEST_DIR"), dealer)
	q.Migrate(
		func(tx *bbolt.Tx) error { err := addPart(tx); end("in the first step"); return err },
		func(tx *bbolt.Tx) error { err := rewriteWeeks(tx); end("in the last step"); return err },
	)
	q.Transact = func(what string, transact func() error) error {
		if strings.Contains(what, "newer format") {
			end("before the transaction")
			defer end("after the transaction")
		}
		return transact()
	}
	if err := q.Open(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(dies) // it was faster
}

// TestCopyGoes holds that the copy of an older format goes when its time is over, or the dealer leaves.
func TestCopyGoes(t *testing.T) {
	dir, _ := copyFormat(t, 1)
	q := openFormat(t, dir, addPart)
	path := filepath.Join(dir, "queue.db.format-1")
	for age, gone := range map[time.Duration]bool{80 * 24 * time.Hour: false, 100 * 24 * time.Hour: true} {
		write(t, path, nil)
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
		if _, err := q.Purge(time.Now().AddDate(-2, 0, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); gone != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after %s: %v", age, err)
		}
	}
	write(t, path, nil)
	if err := q.BeginLeaving("kim", time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Leave("kim", nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after leaving: %v", err)
	}
}

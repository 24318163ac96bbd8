package upload_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// TestQueueLost holds that a queue whose file is gone or empty is no new queue: its key is there.
func TestQueueLost(t *testing.T) {
	tests := map[string]struct {
		damage func(t *testing.T, path string)
		says   string
	}{
		"missing": {remove, "the file is missing"}, // it may be elsewhere: a person must look
		"empty":   {func(t *testing.T, path string) { write(t, path, nil) }, "the file is empty"},
		"new": {func(t *testing.T, path string) {
			remove(t, path)
			db, err := bbolt.Open(path, 0o600, nil)
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		}, "the file holds nothing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			q := upload.NewQueue(dir, dealer)
			if err := errors.Join(q.Open(), q.Close()); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "queue.db")
			tt.damage(t, path)
			err := upload.NewQueue(dir, dealer).Open()
			var corrupt *upload.CorruptError
			if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "backup") != (name == "missing") {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(path); (err == nil) == (name == "missing") {
				t.Errorf("the file was made, or removed: %v", err)
			}
			if _, err := upload.NewQueue(dir, dealer).Rebuild(corrupt); (err == nil) == (name == "missing") {
				t.Errorf("rebuild: %v", err)
			}
		})
	}
}

// TestHashKeyAlone holds that a new queue may get the key of hashed values from an earlier one.
func TestHashKeyAlone(t *testing.T) {
	dir := t.TempDir()
	createKey(t, filepath.Join(dir, "hash.key"))
	q := upload.NewQueue(dir, dealer)
	if err := errors.Join(q.Open(), q.Close()); err != nil {
		t.Error(err)
	}
}

// TestDamagedValues holds that a damaged value names the file and the remedy, wherever it is found.
func TestDamagedValues(t *testing.T) {
	tests := map[string]struct {
		change func(*bbolt.Tx) error
		use    func(*upload.Queue) error
	}{
		"no head": {
			func(tx *bbolt.Tx) error {
				at, _ := tx.Bucket([]byte("batches")).Cursor().First()
				return tx.Bucket([]byte("batches")).Delete(at)
			},
			func(q *upload.Queue) error { _, err := q.Weeks(); return err },
		},
		"ledger": {
			func(tx *bbolt.Tx) error {
				at, _ := tx.Bucket([]byte("ledger")).Cursor().First()
				return tx.Bucket([]byte("ledger")).Put(at, []byte("[]"))
			},
			func(q *upload.Queue) error { _, _, err := q.Approved(); return err },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pull("2026-W46", order("RO1", "oil"))
			if err := s.queue.Close(); err != nil {
				t.Fatal(err)
			}
			change(tt.change)(t, filepath.Join(s.dir, "queue.db"))
			s.open()
			err := tt.use(s.queue)
			var corrupt *upload.CorruptError
			if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), s.dir) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestQuestionAnswers holds what odd answers to the question about a week do. Only the collector's own word that it holds
// nothing of the week, or knows no such question, lets it be sent: whatever else answers may stand before a collector that
// holds newer revisions than an old copy of the queue would send. Nothing is dropped, and all is sent later.
func TestQuestionAnswers(t *testing.T) {
	tests := map[string]struct {
		fault uploadtest.Fault
		class upload.SendClass // "": the batch is sent
	}{
		"404":          {uploadtest.Answer(404, "text/html", "no"), upload.ClassNotCollector},
		"404 as text":  {uploadtest.Answer(404, "text/plain", "not found"), upload.ClassNotCollector},
		"405":          {uploadtest.Answer(405, "", ""), upload.ClassNotCollector},
		"401":          {uploadtest.Answer(401, "", ""), upload.ClassUnauthorized},
		"503":          {uploadtest.Answer(503, "", ""), upload.ClassUnreachable},
		"HTML":         {uploadtest.Answer(200, "text/html", "<h1>Welcome</h1>"), upload.ClassNotCollector},
		"a redirect":   {uploadtest.Answer(302, "", "", "Location", "https://login.test"), upload.ClassNotCollector},
		"other JSON":   {uploadtest.Answer(200, "application/json", `{}`), upload.ClassNotCollector},
		"another week": {uploadtest.Answer(200, "application/json", `{"dealer_id":"04123","week":"2026-W01"}`), upload.ClassNotCollector},
		"refused":      {uploadtest.Problem(upload.Problem{Status: 400, Title: "no"}), upload.ClassRefused},
		"unknown":      {uploadtest.Problem(upload.Problem{Status: 404, Title: "no"}), ""},
		"older":        {uploadtest.Problem(upload.Problem{Status: 405, Title: "no"}), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.sender.Retries = 0
			s.pull("2026-W46", order("RO1", "oil"), order("RO2", "lamp"))
			s.collector.FailQuestions(tt.fault)
			sent, err := s.trySend()
			if tt.class == "" {
				if err != nil || sent.Orders != 2 || sent.Manifests != 1 {
					t.Errorf("sent %+v, %v", sent, err)
				}
				return
			}
			s.wantClass(err, tt.class, "stays queued")
			for _, r := range s.collector.Requests() {
				if strings.Contains(r.Path, "/weeks/") {
					t.Errorf("%s %s was sent", r.Method, r.Path)
				}
			}
			s.collector.FailQuestions(nil)
			s.recovers()
		})
	}
}

// TestRetryLog holds that the log says why a request is sent again.
func TestRetryLog(t *testing.T) {
	refused := func(*http.Request, http.RoundTripper) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	for want, fault := range map[string]uploadtest.Fault{
		"its answer 201 broke off": uploadtest.BreakOff,
		"it answered 503":          uploadtest.Answer(503, "", ""),
		"the connection broke":     uploadtest.Reset,
		"no connection":            refused,
	} {
		t.Run(want, func(t *testing.T) {
			s := newSite(t)
			var log bytes.Buffer
			s.sender.Logger = slog.New(slog.NewTextHandler(&log, nil))
			s.sender.RetryMin, s.sender.RetryMax = time.Millisecond, time.Millisecond
			s.collector.Fail(fault)
			s.pull("2026-W46", order("RO1", "oil"))
			s.send()
			if !strings.Contains(log.String(), `cause="`+want+`"`) {
				t.Errorf("log: %s", log.String())
			}
		})
	}
}

// TestEmptyLists holds that what is empty is an empty list on the wire and for scripts, not null.
func TestEmptyLists(t *testing.T) {
	s := newSite(t)
	weeks, err := s.queue.Weeks()
	items, err2 := s.queue.Parked()
	if weeks == nil || items == nil || errors.Join(err, err2) != nil {
		t.Errorf("got %v %v %v", weeks, items, errors.Join(err, err2))
	}
	s.pull("2026-W46", order("RO1", "oil"))
	s.send()
	m, _ := s.collector.Manifest("2026-W46")
	if text, err := json.Marshal(m); err != nil || !bytes.Contains(text, []byte(`"skipped":[]`)) {
		t.Errorf("manifest: %s %v", text, err)
	}
}

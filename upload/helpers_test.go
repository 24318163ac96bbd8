package upload_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/uploadtest"
)

const dealer = "04123"

func week(t failer, name string) fieldmap.Week {
	t.Helper()
	w, err := fieldmap.ParseWeek(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// failer is what a test of testing and one of rapid have in common.
type failer interface {
	Helper()
	Error(args ...any)
	Fatal(args ...any)
}

// site is an agent's end of the wire with a collector at the other.
type site struct {
	t         failer
	log       io.Writer
	dir       string
	queue     *upload.Queue
	sender    *upload.Sender
	collector *uploadtest.Collector
	orders    *uploadtest.Orders
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, log: t.Output(), dir: t.TempDir()}
	s.connect(t)
	t.Cleanup(func() {
		if err := s.queue.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *site) connect(t testing.TB) {
	t.Helper()
	s.collector, s.orders = uploadtest.NewCollector(t), uploadtest.NewOrders(t, "maker")
	s.open()
}

func (s *site) open() {
	s.t.Helper()
	s.queue = upload.NewQueue(s.dir, dealer)
	s.queue.Logger = slog.New(slog.NewTextHandler(s.log, nil))
	if err := s.queue.Open(); err != nil {
		s.t.Fatal(err)
	}
	s.sender = upload.NewSender(s.queue)
	s.sender.URL = "https://collector.test"
	s.sender.Token = "the-token"
	s.sender.Transport = s.collector
	s.sender.ReceiptKey = s.collector.Verifier
	s.sender.Timezone = "America/Los_Angeles"
	s.sender.Logger = slog.New(slog.NewTextHandler(s.log, nil))
}

// reopen ends the process and starts it again.
func (s *site) reopen() {
	s.t.Helper()
	if err := s.queue.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.open()
}

// pull reads a week whose orders are these, in one page.
func (s *site) pull(name string, orders ...uploadtest.Order) (upload.Stored, upload.Finished) {
	s.t.Helper()
	p := s.begin(name)
	stored := s.store(p, nil, orders...)
	finished, err := p.Finish(upload.FinishResult{Now: time.Now()})
	if err != nil {
		s.t.Fatal(err)
	}
	return stored, finished
}

func (s *site) begin(name string) *upload.Pull {
	s.t.Helper()
	return s.beginAt(name, time.Now())
}

// beginAt begins a reading of the run that began then.
func (s *site) beginAt(name string, run time.Time) *upload.Pull {
	s.t.Helper()
	p, err := s.queue.Begin(week(s.t, name), s.orders.Digest(), run)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// store stores a page of orders as a pull does: those that are not wanted are not read.
func (s *site) store(p *upload.Pull, next []byte, orders ...uploadtest.Order) upload.Stored {
	s.t.Helper()
	stored, err := p.Store(s.page(p, next, orders...))
	if err != nil {
		s.t.Fatal(err)
	}
	return stored
}

func (s *site) page(p *upload.Pull, next []byte, orders ...uploadtest.Order) upload.PageResult {
	s.t.Helper()
	keys := uploadtest.Keys(orders...)
	wanted, err := p.Wanted(keys)
	if err != nil {
		s.t.Fatal(err)
	}
	isWanted := map[int]bool{}
	var read []uploadtest.Order
	for _, i := range wanted {
		isWanted[i] = true
		read = append(read, orders[i])
	}
	page := upload.PageResult{Records: s.orders.Records(p.Week(), read...), Profile: s.orders.Profile(), Next: next}
	for i, key := range keys {
		if !isWanted[i] {
			page.Unchanged = append(page.Unchanged, key)
		}
	}
	return page
}

func (s *site) send() upload.Sent {
	s.t.Helper()
	sent, err := s.trySend()
	if err != nil {
		s.t.Fatal(err)
	}
	return sent
}

// trySend sends as a site does: its whitelist is approved.
func (s *site) trySend() (upload.Sent, error) {
	s.t.Helper()
	s.approve()
	return s.sender.Send(context.Background())
}

func (s *site) approve() {
	s.t.Helper()
	if err := s.orders.Approve(s.queue); err != nil {
		s.t.Fatal(err)
	}
}

// sound fails the test where the collector got something that it must never get, or the queue does not hold together.
func (s *site) sound() {
	s.t.Helper()
	for _, wrong := range s.collector.Wrong() {
		s.t.Error(wrong)
	}
	if err := s.queue.Check(); err != nil {
		s.t.Error(err)
	}
	if _, err := s.queue.VerifyLedger(); err != nil {
		s.t.Error(err)
	}
}

func order(key, text string) uploadtest.Order { return uploadtest.Order{Key: key, Text: text} }

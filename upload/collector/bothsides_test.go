package collector_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"roagent/upload"
	"roagent/upload/collector"
	"roagent/upload/collector/wiretest"
	"roagent/upload/uploadtest"
)

// site is an agent's queue and sender with the collector at the other end, and both ends held against openapi.yaml.
type site struct {
	*rig
	queue  *upload.Queue
	sender *upload.Sender
	orders *uploadtest.Orders
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{rig: newRig(t, collector.NewMemStore()), queue: upload.NewQueue(t.TempDir(), dealer), orders: uploadtest.NewOrders(t, "maker")}
	if err := s.queue.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.queue.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.orders.Approve(s.queue); err != nil {
		t.Fatal(err)
	}
	s.sender = upload.NewSender(s.queue)
	s.sender.URL = "https://collector.example.com"
	s.sender.Token = s.token[dealer]
	s.sender.Transport = wiretest.Open(t).Client(wiretest.InProcess(s.wire))
	s.sender.ReceiptKey = s.key.Verifier
	s.sender.Timezone = "America/Los_Angeles"
	s.sender.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	return s
}

// pull reads the week, whose orders are now these, and sends what is to be sent.
func (s *site) pull(orders ...uploadtest.Order) upload.Sent {
	s.t.Helper()
	time.Sleep(time.Hour)
	p, err := s.queue.Begin(theWeek(), s.orders.Digest(), time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := p.Store(upload.PageResult{Records: s.orders.Records(theWeek(), orders...)}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := p.Finish(upload.FinishResult{Now: time.Now()}); err != nil {
		s.t.Fatal(err)
	}
	sent, err := s.sender.Send(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return sent
}

// beat sends a heartbeat.
func (s *site) beat(status upload.Status) error {
	tell, err := s.sender.Heartbeat(status)
	if err != nil {
		return err
	}
	return tell(s.t.Context())
}

// keys returns each order held with its revision, as RO1/1 RO2/2.
func (s *site) keys() string {
	s.t.Helper()
	var keys []string
	for l := range strings.Lines(s.export()) {
		key, _, _ := strings.Cut(l[strings.Index(l, `"key":"`)+7:], `"`)
		revision, _, _ := strings.Cut(l[strings.Index(l, `"revision":`)+11:], ",")
		if strings.Contains(l, `"voided":true`) {
			revision += " voided"
		}
		keys = append(keys, key+"/"+revision)
	}
	return strings.Join(keys, ", ")
}

func order(key, text string) uploadtest.Order { return uploadtest.Order{Key: key, Text: text} }

func TestBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		for _, step := range []struct {
			name   string
			orders []uploadtest.Order
			sent   upload.Sent
			held   string
		}{
			{"the first reading", []uploadtest.Order{order("RO1", "a"), order("RO2", "b"), order("RO3", "c")}, upload.Sent{Batches: 1, Orders: 3, Manifests: 1}, "RO1/1, RO2/1, RO3/1"},
			{"nothing has changed", []uploadtest.Order{order("RO1", "a"), order("RO2", "b"), order("RO3", "c")}, upload.Sent{}, "RO1/1, RO2/1, RO3/1"},
			{"one edited, one gone, one new", []uploadtest.Order{order("RO1", "a"), order("RO2", "B"), order("RO4", "d")}, upload.Sent{Batches: 2, Orders: 3, Manifests: 1}, "RO1/1, RO2/2, RO3/2 voided, RO4/1"},
			{"the gone one is back", []uploadtest.Order{order("RO1", "a"), order("RO2", "B"), order("RO3", "c"), order("RO4", "d")}, upload.Sent{Batches: 1, Orders: 1, Manifests: 1}, "RO1/1, RO2/2, RO3/3, RO4/1"},
		} {
			sent := s.pull(step.orders...)
			if sent.Bytes = 0; sent != step.sent {
				t.Errorf("%s: sent %+v, want %+v", step.name, sent, step.sent)
			}
			if got := s.keys(); got != step.held {
				t.Errorf("%s: held is %s, want %s", step.name, got, step.held)
			}
			if !s.held().Closed {
				t.Errorf("%s: the week is not closed", step.name)
			}
		}
		for _, state := range upload.States() {
			status := fullStatus()
			status.State = state
			if err := s.beat(status); err != nil {
				t.Errorf("%s: %v", state, err)
			}
		}
		for _, class := range upload.ErrorClasses() {
			status := fullStatus()
			status.LastError = class
			if err := s.beat(status); err != nil {
				t.Errorf("%s: %v", class, err)
			}
		}
	})
}

func TestBothSidesWithoutZstd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.handler.RefuseZstd = true
		s.pull(order("RO1", "a"))
		if got := s.keys(); got != "RO1/1" || !s.held().Closed {
			t.Errorf("held is %s", got)
		}
	})
}

// A collector that lost a batch gets it again.
func TestBothSidesAfterALoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.pull(order("RO1", "a"))
		lost := s.held().Batches[0]
		for _, name := range []string{"batches/" + lost.ID + ".ndjson.zst", "receipts/" + lost.ID} {
			if err := s.store.Put(t.Context(), "dealers/04123/2026-W46/"+name, nil, collector.Replace); err != nil {
				t.Fatal(err)
			}
		}
		s.pull(order("RO1", "a"), order("RO2", "b"))
		if got := s.keys(); got != "RO1/1, RO2/1" || !s.held().Closed {
			t.Errorf("held is %s, want it all", got)
		}
	})
}

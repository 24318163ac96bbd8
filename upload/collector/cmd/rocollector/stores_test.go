package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
	"roagent/upload/collector/s3store/s3test"
	"roagent/upload/uploadtest"
)

var (
	storesFlag = flag.Int("stores", 60, "stores of TestStores")
	atOnceFlag = flag.Int("stores.atonce", 50, "stores of TestStores that send at the same time")
)

const (
	storeWeeks  = 2  // of each store
	storeOrders = 30 // of each week
	storeText   = 2000
)

// A Monday: many stores pull and send at once, to two collectors on one store in S3, of which one is killed in the middle and
// started again. All weeks are closed, and what is held is what was sent, once. The stores are the agents' own Queue and Sender, of which
// each request goes to the next collector, as behind a load balancer that keeps sending to one that is dead.
func TestStores(t *testing.T) {
	server := s3test.Start(t, nil)
	bucket := server.Bucket(t)
	m := newMonday(t, server.Open(t, bucket), newReplicas(t, server, "s3://"+bucket+"/a/prefix", 2))
	began := time.Now()
	killed := make(chan error, 1)
	go func() { killed <- m.killOne() }()
	m.live()
	took := time.Since(began)
	if err := <-killed; err != nil {
		t.Error(err)
	}
	m.verify()
	m.balancer.report(t, took)
	for i, r := range m.replicas {
		r.peak = max(r.peak, peakMemory(r.process.Process.Pid))
		t.Logf("collector %d: at most %d MB resident", i+1, r.peak>>20)
	}
	t.Logf("the S3 server: at most %d MB resident", peakMemory(server.PID())>>20)
}

// monday is many stores, each with its weeks, and the collectors.
type monday struct {
	t        *testing.T
	dir      string
	store    collector.Store
	key      note.Verifier
	replicas []*replica
	balancer *balancer
	weeks    []fieldmap.Week
	tokens   []string

	mu     sync.Mutex
	closed int           // weeks
	third  chan struct{} // closed when a third of the weeks are closed
	sent   upload.Sent
}

func newMonday(t *testing.T, store collector.Store, replicas []*replica) *monday {
	t.Helper()
	key, err := collector.OpenKey(t.Context(), store, "")
	if err != nil {
		t.Fatal(err)
	}
	m := &monday{
		t: t, dir: t.TempDir(), store: store, key: key.Verifier, replicas: replicas, balancer: newBalancer(replicas),
		tokens: make([]string, *storesFlag), third: make(chan struct{}),
	}
	for i := range storeWeeks {
		m.weeks = append(m.weeks, fieldmap.WeekOf(time.Now()).Add(i-storeWeeks))
	}
	m.atOnce(func(_ *uploadtest.Orders, i int) error {
		var err error
		m.tokens[i], err = collector.AddDealer(t.Context(), store, m.dealer(i), "Example Toyota")
		return err
	})
	return m
}

func (m *monday) dealer(i int) string { return fmt.Sprintf("D%05d", i) }

// atOnce does something for each store, for some at the same time.
func (m *monday) atOnce(do func(orders *uploadtest.Orders, i int) error) {
	m.t.Helper()
	stores := make(chan int)
	var group sync.WaitGroup
	for range *atOnceFlag {
		orders := uploadtest.NewOrders(m.t, "maker")
		group.Go(func() {
			for i := range stores {
				if err := do(orders, i); err != nil {
					m.t.Errorf("store %s: %v", m.dealer(i), err)
				}
			}
		})
	}
	for i := range *storesFlag {
		stores <- i
	}
	close(stores)
	group.Wait()
}

// killOne kills the first collector when a third of all is done, and starts it again after a while.
func (m *monday) killOne() error {
	<-m.third
	m.balancer.kills()
	m.replicas[0].kill()
	time.Sleep(time.Second)
	return m.replicas[0].start(m.t)
}

// live lets each store pull its weeks and send until they are closed.
func (m *monday) live() {
	m.t.Helper()
	m.atOnce(func(orders *uploadtest.Orders, i int) (err error) {
		queue := upload.NewQueue(filepath.Join(m.dir, m.dealer(i)), m.dealer(i))
		if err := queue.Open(); err != nil {
			return err
		}
		defer func() { err = joined(err, queue.Close()) }()
		if err := orders.Approve(queue); err != nil {
			return err
		}
		for _, week := range m.weeks {
			if err := m.pull(queue, orders, week, i); err != nil {
				return err
			}
		}
		return m.send(queue, i)
	})
}

func joined(err, other error) error {
	if err == nil {
		return other
	}
	return err
}

func (m *monday) pull(queue *upload.Queue, orders *uploadtest.Orders, week fieldmap.Week, i int) error {
	p, err := queue.Begin(week, orders.Digest(), time.Now())
	if err != nil {
		return err
	}
	if _, err := p.Store(upload.PageResult{Records: orders.Records(week, m.orders(i, week)...)}); err != nil {
		return err
	}
	_, err = p.Finish(upload.FinishResult{Now: time.Now()})
	return err
}

// send sends as the service does: again and again, until nothing waits; then it tells how it is.
func (m *monday) send(queue *upload.Queue, i int) error {
	sender := upload.NewSender(queue)
	sender.URL, sender.Token, sender.Transport = "http://collector.test", m.tokens[i], m.balancer
	sender.ReceiptKey, sender.Timezone = m.key, "America/Los_Angeles"
	var err error
	for range 20 {
		var sent upload.Sent
		sent, err = sender.Send(m.t.Context())
		m.count(sent)
		if err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	tell, err := sender.Heartbeat(upload.Status{DealerID: m.dealer(i), AgentVersion: "1", At: time.Now().UTC(), State: "idle"})
	if err != nil {
		return err
	}
	for range 20 { // it asks once, and a collector is killed
		if err = tell(m.t.Context()); err == nil {
			return nil
		}
	}
	return err
}

func (m *monday) count(sent upload.Sent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	third := *storesFlag * storeWeeks / 3
	if m.closed < third && m.closed+sent.Manifests >= third {
		close(m.third)
	}
	m.closed += sent.Manifests
	m.sent.Add(sent)
}

// orders are what a store's DMS has of a week: always the same.
func (m *monday) orders(i int, week fieldmap.Week) []uploadtest.Order {
	words := strings.Fields("brake rotor noise replaced checked oil filter tire rotate torque spec coolant leak hose clamp found normal drive cycle")
	r := rand.New(rand.NewPCG(uint64(i), uint64(week.Number)))
	orders := make([]uploadtest.Order, storeOrders)
	for n := range orders {
		var text strings.Builder
		for text.Len() < storeText {
			text.WriteString(words[r.IntN(len(words))] + " ")
		}
		orders[n] = uploadtest.Order{Key: fmt.Sprintf("RO%s-%04d", week, n), Text: strings.TrimSpace(text.String())}
	}
	return orders
}

// verify compares what is held with what was sent, for each store: its lines, and that each was stored once.
func (m *monday) verify() {
	m.t.Helper()
	var mu sync.Mutex
	held := 0
	m.atOnce(func(_ *uploadtest.Orders, i int) error {
		for _, week := range m.weeks {
			if err := m.verifyWeek(i, week); err != nil {
				return fmt.Errorf("week %s: %w", week, err)
			}
			mu.Lock()
			held += storeOrders
			mu.Unlock()
		}
		return nil
	})
	want := *storesFlag * storeWeeks
	m.t.Logf("%d stores, %d orders sent in %d batches (%d MB as sent), %d of %d weeks closed; held and equal: %d orders",
		*storesFlag, m.sent.Orders, m.sent.Batches, m.sent.Bytes>>20, m.closed, want, held)
	if m.closed != want || held != want*storeOrders || m.sent.Orders != held || m.sent.Parked > 0 {
		m.t.Errorf("want %d weeks closed and %d orders sent and held", want, want*storeOrders)
	}
}

func (m *monday) verifyWeek(i int, week fieldmap.Week) error {
	ctx := context.Background()
	want := map[string]string{}
	for _, order := range m.orders(i, week) {
		want[order.Key] = order.Text
	}
	var exported bytes.Buffer
	if err := collector.Export(ctx, m.store, m.dealer(i), week, &exported); err != nil {
		return err
	}
	if err := equalOrders(exported.Bytes(), want); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	// An export shows each order's newest line. What was stored twice is seen in the batches alone.
	folder := "dealers/" + m.dealer(i) + "/" + week.String()
	names, err := collector.Names(ctx, m.store, folder)
	if err != nil {
		return err
	}
	var stored bytes.Buffer
	receipts, batches, manifests := 0, 0, 0
	for _, name := range names {
		switch name = strings.TrimPrefix(name, folder+"/"); {
		case name == "manifest.json":
			manifests++
		case strings.HasPrefix(name, "receipts/"):
			receipts++
		case strings.HasPrefix(name, "batches/"):
			batches++
			if err := m.unpack(folder+"/"+name, &stored); err != nil {
				return err
			}
		default:
			return fmt.Errorf("what is %s?", name)
		}
	}
	if manifests != 1 || receipts != batches+1 {
		return fmt.Errorf("%d manifests, %d batches, %d receipts", manifests, batches, receipts)
	}
	return equalOrders(stored.Bytes(), want)
}

func (m *monday) unpack(name string, to io.Writer) error {
	packed, err := m.store.Get(context.Background(), name)
	if err != nil {
		return err
	}
	z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	_, err = io.Copy(to, z)
	return err
}

// equalOrders holds lines against the texts of orders: each once, in its first revision.
func equalOrders(lines []byte, want map[string]string) error {
	seen := map[string]bool{}
	for text := range bytes.Lines(lines) {
		var line struct {
			Key      string
			Revision int
			Order    struct {
				Header struct {
					Notes string `json:"order_notes"`
				} `json:"repair_order_header"`
			} `json:"repair_order"`
		}
		if err := json.Unmarshal(text, &line); err != nil {
			return err
		}
		if line.Revision != 1 || seen[line.Key] || want[line.Key] == "" || want[line.Key] != line.Order.Header.Notes {
			return fmt.Errorf("order %s: revision %d, there before: %t, its text is another: %t", line.Key, line.Revision, seen[line.Key], want[line.Key] != line.Order.Header.Notes)
		}
		seen[line.Key] = true
	}
	if len(seen) != len(want) {
		return fmt.Errorf("%d orders, want %d", len(seen), len(want))
	}
	return nil
}

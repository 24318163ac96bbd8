package upload

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Sender sends what waits in a [Queue] until it holds a receipt for each batch and for each week's manifest. Its
// fields must not be changed once it is used. Only one Send runs at a time; others wait.
type Sender struct {
	Queue      *Queue
	URL        string            // of the collector: https://collector.example.com
	Token      string            // "" where a client certificate says who sends
	Transport  http.RoundTripper // with the TLS settings and the proxy
	ReceiptKey note.Verifier
	Timezone   string // the dealer's, IANA
	Version    string // of roagent
	Logger     *slog.Logger

	// Retries is how often a request that may succeed later is sent again, RetryMin and RetryMax the bounds of the
	// waits between; the collector's own Retry-After counts for more. Timeout is for one request with its answer.
	Retries            int
	RetryMin, RetryMax time.Duration
	Timeout            time.Duration
	// Jitter is the chance in waits: a duration below its argument. A simulation's is its seed's.
	Jitter func(time.Duration) time.Duration

	mu sync.Mutex
}

// NewSender returns a sender with its defaults: six attempts within about a minute.
func NewSender(q *Queue) *Sender {
	return &Sender{
		Queue: q, Transport: http.DefaultTransport, Version: "devel", Logger: slog.New(slog.DiscardHandler),
		Retries: 5, RetryMin: time.Second, RetryMax: 30 * time.Second, Timeout: 5 * time.Minute,
	}
}

// Sent is what one [Sender.Send] did.
type Sent struct {
	Batches   int   `json:"batches"`   // delivered
	Orders    int   `json:"orders"`    // in them
	Bytes     int64 `json:"bytes"`     // of their bodies as sent
	Manifests int   `json:"manifests"` // delivered
	Parked    int   `json:"parked"`    // orders that the collector refused
	Adopted   int   `json:"adopted"`   // weeks that were taken over from the collector: they are to be read again
}

// Add adds t to s.
func (s *Sent) Add(t Sent) {
	s.Batches += t.Batches
	s.Orders += t.Orders
	s.Bytes += t.Bytes
	s.Manifests += t.Manifests
	s.Parked += t.Parked
	s.Adopted += t.Adopted
}

// Send sends all batches that wait, oldest first, and then the manifests of the weeks that are complete. An error means
// that the rest stays queued: *[SendError] says why. Send may be called again at any time. Of a dealer who leaves nothing is
// sent: then it fails with *[LeftError].
func (s *Sender) Send(ctx context.Context) (Sent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var sent Sent
	if err := s.Queue.takesPart(); err != nil {
		return sent, err
	}
	run := s.begin(&sent)
	// A collector that lost batches says so when it gets the manifest. One that loses them again while they are being
	// sent would keep this going for ever.
	for range 3 {
		if err := run.batches(ctx); err != nil {
			return sent, errors.Join(run.stopped, err)
		}
		again, err := run.manifests(ctx)
		if err != nil || !again {
			return sent, errors.Join(run.stopped, err)
		}
	}
	return sent, &SendError{Class: ClassRefused, Message: "the collector keeps losing batches that it gave receipts for", Hint: "tell the collector's operator; the ledger holds the receipts"}
}

// begin begins a run, whose counts go to sent.
func (s *Sender) begin(sent *Sent) *sending {
	return &sending{Sender: s, client: s.newClient(), sent: sent, weeks: map[string]error{}, declared: map[string]error{}, told: map[string]bool{}}
}

// batches sends until nothing waits but what must not be sent, which is noted.
func (r *sending) batches(ctx context.Context) error {
	for {
		w, err := r.Queue.next(r.stops)
		if errors.Is(err, errNothingWaits) {
			return nil
		}
		if err != nil {
			return err
		}
		if err = r.mayGo(ctx, w.head); err == nil {
			err = r.batch(ctx, w)
		}
		if errors.Is(err, errAdopted) {
			continue
		}
		if isRefused(err) { // this week's; the others go on
			r.weeks[w.head.Week] = err
			if !errors.Is(r.stopped, err) { // two weeks may stop for one whitelist
				r.stopped = errors.Join(r.stopped, err)
			}
			continue
		}
		if err != nil {
			return err
		}
	}
}

// mayGo holds what must hold before a batch is sent, of its week, of those that it follows from, and of its whitelist.
func (r *sending) mayGo(ctx context.Context, head batchHead) error {
	state, err := r.Queue.weekState(head.Week)
	if err != nil {
		return err
	}
	for _, week := range append(state.Behind, head.Week) {
		if err := r.checkWeek(ctx, week); err != nil {
			return err
		}
	}
	return r.declare(ctx, head.Fieldmap)
}

// stops reports whether nothing of a week may be sent.
func (r *sending) stops(week string) bool { return r.weeks[week] != nil }

// isRefused reports whether an error is about one week or one whitelist only.
func isRefused(err error) bool {
	refused, ok := errors.AsType[*SendError](err)
	return ok && (refused.Class == ClassRefused || refused.Class == ClassUnapproved)
}

// batch sends one batch and does what the answer calls for.
func (r *sending) batch(ctx context.Context, w waiting) error {
	if err := r.Queue.offer(&w); err != nil {
		return err
	}
	answer, err := r.putBatch(ctx, w)
	if err != nil {
		return err
	}
	switch action, err := batchAction(answer); action {
	case accept:
		return r.accept(w, answer)
	case useGzip:
		if r.gzip {
			return notCollector(answer)
		}
		r.gzip = true
		return r.batch(ctx, w)
	case split:
		if w.head.Orders > 1 {
			return r.Queue.halve(w)
		}
		return r.refuse(w, answer, nil)
	case park:
		return r.refuse(w, answer, nil)
	case parkLines:
		return r.refuse(w, answer, answer.problem.Lines)
	case declareFirst:
		if err := r.declareAgain(ctx, w.head.Fieldmap, answer); err != nil {
			return err
		}
		return r.batch(ctx, w)
	default:
		return err
	}
}

// accept verifies the receipt and takes the batch out of the queue.
func (r *sending) accept(w waiting, answer answer) error {
	head := w.head
	receipt, err := r.verify(answer, Receipt{Dealer: r.Queue.dealer, Week: w.week, What: BatchReceipt, ID: head.ID, Orders: head.Orders})
	if err != nil {
		return err
	}
	if err := r.Queue.deliver(w, receipt, answer.body); err != nil {
		return err
	}
	r.sent.Batches++
	r.sent.Orders += head.Orders
	r.sent.Bytes += answer.sent
	r.Logger.Info("batch delivered", "week", head.Week, "batch", head.ID, "orders", head.Orders)
	return nil
}

// verify returns the receipt in an answer if it proves what was sent.
func (r *sending) verify(answer answer, sent Receipt) (Receipt, error) {
	receipt, err := OpenReceipt(answer.body, r.ReceiptKey)
	if err == nil {
		err = receipt.Proves(sent)
	}
	if err != nil {
		return receipt, unproven(answer, err)
	}
	return receipt, nil
}

// refuse parks what the collector refused of a batch: these lines, or all of it.
func (r *sending) refuse(w waiting, answer answer, lines []LineProblem) error {
	parked, err := r.Queue.refuse(w, answer.reason(), lines)
	if err != nil {
		return err
	}
	r.sent.Parked += parked
	r.Logger.Warn("the collector refused orders, which are parked", "week", w.head.Week, "batch", w.head.ID, "status", answer.status, "orders", parked)
	return nil
}

// manifests sends the manifests that are due. again is set where the collector asks for batches that it lost.
func (r *sending) manifests(ctx context.Context) (again bool, err error) {
	weeks, err := r.Queue.openWeeks()
	if err != nil {
		return false, err
	}
	var problems []error
	for _, week := range weeks {
		lost, err := r.manifest(ctx, week)
		again = again || lost
		if isRefused(err) { // one week's; the others go on
			if !errors.Is(errors.Join(append(problems, r.stopped)...), err) {
				problems = append(problems, err)
			}
			continue
		}
		if err != nil {
			return false, errors.Join(append(problems, err)...)
		}
	}
	return again, errors.Join(problems...)
}

func (r *sending) manifest(ctx context.Context, week string) (lost bool, err error) {
	c, due, err := r.Queue.makeManifest(week, r.Timezone)
	if err != nil {
		return false, err
	}
	if !due {
		return false, r.Queue.closeWeek(c, Receipt{}, nil)
	}
	// A manifest that does not name all that is held would say of the rest that it does not count.
	if err := r.checkWeek(ctx, week); err != nil {
		if errors.Is(err, errAdopted) {
			err = nil
		}
		return false, err
	}
	if err := r.declare(ctx, c.manifest.FieldmapDigest); err != nil {
		return false, err
	}
	answer, err := r.putManifest(ctx, c)
	if err != nil {
		return false, err
	}
	switch action, err := manifestAction(answer); action {
	case accept:
		return false, r.closeWeek(c, answer)
	case sendLost:
		return r.lost(ctx, week, answer.problem.Missing)
	case declareFirst:
		if err := r.declareAgain(ctx, c.manifest.FieldmapDigest, answer); err != nil {
			return false, err
		}
		return r.manifest(ctx, week)
	default:
		return false, err
	}
}

func (r *sending) closeWeek(c closing, answer answer) error {
	receipt, err := r.verify(answer, Receipt{Dealer: r.Queue.dealer, Week: c.of, What: ManifestReceipt, ID: c.id, Orders: c.manifest.Orders})
	if err != nil {
		return err
	}
	if err := r.Queue.closeWeek(c, receipt, answer.body); err != nil {
		return err
	}
	r.sent.Manifests++
	r.Logger.Info("week closed", "week", c.week, "manifest", c.id, "batches", len(c.manifest.Batches), "orders", c.manifest.Orders)
	return nil
}

// Heartbeat returns what tells the collector how the agent is. It may be called once the queue is closed, beside a Send too, and asks
// once: another heartbeat comes soon enough. It holds no customer's data and needs no receipt. Of a dealer who leaves it fails with
// *[LeftError].
func (s *Sender) Heartbeat(status Status) (tell func(context.Context) error, err error) {
	if err := s.Queue.takesPart(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		r := &sending{Sender: s, client: s.newClient(), sent: &Sent{}}
		r.client.RetryMax = 0
		answer, err := r.putStatus(ctx, status)
		if err != nil || answer.status == http.StatusNoContent {
			return err
		}
		_, err = manifestAction(answer)
		return err
	}, nil
}

package collector

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"roagent/fieldmap"
)

// Handler is the collector. Configure it through its fields before its first request.
type Handler struct {
	Logger     *slog.Logger  // nil: nothing is logged
	BodyTime   time.Duration // how long a request's body may take
	PerDealer  int           // requests of one dealer served at the same time; more are answered 429
	PerMinute  int           // requests of one dealer in a minute; more are answered 429
	RefuseZstd bool          // take gzip only: so that a sender's other way can be tried
	Meter      Meter         // nil: nothing is counted

	store    Store
	key      Key
	mux      *http.ServeMux
	patterns []string  // of mux, but for the one that finds nothing
	decoders sync.Pool // of *zstd.Decoder

	mu    sync.Mutex
	busy  map[string]int           // requests being served, by dealer
	pace  map[string]*rate.Limiter // requests of late, by dealer: only of dealers that there are
	named map[fieldmap.Week]bool   // weeks whose index is known to be there
}

// Meter counts what was stored. It is called by several goroutines at once, after the bytes are durable, and must not wait.
type Meter interface {
	Batch(orders int, isNew bool) // a batch was taken; one that is not new was held already
	WeekClosed()                  // a manifest was taken that is new
}

// strangerTime is how long a request may take until it is known whose it is, with what is left of a body that is refused:
// net/http reads some of it before it answers.
const strangerTime = 10 * time.Second

// Defaults of [Handler]. A body as large as the wire allows takes four minutes at 1 Mbit/s.
const (
	DefaultBodyTime  = 5 * time.Minute
	DefaultPerDealer = 8
	DefaultPerMinute = 600 // ten a second for each store: a backfill of years is slowed by it, and an agent gone wrong stopped
)

// New returns a Handler that keeps what it is sent in store and signs receipts with key.
func New(store Store, key Key) *Handler {
	h := &Handler{
		Logger:    slog.New(slog.DiscardHandler),
		BodyTime:  DefaultBodyTime,
		PerDealer: DefaultPerDealer,
		PerMinute: DefaultPerMinute,
		store:     store,
		key:       key,
		mux:       http.NewServeMux(),
		busy:      map[string]int{},
		named:     map[fieldmap.Week]bool{},
		pace:      map[string]*rate.Limiter{},
	}
	const dealer = "/v1/dealers/{dealer}"
	h.handle(dealer+"/weeks/{week}/batches/{batch}", methods{"PUT": h.putBatch})
	h.handle(dealer+"/weeks", methods{"GET": h.getWeeks})
	h.handle(dealer+"/weeks/{week}/orders", methods{"GET": h.getOrders})
	h.handle(dealer+"/weeks/{week}", methods{"PUT": h.putManifest, "GET": h.getWeek})
	h.handle(dealer+"/fieldmaps/{fieldmap}", methods{"PUT": h.putFieldmap})
	h.handle(dealer+"/status", methods{"PUT": h.putStatus})
	h.handle(dealer, methods{"DELETE": h.deleteDealer})
	h.mux.HandleFunc("/", h.notFound)
	return h
}

// target is what a request's path names. Week, batch and fieldmap are zero where the path has none.
type target struct {
	dealer   string
	week     fieldmap.Week
	batch    string
	fieldmap string        // digest of a whitelist
	record   *dealerRecord // once it is known who asks
}

// answer is a success.
type answer struct {
	status      int
	contentType string
	body        []byte
}

// endpoint serves one method of one path. Its errors are a *refusal, or something for the log.
type endpoint func(r *http.Request, t target) (answer, error)

type methods map[string]endpoint

func (h *Handler) handle(pattern string, m methods) {
	var allow string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPut} {
		if m[method] == nil {
			continue
		}
		if allow != "" {
			allow += ", "
		}
		allow += method
	}
	h.patterns = append(h.patterns, pattern)
	h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		serve := m[r.Method]
		if serve == nil {
			h.finish(w, r, answer{}, refuse(http.StatusMethodNotAllowed, "this path takes %s", allow).with("Allow", allow))
			return
		}
		a, err := h.serve(w, r, serve)
		h.finish(w, r, a, err)
	})
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := readWithin(w, strangerTime); err != nil {
		h.finish(w, r, answer{}, err)
		return
	}
	// The mux would redirect to the cleaned path, but nothing here has two names; to * it has an answer of its own.
	if path.Clean(r.URL.Path) != r.URL.Path || r.URL.RawPath != "" || r.RequestURI == "*" {
		h.notFound(w, r)
		return
	}
	h.mux.ServeHTTP(w, r)
}

func (h *Handler) notFound(w http.ResponseWriter, r *http.Request) {
	h.finish(w, r, answer{}, refuse(http.StatusNotFound, "there is nothing at this path; is the collector's url right?"))
}

// serve does what comes before every endpoint: the path, who asks, and how much at once.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, next endpoint) (answer, error) {
	t, err := parseTarget(r)
	if err != nil {
		return answer{}, err
	}
	record, err := h.authorize(r, t.dealer)
	if err != nil {
		return answer{}, err
	}
	if record.Left != nil && r.Method != http.MethodDelete {
		return answer{}, gone(record.Left)
	}
	t.record = record
	// A dealer can leave, whatever the collector thinks of it.
	if record.Suspended != nil && r.Method != http.MethodDelete {
		return answer{}, suspended(record.Suspended)
	}
	if err := h.enter(t.dealer); err != nil {
		return answer{}, err
	}
	defer h.leave(t.dealer)
	if err := readWithin(w, h.BodyTime); err != nil {
		return answer{}, err
	}
	a, err := next(r, t)
	if r.Method != http.MethodDelete { // whatever came of it: it may have stored something, also one that asks for orders
		if err := h.withdraw(r.Context(), t.dealer); err != nil {
			return answer{}, err
		}
	}
	return a, err
}

// readWithin bounds the time in which the rest of the request must come. Without a connection, in tests, there is none.
func readWithin(w http.ResponseWriter, d time.Duration) error {
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(d))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

func parseTarget(r *http.Request) (target, error) {
	t := target{dealer: r.PathValue("dealer"), batch: r.PathValue("batch"), fieldmap: r.PathValue("fieldmap")}
	if err := checkDealer(t.dealer); err != nil {
		return target{}, refuse(http.StatusBadRequest, "%v", err)
	}
	if week := r.PathValue("week"); week != "" {
		var err error
		if t.week, err = fieldmap.ParseWeek(week); err != nil {
			return target{}, refuse(http.StatusBadRequest, "%v", err)
		}
	}
	if t.batch != "" && !isDigest(t.batch) {
		return target{}, refuse(http.StatusBadRequest, "a batch's id is the SHA-256 of its lines in 64 lower-case hex digits")
	}
	if t.fieldmap != "" && !isDigest(t.fieldmap) {
		return target{}, refuse(http.StatusBadRequest, "a whitelist is named by the SHA-256 of its canonical form in 64 lower-case hex digits")
	}
	return t, nil
}

// enter lets a request of a dealer in, if that has not too many being served and did not have too many of late.
func (h *Handler) enter(dealer string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy[dealer] >= h.PerDealer {
		return refuse(http.StatusTooManyRequests, "more than %d requests of this dealer at the same time", h.PerDealer).
			with("Retry-After", retryAfter(time.Second))
	}
	paced := h.pace[dealer]
	if paced == nil {
		paced = rate.NewLimiter(rate.Limit(h.PerMinute)/60, h.PerMinute)
		h.pace[dealer] = paced
	}
	turn := paced.Reserve()
	if wait := turn.Delay(); wait > 0 {
		turn.Cancel()
		return refuse(http.StatusTooManyRequests, "more than %d requests of this dealer in a minute", h.PerMinute).
			with("Retry-After", retryAfter(wait+time.Second))
	}
	h.busy[dealer]++
	return nil
}

func (h *Handler) leave(dealer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy[dealer]--
	if h.busy[dealer] == 0 {
		delete(h.busy, dealer)
	}
}

// finish writes the answer, or the problem that err is, and logs it.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, a answer, err error) {
	ctx := r.Context()
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case err == nil:
		err = writeAnswer(w, a)
	case ok:
		h.Logger.InfoContext(ctx, "refused", "method", r.Method, "path", loggable(r), "status", refused.Status, "detail", refused.Detail)
		err = writeProblem(w, refused)
	default:
		h.Logger.ErrorContext(ctx, "request failed", "method", r.Method, "path", loggable(r), "error", err)
		err = writeProblem(w, refuse(http.StatusInternalServerError, "the collector could not do it; its log says why"))
	}
	if err != nil {
		h.Logger.DebugContext(ctx, "answer not written", "error", err)
	}
}

// loggable is as much of a path as a log should take from a stranger.
func loggable(r *http.Request) string {
	const most = 200
	p := r.URL.EscapedPath()
	return p[:min(len(p), most)]
}

func writeAnswer(w http.ResponseWriter, a answer) error {
	header := w.Header()
	if len(a.body) > 0 {
		header.Set("Content-Type", a.contentType)
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	return err
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

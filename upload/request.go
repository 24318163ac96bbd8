package upload

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	maxProblem = 1 << 20 // bytes of a problem+json that are read
	maxReason  = 500     // bytes of a collector's words that are kept
)

// sending is one run of a [Sender].
type sending struct {
	*Sender
	client *retryablehttp.Client
	gzip   bool // the collector refused zstd
	sent   *Sent
	weeks  map[string]error // what came of asking the collector about them

	declared map[string]error // what came of declaring whitelists, by digest
	told     map[string]bool  // those that the collector took in this run

	stopped error // of weeks of which nothing may be sent
}

// answer is a collector's answer, read to its end.
type answer struct {
	what      string // that was sent: batch, manifest, status, declaration; or a question
	host      string
	status    int
	mediaType string
	limit     int64         // bytes of body that are read
	secret    string        // the token: what answers may repeat the request
	body      []byte        // of a success: what should be the receipt
	problem   *Problem      // of an error, if it is problem+json
	sent      int64         // bytes of the request's body
	after     time.Duration // that the collector asks for before the next request
}

// kind says in words what the answer holds.
func (a answer) kind() string {
	if a.mediaType == "" {
		return "a body of no type"
	}
	return a.mediaType
}

// reason is what the collector said, bounded and on one line. It may repeat what an order holds.
func (a answer) reason() string {
	if a.problem == nil {
		return fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
	}
	return oneLine(strings.TrimSuffix(a.problem.Title+": "+a.problem.Detail, ": "))
}

// says is what the collector said of itself, to be put behind a message; "" where it said nothing.
func (a answer) says() string {
	if a.problem == nil {
		return ""
	}
	return `: "` + a.reason() + `"`
}

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

func (r *sending) putBatch(ctx context.Context, w waiting) (answer, error) {
	body, encoding := w.packed, "zstd"
	if r.gzip {
		lines, err := unpack(w.packed, w.head.ID)
		if err != nil {
			return answer{}, err
		}
		if body, err = gzipped(lines); err != nil {
			return answer{}, err
		}
		encoding = "gzip"
	}
	return r.put(ctx, "batch", body, http.Header{
		"Content-Type": {BatchType}, "Content-Encoding": {encoding}, FieldmapHeader: {w.head.Fieldmap},
	}, "weeks", w.head.Week, "batches", w.head.ID)
}

func (r *sending) putManifest(ctx context.Context, c closing) (answer, error) {
	return r.put(ctx, "manifest of "+c.week, c.body, http.Header{
		"Content-Type": {"application/json"}, FieldmapHeader: {c.manifest.FieldmapDigest},
	}, "weeks", c.week)
}

func (r *sending) putStatus(ctx context.Context, status Status) (answer, error) {
	body, err := json.Marshal(status)
	if err != nil {
		return answer{}, fmt.Errorf("encode status: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if status.FieldmapDigest != "" {
		header[FieldmapHeader] = []string{status.FieldmapDigest}
	}
	return r.put(ctx, "status", body, header, "status")
}

func (r *sending) put(ctx context.Context, what string, body []byte, header http.Header, path ...string) (answer, error) {
	header.Set("Content-Digest", contentDigest(body))
	return r.request(ctx, http.MethodPut, what, body, header, path...)
}

// request sends a request until it is answered, with anything but "later". body must not be changed afterwards: a
// transport may still read it when an early answer is in.
func (r *sending) request(ctx context.Context, method, what string, body []byte, header http.Header, path ...string) (answer, error) {
	target, err := url.Parse(r.URL)
	if err != nil {
		return answer{}, fmt.Errorf("collector.url: %w", err)
	}
	for i, part := range path {
		path[i] = url.PathEscape(part)
	}
	target = target.JoinPath(append([]string{"v1", "dealers", url.PathEscape(r.Queue.dealer)}, path...)...)
	var raw any // without a body it must be nil itself
	if body != nil {
		raw = body
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, method, target.String(), raw)
	if err != nil {
		return answer{}, fmt.Errorf("send %s: %w", what, err)
	}
	request.Header = header
	header.Set("User-Agent", "roagent/"+r.Version)
	if r.Token != "" {
		header.Set("Authorization", "Bearer "+r.Token)
	}
	a := answer{what: what, host: target.Host, sent: int64(len(body)), limit: MaxReceipt, secret: r.Token}
	if method == http.MethodGet {
		a.limit = MaxHeld
	}
	request.SetResponseHandler(a.read)
	response, err := r.client.Do(request)
	if response != nil {
		_ = response.Body.Close() // read, or not worth it
	}
	if ctx.Err() != nil {
		return a, fmt.Errorf("send %s: %w", what, context.Cause(ctx))
	}
	if err != nil {
		return a, unreachable(a, err)
	}
	a.status = response.StatusCode
	a.after, _ = retryAfter(response.Header.Get("Retry-After"), r.Queue.now())
	return a, nil
}

// unreachable is the error of a request that got no answer. The address is left out of err: it only repeats.
func unreachable(a answer, err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	hint := "It is tried again at the next run; if that fails too, check the network, the proxy and collector.url."
	if isCertificate(err) {
		hint = "The collector's certificate is not trusted: set collector.ca to the authority that signed it, or check whether a proxy opens the connection."
	}
	return &SendError{Class: ClassUnreachable, Message: fmt.Sprintf("the collector %s cannot be reached", a.host), Hint: hint, Err: err}
}

// read reads the answer as far as it may go. An error means that the answer broke off, and makes a new attempt.
func (a *answer) read(response *http.Response) error {
	a.status = response.StatusCode
	a.mediaType, _, _ = mime.ParseMediaType(response.Header.Get("Content-Type"))
	a.mediaType = oneLine(a.hide(a.mediaType))
	a.body, a.problem = nil, nil
	switch {
	case a.status < 300:
		return a.readBody(response.Body)
	case a.mediaType == ProblemType:
		return a.readProblem(response.Body)
	}
	return nil
}

func (a *answer) readBody(body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, a.limit+1))
	a.body = text
	return err
}

func (a *answer) readProblem(body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, maxProblem+1))
	if err != nil {
		return err
	}
	if a.problem = parseProblem(text); a.problem != nil {
		a.hideIn(a.problem)
	}
	return nil
}

// hideIn takes the token out of a problem, which is shown, logged and kept.
func (a *answer) hideIn(p *Problem) {
	p.Title, p.Detail = a.hide(p.Title), a.hide(p.Detail)
	for i := range p.Lines {
		p.Lines[i].Detail = a.hide(p.Lines[i].Detail)
	}
	for i := range p.Missing {
		p.Missing[i] = a.hide(p.Missing[i])
	}
}

// hide takes the token out of a text, in any case: media types come in lower case.
func (a *answer) hide(text string) string {
	if a.secret == "" {
		return text
	}
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(a.secret)).ReplaceAllString(text, "[token]")
}

// parseProblem returns nil for what is no problem+json: then it is not the collector that answers.
func parseProblem(text []byte) *Problem {
	var p Problem
	if len(text) > maxProblem || json.Unmarshal(text, &p) != nil {
		return nil
	}
	return &p
}

// contentDigest is the value of a Content-Digest header for content as it is sent (RFC 9530, section 2).
func contentDigest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

func gzipped(lines []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(lines)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("compress batch: %w", err)
	}
	return b.Bytes(), nil
}

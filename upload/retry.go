package upload

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// maxRetryAfter bounds what a collector may ask for: a wrong clock or a hostile answer must not stop a site for years.
const maxRetryAfter = time.Hour

func (s *Sender) newClient() *retryablehttp.Client {
	cause := ""    // of the next attempt
	begun := false // the collector has taken something
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     s.Transport,
			Timeout:       s.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     s.Retries,
		RetryWaitMin: s.RetryMin,
		RetryWaitMax: s.RetryMax,
		CheckRetry: func(ctx context.Context, response *http.Response, err error) (bool, error) {
			cause = retryCause(response, err)
			again, err := checkRetry(ctx, response, err)
			begun = begun || response != nil && !isTransient(response.StatusCode)
			return again && (begun || s.isSoon(response)), err
		},
		Backoff: func(shortest, longest time.Duration, attempt int, response *http.Response) time.Duration {
			wait := s.backoff(shortest, longest, attempt, response)
			s.Logger.Warn("the collector did not take a request, trying again", "cause", cause, "attempt", attempt+1, "wait", wait.Round(time.Millisecond))
			return wait
		},
		ErrorHandler: retryablehttp.PassthroughErrorHandler, // what a status means is status.go's to say
	}
}

// checkRetry says which requests are sent again: those that may succeed later, and those whose answer broke off. The
// collector takes the same batch any number of times.
func checkRetry(ctx context.Context, response *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil {
		return !isCertificate(err), nil
	}
	return isTransient(response.StatusCode), nil
}

// isSoon reports whether a first request may be sent again while Send goes on. A collector that wants to be left alone for
// longer than the longest wait gets what it asks for: Send ends, keeps nobody from the queue, and its caller comes again.
// What the collector has begun to take goes on: where it takes little at a time, nothing else would ever get through.
func (s *Sender) isSoon(response *http.Response) bool {
	if response == nil {
		return true
	}
	asked, _ := retryAfter(response.Header.Get("Retry-After"), s.Queue.now())
	return asked <= s.RetryMax
}

// retryCause says in a few words why a request is sent again. An error's own text may hold an address.
func retryCause(response *http.Response, err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return fmt.Sprintf("it answered %d", response.StatusCode)
	case response != nil:
		return fmt.Sprintf("its answer %d broke off", response.StatusCode)
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, new(*net.DNSError)):
		return "its name was not found"
	case isCertificate(err):
		return "its certificate is not trusted"
	case isDial(err):
		return "no connection"
	}
	return "the connection broke"
}

// isDial reports whether a connection could not even be opened.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// backoff returns how long to wait: twice as long as before, beginning with what the collector asks for where it asks: one
// that asks again and again has more dealers before it than it can take. Some of it is chance, so that the dealers whom an
// outage stopped do not come back all at once.
func (s *Sender) backoff(shortest, longest time.Duration, attempt int, response *http.Response) time.Duration {
	wait := min(longest, shortest<<min(attempt, 16))
	wait = wait/2 + s.jitter(wait/2+1)
	if response != nil {
		if asked, ok := retryAfter(response.Header.Get("Retry-After"), s.Queue.now()); ok {
			asked = min(asked<<min(attempt, 16), maxRetryAfter)
			wait = max(wait, asked+s.jitter(asked/2+time.Second))
		}
	}
	return wait
}

// jitter returns a duration below another one.
func (s *Sender) jitter(below time.Duration) time.Duration {
	if s.Jitter != nil {
		return s.Jitter(below)
	}
	return rand.N(below)
}

// retryAfter reads a Retry-After header in both of its forms (RFC 9110, section 10.2.3).
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(header, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return min(max(0, at.Sub(now)), maxRetryAfter), true
}

// isCertificate reports whether the collector's certificate is at fault: no later attempt changes that.
func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &hostname)
}

package upload

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// maxRetryAfter bounds what a collector may ask for: a wrong clock or a hostile answer must not stop a site for years.
const maxRetryAfter = time.Hour

func (s *Sender) newClient() *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport:     s.Transport,
			Timeout:       s.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     s.Retries,
		RetryWaitMin: s.RetryMin,
		RetryWaitMax: s.RetryMax,
		CheckRetry:   checkRetry,
		Backoff:      s.backoff,
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

// backoff returns how long to wait: what the collector asks for, or twice as long as before. Some of it is chance, so
// that the dealers whom an outage stopped do not come back all at once.
func (s *Sender) backoff(shortest, longest time.Duration, attempt int, response *http.Response) time.Duration {
	wait := min(longest, shortest<<min(attempt, 16))
	wait = wait/2 + rand.N(wait/2+1)
	status := 0
	if response != nil {
		status = response.StatusCode
		if asked, ok := retryAfter(response.Header.Get("Retry-After"), time.Now()); ok {
			wait = asked + rand.N(asked/10+time.Second)
		}
	}
	s.Logger.Warn("the collector did not take a request, trying again", "status", status, "attempt", attempt+1, "wait", wait.Round(time.Millisecond))
	return wait
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

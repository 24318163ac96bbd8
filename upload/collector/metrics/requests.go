package metrics

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Requests stands around the collector's handler and counts what passes. The handler routes by an [http.ServeMux], whose
// pattern is the label: paths hold dealers and weeks, and strangers' paths anything.
func (m *Metrics) Requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.inFlight.Inc()
		defer m.inFlight.Dec()
		began := time.Now()
		body := &countedBody{ReadCloser: r.Body}
		r.Body = body
		answer := &countedAnswer{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		route := routeOf(r.Pattern)
		m.requests.WithLabelValues(route, methodOf(r.Method), strconv.Itoa(answer.code())).Inc()
		m.duration.WithLabelValues(route).Observe(time.Since(began).Seconds())
		m.bodies.Add(float64(body.n))
		if reason := reasonOf(answer.code()); reason != "" {
			m.refused.WithLabelValues(reason).Inc()
		}
	})
}

// routeOf is the pattern that a request met, or "other".
func routeOf(pattern string) string {
	if !strings.HasPrefix(pattern, "/v1/") {
		return "other"
	}
	return pattern
}

func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodPut, http.MethodDelete:
		return method
	}
	return "other"
}

// reasonOf is why a request was refused, in a word; "" where it was not. A failure of the collector is none.
func reasonOf(code int) string {
	switch {
	case code < 400 || code >= 500:
		return ""
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return "not_let_in"
	case code == http.StatusTooManyRequests:
		return "too_many"
	case code == http.StatusPreconditionFailed:
		return "undeclared"
	case code == http.StatusConflict:
		return "conflict"
	case code == http.StatusUnprocessableEntity:
		return "lines"
	case code == http.StatusRequestEntityTooLarge:
		return "too_large"
	case code == http.StatusRequestTimeout:
		return "too_slow"
	case code == http.StatusGone:
		return "left"
	case code == http.StatusNotFound || code == http.StatusMethodNotAllowed:
		return "no_such_path"
	}
	return "malformed"
}

// countedBody counts what is read of a body.
type countedBody struct {
	io.ReadCloser
	n int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}

// countedAnswer remembers the status.
type countedAnswer struct {
	http.ResponseWriter
	status int
}

func (a *countedAnswer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 { // 1xx comes before it
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *countedAnswer) code() int {
	if a.status == 0 {
		return http.StatusOK // what net/http writes by itself
	}
	return a.status
}

// Unwrap is for [http.ResponseController], by which the handler bounds how long a body may take.
func (a *countedAnswer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

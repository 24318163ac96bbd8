package upload

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// SendClass says in one word why sending stopped. It goes into the heartbeat.
type SendClass string

// Why sending stops. In each case all that waits stays queued.
const (
	ClassUnreachable  SendClass = "unreachable"   // nothing answers, or only "later"
	ClassUnauthorized SendClass = "unauthorized"  // the collector does not let this dealer in
	ClassNotCollector SendClass = "not_collector" // something answers that is not the collector, or proves nothing
	ClassRefused      SendClass = "refused"       // the collector does not take a manifest, a status or a declaration
	ClassUnapproved   SendClass = "unapproved"    // it was read under a whitelist that nobody approved
	ClassLeft         SendClass = "left"          // the collector deleted all that it held of this dealer, and takes nothing more
)

// SendError says why sending stopped. All that waits stays queued, and the next Send goes on.
type SendError struct {
	Class   SendClass
	Status  int           // the answer's; 0 where there was none
	After   time.Duration // how long the collector asks to be left alone, at most an hour; 0: it does not say
	Message string
	Hint    string
	Err     error // may be nil
}

// Error says what happened and what to do.
func (e *SendError) Error() string {
	s := e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s + "; all that waits stays queued. " + e.Hint
}

func (e *SendError) Unwrap() error { return e.Err }

// action is what an answer calls for.
type action uint8

const (
	stop action = iota // with the error
	accept
	useGzip
	split
	park
	parkLines
	sendLost
	declareFirst
)

// batchAction says what the answer to a batch calls for. What may succeed later was sent again before it comes here.
//
//	201, 200                      stored: the batch is delivered if the receipt verifies
//	415                           the same batch again, as gzip
//	422 with lines                those lines are parked, the rest is sent again
//	422 without, 400, 409         the batch is parked
//	412 of UndeclaredType         the whitelist is declared, and the same batch sent again
//	413                           two halves are sent instead; a single order is parked
//	401, 403                      sending stops: nobody's orders are at fault
//	410 of LeftType               sending stops: the dealer has left, and must be added again
//	408, 425, 429, 5xx            sending stops: the collector may take it later
//	anything else                 sending stops: that was not the collector
//
// 400, 409 and 422 count only as problem+json, which no other server or proxy on the way is likely to answer.
func batchAction(a answer) (action, error) {
	switch a.status {
	case http.StatusOK, http.StatusCreated:
		return accept, nil
	case http.StatusUnsupportedMediaType:
		return useGzip, nil
	case http.StatusRequestEntityTooLarge:
		return split, nil
	case http.StatusPreconditionFailed:
		if a.undeclared() {
			return declareFirst, nil
		}
	case http.StatusUnprocessableEntity:
		if a.problem != nil && len(a.problem.Lines) > 0 {
			return parkLines, nil
		}
	}
	if a.problem != nil && (a.status == http.StatusBadRequest || a.status == http.StatusConflict || a.status == http.StatusUnprocessableEntity) {
		return park, nil
	}
	return stop, stopError(a)
}

// manifestAction says what the answer to a manifest calls for, or to a status.
func manifestAction(a answer) (action, error) {
	switch {
	case a.status == http.StatusOK || a.status == http.StatusCreated:
		return accept, nil
	case a.status == http.StatusConflict && a.problem != nil && len(a.problem.Missing) > 0:
		return sendLost, nil
	case a.undeclared():
		return declareFirst, nil
	case a.problem != nil && a.status >= 400 && a.status < 500 && !isAuthorization(a.status) && !isTransient(a.status) && !a.left():
		return stop, &SendError{
			Class: ClassRefused, Status: a.status, Message: fmt.Sprintf("the collector refused the %s (%d): %s", a.what, a.status, a.reason()),
			Hint: "Tell the collector's operator.",
		}
	}
	return stop, stopError(a)
}

// undeclared reports whether the collector does not know the whitelist as approved under which it was read that was sent.
func (a answer) undeclared() bool {
	return a.status == http.StatusPreconditionFailed && a.problem != nil && a.problem.Type == UndeclaredType
}

// left reports whether the collector has deleted all that it held of this dealer.
func (a answer) left() bool {
	return a.status == http.StatusGone && a.problem != nil && a.problem.Type == LeftType
}

// isTransient reports whether the same request may succeed later.
func isTransient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

func isAuthorization(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

func stopError(a answer) error {
	switch {
	case isTransient(a.status):
		e := &SendError{
			Class: ClassUnreachable, Status: a.status, After: a.after, Message: fmt.Sprintf("the collector cannot take the %s now (%d %s)", a.what, a.status, http.StatusText(a.status)),
			Hint: "It is tried again at the next run; nothing has to be done here.",
		}
		if a.after > 0 {
			e.Message += fmt.Sprintf(" and asks to be left alone for %s", a.after.Round(time.Second))
		}
		return e
	case isAuthorization(a.status):
		return &SendError{
			Class: ClassUnauthorized, Status: a.status, Message: fmt.Sprintf("the collector does not let this dealer in (%d %s)%s", a.status, http.StatusText(a.status), a.says()),
			Hint: "Check collector.token and collector.client_certificate, or ask the collector's operator for a new token.",
		}
	}
	if a.left() {
		return &SendError{
			Class: ClassLeft, Status: a.status, Message: "the collector has deleted all that it held of this dealer, who left, and takes nothing more" + a.says(),
			Hint: "If this store is to take part again, ask the collector's operator for a new token (rocollector dealer add --again); if not: 'roagent leave'.",
		}
	}
	return notCollector(a)
}

// notCollector says what answered instead of the collector.
func notCollector(a answer) error {
	e := &SendError{
		Class: ClassNotCollector, Status: a.status,
		Message: fmt.Sprintf("%s answered the %s with %d %s and %s, which is no answer of a collector%s", a.host, a.what, a.status, http.StatusText(a.status), a.kind(), a.says()),
		Hint:    "Check collector.url, and whether a proxy or a login page stands between.",
	}
	if a.status >= 300 && a.status < 400 {
		e.Hint = "It points elsewhere, where nothing is sent: set collector.url to the collector's own address."
	}
	return e
}

// unproven says that an answer looks like success and proves nothing.
func unproven(a answer, err error) error {
	hint := "If the collector has a new key, set collector.receipt_key to it: rocollector key prints it."
	if !strings.HasPrefix(a.mediaType, "text/plain") {
		hint = "Check collector.url, and whether a proxy or a login page stands between."
	}
	return &SendError{
		Class: ClassNotCollector, Status: a.status, Hint: hint, Err: err,
		Message: fmt.Sprintf("%s answered the %s with %d and %s, without a valid receipt", a.host, a.what, a.status, a.kind()),
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"roagent/extract"
	"roagent/fieldmap"
	"roagent/fieldmap/strictyaml"
	"roagent/upload"
)

// Exit codes: shared with scripts and monitors, so they never change.
const (
	exitDone      = 0
	exitFailed    = 1
	exitUsage     = 2 // wrong usage or files
	exitRefused   = 3 // by policy: not approved, forbidden, BLOCK
	exitDMS       = 4 // the DMS cannot be reached or read
	exitCollector = 5 // the collector cannot be reached: all is queued, nothing lost
	exitParked    = 6 // done, but something is parked
)

// usageError is a wrong use of a command: a sentence, and what to do.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return withHint(e.message, e.hint) }

// refusedError is a refusal by policy.
type refusedError struct{ message, hint string }

func (e *refusedError) Error() string { return withHint(e.message, e.hint) }

func withHint(message, hint string) string {
	if hint == "" {
		return message
	}
	return message + "\n  " + hint
}

// errParked says that all is done but something waits for a person. What, the report has said.
var errParked = errors.New("something is parked and waits for a person: see 'roagent parked list'")

// errKeyless says that all is done but some orders cannot be named.
var errKeyless = errors.New("orders without a key cannot be sent: give them one in the DMS, or name another key column in the whitelist")

// exitCode is the one place where an error becomes an exit code. The cause that comes first decides: what could not be
// read matters more than what could not be sent, and that more than what is parked.
func exitCode(err error) int {
	var (
		usage       *usageError
		problems    *strictyaml.Problems
		schema      *extract.SchemaError
		refused     *refusedError
		forbidden   *forbiddenError
		lookalike   *fieldmap.LookalikeError
		unreachable *extract.UnreachableError
		database    *extract.DatabaseError
		collector   *upload.SendError
		left        *upload.LeftError
		foreign     *upload.ForeignError
		newer       *upload.NewerError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &refused), errors.As(err, &left), errors.As(err, &forbidden), errors.As(err, &lookalike), errors.Is(err, fieldmap.ErrBlocked):
		return exitRefused
	case errors.As(err, &schema) && schema.Missing:
		return exitDMS
	case errors.As(err, &usage), errors.As(err, &problems), errors.As(err, &foreign), errors.As(err, &newer):
		return exitUsage
	case errors.As(err, &unreachable), errors.As(err, &database):
		return exitDMS
	case errors.As(err, &collector) && collector.Class == upload.ClassUnapproved:
		return exitRefused
	case errors.As(err, &collector), errors.Is(err, upload.ErrFull):
		return exitCollector
	case errors.Is(err, errParked), errors.Is(err, errKeyless):
		return exitParked
	}
	return exitFailed
}

// explain tells a person what went wrong: each of the joined errors as a sentence of its own.
func explain(w io.Writer, err error) {
	var joined interface{ Unwrap() []error }
	switch {
	case err == nil:
	case errors.As(err, &joined) && fmt.Sprint(joined) == err.Error():
		for _, e := range joined.Unwrap() {
			explain(w, e)
		}
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(w, "roagent: stopped; what is queued stays queued, and the next run goes on where this one ended")
	default:
		fmt.Fprintf(w, "roagent: %s\n", strings.TrimPrefix(err.Error(), "roagent: "))
	}
}

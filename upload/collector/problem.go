package collector

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"roagent/upload"
)

// refusal is an error that the client is told of: an RFC 9457 problem. Whatever else goes wrong is answered 500 and
// goes to the log only.
type refusal struct {
	upload.Problem
	header http.Header
}

// Error shows what the log may: lines are counted only.
func (e *refusal) Error() string {
	return fmt.Sprintf("%d %s: %s (%d lines, %d missing)", e.Status, e.Title, e.Detail, len(e.Lines), len(e.Missing))
}

// refuse makes a refusal. The detail is for the person who runs the agent and must hold no customer's value.
func refuse(status int, format string, args ...any) *refusal {
	return &refusal{
		Problem: upload.Problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)},
		header:  http.Header{},
	}
}

// with adds a header to the answer.
func (e *refusal) with(name, value string) *refusal {
	e.header.Set(name, value)
	return e
}

func retryAfter(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

func writeProblem(w http.ResponseWriter, e *refusal) error {
	maps.Copy(w.Header(), e.header)
	body, err := json.Marshal(e.Problem)
	if err != nil {
		return err
	}
	return writeAnswer(w, answer{e.Status, upload.ProblemType, body})
}

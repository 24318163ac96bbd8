package uploadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"roagent/upload"
)

// Answer is a fault that answers this without looking at the request. header is name, value, name, value.
func Answer(status int, mediaType, body string, header ...string) Fault {
	return func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		response := respond(r, status, mediaType, []byte(body))
		for i := 0; i+1 < len(header); i += 2 {
			response.Header.Set(header[i], header[i+1])
		}
		return response, nil
	}
}

// Problem is a fault that answers with problem+json.
func Problem(p upload.Problem) Fault {
	return func(r *http.Request, _ http.RoundTripper) (*http.Response, error) { return problem(r, p), nil }
}

// Reset is a fault that breaks the connection before the request is read.
func Reset(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, syscall.ECONNRESET }

// LoseAnswer is a fault that does what is asked and loses the answer.
func LoseAnswer(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	return nil, syscall.ECONNRESET
}

// BreakOff is a fault that does what is asked and breaks off in the middle of the answer.
func BreakOff(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	response, err := next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	broken := io.MultiReader(bytes.NewReader(body[:len(body)/2]), errReader{})
	response.Body = io.NopCloser(broken)
	return response, nil
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, syscall.ECONNRESET }

// Hang is a fault that never answers.
func Hang(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Slow is a fault that does what is asked after a while.
func Slow(wait time.Duration) Fault {
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		select {
		case <-time.After(wait):
			return next.RoundTrip(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// Endless is a fault that answers with a body that never ends.
func Endless(status int, mediaType string) Fault {
	return func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		response := respond(r, status, mediaType, nil)
		response.Body, response.ContentLength = io.NopCloser(endless{}), -1
		return response, nil
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// Resign returns a fault that does what is asked and answers with another receipt: changed, or signed by another key.
func (c *Collector) Resign(signer note.Signer, change func(*upload.Receipt)) Fault {
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, err
		}
		receipt, err := upload.OpenReceipt(body, c.Verifier)
		if err != nil {
			return nil, err
		}
		if change != nil {
			change(&receipt)
		}
		if signer == nil {
			signer = c.signer
		}
		signed, err := receipt.Sign(signer)
		if err != nil {
			return nil, err
		}
		return respond(r, response.StatusCode, upload.ReceiptType, signed), nil
	}
}

// ResignDeletion returns a fault that does what is asked and answers with another deletion receipt: changed, or signed by
// another key.
func (c *Collector) ResignDeletion(signer note.Signer, change func(*upload.DeletionReceipt)) Fault {
	return func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if _, err := next.RoundTrip(r); err != nil {
			return nil, err
		}
		receipt := *c.left
		if change != nil {
			change(&receipt)
		}
		if signer == nil {
			signer = c.signer
		}
		signed, err := receipt.Sign(signer)
		if err != nil {
			return nil, err
		}
		return respond(r, http.StatusOK, upload.ReceiptType, signed), nil
	}
}

// ErrDial is the error of [Down].
var ErrDial = errors.New("connection refused")

// Down is a fault that does not answer at all.
func Down(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, ErrDial }

func problem(r *http.Request, p upload.Problem) *http.Response {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // a Problem always encodes
	}
	return respond(r, p.Status, upload.ProblemType, text)
}

func respond(r *http.Request, status int, mediaType string, body []byte) *http.Response {
	header := http.Header{"Content-Length": {strconv.Itoa(len(body))}}
	if mediaType != "" {
		header.Set("Content-Type", mediaType)
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

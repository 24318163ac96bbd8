package s3store

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// s3Error is a failed request in words. It wraps what the SDK says.
type s3Error struct {
	text string
	err  error
}

// Error is what failed, what it means and what to do.
func (e *s3Error) Error() string { return e.text }

// Unwrap returns the SDK's error.
func (e *s3Error) Unwrap() error { return e.err }

// codeOf returns the code of the server's error (the table of error codes in S3's API reference), or "".
func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// explain says what the failure of a request means. ctx is the caller's: its end is not the server's fault.
func (s *Store) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &s3Error{fmt.Sprintf("the S3 server did not answer within %s", s.Timeout), err}
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		text := "the S3 server answered " + status(err) + printable(e.ErrorCode())
		if m := e.ErrorMessage(); m != "" {
			text += ": " + printable(m)
		}
		return &s3Error{text + hintFor(e.ErrorCode()), err}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		text := fmt.Sprintf("the S3 server cannot be reached: %v", e.Err) // without the URL's query
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			text += "; AWS_CA_BUNDLE names a file of authorities to trust"
		}
		return &s3Error{text, err}
	}
	return err
}

// status is the answer's status with a space, or "" where there is none.
func status(err error) string {
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && e.HTTPStatusCode() != 0 {
		return strconv.Itoa(e.HTTPStatusCode()) + " "
	}
	return ""
}

// printable is as much of a server's text as a log should take.
func printable(text string) string {
	const most = 300
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.TrimSuffix(text[:min(len(text), most)], "."))
}

// hintFor says what to do about an error code.
func hintFor(code string) string {
	switch code {
	case "NoSuchBucket":
		return "; is the bucket's name right, and AWS_ENDPOINT_URL_S3 that of its server?"
	case "AccessDenied", "Forbidden":
		return "; the credentials lack a right: the policy that they need is in upload/collector/DESIGN.md"
	case "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return "; the credentials are not those of this server: see AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile"
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		return "; the credentials have ended: get new ones, or let the machine have a role"
	case "AuthorizationHeaderMalformed", "PermanentRedirect", "IncorrectRegion":
		return "; AWS_REGION must be the bucket's"
	case "RequestTimeTooSkewed":
		return "; this machine's clock is wrong: set it"
	case "SlowDown", "ServiceUnavailable", "InternalError":
		return "; the server is overloaded or unwell, and agents try again by themselves"
	case "NotImplemented":
		return "; the server does not know what the collector needs: conditional writes, and deletion of several objects at once"
	}
	return ""
}

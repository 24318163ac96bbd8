package s3test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Fault does something else with a request than pass it on to the server behind it.
type Fault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// Front stands in front of the server, and returns its URL. What comes to it goes through fault.
func (s *Server) Front(t testing.TB, fault Fault) string {
	t.Helper()
	behind, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	next := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.Out.Host = r.In.Host // which is signed
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fault(w, r, next) }))
	t.Cleanup(front.Close)
	return front.URL
}

// Sign signs a request anew that was changed on its way. Its body is the one that it came with.
func Sign(t testing.TB, r *http.Request) {
	t.Helper()
	r.Header.Del("Authorization")
	err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).SignHTTP(r.Context(),
		aws.Credentials{AccessKeyID: AccessKey, SecretAccessKey: SecretKey}, r, r.Header.Get("X-Amz-Content-Sha256"), "s3", Region, time.Now())
	if err != nil {
		t.Error(err)
	}
}

// Refuse answers with an error as S3 does.
func Refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<Error><Code>" + code + "</Code><Message>for a test</Message></Error>"))
}

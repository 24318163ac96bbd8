package wiretest

import (
	"errors"
	"net/http"
	"net/http/httptest"
)

// InProcess returns a transport that hands requests to a handler of this process: no sockets, so that it works inside
// testing/synctest bubbles. A request whose context has ended gets the context's error, as with a real connection.
func InProcess(h http.Handler) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		served := r.Clone(r.Context())
		served.RequestURI = r.URL.RequestURI()
		if served.Body == nil {
			served.Body = http.NoBody
		}
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, served)
		if err := errors.Join(served.Body.Close(), r.Context().Err()); err != nil {
			return nil, err
		}
		response := recorder.Result()
		response.Request = r
		return response, nil
	})
}

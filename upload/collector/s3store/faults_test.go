package s3store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"roagent/upload/collector"
	"roagent/upload/collector/s3store"
	"roagent/upload/collector/s3store/s3test"
)

// faulty is a store whose requests go through a fault once it is open.
type faulty struct {
	*s3store.Store
	fault    atomic.Pointer[s3test.Fault] // nil: none
	requests atomic.Int64
}

func newFaulty(t *testing.T, server *s3test.Server) *faulty {
	t.Helper()
	f := &faulty{}
	url := server.Front(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		f.requests.Add(1)
		if fault := f.fault.Load(); fault != nil {
			(*fault)(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
	f.Store = s3test.New(t, "s3://"+server.Bucket(t), url)
	if err := f.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

// fail puts the fault to the next requests, as many as there are; the others pass. It counts requests anew.
func (f *faulty) fail(times int, fault s3test.Fault) {
	left := int64(times)
	limited := s3test.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if atomic.AddInt64(&left, -1) >= 0 {
			fault(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
	f.requests.Store(0)
	f.fault.Store(&limited)
}

func refusing(status int, code string) s3test.Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { s3test.Refuse(w, status, code) }
}

// What is transient is tried again, some times; what is not, is not. A 409 of two creates at once is transient.
func TestS3TriesAgain(t *testing.T) {
	server := s3test.Start(t, nil)
	const always = 1000
	for name, test := range map[string]struct {
		times    int
		fault    s3test.Fault
		requests int64
		want     string
	}{
		"busy, then not":      {2, refusing(503, "SlowDown"), 3, ""},
		"a conflict":          {2, refusing(409, "ConditionalRequestConflict"), 3, ""},
		"conflicts for ever":  {always, refusing(409, "ConditionalRequestConflict"), 4, "409 ConditionalRequestConflict"},
		"busy for ever":       {always, refusing(503, "SlowDown"), 4, "agents try again by themselves"},
		"a broken connection": {1, func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }, 2, ""},
		"denied":              {always, refusing(403, "AccessDenied"), 1, "403 AccessDenied"},
		"no such bucket":      {always, refusing(404, "NoSuchBucket"), 1, "404 NoSuchBucket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, server)
			f.fail(test.times, test.fault)
			err := f.Put(t.Context(), "d/x", []byte("x"), collector.Create)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if errors.Is(err, fs.ErrExist) {
				t.Errorf("%v says that the name is taken", err)
			}
			if got := f.requests.Load(); got != test.requests {
				t.Errorf("%d requests, want %d", got, test.requests)
			}
		})
	}
}

// A create whose answer was lost finds its own object when it is tried again: it is the first, and nobody else is.
func TestS3LostAnswer(t *testing.T) {
	server := s3test.Start(t, nil)
	lose := func(_ http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	f := newFaulty(t, server)
	f.fail(1, lose)
	if err := f.Put(t.Context(), "d/x", []byte("x"), collector.Create); err != nil || f.requests.Load() != 3 {
		t.Errorf("after %d requests: got %v", f.requests.Load(), err)
	}
	if err := f.Put(t.Context(), "d/x", []byte("x"), collector.Create); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the next one: got %v", err)
	}
	f.fail(1, func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) })
	if err := f.Put(t.Context(), "d/x", []byte("y"), collector.Create); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another's, tried twice: got %v", err)
	}
}

// Only the server's own word for it is the absence of an object. A dealer whose record cannot be read is not a stranger.
func TestS3AbsenceIsOneThing(t *testing.T) {
	server := s3test.Start(t, nil)
	for name, fault := range map[string]s3test.Fault{
		"no such bucket": refusing(404, "NoSuchBucket"),
		"denied":         refusing(403, "AccessDenied"),
		"a proxy": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			http.Error(w, "<html>not here", http.StatusNotFound)
		},
		"an empty 404": func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(http.StatusNotFound) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, server)
			f.fail(1000, fault)
			if _, err := f.Get(t.Context(), "d/x"); err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v", err)
			}
			if got, err := f.List(t.Context(), "d"); err == nil {
				t.Errorf("listed %v", got)
			}
		})
	}
}

// Bytes that changed on their way are neither stored nor taken.
func TestS3Damage(t *testing.T) {
	server := s3test.Start(t, nil)
	f := newFaulty(t, server)
	f.fail(1000, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Method == http.MethodPut {
			body = bytes.ReplaceAll(body, []byte("good"), []byte("gone"))
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
	err := f.Put(t.Context(), "d/x", []byte("good"), collector.Create)
	if err == nil {
		t.Error("what was damaged on its way was stored")
	}
	t.Log(err)
	if got, err := f.Get(t.Context(), "d/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %q, %v", got, err)
	}
	f.fail(0, nil)
	if err := f.Put(t.Context(), "d/x", []byte("good"), collector.Create); err != nil {
		t.Fatal(err)
	}
	f.fail(1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		maps.Copy(w.Header(), recorder.Header())
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(bytes.ReplaceAll(recorder.Body.Bytes(), []byte("good"), []byte("gone")))
	})
	if got, err := f.Get(t.Context(), "d/x"); err == nil {
		t.Errorf("%q was taken, which was damaged on its way", got)
	} else {
		t.Log(err)
	}
	f.fail(1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		recorder := httptest.NewRecorder()
		next.ServeHTTP(recorder, r)
		w.Header().Set("X-Amz-Checksum-Sha256", "KDu53u8C5oQ6v7U476HspwgBvYpwHD+YGR4SNJYzkkc=") // of "gone"
		w.WriteHeader(recorder.Code)
	})
	if err := f.Put(t.Context(), "d/y", []byte("good"), collector.Create); err == nil {
		t.Error("the server says that it stored other bytes, and that passes for stored")
	}
}

// A server that is away, hangs, drips or floods ends in an error in time.
func TestS3ServerAwayOrSlow(t *testing.T) {
	server := s3test.Start(t, nil)
	const within = time.Second
	flooded := atomic.Int64{} // MB that were taken
	for name, test := range map[string]struct {
		fault s3test.Fault
		want  string
	}{
		"hangs": {func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.Copy(io.Discard, r.Body) // or its end is not seen
			<-r.Context().Done()
		}, "did not answer within 1s"},
		"drips": {func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("Content-Length", "1000000")
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		}, "did not answer within 1s"},
		"floods": {func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			zeros := make([]byte, 1<<20)
			for range 300 {
				if _, err := w.Write(zeros); err == nil {
					flooded.Add(1)
				}
			}
		}, "which nothing here stored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, server)
			if f.Timeout = within; name == "floods" {
				f.Timeout = time.Minute
			}
			f.fail(1000, test.fault)
			began := time.Now()
			_, err := f.Get(t.Context(), "d/x")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if took := time.Since(began); took > f.Timeout+10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	t.Cleanup(func() {
		if got := flooded.Load(); got < 128 || got > 160 {
			t.Errorf("%d MB were read of an object that is too large", got)
		}
	})
	t.Run("given up", func(t *testing.T) {
		t.Parallel()
		f := newFaulty(t, server)
		f.fail(1000, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := f.Get(ctx, "d/x"); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "the S3 server") {
			t.Errorf("got %v, which is not the server's fault", err)
		}
	})
	t.Run("away", func(t *testing.T) {
		t.Parallel()
		away := s3test.Start(t, nil)
		store := away.Open(t, away.Bucket(t))
		away.Kill()
		for name, try := range map[string]func() error{
			"get": func() error { _, err := store.Get(t.Context(), "d/x"); return err },
			"put": func() error { return store.Put(t.Context(), "d/x", nil, collector.Create) },
			"open": func() error {
				return s3test.New(t, "s3://bucket", away.URL).Open(t.Context())
			},
		} {
			began := time.Now()
			if err := try(); err == nil || !strings.Contains(err.Error(), "the S3 server cannot be reached") {
				t.Errorf("%s: got %v", name, err)
			} else {
				t.Log(err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s took %s", name, took)
			}
		}
	})
}

// Half a list must not pass for a whole one.
func TestS3HalfAList(t *testing.T) {
	server := s3test.Start(t, nil)
	for name, list := range map[string]string{
		"without a way on": `<Contents><Key>d/x</Key><ETag>"1"</ETag></Contents><IsTruncated>true</IsTruncated>`,
		"in circles":       `<Contents><Key>d/x</Key><ETag>"1"</ETag></Contents><IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>`,
		"of others":        `<Contents><Key>e/x</Key><ETag>"1"</ETag></Contents>`,
		"without versions": `<Contents><Key>d/x</Key></Contents>`,
		"broken off":       `<Contents><Key>d/x</Key>`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, server)
			f.fail(1000, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
				end := "</ListBucketResult>"
				if name == "broken off" {
					end = ""
				}
				fmt.Fprintf(w, "<ListBucketResult>%s%s", list, end)
			})
			if got, err := f.List(t.Context(), "d"); err == nil {
				t.Errorf("got %v", got)
			} else {
				t.Log(err)
			}
		})
	}
}

// A list is sorted, whatever order it came in, and shows what a collector put.
func TestS3List(t *testing.T) {
	f := newFaulty(t, s3test.Start(t, nil))
	f.fail(1, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		fmt.Fprint(w, `<ListBucketResult><Contents><Key>d/b</Key><ETag>"1"</ETag><Size>5</Size></Contents><Contents><Key>d/</Key><ETag>"2"</ETag></Contents>`+
			`<Contents><Key>d/.x</Key><ETag>"2"</ETag></Contents><Contents><Key>d/a</Key><ETag>"2"</ETag></Contents></ListBucketResult>`)
	})
	want := []collector.Object{{Name: "d/a", Version: `"2"`}, {Name: "d/b", Size: 5, Version: `"1"`}}
	if got, err := f.List(t.Context(), "d"); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

// More than a page is listed, and removed, whole. Objects that cannot be deleted do not keep a Remove from the others, and are told.
func TestS3ManyObjects(t *testing.T) {
	const objects = 2500
	server := s3test.Start(t, nil)
	f := newFaulty(t, server)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < objects; i += 8 {
				if err := f.Put(t.Context(), fmt.Sprintf("d/%d/x%05d", i%7, i), []byte("x"), collector.Create); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := f.Put(t.Context(), "d0/x", nil, collector.Create); err != nil {
		t.Fatal(err)
	}
	names := func() int {
		got, err := collector.Names(t.Context(), f, "d")
		if err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	if got := names(); got != objects {
		t.Fatalf("%d are listed, want %d", got, objects)
	}
	f.fail(1000, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if !bytes.Contains(body, []byte("<Key>d/0/x00000</Key>")) { // the first page has it
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
			return
		}
		fmt.Fprint(w, "<DeleteResult>")
		for part := range strings.SplitSeq(string(body), "<Key>") {
			if key, _, ok := strings.Cut(part, "</Key>"); ok {
				fmt.Fprintf(w, "<Error><Key>%s</Key><Code>AccessDenied</Code></Error>", key)
			}
		}
		fmt.Fprint(w, "</DeleteResult>")
	})
	err := f.Remove(t.Context(), "d")
	if err == nil || !strings.Contains(err.Error(), "1000 objects are still there") || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("got %v", err)
	}
	if got := names(); got != 1000 {
		t.Errorf("%d are left, want the 1000 that could not be deleted", got)
	}
	f.fail(0, nil)
	if err := f.Remove(t.Context(), "d"); err != nil {
		t.Error(err)
	}
	if got := names(); got != 0 {
		t.Errorf("%d are left", got)
	}
	if _, err := f.Get(t.Context(), "d0/x"); err != nil {
		t.Errorf("another folder's: %v", err)
	}
}

// A dealer who leaves was promised deletion: where versioning came later, Remove says that it cannot keep that.
func TestS3VersioningComesLater(t *testing.T) {
	server := s3test.Start(t, nil, "--versioning-dir", t.TempDir())
	bucket := server.Bucket(t)
	store := server.Open(t, bucket)
	if _, err := server.Client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), "d/x", []byte("x"), collector.Create); err != nil {
		t.Fatal(err)
	}
	if err := store.Remove(t.Context(), "d"); err == nil || !strings.Contains(err.Error(), "versioning") {
		t.Errorf("got %v", err)
	}
}

// Two stores that race to create different bytes under one name: one wins, the other hears fs.ErrExist, whatever else happens.
func TestS3CreateRaces(t *testing.T) {
	const rounds, each = 100, 6
	server := s3test.Start(t, nil)
	bucket := server.Bucket(t)
	stores := []*s3store.Store{server.Open(t, bucket), server.Open(t, bucket)}
	for round := range rounds {
		name := fmt.Sprintf("dealers/%d/x", round)
		var group sync.WaitGroup
		errs := make([]error, each)
		for n := range each {
			data := bytes.Repeat([]byte{'a' + byte(n)}, 1+round*1000)
			group.Go(func() { errs[n] = stores[n%2].Put(t.Context(), name, data, collector.Create) })
		}
		group.Wait()
		var won []byte
		for n, err := range errs {
			if err == nil {
				won = append(won, 'a'+byte(n))
			} else if !errors.Is(err, fs.ErrExist) {
				t.Errorf("round %d: %v", round, err)
			}
		}
		held, err := stores[round%2].Get(t.Context(), name)
		if err != nil || len(won) != 1 || !bytes.Equal(held, bytes.Repeat(won, 1+round*1000)) {
			t.Fatalf("round %d: won by %q, held are %d bytes of %.1q, %v", round, won, len(held), held, err)
		}
	}
}

// The server is killed while it writes, again and again: what was stored is there, whole, and nothing is there by half.
func TestS3ServerKilled(t *testing.T) {
	const kills, size = 6, 64 << 10
	server := s3test.Start(t, nil)
	store := server.Open(t, server.Bucket(t))
	body := func(i int) []byte { return bytes.Repeat([]byte{byte(i), byte(i >> 8)}, size) }
	var mu sync.Mutex
	stored := map[int]bool{}
	tried := atomic.Int64{}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(tried.Add(1))
				err := store.Put(ctx, fmt.Sprintf("d/%d", i), body(i), collector.Create)
				mu.Lock()
				stored[i] = err == nil
				mu.Unlock()
				if errors.Is(err, fs.ErrExist) {
					t.Errorf("%d was put once, and is taken", i)
				}
			}
		})
	}
	for range kills {
		before := tried.Load()
		for tried.Load() < before+20 {
			time.Sleep(time.Millisecond)
		}
		server.Kill()
		time.Sleep(50 * time.Millisecond)
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	group.Wait()
	good := 0
	for i, was := range stored {
		data, err := store.Get(t.Context(), fmt.Sprintf("d/%d", i))
		switch {
		case err == nil && !bytes.Equal(data, body(i)):
			t.Errorf("%d is there by half", i)
		case err != nil && (was || !errors.Is(err, fs.ErrNotExist)):
			t.Errorf("%d was stored: %t, and is not there: %v", i, was, err)
		case was:
			good++
		}
	}
	t.Logf("%d kills, %d puts, %d of them stored", kills, tried.Load(), good)
}

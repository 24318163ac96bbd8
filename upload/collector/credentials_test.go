package collector_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"roagent/upload/collector"
)

// credentials reads what may act for the dealer.
func (r *rig) credentials() *collector.Credentials {
	r.t.Helper()
	known, err := collector.ReadCredentials(r.t.Context(), r.store, dealer)
	if err != nil {
		r.t.Fatal(err)
	}
	return known
}

// status is what the collector answers to a request with this token.
func (r *rig) status(token string) int {
	r.t.Helper()
	return r.do(r.get().with("Authorization", "Bearer "+token)).Code
}

// A dealer's agent can be given its new token at any time between the two acts: there is no gap.
func TestTokensAreExchangedWithoutAGap(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	first := r.token[dealer]
	second, err := collector.AddToken(t.Context(), r.store, dealer, "new server")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := r.status(first), r.status(second); a != 200 || b != 200 {
		t.Errorf("with two tokens: the first gets %d, the second %d", a, b)
	}
	if _, err := collector.AddToken(t.Context(), r.store, dealer, ""); !errors.Is(err, collector.ErrTooManyTokens) {
		t.Errorf("a third: got %v, want ErrTooManyTokens", err)
	}
	known := r.credentials()
	if len(known.Tokens) != 2 || known.Tokens[1].Note != "new server" || !strings.HasPrefix(digest(first), known.Tokens[0].ID) {
		t.Errorf("tokens: %+v", known.Tokens)
	}
	if err := collector.RevokeToken(t.Context(), r.store, dealer, known.Tokens[0].ID); err != nil {
		t.Fatal(err)
	}
	if a, b := r.status(first), r.status(second); a != 401 || b != 200 {
		t.Errorf("once the first is revoked: it gets %d, the second %d", a, b)
	}
	for _, id := range []string{"", digest(second)[:7], digest(first)[:12]} {
		if err := collector.RevokeToken(t.Context(), r.store, dealer, id); !errors.Is(err, collector.ErrNoToken) {
			t.Errorf("revoke %q: got %v, want ErrNoToken", id, err)
		}
	}
	if err := collector.RevokeTokens(t.Context(), r.store, dealer); err != nil {
		t.Fatal(err)
	}
	if got := r.status(second); got != 401 {
		t.Errorf("once all are revoked: got %d", got)
	}
	if got := r.status(dealer + "."); got != 401 {
		t.Errorf("without a token: got %d", got)
	}
}

// A store of an older version has one token in another member; it is a token like any other.
func TestTokenOfAnOlderStore(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	first := r.token[dealer]
	old := fmt.Sprintf(`{"dealer_id":%q,"name":"Example Toyota","token_sha256":%q,"added":"2026-01-01T00:00:00Z"}`, dealer, digest(first))
	if err := r.store.Put(t.Context(), "dealers/"+dealer+"/dealer.json", []byte(old), collector.Replace); err != nil {
		t.Fatal(err)
	}
	if got := r.status(first); got != 200 {
		t.Errorf("its token gets %d", got)
	}
	second, err := collector.AddToken(t.Context(), r.store, dealer, "")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := r.status(first), r.status(second); a != 200 || b != 200 {
		t.Errorf("with a second: the first gets %d, the second %d", a, b)
	}
	if err := collector.RevokeToken(t.Context(), r.store, dealer, digest(first)[:12]); err != nil {
		t.Fatal(err)
	}
	if a, b := r.status(first), r.status(second); a != 401 || b != 200 {
		t.Errorf("once it is revoked: it gets %d, the second %d", a, b)
	}
}

func TestRevokedCertificate(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	get := func(leaf *x509.Certificate) int {
		h := httptest.NewRequest("GET", "/", nil)
		q := r.get()
		q.header.Del("Authorization")
		r.serve(h, q)
		h.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf}}}
		w := httptest.NewRecorder()
		r.wire.ServeHTTP(w, h)
		return w.Code
	}
	old := &x509.Certificate{Raw: []byte("old"), Subject: pkix.Name{CommonName: dealer}}
	renewed := &x509.Certificate{Raw: []byte("renewed"), Subject: pkix.Name{CommonName: dealer}}
	if got := get(old); got != 200 {
		t.Fatalf("before: got %d", got)
	}
	for range 2 { // the second time changes nothing
		if err := collector.RevokeCertificate(t.Context(), r.store, dealer, digest("old")); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := get(old), get(renewed); a != 403 || b != 200 {
		t.Errorf("the revoked one gets %d, another %d", a, b)
	}
	if got := r.credentials().Certificates; len(got) != 1 {
		t.Errorf("revoked certificates: %v", got)
	}
	if err := collector.RevokeCertificate(t.Context(), r.store, dealer, "old"); err == nil {
		t.Error("what is no digest was taken")
	}
}

// Who is suspended sends nothing, is not told why, and can still have all deleted that is held of it.
func TestSuspended(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	if w := r.do(r.json("/v1/dealers/"+dealer+"/status", heartbeat())); w.Code != 204 {
		t.Fatal(w.Code, w.Body)
	}
	if err := collector.Suspend(t.Context(), r.store, dealer, "contract ended"); err != nil {
		t.Fatal(err)
	}
	for _, q := range []request{r.get(), r.batch(line("RO1")), r.manifest(manifestOf())} {
		if p := r.problem(r.do(q), 403); strings.Contains(p.Detail, "contract") || !strings.Contains(p.Detail, "suspended") {
			t.Errorf("%s: %s", q.path, p.Detail)
		}
	}
	if d := r.dealers(collector.NewFleetIndex(r.store))[dealer]; d.Suspended.IsZero() || d.ReceivedAt.IsZero() || d.Status == nil {
		t.Errorf("the fleet is told %+v", d)
	}
	if got := r.status(r.token[dealer] + "x"); got != 401 {
		t.Errorf("a stranger is told that it is suspended: %d", got)
	}
	if err := collector.Resume(t.Context(), r.store, dealer); err != nil {
		t.Fatal(err)
	}
	if d := r.dealers(collector.NewFleetIndex(r.store))[dealer]; !d.Suspended.IsZero() {
		t.Errorf("once it is resumed the fleet is told %+v", d)
	}
	r.send(line("RO1"))
	if err := collector.Suspend(t.Context(), r.store, dealer, "contract ended"); err != nil {
		t.Fatal(err)
	}
	r.deletion(r.do(r.departure(dealer)))
	if _, ok := errors.AsType[*collector.LeftError](collector.Resume(t.Context(), r.store, dealer)); !ok {
		t.Error("who left was resumed")
	}
	if got := r.objects(); len(got) > 0 {
		t.Errorf("left behind: %v", got)
	}
	for _, why := range []string{"", "a\nb", strings.Repeat("a", 201)} {
		if err := collector.Suspend(t.Context(), r.store, otherDealer, why); err == nil {
			t.Errorf("%q was taken for a reason", why)
		}
	}
}

// Of changes that come at once none undoes the other.
func TestChangesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		var wait sync.WaitGroup
		for i := range 10 {
			wait.Go(func() {
				if err := collector.RevokeCertificate(t.Context(), r.store, dealer, digest(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if got := r.credentials().Certificates; len(got) != 10 {
			t.Errorf("of 10 changes %d are there", len(got))
		}
	})
}

// A process that died while it changed something keeps nobody from changing more, once it must be dead.
func TestStaleLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		name := "dealers/" + dealer + "/lock.json"
		if err := r.store.Put(t.Context(), name, []byte(time.Now().UTC().Format(time.RFC3339Nano)), collector.Create); err != nil {
			t.Fatal(err)
		}
		if err := collector.Suspend(t.Context(), r.store, dealer, "x"); !errors.Is(err, collector.ErrBusy) {
			t.Errorf("while it is locked: got %v, want ErrBusy", err)
		}
		time.Sleep(5 * time.Minute)
		if err := collector.Suspend(t.Context(), r.store, dealer, "x"); err != nil {
			t.Error(err)
		}
		if _, err := r.store.Get(t.Context(), name); err == nil {
			t.Error("the lock is still there")
		}
	})
}

// A change that is put after the dealer left does not bring it back.
func TestChangeWhileADealerLeaves(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	then := func(name string) {
		if name == "dealers/"+dealer+"/dealer.json" {
			r.deletion(r.do(r.departure(dealer)))
		}
	}
	err := collector.Suspend(t.Context(), &beforePut{r.store, then}, dealer, "x")
	if _, ok := errors.AsType[*collector.LeftError](err); !ok {
		t.Errorf("got %v, want a LeftError", err)
	}
	if left := r.of(dealer); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// One store gone wrong does not take what the others need; it is told when to come again, and is served then.
func TestTooManyInAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, collector.NewMemStore())
		r.handler.PerMinute = 60
		for i := range 60 {
			if w := r.do(r.get()); w.Code != 200 {
				t.Fatalf("request %d: got %d", i+1, w.Code)
			}
		}
		w := r.do(r.get())
		r.problem(w, 429)
		if got := w.Header().Get("Retry-After"); got != "2" {
			t.Errorf("Retry-After is %q", got)
		}
		for range 100 { // what is refused is not held against it
			r.problem(r.do(r.get()), 429)
		}
		other := r.get().with("Authorization", "Bearer "+r.token[otherDealer])
		other.path = "/v1/dealers/" + otherDealer + "/weeks/2026-W46"
		if w := r.do(other); w.Code != 200 {
			t.Errorf("another dealer: got %d", w.Code)
		}
		time.Sleep(2 * time.Second)
		if w := r.do(r.get()); w.Code != 200 {
			t.Errorf("two seconds later: got %d", w.Code)
		}
	})
}

package collector_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/collector"
)

// declaration is the request that declares a whitelist approved.
func (r *rig) declaration(dealer, form string) request {
	q := request{method: "PUT", path: "/v1/dealers/" + dealer + "/fieldmaps/" + digest(form), header: r.header(), body: []byte(form)}
	q.header.Set("Authorization", "Bearer "+r.token[dealer])
	q.header.Set("Content-Type", "application/json")
	return q.sealed()
}

const otherForm = `{"fieldmap":1,"recipient":"Another Maker","purpose":"tests","agreement":"none","orders":{"from":{"name":"RepairOrder"},` +
	`"key":["RONumber"],"week":"ClosedAt","fields":[{"send":"repair_order_header.document_id","column":{"name":"RONumber"},"why":"names the visit"}]}}`

func TestDeclare(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	for i, status := range []int{201, 200} {
		q := r.declaration(dealer, otherForm)
		if i == 1 {
			q = q.gzipped(t, otherForm)
		}
		w := r.do(q)
		var got upload.Declared
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != status {
			t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
		}
		if diff := cmp.Diff(upload.Declared{DealerID: dealer, FieldmapDigest: digest(otherForm)}, got); diff != "" {
			t.Error(diff)
		}
	}
	held, err := r.store.Get(t.Context(), "dealers/"+dealer+"/fieldmaps/"+digest(otherForm)+".json")
	if err != nil || string(held) != otherForm {
		t.Errorf("held is %q, %v", held, err)
	}
}

func TestDeclarationsRefused(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	const secret = "Zebulon"
	as := func(digest, body string) request {
		q := r.declaration(dealer, body)
		q.path = "/v1/dealers/" + dealer + "/fieldmaps/" + digest
		return q
	}
	for name, test := range map[string]struct {
		q      request
		status int
	}{
		"another's digest":        {as(whitelist, otherForm), 400},
		"no digest":               {as("..", otherForm), 404},
		"a digest too short":      {as("ab", otherForm), 400},
		"a digest in capitals":    {as(strings.ToUpper(digest(otherForm)), otherForm), 400},
		"a blank more":            {r.declaration(dealer, otherForm+"\n"), 400},
		"a member too many":       {r.declaration(dealer, `{"approved_by":"Zebulon",`+otherForm[1:]), 400},
		"a member twice":          {r.declaration(dealer, `{"fieldmap":1,`+otherForm[1:]), 400},
		"a version to come":       {r.declaration(dealer, strings.Replace(otherForm, `"fieldmap":1`, `"fieldmap":"Zebulon"`, 1)), 400},
		"no JSON":                 {r.declaration(dealer, secret), 400},
		"nothing":                 {r.declaration(dealer, ""), 400},
		"no Content-Digest":       {r.declaration(dealer, otherForm).with("Content-Digest", ""), 400},
		"another type":            {r.declaration(dealer, otherForm).with("Content-Type", "application/yaml"), 415},
		"another coding":          {r.declaration(dealer, otherForm).with("Content-Encoding", "br"), 415},
		"another dealer's token":  {r.declaration(dealer, otherForm).with("Authorization", "Bearer "+r.token[otherDealer]), 403},
		"more than a file can be": {r.declaration(dealer, strings.Repeat(" ", upload.MaxFieldmap+1)), 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.t = t
			if p := r.problem(r.do(test.q), test.status); strings.Contains(p.Detail, secret) {
				t.Errorf("it repeats what was sent: %s", p.Detail)
			}
			names, err := collector.Names(t.Context(), r.store, "dealers/"+dealer+"/fieldmaps")
			if err != nil || len(names) != 1 {
				t.Errorf("stored although refused: %v, %v", names, err)
			}
		})
	}
}

// What was read under a whitelist that is not declared is refused in words that an agent can tell from all others, and
// nothing of it is stored. Declared, it is taken.
func TestUndeclared(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	manifest := manifestOf()
	manifest.FieldmapDigest = digest(otherForm)
	for name, q := range map[string]request{
		"a batch":    r.batch(line("RO1")).with(upload.FieldmapHeader, digest(otherForm)),
		"a manifest": r.manifest(manifest).with(upload.FieldmapHeader, digest(otherForm)),
	} {
		if p := r.problem(r.do(q), 412); p.Type != upload.UndeclaredType {
			t.Errorf("%s: the type is %q", name, p.Type)
		}
	}
	if got := r.objects(); len(got) > 0 {
		t.Errorf("stored although refused: %v", got)
	}
	r.do(r.declaration(otherDealer, otherForm))
	r.problem(r.do(r.batch(line("RO1")).with(upload.FieldmapHeader, digest(otherForm))), 412) // another dealer's approval is none
	r.do(r.declaration(dealer, otherForm))
	r.receipt(r.do(r.batch(line("RO1")).with(upload.FieldmapHeader, digest(otherForm))), 201)
	r.receipt(r.do(r.manifest(manifest).with(upload.FieldmapHeader, digest(otherForm))), 201)
}

// A declaration that has decayed is none, until it comes again.
func TestDamagedDeclaration(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	if err := r.store.Put(t.Context(), "dealers/"+dealer+"/fieldmaps/"+whitelist+".json", []byte(form[1:]), collector.Replace); err != nil {
		t.Fatal(err)
	}
	r.problem(r.do(r.batch(line("RO1"))), 412)
	if w := r.do(r.declaration(dealer, form)); w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	r.receipt(r.do(r.batch(line("RO1"))), 201)
}

// unread is a store whose declarations cannot be read.
type unread struct{ collector.Store }

func (u unread) Get(ctx context.Context, name string) ([]byte, error) {
	if strings.Contains(name, "/fieldmaps/") {
		return nil, errors.New("input/output error")
	}
	return u.Store.Get(ctx, name)
}

// A store that cannot be read is no reason to call a whitelist undeclared.
func TestABrokenStoreIsNotAnUndeclaredWhitelist(t *testing.T) {
	r := newRig(t, collector.NewMemStore())
	r.handler = collector.New(unread{r.store}, r.key)
	r.wire = r.handler
	r.problem(r.do(r.batch(line("RO1"))), 500)
}

// A collector that was restored from an older store, or is another one, is told again in the same run.
func TestBothSidesAfterARestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.pull(order("RO1", "a"))
		name := "dealers/" + dealer + "/fieldmaps/" + s.orders.Digest().String() + ".json"
		if held, err := s.store.Get(t.Context(), name); err != nil || string(held) != s.orders.Text() {
			t.Fatalf("declared is %q, %v", held, err)
		}
		if err := s.store.Put(t.Context(), name, nil, collector.Replace); err != nil {
			t.Fatal(err)
		}
		s.pull(order("RO1", "b"))
		if got := s.keys(); got != "RO1/2" || !s.held().Closed {
			t.Errorf("held is %s", got)
		}
	})
}

// FuzzDeclare holds that whatever is sent as a whitelist is refused, or is one, byte for byte.
func FuzzDeclare(f *testing.F) {
	for _, seed := range []string{form, otherForm, "", "{}", form + " ", `{"fieldmap":1,"orders":{"lines":[{"lines":[{}]}]}}`, `{"fieldmap":1e999}`} {
		f.Add(seed)
	}
	r := newRig(f, collector.NewMemStore())
	f.Fuzz(func(t *testing.T, body string) {
		r := *r
		r.t = t
		w := r.do(r.declaration(dealer, body))
		_, err := fieldmap.ParseCanonical([]byte(body))
		if taken := w.Code == 200 || w.Code == 201; taken != (err == nil) || !taken && w.Code != 400 {
			t.Errorf("%q: got %d %s, but ParseCanonical says %v", body, w.Code, w.Body, err)
		}
	})
}

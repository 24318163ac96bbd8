package collector_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path"
	"slices"
	"testing"

	"roagent/upload"
	"roagent/upload/collector"
)

// FuzzStored puts any bytes in the place of one of the store's objects: what reads it fails, or does as before. Nobody is
// let in by it, and nothing else than what was sent comes out.
func FuzzStored(f *testing.F) {
	r := newRig(f, collector.NewMemStore())
	batch := r.batch(line("RO1"), line("RO2"))
	r.receipt(r.do(batch), 201)
	r.receipt(r.do(r.manifest(manifestOf(upload.ManifestBatch{ID: path.Base(batch.path), Orders: 2}))), 201)
	var want bytes.Buffer
	if err := collector.Export(f.Context(), r.store, dealer, theWeek(), &want); err != nil {
		f.Fatal(err)
	}
	names := []string{"receipt.key", "dealers/" + dealer + "/dealer.json", "dealers/" + dealer + "/fieldmaps/" + whitelist + ".json"}
	objects := r.objects()
	slices.Sort(objects)
	names = append(names, objects...)
	whole := map[string][]byte{}
	for i, name := range names {
		data, err := r.store.Get(f.Context(), name)
		if err != nil {
			f.Fatal(err)
		}
		whole[name] = data
		f.Add(i, data)
		f.Add(i, data[:len(data)/2])
		f.Add(i, append(bytes.Clone(data), data...))
	}
	f.Add(1, []byte(`{"dealer_id":"04123","token_sha256":""}`))
	f.Add(0, []byte("PRIVATE+KEY+collector+00000000+"))
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		if which < 0 || which >= len(names) {
			return
		}
		ctx, name := context.Background(), names[which]
		put := func(data []byte) {
			if err := r.store.Put(ctx, name, data, collector.Replace); err != nil {
				t.Fatal(err)
			}
		}
		put(data)
		defer put(whole[name])
		var got bytes.Buffer
		if err := collector.Export(ctx, r.store, dealer, theWeek(), &got); err == nil && got.Len() > 0 && !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s is %q, and the export %q", name, data, got.Bytes())
		}
		_, _ = collector.OpenKey(ctx, r.store, "")
		quiet := *r
		quiet.t, quiet.handler = t, collector.New(r.store, r.key)
		quiet.wire = quiet.handler
		for _, q := range []request{batch, r.get(), {method: http.MethodGet, path: weekPath(), header: http.Header{"Authorization": {"Bearer " + dealer + "."}}}} {
			w := quiet.do(q)
			if w.Code < 300 && q.header.Get("Authorization") != r.header().Get("Authorization") {
				t.Errorf("%s is %q, and a stranger is let in", name, data)
			}
			_, _ = io.Copy(io.Discard, w.Body)
		}
	})
}

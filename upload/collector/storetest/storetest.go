// Package storetest is the suite that every collector.Store passes.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"roagent/upload/collector"
)

// Run runs the suite. open returns two ways into one empty store, as two processes have them; a store that lives in
// one process only may return the same one twice.
func Run(t *testing.T, open func(t *testing.T) (a, b collector.Store)) {
	for name, test := range map[string]func(t *testing.T, a, b collector.Store){
		"what one puts the other gets":      testPutGet,
		"create never replaces":             testCreate,
		"replace replaces":                  testReplace,
		"one of many creators wins":         testCreateRace,
		"a replaced object is never torn":   testReplaceRace,
		"nothing is not an empty object":    testMissing,
		"list":                              testList,
		"versions":                          testVersions,
		"what one removes the other misses": testRemove,
		"remove what is not there":          testRemoveNothing,
		"put where something was removed":   testPutAgain,
		"puts into what is being removed":   testRemoveRace,
		"names that lead elsewhere":         testNames,
		"an ended context":                  testContext,
		"the caller's bytes are the caller": testOwnership,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := open(t)
			test(t, a, b)
		})
	}
}

func testPutGet(t *testing.T, a, b collector.Store) {
	for name, data := range map[string][]byte{
		"receipt.key":                    []byte("at the top"),
		"dealers/04123/2026-W46/b/x.zst": bytes.Repeat([]byte{0, 1, 0xff, '\n'}, 1<<18),
		"dealers/04123/empty":            {},
	} {
		put(t, a, name, data, collector.Create)
		if got := get(t, b, name); !bytes.Equal(got, data) {
			t.Errorf("%s: got %d bytes, want the %d that were put", name, len(got), len(data))
		}
	}
}

func testCreate(t *testing.T, a, b collector.Store) {
	put(t, a, "d/x", []byte("first"), collector.Create)
	for _, store := range []collector.Store{a, b} {
		for _, data := range []string{"first", "second"} {
			if err := store.Put(t.Context(), "d/x", []byte(data), collector.Create); !errors.Is(err, fs.ErrExist) {
				t.Errorf("create over an object: got %v, want fs.ErrExist", err)
			}
		}
	}
	if got := get(t, b, "d/x"); string(got) != "first" {
		t.Errorf("got %q, want what was created first", got)
	}
	want := []string{"d/x"}
	if diff := cmp.Diff(want, list(t, a, "d")); diff != "" {
		t.Errorf("refused creates left something behind (-want +got):\n%s", diff)
	}
}

func testReplace(t *testing.T, a, b collector.Store) {
	put(t, a, "d/x", []byte("longer than what comes"), collector.Replace)
	put(t, b, "d/x", []byte("next"), collector.Replace)
	if got := get(t, a, "d/x"); string(got) != "next" {
		t.Errorf("got %q, want what was put last", got)
	}
}

// testCreateRace is what keeps two collectors on one store from giving receipts for different bytes of one name.
func testCreateRace(t *testing.T, a, b collector.Store) {
	const names, each = 10, 8
	for i := range names {
		name := fmt.Sprintf("dealers/race/%d/x", i)
		var group sync.WaitGroup
		errs := make([]error, each)
		for n := range each {
			store := []collector.Store{a, b}[n%2]
			group.Go(func() { errs[n] = store.Put(t.Context(), name, fmt.Appendf(nil, "from %d", n), collector.Create) })
		}
		group.Wait()
		winners := 0
		for n, err := range errs {
			switch {
			case err == nil:
				winners++
				if got := get(t, a, name); string(got) != fmt.Sprintf("from %d", n) {
					t.Errorf("%d was told that it won, but there is %q", n, got)
				}
			case !errors.Is(err, fs.ErrExist):
				t.Errorf("%d: got %v, want fs.ErrExist", n, err)
			}
		}
		if winners != 1 {
			t.Errorf("%d of %d creates of one name succeeded, want one", winners, each)
		}
	}
}

func testReplaceRace(t *testing.T, a, b collector.Store) {
	const size = 64 << 10
	put(t, a, "d/x", bytes.Repeat([]byte{'a'}, size), collector.Replace)
	var group sync.WaitGroup
	for n, store := range []collector.Store{a, b} {
		group.Go(func() {
			for i := range 10 {
				data := bytes.Repeat([]byte{byte('a' + n*10 + i)}, size)
				if err := store.Put(t.Context(), "d/x", data, collector.Replace); err != nil {
					t.Error(err)
				}
			}
		})
		group.Go(func() {
			for range 50 {
				got, err := store.Get(t.Context(), "d/x")
				if err != nil || len(got) != size || bytes.Count(got, got[:1]) != size {
					t.Errorf("got %d bytes of several puts, or an error: %v", len(got), err)
					return
				}
			}
		})
	}
	group.Wait()
}

func testMissing(t *testing.T, a, _ collector.Store) {
	put(t, a, "d/x/y", nil, collector.Create)
	for _, name := range []string{"z", "d/z", "d/x/y2", "no/folder"} {
		if _, err := a.Get(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s: got %v, want fs.ErrNotExist", name, err)
		}
	}
	if got := list(t, a, "no/folder"); len(got) > 0 {
		t.Errorf("a folder that nothing was put into has %v", got)
	}
}

func testList(t *testing.T, a, b collector.Store) {
	for _, name := range []string{"d/b", "d/a", "d/a.b", "d/sub/c", "dd/e", "d/B"} {
		put(t, a, name, []byte(name), collector.Create)
	}
	for folder, want := range map[string][]string{
		"d":     {"d/B", "d/a", "d/a.b", "d/b", "d/sub/c"},
		"d/sub": {"d/sub/c"},
		"dd":    {"dd/e"},
	} {
		if diff := cmp.Diff(want, list(t, b, folder), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("list %s (-want +got):\n%s", folder, diff)
		}
	}
}

// What another process put is told from what was there before, also where it has the same size and came at once.
func testVersions(t *testing.T, a, b collector.Store) {
	before := ""
	for i := range 20 {
		name := "d/x"
		put(t, a, name, []byte{'a' + byte(i)}, collector.Replace)
		put(t, a, "d/y", make([]byte, 1000), collector.Replace)
		objects, err := b.List(t.Context(), "d")
		if err != nil || len(objects) != 2 || objects[0].Name != name {
			t.Fatalf("list: got %v, %v", objects, err)
		}
		again, err := a.List(t.Context(), "d")
		if diff := cmp.Diff(objects, again); err != nil || diff != "" {
			t.Errorf("two processes see different versions of what did not change: %v\n%s", err, diff)
		}
		if objects[0].Size != 1 || objects[1].Size != 1000 {
			t.Errorf("sizes: got %d and %d, want 1 and 1000", objects[0].Size, objects[1].Size)
		}
		if v := objects[0].Version; v == "" || v == before {
			t.Errorf("put %d has the version %q, and the one before has %q", i+1, v, before)
		}
		before = objects[0].Version
	}
}

func testRemove(t *testing.T, a, b collector.Store) {
	for _, name := range []string{"d/04123/x", "d/04123/w/y", "d/04123/w/v/z", "d/04123.json", "d/041234/x", "d/0412", "e"} {
		put(t, a, name, []byte(name), collector.Create)
	}
	for _, name := range []string{"d/04123", "e"} {
		if err := a.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"d/04123/x", "d/04123/w/v/z", "e"} {
		if _, err := b.Get(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s: got %v, want fs.ErrNotExist", name, err)
		}
	}
	if got := list(t, b, "d/04123"); len(got) > 0 {
		t.Errorf("the folder that was removed has %v", got)
	}
	if diff := cmp.Diff([]string{"d/0412", "d/04123.json", "d/041234/x"}, list(t, b, "d")); diff != "" {
		t.Errorf("names that only begin like the one that was removed (-want +got):\n%s", diff)
	}
}

func testRemoveNothing(t *testing.T, a, b collector.Store) {
	put(t, a, "d/x", nil, collector.Create)
	for _, name := range []string{"e", "d/e", "no/such/folder", "d/x", "d/x", "d", "d"} {
		if err := b.Remove(t.Context(), name); err != nil {
			t.Errorf("remove %s: %v", name, err)
		}
	}
}

// testPutAgain is what a dealer does who is added again.
func testPutAgain(t *testing.T, a, b collector.Store) {
	for i, mode := range []collector.PutMode{collector.Create, collector.Replace, collector.Create} {
		want := fmt.Sprint(i)
		put(t, a, "d/sub/x", []byte(want), mode)
		if got := get(t, b, "d/sub/x"); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if err := []collector.Store{a, b}[i%2].Remove(t.Context(), "d"); err != nil {
			t.Fatal(err)
		}
	}
}

// testRemoveRace holds that a put whose folder vanishes fails or stays, and that removing again ends it.
func testRemoveRace(t *testing.T, a, b collector.Store) {
	var group sync.WaitGroup
	for n, store := range []collector.Store{a, b} {
		group.Go(func() {
			for i := range 50 {
				_ = store.Put(t.Context(), fmt.Sprintf("d/%d/%d", i%3, n), []byte("x"), collector.Replace)
			}
		})
		group.Go(func() {
			for range 50 {
				_ = store.Remove(t.Context(), "d")
			}
		})
	}
	group.Wait()
	if err := a.Remove(t.Context(), "d"); err != nil {
		t.Fatal(err)
	}
	if got := list(t, b, "d"); len(got) > 0 {
		t.Errorf("what nobody puts any more was removed, and there is %v", got)
	}
	put(t, b, "d/1/x", []byte("x"), collector.Create)
	get(t, a, "d/1/x")
}

func testNames(t *testing.T, a, _ collector.Store) {
	for _, name := range []string{
		"", ".", "..", "/etc/passwd", "../x", "d/../x", "d/../../x", "d//x", "d/", "./x", "d/./x",
		".hidden", "d/.tmp-x", `d\..\x`, `C:\x`, "d/x:stream", "d/x\x00", "d/\xff",
	} {
		if err := a.Put(t.Context(), name, []byte("x"), collector.Create); err == nil {
			t.Errorf("put %q was taken", name)
		}
		if _, err := a.Get(t.Context(), name); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %q: got %v, want it refused", name, err)
		}
		if _, err := a.List(t.Context(), name); err == nil {
			t.Errorf("list %q was taken", name)
		}
		if err := a.Remove(t.Context(), name); err == nil {
			t.Errorf("remove %q was taken", name)
		}
	}
}

func testContext(t *testing.T, a, b collector.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Put(ctx, "d/x", nil, collector.Create); !errors.Is(err, context.Canceled) {
		t.Errorf("put: got %v, want context.Canceled", err)
	}
	if _, err := a.Get(ctx, "d/x"); !errors.Is(err, context.Canceled) {
		t.Errorf("get: got %v, want context.Canceled", err)
	}
	if _, err := a.List(ctx, "d"); !errors.Is(err, context.Canceled) {
		t.Errorf("list: got %v, want context.Canceled", err)
	}
	if got := list(t, b, "d"); len(got) > 0 {
		t.Errorf("a put that was given up left %v", got)
	}
	put(t, b, "d/x", nil, collector.Create)
	if err := a.Remove(ctx, "d"); !errors.Is(err, context.Canceled) {
		t.Errorf("remove: got %v, want context.Canceled", err)
	}
	get(t, b, "d/x")
}

func testOwnership(t *testing.T, a, _ collector.Store) {
	data := []byte("as it was put")
	put(t, a, "d/x", data, collector.Create)
	clear(data)
	clear(get(t, a, "d/x"))
	if got := get(t, a, "d/x"); !strings.HasPrefix(string(got), "as it") {
		t.Errorf("got %q: the store shares its bytes with callers", got)
	}
}

func put(t *testing.T, s collector.Store, name string, data []byte, mode collector.PutMode) {
	t.Helper()
	if err := s.Put(t.Context(), name, data, mode); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s collector.Store, name string) []byte {
	t.Helper()
	data, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func list(t *testing.T, s collector.Store, folder string) []string {
	t.Helper()
	names, err := collector.Names(t.Context(), s, folder)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

package collector_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"roagent/upload/collector"
)

// beforePut does something before each Put.
type beforePut struct {
	collector.Store
	then func(name string)
}

func (b *beforePut) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	b.then(name)
	return b.Store.Put(ctx, name, data, mode)
}

func record(t *testing.T, store collector.Store, detail string) {
	t.Helper()
	if err := collector.Record(t.Context(), store, collector.Act{By: "ann", Act: "test", Detail: detail}); err != nil {
		t.Fatal(err)
	}
}

func acts(t *testing.T, store collector.Store) ([]collector.Act, error) {
	var all []collector.Act
	err := collector.Acts(t.Context(), store, func(a collector.Act) error {
		all = append(all, a)
		return nil
	})
	return all, err
}

// Where another act takes the number first, this one gets the next, and the chain holds.
func TestActsAtOnce(t *testing.T) {
	store := collector.NewMemStore()
	others := 3
	crowded := &beforePut{store, func(string) {
		if others > 0 {
			others--
			record(t, store, "another")
		}
	}}
	record(t, crowded, "this one")
	all, err := acts(t, store)
	if err != nil || len(all) != 4 || all[3].Detail != "this one" || all[3].N != 4 {
		t.Fatalf("got %+v, %v", all, err)
	}
}

// Whatever is done to an act that has one behind it is found.
func TestActsChanged(t *testing.T) {
	for name, spoil := range map[string]func(data []byte) []byte{
		"another person":  func(data []byte) []byte { return []byte(strings.Replace(string(data), "ann", "bob", 1)) },
		"another form":    func(data []byte) []byte { return append(data, ' ') },
		"no JSON":         func([]byte) []byte { return []byte("{") },
		"another's place": func(data []byte) []byte { return []byte(strings.Replace(string(data), `"n":2`, `"n":1`, 1)) },
		"taken out":       func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			store := collector.NewMemStore()
			for range 3 {
				record(t, store, "x")
			}
			if _, err := acts(t, store); err != nil {
				t.Fatal(err)
			}
			data, err := store.Get(t.Context(), "audit/000000002.json")
			if err != nil {
				t.Fatal(err)
			}
			if changed := spoil(data); changed == nil {
				err = store.Remove(t.Context(), "audit/000000002.json")
			} else {
				err = store.Put(t.Context(), "audit/000000002.json", changed, collector.Replace)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := acts(t, store); err == nil {
				t.Error("it was not found")
			} else if _, ok := errors.AsType[*collector.AuditError](err); !ok {
				t.Errorf("got %v, want an AuditError", err)
			}
		})
	}
}

func TestActsRefused(t *testing.T) {
	store := collector.NewMemStore()
	for _, a := range []collector.Act{
		{Act: "x"},
		{By: "ann"},
		{By: "ann", Act: "x", Dealer: "../x"},
		{By: "ann\n", Act: "x"},
		{By: "ann", Act: "x", Detail: strings.Repeat("a", 301)},
	} {
		if err := collector.Record(t.Context(), store, a); err == nil {
			t.Errorf("%+v was taken", a)
		}
	}
	if all, err := acts(t, store); err != nil || len(all) > 0 {
		t.Errorf("on record are %v, %v", all, err)
	}
}

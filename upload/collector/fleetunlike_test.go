package collector_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap"
	"roagent/upload/collector"
)

// profiled closes a week whose manifest tells of that many orders.
func (r *rig) profiled(w fieldmap.Week, orders int) int {
	r.t.Helper()
	m := manifestOf()
	m.Week, m.Profile = w.String(), &fieldmap.Profile{Orders: orders}
	return r.do(r.json("/v1/dealers/"+dealer+"/weeks/"+w.String(), m)).Code
}

func (r *rig) unlike(w fieldmap.Week) []string {
	r.t.Helper()
	x := collector.NewFleetIndex(r.store)
	read, err := x.Week(context.Background(), w)
	if err != nil {
		r.t.Fatal(err)
	}
	return read.Entries[dealer].Unlike
}

// A week of 4 orders instead of 100 is told apart from the store's weeks before it when it closes; a damaged one among these does not
// matter, and a rebuilt fleet says the same.
func TestWeekUnlikeThoseBefore(t *testing.T) {
	store := &failing{Store: collector.NewMemStore()}
	r := newRig(t, store)
	last := theWeek()
	for n := 9; n > 0; n-- {
		if got := r.profiled(last.Add(-n), 100+n); got != 201 {
			t.Fatal(got)
		}
	}
	if got := r.unlike(last.Add(-1)); len(got) > 0 {
		t.Errorf("a week like the others: %v", got)
	}
	damaged := "dealers/" + dealer + "/" + last.Add(-3).String() + "/manifest.json"
	if err := r.store.Put(t.Context(), damaged, []byte("{"), collector.Replace); err != nil {
		t.Fatal(err)
	}
	store.name = "dealers/" + dealer + "/" + last.Add(-5).String() + "/manifest.json"
	if got := r.profiled(last, 4); got != 500 {
		t.Errorf("where the weeks before cannot be read it answers %d", got)
	}
	store.name = ""
	if got := r.profiled(last, 4); got != 200 {
		t.Fatal(got)
	}
	said := r.unlike(last)
	if len(said) != 1 || !strings.HasPrefix(said[0], "4 orders; this store's last 8 weeks had ") {
		t.Errorf("it says %q", said)
	}
	if _, err := collector.RebuildFleet(t.Context(), r.store, last); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said, r.unlike(last)); diff != "" {
		t.Errorf("rebuilt (-want +got):\n%s", diff)
	}
}

// failing is a store that cannot read one object.
type failing struct {
	collector.Store
	name string
}

func (f *failing) Get(ctx context.Context, name string) ([]byte, error) {
	if name == f.name {
		return nil, errors.Join(errors.New("input/output error"), fs.ErrPermission)
	}
	return f.Store.Get(ctx, name)
}

package upload_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/upload"
)

func TestAccessIsTheLatestOne(t *testing.T) {
	q := newSite(t).queue
	if _, ok, err := q.ApprovedAccess(); ok || err != nil {
		t.Errorf("approved without an approval: %v", err)
	}
	at := time.Date(2026, 11, 16, 3, 0, 0, 0, time.UTC)
	for i, names := range [][]string{{"table b", "column a"}, {"table c"}} {
		if err := q.RecordAccess("Dana", names, at.Add(time.Duration(i))); err != nil {
			t.Fatal(err)
		}
	}
	got, ok, err := q.ApprovedAccess()
	want := upload.AccessApproval{Who: "Dana", Names: []string{"table c"}, At: at.Add(1)}
	if diff := cmp.Diff(want, got); diff != "" || !ok || err != nil {
		t.Error(ok, err, diff)
	}
	proof := upload.AccessProof{Tried: 2, Names: []string{"dbo.Customer.SSN"}, Readable: []string{"dbo.Part.DealerCost"}, At: at}
	if err := q.RecordProof(proof); err != nil {
		t.Fatal(err)
	}
	last, ok, err := q.LastProof()
	if diff := cmp.Diff(proof, last); diff != "" || !ok || err != nil {
		t.Error(ok, err, diff)
	}
}

func TestAccessCovers(t *testing.T) {
	a := upload.AccessApproval{Names: []string{"server role sysadmin", "table dbo.Customer", "column dbo.Part.DealerCost"}}
	for name, want := range map[string]bool{
		"server role sysadmin": true, "server role sysadmin2": false, "table dbo.Customer": true, "column dbo.Customer.SSN": true, "column DBO.customer.ssn": true,
		"column dbo.CustomerNote.Text": false, "table dbo.CustomerNote": false, "column dbo.Part.DealerCost": true, "table dbo.Part": false, "column dbo.Part.Price": false,
		"column dbo.Customer": false, "": false,
	} {
		if got := a.Covers(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

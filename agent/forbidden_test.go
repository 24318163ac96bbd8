package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"roagent/extract/sampledms"
	"roagent/fieldmap"
)

// A ledger may hold the approval of one person of what takes two: no pull goes by it.
func TestPullNeedsTheSecondApprover(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 5, batchOrders: 5})
	text := strings.Replace(sampledms.Whitelist, "column: vehicle.Make,", "column: vehicle.LeasePayment, override: the recall fund pays by it,", 1)
	r.write(t, "fieldmap.yaml", text)
	whitelist, err := fieldmap.Parse("fieldmap.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	q := r.open(t)
	err = errors.Join(q.RecordApproval("Dana Dealer", "", whitelist.Digest(), string(whitelist.Canonical()), time.Now()), q.Close())
	if err != nil {
		t.Fatal(err)
	}
	code, out := r.run(t, "pull")
	if want := "takes the word of two people: vehicle.LeasePayment (lease data)"; code != exitRefused || !strings.Contains(out, want) {
		t.Errorf("ended with %d:\n%s", code, out)
	}
	if out := r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer", "--second", "Sam Second"); !strings.HasPrefix(out, "approved by Dana Dealer and Sam Second") {
		t.Errorf("printed %s", out)
	}
	r.mustRun(t, "pull")
	if got := r.export(t); !strings.Contains(got, sampledms.Canaries()[1]) {
		t.Error("what two people approved is not sent")
	}
}

// TestForbiddenColumnsOfTheSample holds that each of the sample DMS's canary columns that its name gives away is refused.
func TestForbiddenColumnsOfTheSample(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 5, batchOrders: 5})
	for _, column := range []string{"customer.SSN", "customer.BankAccount", "customer.CreditLimit", "vehicle.LeasePayment", "GLAccount"} {
		r.write(t, "fieldmap.yaml", strings.Replace(sampledms.Whitelist, "column: vehicle.Make,", "column: "+column+",", 1))
		code, out := r.run(t, "pull")
		if code != exitRefused || !strings.Contains(out, "nothing is read") {
			t.Errorf("%s: ended with %d:\n%s", column, code, out)
		}
	}
	q := r.open(t)
	defer q.Close()
	if pending, err := q.Pending(); err != nil || pending.Batches > 0 {
		t.Errorf("%d batches are queued: %v", pending.Batches, err)
	}
}

func TestForbiddenIsRed(t *testing.T) {
	var b bytes.Buffer
	fmt.Fprint(redWriter{&b}, "  a  FORBIDDEN  b\n")
	if got, want := b.String(), "  a  \x1b[1;31mFORBIDDEN\x1b[0m  b\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if (&program{stdout: &checkedWriter{to: &b}}).colors() {
		t.Error("colours where nobody sees them")
	}
}

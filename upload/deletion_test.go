package upload_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

func sampleDeletion() upload.DeletionReceipt {
	return upload.DeletionReceipt{Dealer: dealer, Left: time.Date(2026, 11, 16, 10, 30, 5, 0, time.UTC), Weeks: 3, Batches: 12, Orders: 5500}
}

const sampleDeletionText = `roagent deletion receipt v1
dealer: 04123
left: 2026-11-16T10:30:05Z
weeks: 3
batches: 12
orders: 5500
`

func TestDeletionReceiptRoundTrip(t *testing.T) {
	signer, verifier := uploadtest.NewKey(t, "collector.test")
	signed, err := sampleDeletion().Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(signed), sampleDeletionText+"\n— collector.test ") {
		t.Errorf("signed: %s", signed)
	}
	got, err := upload.OpenDeletionReceipt(signed, verifier, dealer)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sampleDeletion(), got); diff != "" {
		t.Error(diff)
	}
	if again, err := got.Sign(signer); err != nil || string(again) != string(signed) {
		t.Errorf("signed again it is another one: %s, %v", again, err)
	}
}

// A valid signature is not enough.
func TestOpenDeletionReceiptRefuses(t *testing.T) {
	signer, verifier := uploadtest.NewKey(t, "collector.test")
	stranger, _ := uploadtest.NewKey(t, "collector.test")
	tests := map[string]string{
		"another dealer":   strings.Replace(sampleDeletionText, "04123", "04124", 1),
		"another title":    strings.Replace(sampleDeletionText, "v1", "v2", 1),
		"another order":    strings.Replace(sampleDeletionText, "weeks: 3\nbatches: 12", "batches: 12\nweeks: 3", 1),
		"a line too many":  sampleDeletionText + "more: 1\n",
		"a line too few":   strings.Replace(sampleDeletionText, "weeks: 3\n", "", 1),
		"a negative count": strings.Replace(sampleDeletionText, "weeks: 3", "weeks: -3", 1),
		"a padded count":   strings.Replace(sampleDeletionText, "weeks: 3", "weeks: 03", 1),
		"no count":         strings.Replace(sampleDeletionText, "weeks: 3", "weeks: three", 1),
		"no time":          strings.Replace(sampleDeletionText, "2026-11-16T10:30:05Z", "yesterday", 1),
		"another zone":     strings.Replace(sampleDeletionText, "10:30:05Z", "10:30:05+01:00", 1),
		"a batch receipt":  "roagent receipt v1\ndealer: 04123\nweek: 2026-W46\nbatch: " + strings.Repeat("ab", 32) + "\norders: 1\nstored: 2026-11-16T10:30:05Z\n",
	}
	for name, text := range tests {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := upload.OpenDeletionReceipt(signed, verifier, dealer); !errors.Is(err, upload.ErrReceipt) {
			t.Errorf("%s: got %+v, %v, want ErrReceipt", name, got, err)
		}
	}
	foreign, err := sampleDeletion().Sign(stranger)
	if err != nil {
		t.Fatal(err)
	}
	for name, signed := range map[string][]byte{"another key": foreign, "too long": append(foreign, make([]byte, upload.MaxReceipt)...), "nothing": nil} {
		if _, err := upload.OpenDeletionReceipt(signed, verifier, dealer); !errors.Is(err, upload.ErrReceipt) {
			t.Errorf("%s: got %v, want ErrReceipt", name, err)
		}
	}
}

// FuzzOpenDeletionReceipt holds that whatever a collector signs is refused or reads back as exactly that.
func FuzzOpenDeletionReceipt(f *testing.F) {
	signer, verifier := uploadtest.NewKey(f, "collector.test")
	f.Add([]byte(sampleDeletionText))
	f.Add([]byte(strings.Replace(sampleDeletionText, "3", "-3", 1)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := upload.OpenDeletionReceipt(data, verifier, dealer); err != nil && !errors.Is(err, upload.ErrReceipt) {
			t.Errorf("got %v", err)
		}
		signed, err := note.Sign(&note.Note{Text: string(data)}, signer)
		if err != nil {
			return // no note's text
		}
		receipt, err := upload.OpenDeletionReceipt(signed, verifier, dealer)
		if err != nil {
			return
		}
		again, err := receipt.Sign(signer)
		if err != nil || string(again) != string(signed) || receipt.Dealer != dealer {
			t.Errorf("%q reads as %q (%v)", signed, again, err)
		}
	})
}

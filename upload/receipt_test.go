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

func sampleReceipt(t testing.TB) upload.Receipt {
	return upload.Receipt{
		Dealer: dealer, Week: week(t, "2026-W46"), What: upload.BatchReceipt, ID: strings.Repeat("ab", 32), Orders: 500,
		Stored: time.Date(2026, 11, 16, 10, 30, 5, 0, time.UTC),
	}
}

func TestReceiptRoundTrip(t *testing.T) {
	signer, verifier := uploadtest.NewKey(t, "collector.test")
	want := sampleReceipt(t)
	signed, err := want.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(signed), "roagent receipt v1\ndealer: 04123\nweek: 2026-W46\nbatch: abab") {
		t.Errorf("signed: %s", signed)
	}
	got, err := upload.OpenReceipt(signed, verifier)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := got.Proves(want); err != nil {
		t.Error(err)
	}
}

// TestOpenReceiptRefuses signs texts that are no receipts: a valid signature is not enough.
func TestOpenReceiptRefuses(t *testing.T) {
	signer, verifier := uploadtest.NewKey(t, "collector.test")
	text := func(change func(lines []string) []string) string {
		signed, err := sampleReceipt(t).Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		plain, _, _ := strings.Cut(string(signed), "\n\n")
		return strings.Join(change(strings.Split(plain, "\n")), "\n") + "\n"
	}
	set := func(line int, value string) string {
		return text(func(lines []string) []string { lines[line] = value; return lines })
	}
	tests := map[string]string{
		"another title":       set(0, "roagent receipt v2"),
		"a line more":         text(func(lines []string) []string { return append(lines, "more: 1") }),
		"a line less":         text(func(lines []string) []string { return lines[:5] }),
		"another kind":        set(3, "order: "+strings.Repeat("ab", 32)),
		"a week that is none": set(2, "week: 2026-W54"),
		"orders in words":     set(4, "orders: many"),
		"orders with a plus":  set(4, "orders: +500"),
		"no time":             set(5, "stored: yesterday"),
		"another zone":        set(5, "stored: 2026-11-16T11:30:05+01:00"),
		"a fraction":          set(5, "stored: 2026-11-16T10:30:05.5Z"),
		"lines swapped":       text(func(lines []string) []string { lines[1], lines[2] = lines[2], lines[1]; return lines }),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			signed, err := note.Sign(&note.Note{Text: text}, signer)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := upload.OpenReceipt(signed, verifier); !errors.Is(err, upload.ErrReceipt) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// FuzzOpenReceipt holds that whatever a collector signs is refused or reads back as exactly that.
func FuzzOpenReceipt(f *testing.F) {
	signer, verifier := uploadtest.NewKey(f, "collector.test")
	signed, err := sampleReceipt(f).Sign(signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	text, _, _ := strings.Cut(string(signed), "\n\n")
	f.Add([]byte(text + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := upload.OpenReceipt(data, verifier); err != nil && !errors.Is(err, upload.ErrReceipt) {
			t.Errorf("got %v", err)
		}
		signed, err := note.Sign(&note.Note{Text: string(data)}, signer)
		if err != nil {
			return // no note's text
		}
		receipt, err := upload.OpenReceipt(signed, verifier)
		if err != nil {
			return
		}
		again, err := receipt.Sign(signer)
		if err != nil || string(again) != string(signed) {
			t.Errorf("%q reads as %q (%v)", signed, again, err)
		}
	})
}

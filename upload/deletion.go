package upload

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// DeletionReceipt is the collector's signed word that it has deleted all that it held of a dealer who left. It counts what
// was held when the dealer asked for it. On the wire it is a C2SP signed note (Ed25519).
type DeletionReceipt struct {
	Dealer  string    `json:"dealer"`
	Left    time.Time `json:"left"`    // when the dealer asked, UTC, to the second: nothing was taken from then on
	Weeks   int       `json:"weeks"`   // of which anything was held
	Batches int       `json:"batches"` // for which receipts were given
	Orders  int       `json:"orders"`  // lines in those batches
}

const deletionTitle = "roagent deletion receipt v1"

// Sign returns the receipt as a signed note. The same receipt and key give the same bytes.
func (r DeletionReceipt) Sign(signer note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: r.text()}, signer)
}

func (r DeletionReceipt) text() string {
	return fmt.Sprintf("%s\ndealer: %s\nleft: %s\nweeks: %d\nbatches: %d\norders: %d\n",
		deletionTitle, r.Dealer, r.Left.UTC().Format(time.RFC3339), r.Weeks, r.Batches, r.Orders)
}

// OpenDeletionReceipt verifies a signed deletion receipt of a dealer and reads it. Its errors wrap [ErrReceipt].
func OpenDeletionReceipt(signed []byte, verifier note.Verifier, dealer string) (DeletionReceipt, error) {
	text, err := openNote(signed, verifier)
	if err != nil {
		return DeletionReceipt{}, err
	}
	r, err := parseDeletionReceipt(text)
	if err == nil && r.Dealer != dealer {
		err = fmt.Errorf("%w: it is for dealer %s, not for dealer %s", ErrReceipt, r.Dealer, dealer)
	}
	return r, err
}

// Deletion returns what the collector deleted, by the receipt of a [LeftEntry]; ok is false where there is none. The receipt was
// verified when it came, and is not again.
func (e *Entry) Deletion() (r DeletionReceipt, ok bool) {
	text, _, _ := strings.Cut(e.Receipt, "\n\n")
	r, err := parseDeletionReceipt(text + "\n")
	return r, e.Kind == LeftEntry && err == nil
}

func parseDeletionReceipt(text string) (DeletionReceipt, error) {
	var r DeletionReceipt
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 6 || lines[0] != deletionTitle {
		return r, fmt.Errorf("%w: it is not a %s", ErrReceipt, deletionTitle)
	}
	var errs [5]error
	for i, read := range []struct {
		name string
		into func(value string) error
	}{
		{"dealer", func(s string) error { r.Dealer = s; return nil }},
		{"left", func(s string) (err error) { r.Left, err = time.Parse(time.RFC3339, s); return err }},
		{"weeks", func(s string) (err error) { r.Weeks, err = strconv.Atoi(s); return err }},
		{"batches", func(s string) (err error) { r.Batches, err = strconv.Atoi(s); return err }},
		{"orders", func(s string) (err error) { r.Orders, err = strconv.Atoi(s); return err }},
	} {
		value, ok := strings.CutPrefix(lines[i+1], read.name+": ")
		if !ok {
			return r, fmt.Errorf("%w: line %d is not %q", ErrReceipt, i+2, read.name)
		}
		errs[i] = read.into(value)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if r.text() != text || min(r.Weeks, r.Batches, r.Orders) < 0 {
		return r, fmt.Errorf("%w: it is not in the canonical form", ErrReceipt)
	}
	return r, nil
}

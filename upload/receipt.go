package upload

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"roagent/fieldmap"
)

// Receipt is the collector's signed word that something is stored durably: a batch, or the manifest of a week.
// On the wire it is a C2SP signed note (Ed25519).
type Receipt struct {
	Dealer string
	Week   fieldmap.Week
	What   ReceiptKind
	ID     string    // batch id, or the SHA-256 of the manifest's bytes; lower-case hex
	Orders int       // lines in the batch, or in all batches of the manifest
	Stored time.Time // UTC, to the second
}

// ReceiptKind is what a receipt is for.
type ReceiptKind string

// What receipts are given for.
const (
	BatchReceipt    ReceiptKind = "batch"
	ManifestReceipt ReceiptKind = "manifest"
)

// MaxReceipt is the most bytes a signed receipt may have.
const MaxReceipt = 4 << 10

const receiptTitle = "roagent receipt v1"

// ErrReceipt is wrapped by every error about a receipt that does not prove what it should.
var ErrReceipt = errors.New("the receipt does not verify")

// Sign returns the receipt as a signed note.
func (r Receipt) Sign(signer note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: r.text()}, signer)
}

func (r Receipt) text() string {
	return fmt.Sprintf("%s\ndealer: %s\nweek: %s\n%s: %s\norders: %d\nstored: %s\n",
		receiptTitle, r.Dealer, r.Week, r.What, r.ID, r.Orders, r.Stored.UTC().Format(time.RFC3339))
}

// OpenReceipt verifies a signed receipt and reads it. The caller compares it with what it sent: see [Receipt.Proves].
func OpenReceipt(signed []byte, verifier note.Verifier) (Receipt, error) {
	text, err := openNote(signed, verifier)
	if err != nil {
		return Receipt{}, err
	}
	return parseReceipt(text)
}

// openNote returns the text of a signed note, which the verifier's key signed.
func openNote(signed []byte, verifier note.Verifier) (text string, err error) {
	if len(signed) > MaxReceipt {
		return "", fmt.Errorf("%w: it has %d bytes, more than %d", ErrReceipt, len(signed), MaxReceipt)
	}
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return "", fmt.Errorf("%w: it is not signed by %s (receipt_key): %w", ErrReceipt, verifier.Name(), err)
	}
	return n.Text, nil
}

func parseReceipt(text string) (Receipt, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 6 || lines[0] != receiptTitle {
		return Receipt{}, fmt.Errorf("%w: it is not a %s", ErrReceipt, receiptTitle)
	}
	what, _, _ := strings.Cut(lines[3], ": ")
	r := Receipt{What: ReceiptKind(what)}
	if r.What != BatchReceipt && r.What != ManifestReceipt {
		return Receipt{}, fmt.Errorf("%w: it is for neither a batch nor a manifest", ErrReceipt)
	}
	var week, orders, stored string
	for i, want := range []struct {
		name string
		into *string
	}{{"dealer", &r.Dealer}, {"week", &week}, {what, &r.ID}, {"orders", &orders}, {"stored", &stored}} {
		value, ok := strings.CutPrefix(lines[i+1], want.name+": ")
		if !ok {
			return Receipt{}, fmt.Errorf("%w: line %d is not %q", ErrReceipt, i+2, want.name)
		}
		*want.into = value
	}
	var errWeek, errOrders, errStored error
	r.Week, errWeek = fieldmap.ParseWeek(week)
	r.Orders, errOrders = strconv.Atoi(orders)
	r.Stored, errStored = time.Parse(time.RFC3339, stored)
	if err := errors.Join(errWeek, errOrders, errStored); err != nil {
		return Receipt{}, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if r.text() != text {
		return Receipt{}, fmt.Errorf("%w: it is not in the canonical form", ErrReceipt)
	}
	return r, nil
}

// Proves reports whether r is the receipt for what was sent; Stored is the collector's to say.
func (r Receipt) Proves(sent Receipt) error {
	sent.Stored = r.Stored
	if r != sent {
		return fmt.Errorf("%w: it is for %s %.12s of dealer %s, %s, %d orders; sent was %s %.12s of dealer %s, %s, %d orders", ErrReceipt,
			r.What, r.ID, r.Dealer, r.Week, r.Orders, sent.What, sent.ID, sent.Dealer, sent.Week, sent.Orders)
	}
	return nil
}

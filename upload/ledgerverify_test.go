package upload_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"roagent/upload"
	"roagent/upload/uploadtest"
)

// fullLedger returns a site whose ledger holds an entry of most kinds, and how many there are.
func fullLedger(t testing.TB) (*site, uint64) {
	t.Helper()
	s := newSite(t)
	if err := s.queue.RecordApproval("kim", "", s.orders.Digest(), s.orders.Text(), time.Now()); err != nil {
		t.Fatal(err)
	}
	s.collector.Refuse = refuseBad
	s.pull("2026-W45", order("RO1", "oil"), order("RO2", "bad"))
	s.send()
	s.pull("2026-W46", order("RO3", "oil"))
	s.send()
	if err := s.queue.Drop(1, "kim"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.queue.Purge(time.Now().Add(time.Hour)); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	sum, err := s.queue.VerifyLedger(s.collector.Verifier)
	if err != nil || sum.Receipts < 4 {
		t.Fatalf("%+v: %v", sum, err)
	}
	return s, uint64(sum.Entries)
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func ledgerOf(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte("ledger")) }

// first returns the entry that an error names; 0 where it names none.
func first(err error) uint64 {
	var bad *upload.LedgerError
	if !errors.As(err, &bad) {
		return 0
	}
	return bad.Number
}

// FuzzLedgerEntry puts any bytes in the place of an entry, or behind the last: each is found, and named, but for the
// entry's own bytes.
func FuzzLedgerEntry(f *testing.F) {
	s, entries := fullLedger(f)
	var raw [][]byte
	for n := uint64(1); n <= entries; n++ {
		e, ok, err := s.queue.LedgerEntry(n)
		if !ok || err != nil {
			f.Fatal(ok, err)
		}
		raw = append(raw, e.Raw)
		f.Add(n, e.Raw)
		f.Add(n+1, e.Raw)
	}
	f.Add(uint64(1), []byte(`{"number":1,"kind":"approval","previous":"`+strings.Repeat("e3", 32)+`","text":"\ud800"}`))
	f.Fuzz(func(t *testing.T, n uint64, text []byte) {
		n = n%(entries+1) + 1
		err := s.queue.VerifyTampered(func(tx *bbolt.Tx) error { return ledgerOf(tx).Put(number(n), text) }, s.collector.Verifier)
		same := n <= entries && bytes.Equal(text, raw[n-1])
		if same != (err == nil) || !same && first(err) != n {
			t.Errorf("entry %d of %d is %q: %v", n, entries, text, err)
		}
	})
}

// TestLedgerEveryByte changes every byte of a ledger, one at a time: each change is found, and the entry is named that
// it is in.
func TestLedgerEveryByte(t *testing.T) {
	s, entries := fullLedger(t)
	changes := 0
	for n := uint64(1); n <= entries; n++ {
		e, ok, err := s.queue.LedgerEntry(n)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		for at := range e.Raw {
			for _, bit := range []byte{0x01, 0x20, 0x80} { // 0x20 changes a letter's case, which encoding/json takes for the same name
				err := s.queue.VerifyTampered(func(tx *bbolt.Tx) error {
					text := bytes.Clone(e.Raw)
					text[at] ^= bit
					return ledgerOf(tx).Put(number(n), text)
				})
				if first(err) != n {
					t.Fatalf("byte %d of entry %d changed by %#x: %v", at, n, bit, err)
				}
				changes++
			}
		}
	}
	for at := range 8 {
		for n := uint64(1); n <= entries; n++ {
			err := s.queue.VerifyTampered(func(tx *bbolt.Tx) error {
				key, text := number(n), bytes.Clone(ledgerOf(tx).Get(number(n)))
				key[at] ^= 0x40
				return errors.Join(ledgerOf(tx).Delete(number(n)), ledgerOf(tx).Put(key, text))
			})
			if first(err) != n {
				t.Fatalf("byte %d of the number of entry %d changed: %v", at, n, err)
			}
		}
	}
	t.Logf("%d changes of %d entries were found", changes, entries)
}

// TestLedgerMoved removes, swaps, repeats and cuts off entries, at every place.
func TestLedgerMoved(t *testing.T) {
	s, entries := fullLedger(t)
	tests := map[string]func(b *bbolt.Bucket, n uint64) error{
		"removed": func(b *bbolt.Bucket, n uint64) error { return b.Delete(number(n)) },
		"removed, and the rest moved up": func(b *bbolt.Bucket, n uint64) error {
			for ; n < entries; n++ {
				if err := b.Put(number(n), bytes.Clone(b.Get(number(n+1)))); err != nil {
					return err
				}
			}
			return b.Delete(number(entries))
		},
		"repeated": func(b *bbolt.Bucket, n uint64) error {
			for i := entries; i >= n; i-- {
				if err := b.Put(number(i+1), bytes.Clone(b.Get(number(i)))); err != nil {
					return err
				}
			}
			return nil
		},
		"swapped with the next": func(b *bbolt.Bucket, n uint64) error {
			one, two := bytes.Clone(b.Get(number(n))), bytes.Clone(b.Get(number(n+1)))
			if two == nil {
				return b.Delete(number(n))
			}
			return errors.Join(b.Put(number(n), two), b.Put(number(n+1), one))
		},
		"cut off from here": func(b *bbolt.Bucket, n uint64) error {
			for ; n <= entries; n++ {
				if err := b.Delete(number(n)); err != nil {
					return err
				}
			}
			return nil
		},
		"with bytes after it": func(b *bbolt.Bucket, n uint64) error {
			return b.Put(number(n), append(bytes.Clone(b.Get(number(n))), ' '))
		},
		"with a member twice": func(b *bbolt.Bucket, n uint64) error {
			return b.Put(number(n), bytes.Replace(b.Get(number(n)), []byte(`{`), []byte(`{"kind":"approval",`), 1))
		},
	}
	for name, tamper := range tests {
		t.Run(name, func(t *testing.T) {
			for n := uint64(1); n <= entries; n++ {
				want := n
				if name == "repeated" {
					want = n + 1
				}
				if err := s.queue.VerifyTampered(func(tx *bbolt.Tx) error { return tamper(ledgerOf(tx), n) }); first(err) != want {
					t.Errorf("entry %d: %v", n, err)
				}
			}
		})
	}
}

// TestLedgerEnd cuts entries off together with what the file notes of the ledger's end.
func TestLedgerEnd(t *testing.T) {
	s, entries := fullLedger(t)
	cut := func(tx *bbolt.Tx, last uint64) error {
		for n := last + 1; n <= entries; n++ {
			if err := ledgerOf(tx).Delete(number(n)); err != nil {
				return err
			}
		}
		return nil
	}
	note := func(tx *bbolt.Tx, last uint64) error {
		sum := upload.StoredEntry{Raw: ledgerOf(tx).Get(number(last))}
		return tx.Bucket([]byte("meta")).Put([]byte("ledger"), append(number(last), sum.Digest()...))
	}
	for last := uint64(1); last < entries; last++ {
		err := s.queue.VerifyTampered(func(tx *bbolt.Tx) error { return errors.Join(cut(tx, last), note(tx, last)) })
		if first(err) != last+1 {
			t.Errorf("cut off after %d with the note: %v", last, err)
		}
		err = s.queue.VerifyTampered(func(tx *bbolt.Tx) error {
			return errors.Join(cut(tx, last), note(tx, last), ledgerOf(tx).SetSequence(last))
		})
		// The last entries are of a drop and a purge, which nothing else in the file tells of: that takes a digest kept elsewhere.
		if last < entries-2 && first(err) != last+1 {
			t.Errorf("cut off after %d with every note: %v", last, err)
		}
	}
	for name, tamper := range map[string]func(tx *bbolt.Tx) error{
		"no note":      func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Delete([]byte("ledger")) },
		"half a note":  func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("ledger"), []byte("half")) },
		"another note": func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("ledger"), number(entries)) },
		"counted less": func(tx *bbolt.Tx) error { return ledgerOf(tx).SetSequence(entries - 1) },
	} {
		if err := s.queue.VerifyTampered(tamper); first(err) != entries {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.queue.VerifyTampered(func(tx *bbolt.Tx) error {
		return errors.Join(cut(tx, 0), tx.Bucket([]byte("meta")).Delete([]byte("ledger")))
	}); first(err) != 1 {
		t.Errorf("all cut off: %v", err)
	}
}

// TestLedgerReceipts holds that an entry is believed only with its own receipt, and after a change of the collector's
// key with one of either key.
func TestLedgerReceipts(t *testing.T) {
	s, _ := fullLedger(t)
	_, other := uploadtest.NewKey(t, "collector.other")
	batch := uint64(0)
	for e, err := range s.queue.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == upload.BatchEntry && batch == 0 {
			batch = e.Number
		}
	}
	if _, err := s.queue.VerifyLedger(other); first(err) != batch || !errors.Is(err, upload.ErrReceipt) {
		t.Errorf("with another collector's key: %v", err)
	}
	if sum, err := s.queue.VerifyLedger(other, s.collector.Verifier); err != nil || sum.Receipts == 0 {
		t.Errorf("with both keys: %+v, %v", sum, err)
	}
	// A forger who writes the whole chain anew, with the receipt of one batch for another.
	err := s.queue.VerifyTampered(func(tx *bbolt.Tx) error {
		text := string(ledgerOf(tx).Get(number(batch)))
		_, id, _ := strings.Cut(text, `"id":"`)
		return rewrite(tx, batch, strings.Replace(text, `"id":"`+id[:64], `"id":"`+strings.Repeat("0", 64), 1))
	}, s.collector.Verifier)
	if first(err) != batch || !errors.Is(err, upload.ErrReceipt) {
		t.Errorf("a receipt of another batch: %v", err)
	}
}

// rewrite changes an entry and all that follow, so that the chain holds.
func rewrite(tx *bbolt.Tx, n uint64, text string) error {
	b := ledgerOf(tx)
	last := ""
	for key := number(n); b.Get(key) != nil; n, key = n+1, number(n+1) {
		if last != "" {
			text = string(b.Get(key))
			_, rest, _ := strings.Cut(text, `"previous":"`)
			text = strings.Replace(text, rest[:64], last, 1)
		}
		if err := b.Put(key, []byte(text)); err != nil {
			return err
		}
		last = (&upload.StoredEntry{Raw: []byte(text)}).Digest()
	}
	return tx.Bucket([]byte("meta")).Put([]byte("ledger"), append(number(n-1), last...))
}

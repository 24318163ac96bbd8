package fieldmap

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestParseCanonicalReturnsTheWhole holds that what was approved can be read back from the ledger: whole, and under
// the same digest.
func TestParseCanonicalReturnsTheWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWhitelist(rt)
		w.Recipient, w.Orders.Key = rapid.String().Draw(rt, "recipient"), rapid.SliceOfN(rapid.String(), 1, 3).Draw(rt, "key")
		got, err := ParseCanonical(w.Canonical())
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(got.Canonical(), w.Canonical()) {
			rt.Errorf("read back\n%s\nwant\n%s", got.Canonical(), w.Canonical())
		}
	})
	w := mustParse(t, edited(t))
	got, err := ParseCanonical(w.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.Orders, got.Orders, ignorePlaces(), cmp.Transformer("sorted", canonicalPairs)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseCanonicalRefuses(t *testing.T) {
	form := string(mustParse(t, edited(t)).Canonical())
	for name, replace := range map[string][2]string{
		"another order":      {`"fieldmap":1,"recipient":"Example Motor Sales, Customer Services",`, `"recipient":"Example Motor Sales, Customer Services","fieldmap":1,`},
		"blanks":             {`"fieldmap":1`, `"fieldmap": 1`},
		"no version":         {`"fieldmap":1`, `"fieldmap":0`},
		"another version":    {`"fieldmap":1`, `"fieldmap":2`},
		"an unknown part":    {`"fieldmap":1`, `"fieldmap":1,"marketing":true`},
		"a doubled part":     {`"fieldmap":1`, `"fieldmap":1,"fieldmap":1`},
		"other letters":      {`"recipient"`, `"Recipient"`},
		"an unknown test":    {`"op":"in"`, `"op":"like"`},
		"a span of nothing":  {`"2 years"`, `"years"`},
		"a span, put off":    {`"2 years"`, `"02 years"`},
		"a test's leftovers": {`"op":"in","values"`, `"op":"is_null","values"`},
		"a time for a code":  {`"values":["I"]`, `"values":["I"],"time":"2024-01-31T00:00:00"`},
		"something after it": {`}]}}`, `}]}}{}`},
		"an end too soon":    {`}]}}`, `}]}`},
		"no list":            {`"key":["RONumber"]`, `"key":"RONumber"`},
		"an unknown kind":    {`"column":{"name":"LineNo"},"why":"names the job"`, `"column":{"name":"LineNo"},"why":"names the job","as":"float"`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(form, replace[0]) {
				t.Fatalf("the form lacks %s", replace[0])
			}
			if _, err := ParseCanonical([]byte(strings.Replace(form, replace[0], replace[1], 1))); err == nil {
				t.Error("it is accepted")
			}
		})
	}
	if _, err := ParseCanonical(make([]byte, maxCanonical+1)); err == nil || errors.Is(err, errNotCanonical) {
		t.Errorf("a form of %d bytes: %v", maxCanonical+1, err)
	}
}

// FuzzParseCanonical: no text makes it panic, and what it accepts is byte for byte what Canonical writes and can be compared.
func FuzzParseCanonical(f *testing.F) {
	f.Fuzz(func(t *testing.T, form []byte) {
		w, err := ParseCanonical(form)
		if err != nil {
			return
		}
		if !bytes.Equal(w.Canonical(), form) {
			t.Error("it writes another form")
		}
		if changes := Diff(w, w); len(changes) > 0 {
			t.Errorf("it differs from itself: %v", changes)
		}
	})
}

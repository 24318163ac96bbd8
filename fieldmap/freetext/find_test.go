package freetext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"roagent/fieldmap/freetext"
)

func TestAppendRedacted(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"R&R BATT":                          "R&R BATT",
		"078-05-1120":                       "[REDACTED:ssn]",
		"cc 4111 1111 1111 1111 exp 03/27":  "cc [REDACTED:card] exp 03/27",
		"dl D1234567, dob 3/4/61, call me":  "dl [REDACTED:licence], dob [REDACTED:birth_date], call me",
		"a@example.com/(626) 555-0123 Zoë":  "[REDACTED:email]/[REDACTED:phone] Zoë",
		"routing 121000358 acct 0001234567": "routing [REDACTED:bank] acct [REDACTED:bank]",

		// what was redacted says the same of the next number as what it was
		"[REDACTED:bank] acct 0001234567": "[REDACTED:bank] acct [REDACTED:bank]",
		"[REDACTED:ssn] 078051120":        "[REDACTED:ssn] 078051120",
		"[REDACTED:name] ssn 078051120":   "[REDACTED:name] ssn [REDACTED:ssn]",

		// what proves nothing
		"000-00-0000":                    "000-00-0000",
		"666-12-3456":                    "[REDACTED:ssn]",
		"666 12 3456":                    "666 12 3456",
		"912 78 1234":                    "[REDACTED:ssn]", // an ITIN
		"912 45 1234":                    "912 45 1234",
		"123-45-6789-01":                 "123-45-6789-01",
		"7731-4111-1111-1111-1111":       "7731-4111-1111-1111-1111",
		"4111-1111-1111-1111-7731":       "4111-1111-1111-1111-7731",
		"iban GB28NWBK60161331926819":    "iban GB28NWBK60161331926819",
		"GB29NWBK60161331926819X":        "GB29NWBK60161331926819X",
		"routing 121000359":              "routing 121000359",
		"routing 991000352":              "routing 991000352",
		"routing 000000518":              "routing 000000518", // of the Treasury
		"call 126-555-0123":              "call 126-555-0123",
		"dob 13/32/1961":                 "dob 13/32/1961",
		"ssn\n" + "see paper. 123456789": "ssn\n" + "see paper. 123456789",
	} {
		got := freetext.AppendRedacted(nil, text, freetext.Find(text))
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
		bytes := []byte(text)
		if again := freetext.AppendRedacted([]byte(">"), bytes, freetext.Find(bytes)); string(again) != ">"+want {
			t.Errorf("as bytes: %q", again)
		}
	}
}

// FuzzFind: matches are sorted, apart, within the text and on its runes; a redacted text holds nothing of a kind that
// was redacted, nor the digits of what was found.
func FuzzFind(f *testing.F) {
	for _, l := range readLabelled(f, "hard.txt") {
		f.Add(l.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found := freetext.Find(text)
		if diff := cmp.Diff(found, freetext.Find([]byte(text))); diff != "" {
			t.Errorf("as bytes: %s", diff)
		}
		at, kinds := 0, map[freetext.Kind]bool{}
		for _, m := range found {
			if m.From < at || m.To <= m.From || m.To > len(text) || m.Kind.String() == "none" {
				t.Fatalf("%v of %q", found, text)
			}
			if !utf8.RuneStart(text[m.From]) || m.To < len(text) && utf8.ValidString(text) && !utf8.RuneStart(text[m.To]) {
				t.Errorf("%v of %q cuts a rune", m, text)
			}
			at, kinds[m.Kind] = m.To, true
		}
		redacted := freetext.AppendRedacted(nil, text, found)
		for _, m := range freetext.Find(redacted) {
			if kinds[m.Kind] {
				t.Errorf("%q, redacted: %q, still holds %s %q", text, redacted, m.Kind, redacted[m.From:m.To])
			}
		}
	})
}

// Redacting leaves nothing of what was found, unless the text says it twice.
func TestRedactedHoldsNothingOfTheSecret(t *testing.T) {
	for _, l := range append(readLabelled(t, "hard.txt"), readLabelled(t, "made.txt")...) {
		found := freetext.Find(l.text)
		redacted := string(freetext.AppendRedacted(nil, l.text, found))
		for _, m := range found {
			secret := l.text[m.From:m.To]
			if strings.Count(l.text, secret) == 1 && strings.Contains(redacted, secret) {
				t.Errorf("%s: %q still holds %q", l.place, redacted, secret)
			}
			if digits := onlyDigits(secret); len(digits) > 6 && strings.Count(onlyDigits(l.text), digits) == 1 && strings.Contains(onlyDigits(redacted), digits) {
				t.Errorf("%s: %q still holds the digits of %q", l.place, redacted, secret)
			}
		}
	}
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// Nothing is allocated for a text without a secret.
func TestFindAllocatesNothing(t *testing.T) {
	for _, text := range []string{plainNarrative, "PN 90915-YZZN1 QTY 1, 48210 MI, CHARGING 14.2V, RO1000005, VIN 4T1BF1FK5CU123456, 225/60R17 @ 35 PSI"} {
		if n := testing.AllocsPerRun(100, func() { freetext.Find(text) }); n > 0 {
			t.Errorf("%v allocations for %q", n, text)
		}
	}
}

const plainNarrative = "C/S GRINDING NOISE WHEN BRAKING, WORSE WHEN COLD. FOUND FRT PADS 2MM, ROTORS SCORED. R&R PADS & ROTORS, OK"

// BenchmarkFind measures a text that is rejected at once, and one with numbers that must be looked at.
func BenchmarkFind(b *testing.B) {
	for name, text := range map[string]string{
		"plain":   plainNarrative,
		"numbers": "R&R FRT PADS 04465-06200 & ROTORS 43512-06190 AT 48210 MI, TORQUED 76 FT-LB, SET TPMS 35 PSI, RD TEST OK, NO CODES",
		"secret":  "CUST CALLED FROM 626-555-0123, R&R FRT PADS 04465-06200 & ROTORS AT 48210 MI, TORQUED 76 FT-LB, RD TEST OK, NO CODES",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				freetext.Find(text)
			}
		})
	}
}

package fieldmap

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// narrated is sample with one more field of the orders, the narrative header.notes.
func narrated(narratives Narratives, mask Mask) func(*Whitelist) {
	return func(w *Whitelist) {
		w.Narratives = narratives
		w.Orders.Fields = append(w.Orders.Fields, Field{Send: "header.notes", Column: Column{"customer", "Phone"}, Narrative: true, Mask: mask})
	}
}

func TestParseNarratives(t *testing.T) {
	for line, want := range map[string]Narratives{
		"# ": RedactNarratives, "narratives: redact # ": RedactNarratives, "narratives: hold # ": HoldNarratives, "narratives: send # ": SendNarratives,
	} {
		if got := mustParse(t, edited(t, "narratives: ", line)).Narratives; got != want {
			t.Errorf("%q is %s, want %s", line, got, want)
		}
	}
}

// Digests of whitelists from before there was a word for it stay what they were.
func TestCanonicalLeavesRedactOut(t *testing.T) {
	for word, want := range map[string]bool{"redact": false, "hold": true, "send": true} {
		form := string(mustParse(t, edited(t, "narratives: redact", "narratives: "+word)).Canonical())
		if got := strings.Contains(form, `"narratives":"`+word+`"`); got != want || strings.Contains(form, "narratives") != want {
			t.Errorf("%s stands in the canonical form: %v, want %v", word, got, want)
		}
	}
}

func TestNarratives(t *testing.T) {
	const text = "CUST SSN 078-05-1120, R&R BATT"
	for name, tt := range map[string]struct {
		narratives Narratives
		mask       Mask
		value      any
		want       string // of header.notes; "" where it is left out
		held       bool
		counts     Counts
	}{
		"redact":            {RedactNarratives, Mask{}, text, "CUST SSN [REDACTED:ssn], R&R BATT", false, Counts{Redacted: map[string]int{"ssn": 1}}},
		"redact, unsaid":    {"", Mask{}, text, "CUST SSN [REDACTED:ssn], R&R BATT", false, Counts{Redacted: map[string]int{"ssn": 1}}},
		"bytes":             {RedactNarratives, Mask{}, []byte(text), "CUST SSN [REDACTED:ssn], R&R BATT", false, Counts{Redacted: map[string]int{"ssn": 1}}},
		"hold":              {HoldNarratives, Mask{}, text, "CUST SSN [REDACTED:ssn], R&R BATT", true, Counts{Redacted: map[string]int{"ssn": 1}}},
		"send":              {SendNarratives, Mask{}, text, text, false, Counts{Exposed: map[string]int{"ssn": 1}}},
		"nothing in it":     {HoldNarratives, Mask{}, "R&R BATT 90915-YZZN1", "R&R BATT 90915-YZZN1", false, Counts{}},
		"before the mask":   {RedactNarratives, Mask{Strategy: MaskTruncate, Keep: 14}, text, "CUST SSN [REDA", false, Counts{Redacted: map[string]int{"ssn": 1}}},
		"a mask of the end": {RedactNarratives, Mask{Strategy: MaskPartial, Keep: 4}, "SSN 078-05-1120", "**************ssn]", false, Counts{Redacted: map[string]int{"ssn": 1}}},
		"nothing is sent":   {HoldNarratives, Mask{Strategy: MaskNullify}, text, "", false, Counts{}},
		"none of it shows":  {HoldNarratives, Mask{Strategy: MaskRedact}, text, "[REDACTED]", false, Counts{}},
	} {
		t.Run(name, func(t *testing.T) {
			plan, p := samplePage(t, func(w *Whitelist) {
				narrated(tt.narratives, tt.mask)(w)
				w.Orders.Fields = append(w.Orders.Fields[:3], w.Orders.Fields[5])
			})
			mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1", "customer.Phone": tt.value}, map[string]any{"RONumber": "RO2"})
			want := `{"header":{"document_id":"RO1"}}`
			if tt.want != "" {
				want = `{"header":{"document_id":"RO1","notes":"` + tt.want + `"}}`
			}
			if got := records(p)["RO1"]; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if diff := cmp.Diff(tt.counts, p.Counts()); diff != "" {
				t.Error(diff)
			}
			for r := range p.Records() {
				reason := "free text holds what must not leave: header.notes (ssn); take it out in the DMS, or release the order to send it redacted"
				if !tt.held || r.Key().Text != "RO1" {
					reason = ""
				}
				if r.Held() != reason {
					t.Errorf("%s is held: %q", r.Key().Text, r.Held())
				}
			}
		})
	}
}

// The reason names every field and kind, once.
func TestNarrativesHeldNameAll(t *testing.T) {
	plan, p := samplePage(t, func(w *Whitelist) {
		narrated(HoldNarratives, Mask{})(w)
		w.Orders.Lines[0].Fields[1] = Field{Send: "complaint", Column: Column{Name: "PayType"}, Narrative: true}
	})
	mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1", "customer.Phone": "call 626-555-0142, ssn 078-05-1120"})
	mustAdd(t, p, plan.Levels[1],
		map[string]any{"RONumber": "RO1", "LineNo": int64(1), "PayType": "cc 4111 1111 1111 1111"},
		map[string]any{"RONumber": "RO1", "LineNo": int64(2), "PayType": "cc 5555 5555 5555 4444"})
	for r := range p.Records() {
		if want := "header.notes (phone, ssn), job.complaint (card);"; !strings.Contains(r.Held(), want) {
			t.Errorf("%q lacks %q", r.Held(), want)
		}
	}
}

// BLOCK stops the pull, whatever becomes of narratives.
func TestNarrativesBlocked(t *testing.T) {
	plan, p := samplePage(t, narrated(HoldNarratives, Mask{Strategy: MaskBlock}))
	if err := add(t, p, plan.Orders, map[string]any{"RONumber": "RO1", "customer.Phone": "ssn 078-05-1120"}); err == nil {
		t.Error("not blocked")
	}
}

// What is redacted leaves in no byte of what is made, wherever it stands in a text.
func TestNarrativesNeverShowSecrets(t *testing.T) {
	secrets := map[string]string{
		"ssn 078-05-1120": "078-05-1120", "cc 4111 1111 1111 1111": "4111 1111 1111 1111", "iban gb29nwbk60161331926819": "gb29nwbk60161331926819",
		"dl D1234567": "D1234567", "mail jo@example.com": "jo@example.com", "call 626-555-0142": "626-555-0142", "dob 3/4/1961": "3/4/1961",
	}
	said := rapid.SampledFrom(slices.Sorted(maps.Keys(secrets)))
	words := rapid.SampledFrom([]string{"R&R BATT", "90915-YZZN1", "48210 MI", "Zoë", "\"\\", "P0171", "RO1000005", "\xff", "🔧", "14.2V", "OK."})
	rapid.Check(t, func(rt *rapid.T) {
		narratives := rapid.SampledFrom([]Narratives{RedactNarratives, HoldNarratives}).Draw(rt, "narratives")
		plan, p := samplePage(t, func(w *Whitelist) {
			narrated(narratives, Mask{})(w)
			w.Orders.Fields[3].Mask = Mask{Strategy: MaskNullify} // the same column, sent as it is
		})
		var parts []string
		for range rapid.IntRange(1, 4).Draw(rt, "parts") {
			parts = append(parts, strings.Join(rapid.SliceOfN(words, 0, 4).Draw(rt, "words"), " "), said.Draw(rt, "secret"))
		}
		text := strings.Join(parts, rapid.SampledFrom([]string{", ", ". ", "; ", "\n"}).Draw(rt, "between"))
		mustAdd(t, p, plan.Orders, map[string]any{"RONumber": "RO1", "customer.Phone": text})
		for r := range p.Records() {
			for _, secret := range secrets {
				if strings.Contains(string(r.JSON())+r.Held(), secret) {
					rt.Errorf("%q is made %s, held %q", text, r.JSON(), r.Held())
				}
			}
		}
		if got := p.Counts().Redacted; len(got) == 0 {
			rt.Errorf("nothing is counted in %q", text)
		}
	})
}

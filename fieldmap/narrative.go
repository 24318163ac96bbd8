package fieldmap

import (
	"fmt"
	"slices"
	"strings"

	"roagent/fieldmap/freetext"
)

// Narratives is what becomes of a secret in free text. Whatever it is, secrets are counted.
type Narratives string

// The words of the whitelist.
const (
	RedactNarratives Narratives = "redact" // the secret is replaced by its kind: [REDACTED:ssn]
	HoldNarratives   Narratives = "hold"   // redacted, and the order waits until a person releases it
	SendNarratives   Narratives = "send"   // it is sent as it is
)

// appendNarrative sends free text, scanned before it is masked.
func (f *fieldEncoder) appendNarrative(dst []byte, v any, w *rowWriter) ([]byte, error) {
	if text, ok := v.(string); ok && f.mask.plain() && !f.coder.typ.Fixed && len(freetext.Find(text)) == 0 {
		return w.appendString(dst, text), nil // the usual case
	}
	plain, absent, err := f.coder.appendPlain(w.plain[:0], v)
	w.plain = plain
	if err != nil || absent {
		return dst, f.reason(err)
	}
	found := freetext.Find(plain)
	for _, m := range found {
		w.events = append(w.events, event{order: w.order, field: f.number, kind: eventSecret, secret: m.Kind})
	}
	if len(found) > 0 && f.narratives != SendNarratives {
		w.redacted = freetext.AppendRedacted(w.redacted[:0], plain, found)
		plain = w.redacted
	}
	masked, ok, err := f.mask.apply(plain)
	if err != nil || !ok {
		return dst, err
	}
	return w.appendBytes(dst, masked), nil
}

// holds returns why orders are held, by their place: the fields in which secrets were found, and their kinds.
func (p *Page) holds() map[int]string {
	if p.enc.plan.Whitelist.Narratives != HoldNarratives {
		return nil
	}
	var holds map[int]string
	paths := p.enc.paths()
	for i := range p.keys {
		var fields []string
		kinds := map[string][]string{}
		for _, e := range p.writer.events {
			if e.order != i || e.kind != eventSecret {
				continue
			}
			path, kind := paths[e.field], e.secret.String()
			if !slices.Contains(fields, path) {
				fields = append(fields, path)
			}
			if !slices.Contains(kinds[path], kind) {
				kinds[path] = append(kinds[path], kind)
			}
		}
		if len(fields) == 0 {
			continue
		}
		for at, path := range fields {
			fields[at] = path + " (" + strings.Join(kinds[path], ", ") + ")"
		}
		if holds == nil {
			holds = map[int]string{}
		}
		holds[i] = fmt.Sprintf("free text holds what must not leave: %s; take it out in the DMS, or release the order to send it redacted", strings.Join(fields, ", "))
	}
	return holds
}

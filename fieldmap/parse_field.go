package fieldmap

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"roagent/fieldmap/strictyaml"
)

// Names in the sent order are STAR's: words in lower case joined with _, and a field's path joined with dots.
var (
	listName  = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	fieldName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z][a-z0-9]*(_[a-z0-9]+)*)*$`)
)

const maxSend = 250 // bytes of a sent name

func parseSend(n strictyaml.Node, pattern *regexp.Regexp, example string) string {
	send := n.Text()
	if send != "" && (!pattern.MatchString(send) || len(send) > maxSend) {
		n.Problem("write it like "+example, "%q is not a name that can be sent", send)
	}
	return send
}

func (in scope) fields(n strictyaml.Node) []Field {
	var fields []Field
	for _, entry := range n.List() {
		fields = append(fields, in.field(entry))
	}
	return fields
}

func (in scope) field(n strictyaml.Node) Field {
	o := n.Object("send column why", "as layout unit currency map mask narrative override withhold")
	f := Field{
		At:        n.At,
		Send:      parseSend(o.Get("send"), fieldName, "repair_order_header.document_id"),
		Column:    in.column(o.Get("column")),
		Why:       o.Get("why").Text(),
		As:        parseKind(o.Get("as")),
		Layout:    parseLayout(o.Get("layout")),
		Unit:      o.Get("unit").OneOf("KMT", "SMI"),
		Currency:  parseCurrency(o.Get("currency")),
		Map:       parseMap(o.Get("map")),
		Mask:      parseMask(o.Get("mask")),
		Narrative: o.Get("narrative").Bool(),
		Override:  o.Get("override").Text(),
		Withhold:  in.rules(o.Get("withhold")),
	}
	f.verify(o)
	return f
}

// verify notes what does not go together in one field.
func (f *Field) verify(o strictyaml.Object) {
	isDate := f.As == KindDate || f.As == KindDateTime
	isNumber := f.As == KindUnknown || f.As == KindInteger || f.As == KindDecimal
	if f.Unit != "" && f.Currency != "" {
		o.Get("currency").Problem("", "a value is a distance (unit) or an amount of money (currency), not both")
	}
	if !isNumber {
		o.Get("unit").Problem("", "a distance is a number, not %s", f.As)
		o.Get("currency").Problem("", "an amount of money is a number, not %s", f.As)
	}
	if f.Narrative {
		if f.As != KindUnknown && f.As != KindText {
			o.Get("narrative").Problem("", "only a text can be a narrative, not %s", f.As)
		}
		for _, key := range []string{"map", "unit", "currency"} {
			o.Get(key).Problem("leave one of the two out", "a narrative is free text and cannot have a %s", key)
		}
	}
	if !isDate {
		o.Get("layout").Problem("add as: date or as: datetime", "layout is for dates that are kept as text")
	}
	if f.Mask.Strategy == MaskGeneralize && f.As != KindUnknown && !isDate {
		o.Get("mask").Problem("", "GENERALIZE is for dates, not for %s", f.As)
	}
}

// castKinds are the kinds that a field may be read as.
func castKinds() []Kind {
	return []Kind{KindText, KindInteger, KindDecimal, KindBoolean, KindDate, KindDateTime}
}

func parseKind(n strictyaml.Node) Kind {
	offered := castKinds()
	words := make([]string, len(offered))
	for i, k := range offered {
		words[i] = k.String()
	}
	if i := slices.Index(words, n.OneOf(words...)); i >= 0 {
		return offered[i]
	}
	return KindUnknown
}

var currencyCode = regexp.MustCompile(`^[A-Z]{3}$`)

func parseCurrency(n strictyaml.Node) string {
	code := n.Text()
	if code != "" && !currencyCode.MatchString(code) {
		n.Problem("write its ISO 4217 code: USD, CAD, EUR", "%q is not a currency", code)
	}
	return code
}

// elseKey is what a map sends for every code that it lacks.
const elseKey = "else"

func parseMap(n strictyaml.Node) *ValueMap {
	if !n.Given() {
		return nil
	}
	m := &ValueMap{}
	for _, e := range n.Entries() {
		if e.Key.IsNull() {
			e.Key.Problem("a NULL is left out of the sent order; put quotes around a code that reads null", "null is no code")
			continue
		}
		if code := e.Key.Scalar(); code == elseKey {
			m.Else, m.HasElse = e.Value.Text(), true
		} else {
			m.Codes = append(m.Codes, MapEntry{Code: code, Send: e.Value.Text()})
		}
	}
	if n.IsObject() && len(m.Codes) == 0 {
		n.Problem("", "the map translates no code")
	}
	return m
}

// plainMasks need nothing but their name.
func plainMasks() []string {
	return []string{string(MaskNone), string(MaskHash), string(MaskRedact), string(MaskNullify), string(MaskBlock)}
}

func parseMask(n strictyaml.Node) Mask {
	if !n.Given() {
		return Mask{Strategy: MaskNone}
	}
	if !n.IsObject() {
		return Mask{Strategy: maskWord(n)}
	}
	o := n.Object("", "PARTIAL_MASK TRUNCATE GENERALIZE")
	partial, truncate, generalize := o.Get("PARTIAL_MASK"), o.Get("TRUNCATE"), o.Get("GENERALIZE")
	switch {
	case partial.Given() && !truncate.Given() && !generalize.Given():
		return Mask{Strategy: MaskPartial, Keep: parseKeep(partial, "keep-last-")}
	case truncate.Given() && !partial.Given() && !generalize.Given():
		return Mask{Strategy: MaskTruncate, Keep: parseKeep(truncate, "keep-first-")}
	case generalize.Given() && !partial.Given() && !truncate.Given():
		return Mask{Strategy: MaskGeneralize, To: generalize.OneOf("year", "month")}
	}
	n.Problem("", "a value has one mask")
	return Mask{}
}

func maskWord(n strictyaml.Node) MaskStrategy {
	word := MaskStrategy(n.Text())
	switch word {
	case "", MaskNone, MaskHash, MaskRedact, MaskNullify, MaskBlock:
	case MaskPartial:
		n.Problem("write {PARTIAL_MASK: keep-last-4}", "PARTIAL_MASK needs to know what to keep")
	case MaskTruncate:
		n.Problem("write {TRUNCATE: keep-first-3}", "TRUNCATE needs to know what to keep")
	case MaskGeneralize:
		n.Problem("write {GENERALIZE: year} or {GENERALIZE: month}", "GENERALIZE needs to know what to keep")
	case "TOKENIZE", "PSEUDONYMIZE", "PERTURB":
		n.Problem("HASH tells values apart without showing them", "%s is not offered: it needs a vault or falsifies the record", word)
	default:
		n.Problem("masks: "+strings.Join(plainMasks(), ", ")+", {PARTIAL_MASK: keep-last-4}, {TRUNCATE: keep-first-3}, {GENERALIZE: year}", "there is no mask %q", word)
	}
	return word
}

const maxKeep = 1000 // characters that a mask may keep

func parseKeep(n strictyaml.Node, prefix string) int {
	text := n.Text()
	digits, found := strings.CutPrefix(text, prefix)
	keep, err := strconv.Atoi(digits)
	if text != "" && (!found || err != nil || keep < 1 || keep > maxKeep || digits[0] == '+') {
		n.Problem("write it like "+prefix+"4", "%q does not say how many characters to keep", text)
		return 0
	}
	return keep
}

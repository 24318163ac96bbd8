package freetext

import "strings"

// label is what a word says of the number behind it.
type label uint8

const (
	none    label = iota
	filler        // no., #, is: says nothing, and takes nothing back
	other         // a number of the workshop's own: RO, P/N, claim
	ssn           // SSN, social
	social        // SS, which may be stainless steel
	taxes         // tax: with "id", a tax id
	card          // CC, Visa
	bank          // routing, checking; with "acct", an account
	acct          // acct: alone it is the workshop's own
	account       // bank acct
	phone         // phone, cell: any number that could be one
	call          // call, text: a number that is written like one
	driver        // driver's: with "lic", a licence
	plate         // LIC: a licence, more often a plate
	licence       // DL, driver's lic
	birth         // DOB, born
)

// then returns what two words say together.
func (l label) then(next label) label {
	switch {
	case l == driver && next == plate:
		return licence
	case (l == taxes || l == social) && next == filler: // tax id, SS no
		return ssn
	case (l == bank || l == account) && (next == acct || next == bank): // bank acct; a routing number and: checking
		return account
	case l == card && next == other: // card auth
		return card
	case next == acct:
		return other
	}
	return next
}

// spelling holds a word in lower case, without the points and strokes of its initials: D.O.B., D/L, driver's.
type spelling struct {
	letters [12]byte
	n       int
}

func (w *spelling) bytes() []byte { return w.letters[:w.n] }

func (w *spelling) add(text string) {
	for i := range len(text) {
		if w.n < len(w.letters) {
			w.letters[w.n] = text[i] | 0x20
		}
		w.n = min(w.n+1, len(w.letters))
	}
}

// spell reads the word from at to end, and on where single letters with points or strokes follow.
func spell(text string, at, end int) (w spelling, to int) {
	w.add(text[at:end])
	if end+1 < len(text) && text[end] == '\'' && text[end+1]|0x20 == 's' {
		w.add("s")
		return w, end + 2
	}
	if end-at == 1 && end+4 <= len(text) && strings.EqualFold(text[at:end+4], "b-day") {
		w.add("day")
		return w, end + 4
	}
	for single := end-at == 1; single && end+1 < len(text) && (text[end] == '.' || text[end] == '/'); {
		next, letters, digits := span(text, end+1)
		if single = letters && !digits && next == end+2; single {
			w.add(text[end+1 : next])
			end = next
		}
	}
	return w, end
}

// meaning returns what a word says of a number. The words are those that service advisors type.
func meaning(word []byte) label {
	switch string(word) {
	case "no", "num", "number", "nbr", "is", "was", "of", "the", "id", "and", "on", "file", "security", "sec", "secur", "his", "her", "their":
		return filler
	case "ro", "part", "parts", "pn", "vin", "claim", "auth", "authorizatio", "approval", "tsb", "bulletin", "campaign", "recall", "serial", "sn", "ser",
		"code", "codes", "dtc", "op", "opcode", "tag", "invoice", "inv", "po", "mileage", "miles", "odo", "odometer", "key", "radio",
		"stock", "stk", "unit", "case", "ticket", "zip", "core", "tracking", "trk", "imei", "iccid", "ref", "conf", "confirmation", "item", "asn", "model",
		"lot", "batch", "bin", "sku", "upc", "kit", "order", "est", "estimate", "contract", "policy", "plate", "plt", "tire", "dot", "calib", "cal",
		"software", "sw", "ecu", "document", "doc", "wo", "job", "line", "transponder", "casting", "ups", "fedex", "pcm":
		return other
	case "ssn", "ssno", "social", "soc", "socsec", "itin", "tin", "ein", "fein", "taxid", "sssn":
		return ssn
	case "ss":
		return social
	case "tax":
		return taxes
	case "cc", "card", "crd", "ccard", "visa", "mc", "mastercard", "amex", "discover", "diners", "jcb", "credit", "debit", "cards":
		return card
	case "routing", "rtg", "rtn", "rt", "aba", "bank", "checking", "chkg", "chk", "savings", "svgs", "ach":
		return bank
	case "acct", "account", "accnt", "acc", "acnt":
		return acct
	case "ph", "phone", "phn", "tel", "telephone", "cell", "cel", "cellphone", "mobile", "mob", "fax", "pager", "fon":
		return phone
	case "call", "called", "calls", "calling", "text", "texted", "txt", "reach", "reached", "contact", "callback", "cb", "dial", "vm", "lm", "lvm", "sms",
		"home", "hm", "work", "wk", "notify", "msg", "message":
		return call
	case "driver", "drivers", "drvr", "drvrs", "drv", "operators", "operator":
		return driver
	case "lic", "license", "licence", "licens", "lisc", "lics":
		return plate
	case "dl", "dln", "oln", "cdl", "drlic":
		return licence
	case "dob", "birthdate", "birthday", "bday", "born", "birth", "bdate", "dofb":
		return birth
	}
	return none
}

// behind returns what the word behind i says of what stands before it: 078051120 is his SSN.
func behind(text string, i int) label {
	for range 3 {
		for skipped := 0; i < len(text) && !isLetter(text[i]); i++ {
			if skipped++; skipped > 3 || isDigit(text[i]) {
				return none
			}
		}
		end, _, _ := span(text, i)
		letters := i
		for letters < end && isLetter(text[letters]) {
			letters++
		}
		if letters == i || !allDigits(text[letters:end]) { // a word may be grown together with a number of its own
			return none
		}
		word, end := spell(text, i, letters)
		if l := meaning(word.bytes()); l != filler {
			return l
		}
		i = end
	}
	return none
}

// ahead takes the first token behind a word that is what the word speaks of. It gives up at the next number, and at a
// word that speaks of another.
func (s *scanner) ahead(kind Kind, is func(text string, i int) (end int, ok bool)) {
	for at, words := s.at, 0; words < 5 && at < len(s.text) && at-s.at < reach; {
		if c := s.text[at]; !isLetter(c) && !isDigit(c) {
			if c == '[' || c == '@' {
				return
			}
			at++
			continue
		}
		if end, ok := is(s.text, at); ok {
			s.take(Match{kind, at, end})
			return
		}
		end, _, digits := span(s.text, at)
		word, to := spell(s.text, at, end)
		if l := meaning(word.bytes()); digits || l != none && l != filler && l != plate && l != licence || end < len(s.text) && s.text[end] == '@' {
			return
		}
		at = to
		words++
	}
}

package freetext

// Kind is a kind of secret.
type Kind uint8

// The kinds.
const (
	SSN       Kind = iota + 1 // social security numbers, and tax ids where a word says so
	Card                      // payment cards
	Bank                      // IBANs, routing numbers and the accounts beside them
	Licence                   // driver's licences
	Email                     // e-mail addresses
	Phone                     // telephone numbers of the North American plan
	BirthDate                 // dates that a word calls a date of birth
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{SSN, Card, Bank, Licence, Email, Phone, BirthDate} }

// String returns the kind's word in reports and in redacted texts.
func (k Kind) String() string {
	return [...]string{"none", "ssn", "card", "bank", "licence", "email", "phone", "birth_date"}[k]
}

// Match is where a secret stands: the bytes From up to To.
type Match struct {
	Kind     Kind
	From, To int
}

// Find returns the secrets in a text, in their order; they do not overlap. It allocates nothing for most texts without
// any. Secrets that were redacted are not found again.
func Find[T string | []byte](text T) []Match {
	if !mayHold(text) {
		return nil
	}
	s := scanner{text: string(text)}
	s.scan()
	return s.found
}

// mayHold rejects most texts at the cost of a look at each byte: every secret has three digits or an @.
func mayHold[T string | []byte](text T) bool {
	digits := 0
	for i := range len(text) {
		switch c := text[i]; {
		case isDigit(c):
			if digits++; digits == 3 {
				return true
			}
		case c == '@':
			return true
		}
	}
	return false
}

const markOpen = "[REDACTED:"

// AppendRedacted appends the text with [REDACTED:kind] in place of each of its matches.
func AppendRedacted[T string | []byte](dst []byte, text T, matches []Match) []byte {
	from := 0
	for _, m := range matches {
		dst = append(dst, text[from:m.From]...)
		dst = append(append(append(dst, markOpen...), m.Kind.String()...), ']')
		from = m.To
	}
	return append(dst, text[from:]...)
}

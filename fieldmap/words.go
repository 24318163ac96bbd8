package fieldmap

import (
	"fmt"
	"strings"
	"time"
)

// String says a rule in words: customer.OptOut is Y.
func (r Rule) String() string {
	words := make([]string, len(r.All))
	for i, c := range r.All {
		words[i] = c.String()
	}
	return strings.Join(words, " and ")
}

// String says a condition in words.
func (c Condition) String() string {
	values := strings.Join(c.Values, " or ")
	switch c.Op {
	case In:
		return fmt.Sprintf("%s is %s", c.Column, values)
	case NotIn:
		return fmt.Sprintf("%s is anything but %s", c.Column, values)
	case IsNull:
		return fmt.Sprintf("%s is empty", c.Column)
	case NotNull:
		return fmt.Sprintf("%s is not empty", c.Column)
	case Before:
		return fmt.Sprintf("%s is before %s", c.Column, c.Time.Format(time.DateTime))
	case After:
		return fmt.Sprintf("%s is after %s", c.Column, c.Time.Format(time.DateTime))
	case OlderThan:
		return fmt.Sprintf("%s is older than %d %s at the end of the week", c.Column, c.Age.N, c.Age.Unit)
	}
	return c.Column.String()
}

// String says a mask in words.
func (m Mask) String() string {
	switch m.Strategy {
	case MaskNone, "":
		return "as it is"
	case MaskHash:
		return "only a keyed hash of it"
	case MaskPartial:
		return "masked but the last " + characters(m.Keep)
	case MaskTruncate:
		return "the first " + characters(m.Keep) + " only"
	case MaskGeneralize:
		return "the " + m.To + " only"
	case MaskRedact:
		return "never: as " + redacted
	case MaskNullify:
		return "never: left out"
	case MaskBlock:
		return "never: a value stops the whole pull"
	}
	return string(m.Strategy)
}

func characters(n int) string {
	if n == 1 {
		return "character"
	}
	return fmt.Sprintf("%d characters", n)
}

// String says a translation in words: C to CUSTOMER_PAY, any other to OTHER.
func (m *ValueMap) String() string {
	var words []string
	for _, e := range m.Codes {
		words = append(words, e.Code+" to "+e.Send)
	}
	if m.HasElse {
		words = append(words, "any other to "+m.Else)
	}
	return strings.Join(words, ", ")
}

// How says in words how a field's value is sent: masked, translated, in which unit.
func (f *Field) How() string {
	how := f.Mask.String()
	if f.Map != nil {
		how += ", translated"
	}
	if f.Unit != "" {
		how += " in " + f.Unit
	}
	if f.Currency != "" {
		how += " in " + f.Currency
	}
	if f.Narrative {
		how += ", free text, scanned"
	}
	return strings.TrimPrefix(how, "as it is, ")
}

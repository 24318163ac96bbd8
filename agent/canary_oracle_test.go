package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"roagent/fieldmap"
)

// verdict is what the whitelist makes of one order, by plain evaluation of the drawn rows.
type verdict struct {
	skipped, failed, held, blocked bool
	order                          map[string]any // as it is sent; see plain
	read                           string         // the same as JSON, with its empty rows: another row makes it another order
}

// judge evaluates the whitelist for one order.
func (s *canaryShop) judge(order *drawnRow, hashKey []byte) verdict {
	if s.met(s.orders.skip, order) {
		return verdict{skipped: true}
	}
	v := verdict{order: map[string]any{}}
	s.judgeRow(s.orders, order, hashKey, v.order, &v)
	v.held = v.held && s.narratives == fieldmap.HoldNarratives
	read, err := json.Marshal(v.order)
	if v.read = string(read); err != nil {
		v.read = err.Error()
	}
	return v
}

func (s *canaryShop) judgeRow(d *drawnTable, row *drawnRow, hashKey []byte, out map[string]any, v *verdict) {
	for _, f := range d.fields {
		if value, given := row.value(f.column); given && !s.met(f.withhold, row) {
			if sent := s.sent(f, value, hashKey, v); sent != nil {
				place(out, strings.Split(f.send, "."), sent)
			}
		}
	}
	for i, l := range d.lists {
		var lines []any
		for _, below := range row.below[i] {
			if s.met(l.skip, below) {
				continue
			}
			line := map[string]any{}
			s.judgeRow(l, below, hashKey, line, v)
			lines = append(lines, line)
		}
		if len(lines) > 0 {
			out[l.send] = lines
		}
	}
}

func place(out map[string]any, path []string, value any) {
	if len(path) == 1 {
		out[path[0]] = value
		return
	}
	inner, _ := out[path[0]].(map[string]any)
	if inner == nil {
		inner = map[string]any{}
		out[path[0]] = inner
	}
	place(inner, path[1:], value)
}

// sent returns what a field sends of a value; nil where it is nothing.
func (s *canaryShop) sent(f drawnField, value drawnValue, hashKey []byte, v *verdict) any {
	sent := s.masked(f, value, hashKey, v)
	if f.money && sent != nil { // an amount is text, with its currency beside it
		return map[string]any{"value": fmt.Sprint(sent), "currency_code": "USD"}
	}
	return sent
}

func (s *canaryShop) masked(f drawnField, value drawnValue, hashKey []byte, v *verdict) any {
	text := value.text
	if f.narrative && f.mask != "BLOCK" && len(value.secrets) > 0 {
		v.held = true
		for _, secret := range value.secrets {
			if s.narratives != fieldmap.SendNarratives {
				text = strings.Replace(text, secret.text, "[REDACTED:"+secret.kind+"]", 1)
			}
		}
	}
	switch {
	case f.as == "boolean":
		v.failed = true
		return nil
	case f.translate && text == "A":
		text = "CUSTOMER_PAY"
	case f.translate && f.otherwise == "":
		v.failed = true
		return nil
	case f.translate:
		text = f.otherwise
	}
	switch f.mask {
	case "HASH":
		mac := hmac.New(sha256.New, hashKey)
		mac.Write([]byte(text))
		return hex.EncodeToString(mac.Sum(nil))
	case "REDACT":
		return "[REDACTED]"
	case "NULLIFY":
		return nil
	case "BLOCK":
		v.blocked = true
		return nil
	case "PARTIAL_MASK": // every drawn text is longer than what is kept
		return strings.Repeat("*", len(text)-f.keep) + text[len(text)-f.keep:]
	case "TRUNCATE", "GENERALIZE":
		return text[:f.keep]
	}
	if f.column.kind == numberColumn && f.as == "" {
		return json.Number(text)
	}
	return text
}

func (r *drawnRow) value(c drawnColumn) (v drawnValue, given bool) {
	if c.table != "" {
		if r = r.joined; r == nil {
			return v, false
		}
	}
	v, given = r.values[c.name]
	return v, given
}

func (s *canaryShop) met(rules []drawnRule, row *drawnRow) bool {
	return slices.ContainsFunc(rules, func(rule drawnRule) bool {
		return !slices.ContainsFunc(rule, func(t drawnTest) bool { return !s.holds(t, row) })
	})
}

func (s *canaryShop) holds(t drawnTest, row *drawnRow) bool {
	v, given := row.value(t.column)
	if !given {
		return t.op == "is_null"
	}
	switch t.op {
	case "not_null":
		return true
	case "in":
		return slices.Contains(t.values, v.text)
	case "not_in":
		return !slices.Contains(t.values, v.text)
	case "before":
		return v.text < t.day
	case "after":
		return v.text > t.day
	case "older_than":
		return v.text < s.week.Next().Start(time.UTC).AddDate(-t.years, 0, 0).Format(time.DateOnly)
	}
	return false
}

// plain returns an order without its empty parts, in one spelling.
func plain(order any) string {
	var prune func(any) any
	prune = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				if v[name] = prune(member); v[name] == nil {
					delete(v, name)
				}
			}
			if len(v) == 0 {
				return nil
			}
		case []any:
			v = slices.DeleteFunc(v, func(member any) bool { return prune(member) == nil })
			if len(v) == 0 {
				return nil
			}
			return v
		}
		return v
	}
	text, err := json.Marshal(prune(order))
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(text)
}

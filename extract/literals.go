package extract

import (
	"encoding/hex"
	"strconv"
	"strings"

	"roagent/fieldmap"
)

// takes reports whether a value of the whitelist can be one of the column's.
func (t *columnType) takes(text string) bool {
	var err error
	switch t.Kind {
	case fieldmap.KindInteger:
		_, err = strconv.ParseInt(text, 10, 64)
	case fieldmap.KindDecimal, fieldmap.KindFloat:
		_, err = strconv.ParseFloat(text, 64)
	case fieldmap.KindBoolean:
		_, err = strconv.ParseBool(text)
	case fieldmap.KindUUID:
		_, err = hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	}
	return err == nil
}

// literals tries what the whitelist compares columns with: it must be of the columns' types.
func (c *checker) literals(r *Reader) {
	for _, l := range c.plan.Levels {
		for _, rule := range conditionRules(l) {
			for _, condition := range rule.All {
				if t := c.known(l, condition.Column); t != nil && t.refuse == "" && !t.untestable {
					c.literal(l, rule, condition, t)
				}
			}
		}
	}
}

func (c *checker) literal(l *fieldmap.Level, rule fieldmap.Rule, condition fieldmap.Condition, t *columnType) {
	switch condition.Op {
	case fieldmap.In, fieldmap.NotIn:
		for _, v := range condition.Values {
			if _, err := c.dms.dialect.argument(t, v); err != nil || !t.takes(v) {
				c.fail(l, rule.At, "write values as the DMS keeps them", "%s is %s, and %q is none", condition.Column, t.Database, v)
			}
		}
	case fieldmap.Before, fieldmap.After, fieldmap.OlderThan:
		if !t.timed() {
			c.fail(l, rule.At, "test a date or datetime column; for a text, send the column too and give its layout, which must sort by time (YYYY-MM-DD)",
				"%s is %s, which cannot be tested with %s%s", condition.Column, t.Database, condition.Op, t.untimed)
		}
	}
}

package extract

import (
	"regexp"
	"strconv"
	"strings"

	"roagent/fieldmap"
)

// timed reports whether the column can be compared with a time.
func (t *columnType) timed() bool {
	if t.untimed != "" {
		return false
	}
	switch t.Kind {
	case fieldmap.KindDate, fieldmap.KindDateTime, fieldmap.KindInstant:
		return true
	}
	return t.layout != ""
}

// layoutIn returns the layout that a field on the column gives, "" where none does.
func layoutIn(fields []*fieldmap.Field, column fieldmap.Column) string {
	for _, f := range fields {
		if f.Column == column && f.Layout != "" {
			return f.Layout
		}
	}
	return ""
}

// sorts reports whether texts of a layout sort as their times do: from the year down, all of fixed width.
func sorts(layout string) bool {
	return regexp.MustCompile(`^2006\D?01(\D?02(\D?15(\D?04(\D?05(\.0+)?)?)?)?)?$`).MatchString(layout)
}

// checkLayout notes why values in the whitelist's layout, where it gives one, do not compare as the times they are.
func (t *columnType) checkLayout() {
	whole := t.Kind == fieldmap.KindInteger || t.Kind == fieldmap.KindDecimal && t.Scale == 0
	switch {
	case t.layout == "":
	case whole && strings.Trim(t.layout, "0123456789") != "":
		t.untimed = ", and the layout " + friendly(t.layout) + " is none of a whole number (YYYYMMDD)"
	case t.Kind == fieldmap.KindFloat || t.Kind == fieldmap.KindDecimal && !whole || t.Kind == fieldmap.KindBoolean || t.Kind == fieldmap.KindUUID:
		t.untimed = ", and a layout is for texts and whole numbers"
	case !sorts(t.layout):
		t.untimed = ", and the layout " + friendly(t.layout) + " does not sort by time"
	}
}

// friendly writes a layout as the whitelist's documentation does: MM/DD/YYYY.
func friendly(layout string) string {
	return strings.NewReplacer("2006", "YYYY", "January", "MMMM", "Jan", "MMM", "01", "MM", "02", "DD", "15", "HH", "03", "hh", "04", "mm", "05", "SS", "06", "YY",
		"PM", "tt", "1", "M", "2", "D", "3", "h", "4", "m", "5", "S", "0", "f").Replace(layout)
}

// text writes a moment in a layout. One without hours takes the date.
func (m moment) text(layout string) string {
	if !strings.Contains(layout, "15") {
		return m.date.Format(layout)
	}
	return m.wall.Format(layout)
}

// number is text, for dates that are kept as numbers: 20261116.
func (m moment) number(layout string) (int64, error) {
	return strconv.ParseInt(m.text(layout), 10, 64)
}

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
func layoutIn(fields []fieldmap.Field, column fieldmap.Column) string {
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

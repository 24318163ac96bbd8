package fieldmap

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Why a value cannot be sent. The texts name no value: a parked order's reason must not.
var (
	errNotInteger = errors.New("is no whole number")
	errNotDecimal = errors.New("is no decimal number")
	errNotFloat   = errors.New("is no finite number")
	errNotBoolean = errors.New("is neither yes nor no")
	errNotDate    = errors.New("is no date in the layout that the whitelist gives")
	errDateRange  = errors.New("lies outside the years 1 to 9999")
	errNotUUID    = errors.New("is no uniqueidentifier")
	errNoCode     = errors.New("holds a code that the map lacks")
	errNotText    = errors.New("has a type that cannot be sent")
)

// valueCoder writes a driver's value as plain text, by its kind. Plain text is what masks and maps work on, and what
// stands between the quotes of a JSON string.
type valueCoder struct {
	kind   Kind
	typ    ColumnType
	layout string // of dates kept as text; "" is ISO 8601
	clock  *clock
}

// appendPlain appends the value's text. absent is set for a value that says nothing (a blank where a date is due).
func (c *valueCoder) appendPlain(dst []byte, v any) (out []byte, absent bool, err error) {
	switch c.kind {
	case KindText:
		out, err = c.appendText(dst, v)
	case KindInteger:
		out, absent, err = appendInteger(dst, v)
	case KindDecimal:
		out, absent, err = c.appendDecimal(dst, v)
	case KindFloat:
		out, absent, err = c.appendFloat(dst, v)
	case KindBoolean:
		out, absent, err = appendBoolean(dst, v)
	case KindDate, KindDateTime, KindInstant:
		out, absent, err = c.appendTime(dst, v)
	case KindUUID:
		out, err = appendUUID(dst, v)
	default:
		return dst, false, errNotText
	}
	return out, absent, err
}

// quoted reports whether the kind is a JSON string.
func (c *valueCoder) quoted() bool {
	return c.kind != KindInteger && c.kind != KindFloat && c.kind != KindBoolean
}

func (c *valueCoder) appendText(dst []byte, v any) ([]byte, error) {
	start := len(dst)
	switch v := v.(type) {
	case string:
		dst = append(dst, v...)
	case []byte:
		dst = append(dst, v...)
	case int64:
		dst = strconv.AppendInt(dst, v, 10)
	case float64:
		dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	case bool:
		dst = strconv.AppendBool(dst, v)
	case time.Time:
		dst = appendWall(dst, v)
	default:
		return dst, errNotText
	}
	if c.typ.Fixed {
		dst = trimRight(dst, start)
	}
	return dst, nil
}

func appendWall(dst []byte, t time.Time) []byte {
	if h, m, s := t.Clock(); h+m+s+t.Nanosecond() == 0 {
		return t.AppendFormat(dst, time.DateOnly)
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05.999999999")
}

func trimRight(b []byte, start int) []byte {
	for len(b) > start && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), true
	case []byte:
		return strings.TrimSpace(string(v)), true
	}
	return "", false
}

func appendInteger(dst []byte, v any) (out []byte, absent bool, err error) {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(dst, v, 10), false, nil
	case bool:
		if v {
			return append(dst, '1'), false, nil
		}
		return append(dst, '0'), false, nil
	case float64:
		if v != math.Trunc(v) || math.Abs(v) >= 1<<63 {
			return dst, false, errNotInteger
		}
		return strconv.AppendInt(dst, int64(v), 10), false, nil
	}
	s, ok := textOf(v)
	if !ok {
		return dst, false, errNotInteger
	}
	if s == "" {
		return dst, true, nil
	}
	if whole, zeros, found := strings.Cut(s, "."); found && strings.Trim(zeros, "0") == "" {
		s = whole // decimal(9,0) and its like
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return dst, false, errNotInteger
	}
	return strconv.AppendInt(dst, n, 10), false, nil
}

func (c *valueCoder) appendDecimal(dst []byte, v any) (out []byte, absent bool, err error) {
	switch v := v.(type) {
	case int64:
		dst = strconv.AppendInt(dst, v, 10)
		if c.typ.Scale > 0 {
			dst = append(dst, '.')
			for range c.typ.Scale {
				dst = append(dst, '0')
			}
		}
		return dst, false, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, false, errNotDecimal
		}
		return appendDigits(dst, v, c.typ.Scale), false, nil
	}
	s, ok := textOf(v)
	if !ok {
		return dst, false, errNotDecimal
	}
	if s == "" {
		return dst, true, nil
	}
	if !isDecimal(s) {
		return dst, false, errNotDecimal
	}
	if rest, negative := strings.CutPrefix(s, "-"); strings.HasPrefix(rest, ".") {
		if negative {
			dst = append(dst, '-')
		}
		return append(append(dst, '0'), rest...), false, nil
	}
	return append(dst, s...), false, nil
}

// appendDigits writes a number that the database keeps as binary with at least scale decimals, and never fewer than
// the number has.
func appendDigits(dst []byte, v float64, scale int) []byte {
	if out, ok := appendScaled(dst, v, scale); ok {
		return out
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	if scale <= 0 {
		return dst
	}
	point := strings.IndexByte(string(dst[start:]), '.')
	if point < 0 {
		point = len(dst) - start
		dst = append(dst, '.')
	}
	for have := len(dst) - start - point - 1; have < scale; have++ {
		dst = append(dst, '0')
	}
	return dst
}

// appendScaled writes most amounts of money, three times as fast as strconv: a number that is the nearest to n/10^scale. Of
// two decimals of at most 15 digits no binary number is the nearest, so none shorter is nearest to this one.
func appendScaled(dst []byte, v float64, scale int) (out []byte, ok bool) {
	if scale <= 0 || scale > 4 {
		return dst, false
	}
	power := [...]int64{1, 10, 100, 1000, 10_000}[scale]
	whole := math.Round(math.Abs(v) * float64(power))
	if whole == 0 || whole >= 1e15 || whole/float64(power) != math.Abs(v) {
		return dst, false
	}
	n := int64(whole)
	if v < 0 {
		dst = append(dst, '-')
	}
	dst = strconv.AppendInt(dst, n/power, 10)
	dst = append(dst, '.')
	for power /= 10; power > 0; power /= 10 {
		dst = append(dst, '0'+byte(n/power%10))
	}
	return dst, true
}

func isDecimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(s, ".")
	digits := func(s string) bool { return strings.Trim(s, "0123456789") == "" }
	return digits(whole) && digits(fraction) && whole+fraction != "" && (!point || fraction != "")
}

func (c *valueCoder) appendFloat(dst []byte, v any) (out []byte, absent bool, err error) {
	f, ok := v.(float64)
	if n, is := v.(int64); is {
		f, ok = float64(n), true
	}
	if !ok {
		s, isText := textOf(v)
		if !isText {
			return dst, false, errNotFloat
		}
		if s == "" {
			return dst, true, nil
		}
		if f, err = strconv.ParseFloat(s, 64); err != nil {
			return dst, false, errNotFloat
		}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, false, errNotFloat
	}
	bits, format := 64, byte('f')
	if c.typ.Single {
		bits = 32
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits), false, nil
}

func appendBoolean(dst []byte, v any) (out []byte, absent bool, err error) {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(dst, v), false, nil
	case int64:
		if v != 0 && v != 1 {
			return dst, false, errNotBoolean
		}
		return strconv.AppendBool(dst, v == 1), false, nil
	}
	s, ok := textOf(v)
	if !ok {
		return dst, false, errNotBoolean
	}
	switch strings.ToLower(s) {
	case "":
		return dst, true, nil
	case "1", "y", "yes", "t", "true":
		return append(dst, "true"...), false, nil
	case "0", "n", "no", "f", "false":
		return append(dst, "false"...), false, nil
	}
	return dst, false, errNotBoolean
}

func (c *valueCoder) appendTime(dst []byte, v any) (out []byte, absent bool, err error) {
	t, zoned, absent, err := c.timeOf(v)
	if err != nil || absent {
		return dst, absent, err
	}
	if c.kind == KindDate {
		if zoned && c.typ.Kind == KindInstant {
			t = t.In(c.clock.zone)
		}
		if y := t.Year(); y < 1 || y > 9999 {
			return dst, false, errDateRange
		}
		return t.AppendFormat(dst, time.DateOnly), false, nil
	}
	if zoned {
		t = t.UTC()
	} else {
		t = c.clock.utc(t)
	}
	if y := t.Year(); y < 1 || y > 9999 {
		return dst, false, errDateRange
	}
	return t.AppendFormat(dst, time.RFC3339Nano), false, nil
}

// timeOf returns the value's wall clock, or its instant where zoned.
func (c *valueCoder) timeOf(v any) (t time.Time, zoned, absent bool, err error) {
	if t, ok := v.(time.Time); ok {
		return t, c.typ.Kind == KindInstant, false, nil
	}
	if n, ok := v.(int64); ok && c.layout != "" { // 20261116 kept as a number
		v = strconv.FormatInt(n, 10)
	}
	s, ok := textOf(v)
	if !ok {
		return time.Time{}, false, false, errNotDate
	}
	if s == "" {
		return time.Time{}, false, true, nil
	}
	return parseWall(s, c.layout)
}

func parseWall(s, layout string) (t time.Time, zoned, absent bool, err error) {
	if layout != "" {
		t, err = time.Parse(layout, s)
		if err != nil {
			return time.Time{}, false, false, errNotDate
		}
		return t, strings.Contains(layout, "07"), false, nil
	}
	for _, iso := range isoLayouts(s) {
		if t, err := time.Parse(iso, s); err == nil {
			return t, strings.Contains(iso, "07"), false, nil
		}
	}
	return time.Time{}, false, false, errNotDate
}

// isoLayouts returns the forms of ISO 8601 that a text of this shape may have: most values match the first. A fraction
// of a second is taken by time.Parse wherever there are seconds.
func isoLayouts(s string) []string {
	switch {
	case len(s) == len(time.DateOnly):
		return []string{time.DateOnly}
	case len(s) < len("2006-01-02 15:04"):
		return nil
	case s[len(time.DateOnly)] == 'T':
		return []string{"2006-01-02T15:04:05", time.RFC3339, "2006-01-02T15:04"}
	}
	return []string{time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04", "2006-01-02 15:04:05 -07:00", "2006-01-02 15:04:05 -0700 MST"} // the last as Go writes a time.Time
}

func appendUUID(dst []byte, v any) ([]byte, error) {
	s, ok := textOf(v)
	if !ok || len(s) != 36 || !utf8.ValidString(s) {
		return dst, errNotUUID
	}
	return append(dst, strings.ToLower(s)...), nil
}

// clock turns wall clocks of the DMS into instants, and counts what daylight saving did to them.
type clock struct {
	zone     *time.Location
	repeated int
	skipped  int
	// A span of wall-clock seconds, well away from any change of the clocks, in which one offset holds.
	from, until, offset int64
}

func (c *clock) utc(wall time.Time) time.Time {
	w := wall.Unix() + int64(wallOffset(wall))
	if w < c.from || w >= c.until {
		if t, known := c.learn(wall, w); !known {
			return t
		}
	}
	return time.Unix(w-c.offset, int64(wall.Nanosecond())).UTC()
}

func wallOffset(t time.Time) int {
	if t.Location() == time.UTC {
		return 0
	}
	_, offset := t.Zone()
	return offset
}

// learn looks a wall clock up in the zone's rules and remembers the span around it, where it is in one.
func (c *clock) learn(wall time.Time, w int64) (t time.Time, known bool) {
	t, shift := Instant(wall, c.zone)
	switch shift {
	case ShiftRepeated:
		c.repeated++
	case ShiftSkipped:
		c.skipped++
	}
	const margin = 48 * 60 * 60
	_, offset := t.Zone()
	from, until := t.ZoneBounds()
	c.from, c.until, c.offset = math.MinInt64, math.MaxInt64, int64(offset)
	if !from.IsZero() {
		c.from = from.Unix() + margin
	}
	if !until.IsZero() {
		c.until = until.Unix() - margin
	}
	return t.UTC(), w >= c.from && w < c.until
}

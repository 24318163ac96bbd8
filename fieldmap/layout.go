package fieldmap

import (
	"regexp"
	"strings"
	"time"

	"roagent/fieldmap/strictyaml"
)

var (
	goLayout     = regexp.MustCompile(`06`) // also in 2006
	friendlyPart = regexp.MustCompile(`[yY]+|M+|[dD]+|H+|h+|m+|[sS]+|[.,]f{1,9}|tt|AM|PM|T|[A-Za-z]`)
)

// parseLayout reads the layout of dates kept as text, in Go's notation (01/02/2006) or a friendlier one (MM/DD/YYYY),
// and returns it in Go's.
func parseLayout(n strictyaml.Node) string {
	text := n.Text()
	if text == "" {
		return ""
	}
	layout, ok := text, true
	if !goLayout.MatchString(text) {
		layout, ok = friendlyLayout(text)
	}
	if !ok || !tellsDates(layout) {
		n.Problem("write it like YYYYMMDD, MM/DD/YYYY or DD.MM.YYYY HH:mm:ss: MM is the month, mm the minute", "%q does not say where year, month and day stand", text)
		return ""
	}
	return layout
}

func friendlyLayout(text string) (layout string, ok bool) {
	parts := map[string]string{
		"YYYY": "2006", "YY": "06", "MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1", "DD": "02", "D": "2",
		"HH": "15", "hh": "03", "h": "3", "mm": "04", "m": "4", "SS": "05", "S": "5", "tt": "PM", "AM": "PM", "PM": "PM", "T": "T",
	}
	ok = true
	layout = friendlyPart.ReplaceAllStringFunc(text, func(part string) string {
		if strings.ContainsAny(part[:1], "ydsS") {
			part = strings.ToUpper(part) // of these letters both cases mean one thing
		}
		if strings.HasSuffix(part, "f") && len(part) > 1 {
			return strings.ReplaceAll(part, "f", "0") // fractions of a second
		}
		known, found := parts[part]
		ok = ok && found
		return known
	})
	return layout, ok && !strings.ContainsAny(text, "0123456789")
}

// tellsDates reports whether dates written in a layout read back as what they were, and times of day too where it has
// them: HH:MM, which repeats the month, and hh:mm without tt lose them.
func tellsDates(layout string) bool {
	for _, wrote := range []time.Time{
		time.Date(2024, time.November, 23, 17, 42, 0, 0, time.UTC),
		time.Date(2031, time.February, 5, 9, 8, 0, 0, time.UTC),
	} {
		read, err := time.Parse(layout, wrote.Format(layout))
		if err != nil || !read.Equal(wrote) && !read.Equal(wrote.Truncate(24*time.Hour)) {
			return false
		}
	}
	return true
}

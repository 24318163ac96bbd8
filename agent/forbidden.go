package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"roagent/fieldmap"
	"roagent/fieldmap/strictyaml"
)

// forbiddenError lists what a whitelist reads that must not leave, each with its place in the file.
type forbiddenError struct{ problems strictyaml.Problems }

func (e *forbiddenError) Error() string {
	return "the whitelist names what must not leave: nothing is read\n" + e.problems.Error()
}

// checkForbidden refuses a whitelist that reads a forbidden column without an override.
func checkForbidden(config *Config, plan *fieldmap.Plan) error {
	refused, _ := plan.Forbidden()
	if len(refused) == 0 {
		return nil
	}
	e := &forbiddenError{}
	inFile(&e.problems, config.Fieldmap)
	for _, f := range refused {
		hint := "take the field out; if it must leave, give it an override with the reason, which a second person approves (fieldmap approve --second NAME)"
		if f.Field == nil {
			hint = "name another column; if it must be this one, send it as a field too, with an override"
		}
		e.problems.Add(f.At, hint, "%s", f)
	}
	_ = e.problems.Err() // sorts them by place
	return e
}

// printForbidden says of each forbidden thing on a level what it is, and why it may leave.
func printForbidden(w io.Writer, l *fieldmap.Level, refused, overridden []fieldmap.Forbidden) {
	for _, f := range slices.Concat(refused, overridden) {
		switch {
		case f.Level != l:
		case f.Field != nil && f.Field.Override != "":
			fmt.Fprintf(w, "  FORBIDDEN: %s; it is sent all the same: %s\n", f, f.Field.Override)
		default:
			fmt.Fprintf(w, "  FORBIDDEN: %s; nothing is read as long as it stands here\n", f)
		}
	}
	for _, f := range l.TestedForbidden() {
		fmt.Fprintf(w, "  warning: %s; the database tests it, and it never leaves\n", f)
	}
}

// redWriter shows FORBIDDEN in red. Each write holds the word whole or not at all.
type redWriter struct{ to io.Writer }

func (w redWriter) Write(b []byte) (int, error) {
	if _, err := w.to.Write(bytes.ReplaceAll(b, []byte("FORBIDDEN"), []byte("\x1b[1;31mFORBIDDEN\x1b[0m"))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// inColour returns w, or what shows FORBIDDEN in red where w is a terminal and the user has not refused colours
// (https://no-color.org).
func inColour(w io.Writer, noColour string) io.Writer {
	to := w
	if checked, ok := w.(*checkedWriter); ok {
		to = checked.to
	}
	if noColour != "" || !onTerminal(to) {
		return w
	}
	return redWriter{w}
}

// needsSecond refuses a whitelist with overrides that one person alone approved.
func needsSecond(overridden []fieldmap.Forbidden) error {
	var fields []string
	for _, f := range overridden {
		fields = append(fields, fmt.Sprintf("%s (%s)", f.Column, f.Found.Kind))
	}
	return &refusedError{
		"the whitelist lets forbidden fields go, which takes the word of two people: " + strings.Join(fields, ", "),
		"look at them with 'roagent fieldmap show', then 'roagent fieldmap approve --by NAME --second NAME'",
	}
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"roagent/fieldmap"
	"roagent/fieldmap/class"
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

// forbiddenOf says of each forbidden thing on a level what it is, and why it may leave.
func forbiddenOf(l *fieldmap.Level, all []fieldmap.Forbidden) []string {
	var said []string
	for _, f := range all {
		switch {
		case f.Level != l:
		case f.Field != nil && f.Field.Override != "":
			said = append(said, fmt.Sprintf("%s; it is sent all the same: %s", f, f.Field.Override))
		default:
			said = append(said, fmt.Sprintf("%s; nothing is read as long as it stands here", f))
		}
	}
	return said
}

// testedOf says what is forbidden among the columns of a level that are only tested.
func testedOf(l *fieldmap.Level) []string {
	var said []string
	for _, f := range l.TestedForbidden() {
		said = append(said, fmt.Sprintf("%s; the database tests it, and it never leaves", f))
	}
	return said
}

// className returns a class as people read it.
func className(f class.Finding) string {
	if f.Forbidden() {
		return forbiddenWord
	}
	return string(f.Class)
}

// forbiddenWord marks what must not leave, wherever a whitelist is shown.
const forbiddenWord = "FORBIDDEN"

// redWriter shows forbiddenWord in red. Each write holds the word whole or not at all.
type redWriter struct{ to io.Writer }

func (w redWriter) Write(b []byte) (int, error) {
	if _, err := w.to.Write(bytes.ReplaceAll(b, []byte(forbiddenWord), []byte("\x1b[1;31m"+forbiddenWord+"\x1b[0m"))); err != nil {
		return 0, err
	}
	return len(b), nil
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

package main

import (
	"fmt"
	"io"
	"slices"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/unusual"
)

// printFindings tells a person what looks wrong in a week, and that nothing is held back for it.
func printFindings(w io.Writer, week string, found []unusual.Finding) {
	if len(found) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s looks unusual; it is sent all the same, as every other week:\n", week)
	for _, f := range found {
		fmt.Fprintf(w, "  %s\n", f)
	}
}

// printUnusual tells what looks wrong in a week of which nothing is stored.
func (s *site) printUnusual(w io.Writer, week fieldmap.Week, profile *fieldmap.Profile) error {
	weeks, err := s.queue.Profiles()
	if err != nil {
		return err
	}
	weeks = slices.DeleteFunc(weeks, func(w upload.WeekProfile) bool { return w.Week >= week.String() })
	weeks = append(weeks, upload.WeekProfile{Week: week.String(), Profile: profile})
	printFindings(w, week.String(), unusual.Weeks(weeks)[week.String()])
	return nil
}

package extract

import (
	"fmt"
	"strings"

	"roagent/fieldmap/strictyaml"
)

// UnreachableError is a DMS that cannot be reached or read. Nothing was lost; the reading goes on at its checkpoint.
type UnreachableError struct {
	Op     string // what was being done
	Place  string // which DMS
	Reason string // what is wrong, in a sentence without any value of a row
	Hint   string // what to do
	Err    error  // a *DatabaseError, or a context's error
}

func (e *UnreachableError) Error() string {
	text := fmt.Sprintf("%s (%s): %s", e.Op, e.Place, e.Reason)
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// DatabaseError is what a database or its driver reported, told in our own words: their messages may quote rows
// ("Conversion failed when converting the varchar value …"). The original is not kept.
type DatabaseError struct {
	Number int    // SQL Server's error number, SQLite's result code; 0: the driver's or the network's
	Class  int    // SQL Server's severity
	Reason string // a sentence
	Hint   string // what to do; may be ""
	Again  bool   // reading again may help: a deadlock, a lock, a lost connection
	TLS    bool   // the connection was made, and the encryption of it was not
	Row    bool   // the values of some row are at fault, and other rows can be read
}

func (e *DatabaseError) Error() string {
	if e.Number == 0 {
		return e.Reason
	}
	return fmt.Sprintf("%s (error %d)", e.Reason, e.Number)
}

// SchemaError is everything in which the whitelist and the DMS's schema do not fit. Whoever read the whitelist sets
// the name and source of Problems, for messages with source lines.
type SchemaError struct {
	Problems *strictyaml.Problems
	Missing  bool // a table is not there: it may be the DMS that is wrong, not the whitelist
}

func (e *SchemaError) Error() string { return e.Problems.Error() }

// Unwrap returns the problems.
func (e *SchemaError) Unwrap() error { return e.Problems }

// Severity says whether a [Finding] stops a pull.
type Severity string

// The severities.
const (
	Warning Severity = "warning"
	Failure Severity = "failure"
)

// Finding is one thing that the schema check found.
type Finding struct {
	Level    string         `json:"level"` // "" for the orders, else job or job.service_parts
	Severity Severity       `json:"severity"`
	Message  string         `json:"message"`
	Hint     string         `json:"hint,omitempty"`
	Index    bool           `json:"-"` // it is about an index or a key
	At       strictyaml.Pos `json:"-"` // in the whitelist's file
}

func (f Finding) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s: %s; %s", f.Severity, f.Message, f.Hint), "; ")
}

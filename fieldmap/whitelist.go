package fieldmap

import (
	"strings"
	"time"

	"roagent/fieldmap/class"
	"roagent/fieldmap/strictyaml"
)

// version is that of the whitelist's format, which a file and its canonical form begin with.
const version = 1

// Whitelist is a fieldmap.yaml as it was written: everything that the agent may read, each with a reason.
// It is made by [Parse], which has checked it; the order of all lists is the file's. At is where a part stands in it.
type Whitelist struct {
	Version    int
	Recipient  string
	Purpose    string
	Agreement  string
	Narratives Narratives
	Classes    []Classed // what it adds to the table of classes
	Orders     Orders
}

// Classed is a name that the whitelist puts into a class: a column, with its table or without, a sent name, or words of one.
type Classed struct {
	Class class.Class
	Name  string
	At    strictyaml.Pos
}

// Orders is the table (or view) of repair orders.
type Orders struct {
	From    Table
	Key     []string // the columns that name an order, of the table's own
	Week    string   // the column that says in which week an order falls
	Changed string   // the column that every edit moves; "" where the DMS has none
	Joins   []Join
	Skip    []Rule
	Fields  []Field
	Lines   []Lines

	At, KeyAt, ChangedAt strictyaml.Pos
}

// Join is a table of which at most one row belongs to an order.
type Join struct {
	Name string // what the whitelist's columns call it: customer in customer.Phone
	From Table
	On   []Pair // Left is the order's column, Right the joined table's
	At   strictyaml.Pos
}

// Lines is a table with any number of rows an order (or a line above it).
type Lines struct {
	Send   string // the list's name in the sent order: job
	From   Table
	Parent []Pair   // Left is this table's column, Right the parent's
	Order  []string // the columns that order the lines; none: by their sent bytes
	Skip   []Rule
	Fields []Field
	Lines  []Lines

	At, ParentAt, OrderAt strictyaml.Pos
}

// Field is one value that is sent.
type Field struct {
	Send      string // path in STAR's tree, relative to its list
	Column    Column
	Why       string
	As        Kind      // the value's kind where the database's type does not tell; KindUnknown: as the database says
	Layout    string    // of dates kept as text, in Go's notation; "" is ISO 8601
	Unit      string    // UN/ECE unit code: KMT, SMI
	Currency  string    // ISO 4217
	Map       *ValueMap // nil: no translation
	Mask      Mask
	Narrative bool   // free text: scanned for secrets, see Narratives
	Override  string // of a forbidden field: why it may leave all the same
	Withhold  []Rule // the value is left out where any of them matches
	At        strictyaml.Pos
}

// Column names a column of a level's own table, or of a table joined to it.
type Column struct {
	Join string // "" is the level's own table
	Name string
}

// String returns the column as the whitelist writes it: Phone or customer.Phone.
func (c Column) String() string {
	if c.Join == "" {
		return c.Name
	}
	return c.Join + "." + c.Name
}

// Table names a table or view. Schema is "" where the whitelist leaves it out: dbo, or SQLite's main.
type Table struct{ Schema, Name string }

// String returns the table as the whitelist writes it; parts with more than words in them are bracketed.
func (t Table) String() string {
	part := func(s string) string {
		if strings.ContainsAny(s, `.[]"';-/*()`) {
			return "[" + strings.ReplaceAll(s, "]", "]]") + "]"
		}
		return s
	}
	if t.Schema == "" {
		return part(t.Name)
	}
	return part(t.Schema) + "." + part(t.Name)
}

// Pair links two columns of two tables.
type Pair struct{ Left, Right string }

// Rule says of which rows or values something is left out: it matches where all of its conditions do.
// A list of rules matches where any of them does.
type Rule struct {
	All []Condition
	Why string
	At  strictyaml.Pos
}

// Condition is one test of one column. A NULL matches only [IsNull].
type Condition struct {
	Column Column
	Op     Op
	Values []string  // In, NotIn: as written; extract gives them the column's type
	Time   time.Time // Before, After: a wall clock in UTC, without a zone of its own
	Age    Age       // OlderThan
}

// Op is what a [Condition] tests.
type Op uint8

// The tests, in the words of the whitelist.
const (
	In Op = iota + 1
	NotIn
	IsNull
	NotNull
	Before
	After
	OlderThan // strictly before the end of the pulled week less [Condition.Age]
)

// String returns the operator's key in the whitelist.
func (o Op) String() string {
	return [...]string{"?", "in", "not_in", "is_null", "not_null", "before", "after", "older_than"}[o]
}

// Age is a span counted back on the calendar: 2 years, 6 months.
type Age struct {
	N    int
	Unit AgeUnit
}

// AgeUnit is days, weeks, months or years.
type AgeUnit string

// The units of an [Age].
const (
	Days   AgeUnit = "days"
	Weeks  AgeUnit = "weeks"
	Months AgeUnit = "months"
	Years  AgeUnit = "years"
)

// Before returns the instant one Age before t. Months and years keep the day of the month, or take the month's last
// day where it has no such day (31 May less 3 months is the last of February).
func (a Age) Before(t time.Time) time.Time {
	switch a.Unit {
	case Days:
		return t.AddDate(0, 0, -a.N)
	case Weeks:
		return t.AddDate(0, 0, -7*a.N)
	}
	months := a.N
	if a.Unit == Years {
		months *= 12
	}
	back := t.AddDate(0, -months, 0)
	if back.Day() != t.Day() { // normalised into the month after: step back to the last day of the month meant
		back = back.AddDate(0, 0, -back.Day())
	}
	return back
}

// ValueMap translates codes. A code it lacks is an error of its order unless HasElse.
type ValueMap struct {
	Codes   []MapEntry // in the file's order
	Else    string
	HasElse bool
}

// MapEntry is one code and what is sent for it.
type MapEntry struct{ Code, Send string }

// Mask changes a value before it is sent: STAR's MaskingStrategyTypes.
type Mask struct {
	Strategy MaskStrategy
	Keep     int    // PartialMask: last characters kept; Truncate: first characters kept
	To       string // Generalize: year or month
}

// MaskStrategy is one of STAR's MaskingStrategyTypes.
type MaskStrategy string

// The strategies offered. TOKENIZE, PSEUDONYMIZE and PERTURB are not: two need a vault, one falsifies a record.
const (
	MaskNone       MaskStrategy = "NONE"
	MaskHash       MaskStrategy = "HASH"
	MaskPartial    MaskStrategy = "PARTIAL_MASK"
	MaskTruncate   MaskStrategy = "TRUNCATE"
	MaskGeneralize MaskStrategy = "GENERALIZE"
	MaskRedact     MaskStrategy = "REDACT"
	MaskNullify    MaskStrategy = "NULLIFY"
	MaskBlock      MaskStrategy = "BLOCK" // the whole pull stops
)

// Kind is how a value is written in a sent order, whatever the database calls its type.
type Kind uint8

// The kinds, each with what is sent.
const (
	KindUnknown  Kind = iota
	KindText          // string
	KindInteger       // JSON number
	KindDecimal       // JSON string with the database's digits
	KindFloat         // JSON number: the shortest text that reads back the same
	KindBoolean       // true, false
	KindDate          // YYYY-MM-DD
	KindDateTime      // wall clock of dms.timezone, sent as RFC 3339 UTC
	KindInstant       // datetimeoffset: an instant, sent as RFC 3339 UTC
	KindUUID          // lower-case text
)

// String returns the kind in the whitelist's words where it has one (as: …).
func (k Kind) String() string {
	return [...]string{"unknown", "text", "integer", "decimal", "float", "boolean", "date", "datetime", "datetimeoffset", "uniqueidentifier"}[k]
}

// ColumnType is what the DMS says of a column.
type ColumnType struct {
	Kind     Kind
	Database string // the database's own word for it, for messages: decimal(12,2)
	Fixed    bool   // char, nchar: right-trimmed
	Scale    int    // decimals after the point, where the driver gives a number instead of digits; -1: not known
	Single   bool   // real: 32 bits
}

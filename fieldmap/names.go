package fieldmap

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"roagent/fieldmap/strictyaml"
)

// maxName is how many characters SQL Server allows a name.
const maxName = 128

// noSQL is the hint for what tries to be more than a name. Names are quoted wherever they stand in a statement, so SQL
// could do no harm; it would end as a table that does not exist, which is harder to understand.
const noSQL = "name a table, a view or a column; for anything else make a view in the database"

// sqlText matches what people write who expect SQL to work. Names may hold almost any character and word, so that each
// pattern takes more than a word: "Select Code" and "Order" are names.
var sqlText = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`;`, `--`, `/\*`, `^\*$`, `\.\*$`,
	`[\])"]\s*(from|join|where|union)\b`,
	`\(\s*select\b`, `\bselect\b.*\bfrom\b`, `\bunion\s+(all\s+)?select\b`, `^select\s*\*`,
	`\bwhere\b.*[=<>]`, `\bjoin\b.*\bon\b`, `\bwith\s*\(`, `\(\s*nolock\s*\)`,
	`\b(drop|alter|create|truncate)\s+(table|view|procedure|function|database|user|login)\b`,
	`\b(insert\s+into|delete\s+from)\b`, `\bupdate\b.*\bset\b`, `^exec(ute)?\s`,
	`^(avg|cast|coalesce|concat|convert|count|ifnull|isnull|left|lower|ltrim|max|min|nullif|openquery|openrowset|replace|right|rtrim|substr|substring|sum|trim|try_cast|try_convert|upper)\(`,
	`^case\s+when\b`,
}, "|"))

func parseTable(n strictyaml.Node) Table {
	text := n.Text()
	if text == "" {
		return Table{}
	}
	parts, quoted, err := splitName(text)
	switch {
	case sqlText.MatchString(text) && (err != nil || !quoted):
		n.Problem(noSQL, "no SQL is accepted here: name a table or view")
		return Table{}
	case err != nil:
		n.Problem("write it like dbo.RepairOrder, or '[dbo].[Repair.Order]' where a name holds a dot or a bracket", "this is no name of a table or view: %v", err)
		return Table{}
	case len(parts) > 2:
		n.Problem("name the database in roagent.yaml (dms.database) and the schema and table here", "a name has at most a schema and a table")
		return Table{}
	}
	for _, part := range parts {
		checkName(n, part)
	}
	if len(parts) == 1 {
		return Table{Name: parts[0]}
	}
	return Table{Schema: parts[0], Name: parts[1]}
}

// splitName splits a table's name at its dots. Parts in [brackets] or "quotes" may hold dots themselves; within them
// the closing mark is written twice. quoted reports that all parts are such.
func splitName(s string) (parts []string, quoted bool, err error) {
	quoted = true
	for {
		var part string
		switch {
		case strings.HasPrefix(s, "["):
			part, s, err = cutQuoted(s[1:], "]")
		case strings.HasPrefix(s, `"`):
			part, s, err = cutQuoted(s[1:], `"`)
		default:
			quoted = false
			i := strings.IndexByte(s+".", '.')
			part, s = s[:i], s[i:]
			if strings.ContainsAny(part, `[]"`) {
				err = fmt.Errorf("a bracket or quote stands within %s", part)
			}
		}
		if err == nil && strings.TrimSpace(part) == "" {
			err = fmt.Errorf("a part of it is empty")
		}
		if err != nil {
			return nil, false, err
		}
		parts = append(parts, part)
		if s == "" {
			return parts, quoted, nil
		}
		if s[0] != '.' {
			return nil, false, fmt.Errorf("after a bracketed or quoted part only a dot may follow")
		}
		s = s[1:]
	}
}

// cutQuoted returns what stands before the first lone mark in s, and what stands after it.
func cutQuoted(s, mark string) (part, rest string, err error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, mark)
		if !found {
			return "", "", fmt.Errorf("the closing %s is missing", mark)
		}
		b.WriteString(before)
		if !strings.HasPrefix(after, mark) {
			return b.String(), after, nil
		}
		b.WriteString(mark)
		s = after[len(mark):]
	}
}

func checkName(n strictyaml.Node, name string) {
	if utf8.RuneCountInString(name) > maxName {
		n.Problem("", "a name has at most %d characters", maxName)
	}
	if strings.Contains(name, "\n") {
		n.Problem("", "a name has no line break")
	}
}

// columnName reads the name of a column, whatever characters are in it.
func columnName(n strictyaml.Node) string {
	name := n.Text()
	if sqlText.MatchString(name) {
		n.Problem(noSQL, "no SQL is accepted here: name a column")
	}
	checkName(n, name)
	return name
}

// column reads a column of the scope's table or of a table joined to it: customer.Phone.
func (in scope) column(n strictyaml.Node) Column {
	name := columnName(n)
	prefix, rest, dotted := strings.Cut(name, ".")
	switch {
	case !dotted:
	case slices.Contains(in.joins, prefix):
		if strings.TrimSpace(rest) == "" {
			n.Problem("", "after %s. the column is missing", prefix)
		}
		return Column{Join: prefix, Name: rest}
	default:
		// A dot may be part of a column's own name. Only a near miss is surely none.
		if near := strictyaml.Closest(prefix, in.joins); near != "" {
			n.Problem("did you mean "+near+"."+rest+"?", "there is no join %q", prefix)
		}
	}
	return Column{Name: name}
}

// ownColumn reads a column of the scope's table itself.
func (in scope) ownColumn(n strictyaml.Node) string {
	c := in.column(n)
	if c.Join != "" {
		n.Problem("name a column of the table itself", "%s belongs to the joined table %s, which cannot be used here", c, c.Join)
	}
	return c.Name
}

// ownColumns reads one or more columns of the scope's table itself.
func (in scope) ownColumns(n strictyaml.Node) []string {
	var columns []string
	for _, entry := range n.OneOrMore() {
		name := in.ownColumn(entry)
		if containsName(columns, name) {
			entry.Problem("", "the column %s is listed twice", name)
		}
		columns = append(columns, name)
	}
	return columns
}

// sameName reports whether a database may take two names for one: most do not tell letters' cases apart.
func sameName(a, b string) bool { return strings.EqualFold(a, b) }

func containsName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(have string) bool { return sameName(have, name) })
}

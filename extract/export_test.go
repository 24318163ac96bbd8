package extract

import "roagent/fieldmap"

// WithLargeWeeks makes weeks large from n rows on.
func (c *Config) WithLargeWeeks(n int) { c.largeWeek = n }

// TrustAnyCertificate is for servers that make their own, such as those of a CI job. No configuration can say it.
func (c *Config) TrustAnyCertificate() { c.trustAny = true }

// ParsePosition is parsePosition, for its fuzz test.
func ParsePosition(b []byte, n int) ([]any, error) { return parsePosition(b, n) }

// Position is position, for the fuzz test of ParsePosition.
func Position(values []any) []byte { return position(values) }

// ViewStatements returns the statements that make a plan's views on a dialect, and the whitelist that reads them. SQLite
// has no schemas: there the views are called roagent_T and not roagent.T.
func ViewStatements(driver string, plan *fieldmap.Plan) (statements []string, whitelist []byte, err error) {
	d, _ := dialectOf(driver)
	m := &viewMaker{syntax: d.syntax(), plan: plan, table: func(name string) fieldmap.Table {
		if driver == "sqlite" {
			return fieldmap.Table{Name: ViewSchema + "_" + name}
		}
		return fieldmap.Table{Schema: ViewSchema, Name: name}
	}}
	whitelist, err = m.file(m.whitelist())
	for _, v := range m.views {
		statements = append(statements, m.create(v))
	}
	return statements, whitelist, err
}

package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"roagent/fieldmap"
	"roagent/fieldmap/strictyaml"
)

// Bind holds a plan against the DMS's schema, and readies its statements. The findings are everything worth knowing, the
// worst first: failures, which make the error a [*SchemaError], and warnings, which do not. hashKey is for HASH masks,
// tagKey for the tags of Records.
func (d *DMS) Bind(ctx context.Context, plan *fieldmap.Plan, hashKey, tagKey []byte) (*Reader, []Finding, error) {
	const op = "check the whitelist against the DMS"
	statements := compile(d.dialect.syntax(), plan)
	c := &checker{dms: d, plan: plan, statements: statements, schema: &schema{types: map[columnRef]*columnType{}}}
	if err := c.read(ctx); err != nil {
		return nil, nil, d.unreachable(ctx, op, err)
	}
	c.check()
	encoder, err := plan.Bind(func(l *fieldmap.Level, column fieldmap.Column) fieldmap.ColumnType {
		return c.schema.typeOf(l, column).ColumnType
	}, fieldmap.Options{DMSZone: d.zones.dms, HashKey: hashKey, TagKey: tagKey})
	if err := c.adopt(err); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", op, err)
	}
	r := &Reader{dms: d, plan: plan, schema: c.schema, encoder: encoder, statements: statements}
	c.literals(r)
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
	if problems := c.failures(); problems != nil {
		return nil, c.findings, &SchemaError{Problems: problems, Missing: c.missing()}
	}
	r.convert()
	return r, c.findings, nil
}

// convert settles which values of a row need a conversion.
func (r *Reader) convert() {
	for _, l := range r.plan.Levels {
		var list []converter
		for i, s := range l.Select {
			if s.Flag {
				continue
			}
			if f := r.dms.dialect.convert(r.schema.typeOf(l, s.Column)); f != nil {
				list = append(list, converter{i, f})
			}
		}
		r.converters = append(r.converters, list)
	}
	o := r.plan.Orders
	for i, name := range o.Key {
		if f := r.dms.dialect.convert(r.schema.typeOf(o, fieldmap.Column{Name: name})); f != nil {
			r.keyConverters = append(r.keyConverters, converter{i, f})
		}
	}
	if o.Changed != "" {
		if f := r.dms.dialect.convert(r.schema.typeOf(o, fieldmap.Column{Name: o.Changed})); f != nil {
			r.keyConverters = append(r.keyConverters, converter{len(o.Key), f})
		}
	}
}

// adopt takes the problems that the whitelist's own binding found. Those of columns that are missing are told already.
func (c *checker) adopt(err error) error {
	var problems *strictyaml.Problems
	if err == nil || !errors.As(err, &problems) {
		return err
	}
	for _, p := range problems.List {
		if !c.told[p.At] {
			c.findings = append(c.findings, Finding{Severity: Failure, Message: p.Message, Hint: p.Hint, At: p.At})
		}
	}
	return nil
}

// missing reports whether the DMS lacks a table.
func (c *checker) missing() bool {
	for _, t := range c.tables {
		if t == nil {
			return true
		}
	}
	return false
}

// failures returns the findings that stop a pull, or nil.
func (c *checker) failures() *strictyaml.Problems {
	problems := &strictyaml.Problems{}
	for _, f := range c.findings {
		if f.Severity == Failure {
			problems.Add(f.At, f.Hint, "%s", f.Message)
		}
	}
	if problems.Err() == nil {
		return nil
	}
	return problems
}

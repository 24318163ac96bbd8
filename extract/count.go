package extract

import (
	"context"
	"fmt"

	"roagent/fieldmap"
)

// tally is what the database counted of the orders of a week.
type tally struct {
	week   fieldmap.Week
	byKind map[int]int // by the number of the skip rule, tallyKeyless or tallyOrders; nil: not counted
}

// Count returns how many orders a week has that are not skipped: for a person who waits.
func (rd *Reading) Count(ctx context.Context, week fieldmap.Week) (int, error) {
	byKind, err := rd.tallied(ctx, week)
	return byKind[tallyOrders] + byKind[tallyKeyless], err
}

// Keyless returns how many orders of a week have NULL in their key, and so cannot be read.
func (rd *Reading) Keyless(ctx context.Context, week fieldmap.Week) (int, error) {
	byKind, err := rd.tallied(ctx, week)
	return byKind[tallyKeyless], err
}

// Skipped returns how many rows of a week each skip rule left out, counted by the database. Of two rules that match
// the first counts. Rows of a list count where their order and all rows above them are not skipped themselves.
func (rd *Reading) Skipped(ctx context.Context, week fieldmap.Week) ([]fieldmap.SkipCount, error) {
	var counts []fieldmap.SkipCount
	add := func(l *fieldmap.Level, byRule map[int]int) {
		for i, rule := range l.Skip {
			counts = append(counts, fieldmap.SkipCount{List: l.Path, Why: rule.Why, Count: byRule[i]})
		}
	}
	byKind, err := rd.tallied(ctx, week)
	if err != nil {
		return nil, err
	}
	add(rd.reader.plan.Orders, byKind)
	weekly, err := rd.weekly(ctx, week)
	if err != nil {
		return nil, err
	}
	for _, s := range weekly.skipped {
		byRule, err := rd.count(ctx, s, week)
		if err != nil {
			return nil, err
		}
		add(s.level, byRule)
	}
	return counts, nil
}

// tallied counts the orders of a week, once.
func (rd *Reading) tallied(ctx context.Context, week fieldmap.Week) (map[int]int, error) {
	if rd.tally.byKind == nil || rd.tally.week != week {
		weekly, err := rd.weekly(ctx, week)
		if err != nil {
			return nil, err
		}
		byKind, err := rd.count(ctx, weekly.tally, week)
		if err != nil {
			return nil, err
		}
		rd.tally = tally{week, byKind}
	}
	return rd.tally.byKind, nil
}

// largeWeek is from how many rows on a week is read by walking along the key. For fewer of them that would read a large
// table for a small week; for more, an index on the week names them in an order in which each lies on another page than
// the one before.
const largeWeek = 5000

// weekly returns the statements that look at all orders of a week, as its size calls for.
func (rd *Reading) weekly(ctx context.Context, week fieldmap.Week) (*weekly, error) {
	s := rd.reader.statements
	if s.size == nil {
		return &s.weekly, nil
	}
	if rd.size.week != week {
		rows, err := rd.rowsOf(ctx, week)
		if err != nil {
			return nil, err
		}
		rd.size = size{week, rows}
	}
	if rd.size.rows < rd.reader.dms.config.largeWeek {
		return &s.weekly, nil
	}
	return &s.large, nil
}

// size is how many rows a week has, those that are skipped among them.
type size struct {
	week fieldmap.Week
	rows int
}

func (rd *Reading) rowsOf(ctx context.Context, week fieldmap.Week) (rows int, err error) {
	s := rd.reader.statements.size
	op := rd.op("the size", week)
	args, err := rd.reader.arguments(s, request{week: week})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	err = rd.do(ctx, op, func(ctx context.Context, session *session) error {
		return session.run(ctx, s, s.head, args, func(r row) error { return r.scan(&rows) })
	})
	return rows, err
}

// count runs a statement whose rows are a number and how often it came.
func (rd *Reading) count(ctx context.Context, s *statement, week fieldmap.Week) (map[int]int, error) {
	op := rd.op("the count of "+s.name, week)
	args, err := rd.reader.arguments(s, request{week: week})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	var counts map[int]int
	err = rd.do(ctx, op, func(ctx context.Context, session *session) error {
		counts = map[int]int{}
		return session.run(ctx, s, s.head, args, func(r row) error {
			var number, n int
			err := r.scan(&number, &n)
			counts[number] = n
			return err
		})
	})
	return counts, err
}

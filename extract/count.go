package extract

import (
	"context"
	"database/sql"
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
	for _, s := range rd.reader.statements.skipped {
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
		byKind, err := rd.count(ctx, rd.reader.statements.tally, week)
		if err != nil {
			return nil, err
		}
		rd.tally = tally{week, byKind}
	}
	return rd.tally.byKind, nil
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
		return session.run(ctx, s, s.head, args, func(rows *sql.Rows) error {
			var number, n int
			err := rows.Scan(&number, &n)
			counts[number] = n
			return err
		})
	})
	return counts, err
}

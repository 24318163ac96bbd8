package extract

import (
	"context"
	"database/sql"
	"fmt"

	"roagent/fieldmap"
)

// Skipped returns how many rows of a week each skip rule left out, counted by the database. Of two rules that match
// the first counts. Rows of a list count where their order and all rows above them are not skipped themselves.
func (rd *Reading) Skipped(ctx context.Context, week fieldmap.Week) ([]fieldmap.SkipCount, error) {
	var counts []fieldmap.SkipCount
	for _, s := range rd.reader.statements.skipped {
		byRule, err := rd.count(ctx, s, week)
		if err != nil {
			return nil, err
		}
		for i, rule := range s.level.Skip {
			counts = append(counts, fieldmap.SkipCount{List: s.level.Path, Why: rule.Why, Count: byRule[i]})
		}
	}
	return counts, nil
}

// Keyless returns how many orders of a week have NULL in their key, and so cannot be read.
func (rd *Reading) Keyless(ctx context.Context, week fieldmap.Week) (int, error) {
	counts, err := rd.count(ctx, rd.reader.statements.keyless, week)
	return counts[0], err
}

// Count returns how many orders a week has that are not skipped: for a person who waits.
func (rd *Reading) Count(ctx context.Context, week fieldmap.Week) (int, error) {
	counts, err := rd.count(ctx, rd.reader.statements.total, week)
	return counts[0], err
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
		return session.query(ctx, s.head, args, func(rows *sql.Rows) error {
			var number, n int
			err := rows.Scan(&number, &n)
			counts[number] = n
			return err
		})
	})
	return counts, err
}

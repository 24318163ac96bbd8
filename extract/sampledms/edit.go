package sampledms

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"roagent/fieldmap"
)

// Numbers returns the numbers of the orders closed in a week that are not internal, sorted.
func Numbers(ctx context.Context, db *sql.DB, dialect string, week fieldmap.Week) ([]string, error) {
	from, to := clock(dialect, week.Start(time.UTC)), clock(dialect, week.End(time.UTC))
	rows, err := db.QueryContext(ctx, "SELECT RONumber FROM RepairOrder WHERE ROType <> 'I' AND ClosedAt >= "+placeholder(dialect, 1)+
		" AND ClosedAt < "+placeholder(dialect, 2)+" ORDER BY RONumber", from, to)
	if err != nil {
		return nil, fmt.Errorf("list the sample's orders of %s: %w", week, err)
	}
	defer rows.Close()
	var numbers []string
	for rows.Next() {
		var number string
		if err := rows.Scan(&number); err != nil {
			return nil, fmt.Errorf("list the sample's orders of %s: %w", week, err)
		}
		numbers = append(numbers, number)
	}
	return numbers, rows.Err()
}

// Edit corrects the text of an order's first job, as an advisor does days later, at a wall-clock time of the DMS.
func Edit(ctx context.Context, db *sql.DB, dialect, number, correction string, at time.Time) error {
	return change(ctx, db, "edit", number,
		step{"UPDATE Job SET Correction = " + placeholder(dialect, 1) + " WHERE RONumber = " + placeholder(dialect, 2) + " AND [LineNo] = 1", []any{correction, number}},
		step{"UPDATE RepairOrder SET UpdatedAt = " + placeholder(dialect, 1) + " WHERE RONumber = " + placeholder(dialect, 2), []any{clock(dialect, at), number}})
}

// Delete takes an order out of the DMS with everything that belongs to it.
func Delete(ctx context.Context, db *sql.DB, dialect, number string) error {
	var steps []step
	for _, table := range []string{"Part", "Job", "RepairOrder"} {
		steps = append(steps, step{"DELETE FROM " + table + " WHERE RONumber = " + placeholder(dialect, 1), []any{number}})
	}
	return change(ctx, db, "delete", number, steps...)
}

// Changes is what [Change] did.
type Changes struct{ Edited, Deleted int }

// Change edits and deletes some orders of each week in a SQLite file, as a shop does after it has closed them.
func Change(ctx context.Context, path string, weeks []fieldmap.Week) (c Changes, err error) {
	const edits, deletes = 5, 2
	db, err := openFile(path)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, week := range weeks {
		numbers, err := Numbers(ctx, db, "sqlite", week)
		if err != nil {
			return c, err
		}
		late := week.End(time.UTC).Add(33 * time.Hour)
		for i, number := range numbers[:min(edits+deletes, len(numbers))] {
			if i < edits {
				err = Edit(ctx, db, "sqlite", number, "R&R PER REQUEST. ROAD TESTED AGAIN AFTER CUST CALL, OK", late)
				c.Edited++
			} else {
				err = Delete(ctx, db, "sqlite", number)
				c.Deleted++
			}
			if err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

type step struct {
	sql  string
	args []any
}

func change(ctx context.Context, db *sql.DB, what, number string, steps ...step) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s %s in the sample: %w", what, number, err)
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it does nothing; before, its cause is what counts
	for _, s := range steps {
		if _, err := tx.ExecContext(ctx, s.sql, s.args...); err != nil {
			return fmt.Errorf("%s %s in the sample: %w", what, number, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s %s in the sample: %w", what, number, err)
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"roagent/upload/collector"
)

type auditCommand struct {
	storeFlag
	Dealer string    `placeholder:"ID" help:"Only acts upon this dealer."`
	Since  time.Time `format:"2006-01-02" placeholder:"YYYY-MM-DD" help:"Only acts from this day on (UTC)."`
	JSON   bool      `name:"json" help:"Print one JSON object a line."`
}

// Run prints the acts on record. All are checked, also those that are not printed.
func (c *auditCommand) Run(ctx context.Context, s streams) (err error) {
	store, err := c.open(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	t, lines := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0), json.NewEncoder(s.stdout)
	known := 0
	err = collector.Acts(ctx, store, func(a collector.Act) error {
		known++
		switch {
		case c.Dealer != "" && a.Dealer != c.Dealer || a.At.Before(c.Since):
			return nil
		case c.JSON:
			return lines.Encode(a)
		}
		_, err := fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", a.N, a.At.Format(time.RFC3339), a.By, a.Act, a.Dealer, a.Detail)
		return err
	})
	if err := errors.Join(err, t.Flush()); err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "%d acts on record; none is missing between them, and none was changed.\n", known)
	return nil
}

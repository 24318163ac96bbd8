package main

import (
	"errors"
	"fmt"
	"strings"

	"roagent/fieldmap/freetext"
	"roagent/upload"
)

type holdDropCommand struct {
	Order string `placeholder:"KEY" help:"Drop this order."`
	Field string `placeholder:"PATH" help:"Drop this field of every order, by the path it is sent at, like job.pricing.price.charge_amount."`
	Week  string `placeholder:"W" help:"Only of this week, like 2026-W46; alone: drop all that waits of it."`
	Why   string `required:"" placeholder:"TEXT" help:"The reason. The collector is told: name no customer."`
	By    string `required:"" placeholder:"NAME" help:"Who drops it, for the ledger."`
}

func (c holdDropCommand) Run(p *program) error {
	veto, err := c.veto()
	if err != nil {
		return err
	}
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	done, err := s.queue.Veto(veto)
	if err != nil {
		return err
	}
	switch {
	case done.Orders() > 0:
		fmt.Fprintf(p.stdout, "dropped %s of %s; an order that is edited in the DMS is queued again\n", c.what(), plural(done.Orders(), "order"))
	case done.Offered == 0:
		return s.nothingMatches(c.Week, c.nothing())
	}
	if done.Offered > 0 {
		return &refusedError{
			fmt.Sprintf("%s cannot be dropped: offered to the collector already, which may have it", plural(done.Offered, "line")),
			"its answer is missing: 'roagent send' asks for it; what the collector has, its operator must delete",
		}
	}
	return nil
}

// what names in words what is dropped.
func (c *holdDropCommand) what() string {
	if c.Field != "" {
		return "the field " + printable(c.Field)
	}
	return "the content"
}

// nothing says that there is nothing of the kind.
func (c *holdDropCommand) nothing() string {
	switch {
	case c.Order != "":
		return fmt.Sprintf("no content of order %s waits", printable(c.Order))
	case c.Field != "":
		return "no order that waits has the field " + printable(c.Field)
	}
	return "no order waits"
}

// veto holds the flags against each other.
func (c *holdDropCommand) veto() (upload.Veto, error) {
	c.Why = strings.TrimSpace(c.Why)
	if err := errors.Join(checkWeekName(c.Week), checkBy(&c.By)); err != nil {
		return upload.Veto{}, err
	}
	v := upload.Veto{What: upload.DropWeek, Week: c.Week, Key: c.Order, Field: c.Field, Why: c.Why, Who: c.By}
	switch {
	case c.Order != "" && c.Field != "":
		return v, &usageError{"--order and --field do not go together", "a field is dropped of every order that waits"}
	case c.Order != "":
		v.What = upload.DropOrder
	case c.Field != "":
		v.What = upload.DropField
	case c.Week == "":
		return v, &usageError{"nothing is named to drop", "give --order, --field or --week"}
	}
	d := upload.DropCount{What: v.What, Field: v.Field, Why: v.Why, Count: 1}
	if problem := d.Problem(); problem != "" {
		return v, &usageError{problem, fmt.Sprintf("--why is one line of at most %d bytes", upload.MaxDropWhy)}
	}
	if len(freetext.Find(c.Why)) > 0 {
		return v, &usageError{"--why holds what looks like a number or address of a person", "the collector is told the reason: say it without"}
	}
	return v, nil
}

// checkBy tidies a name and refuses what is none.
func checkBy(name *string) error {
	if *name = strings.TrimSpace(*name); !isName(*name) {
		return &usageError{"--by is no name", "give the name of the person who answers for it, in at most 200 characters"}
	}
	return nil
}

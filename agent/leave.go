package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"roagent/extract"
	"roagent/upload"
)

type leaveCommand struct {
	Yes        bool   `help:"Do not ask. Needed where nobody sits at a terminal."`
	KeepRemote bool   `help:"Leave what the collector holds to the collector: it is not asked to delete."`
	Login      string `placeholder:"NAME" help:"The login whose rights are taken away. Without it: dms.user."`
	JSON       bool   `name:"json" help:"Print JSON."`
}

// leaving is what a leave has done, as --json prints it.
type leaving struct {
	Dealer  string                  `json:"dealer"`
	Left    upload.Departure        `json:"left"`
	Emptied *upload.Emptied         `json:"emptied,omitempty"` // by this very command
	Deleted *upload.DeletionReceipt `json:"deleted,omitempty"` // at the collector
	SQL     string                  `json:"sql,omitempty"`     // for the DBA
}

// Run can be stopped or killed anywhere and run again. It notes that leaving has begun, so that nothing is read or sent any more;
// has the collector delete all; and empties the queue with the collector's receipt on record.
func (c leaveCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	l := &leaving{Dealer: s.config.Dealer.ID}
	if l.SQL, err = c.revocation(s); err != nil {
		return err
	}
	if err := c.begin(p, s); err != nil {
		return err
	}
	if !c.JSON {
		l.printSQL(p.stdout, s.config)
	}
	if err := c.leave(p, s, l); err != nil {
		return err
	}
	if err := l.describe(s.queue); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, l)
	}
	l.print(p.stdout, s.config)
	return nil
}

// begin asks whether it is meant, and notes that leaving has begun. Where that is noted already, it only goes on.
func (c leaveCommand) begin(p *program, s *site) error {
	if _, gone, err := s.queue.Departure(); err != nil || gone {
		return err
	}
	if err := c.confirm(p, s); err != nil {
		return err
	}
	return s.queue.BeginLeaving(userName(), p.now())
}

// leave does what is left to do. Who left without asking the collector may have it asked later.
func (c leaveCommand) leave(p *program, s *site, l *leaving) error {
	d, _, err := s.queue.Departure()
	if err != nil || d.Done && (d.Receipt != "" || c.KeepRemote) {
		return err
	}
	var signed []byte
	if !c.KeepRemote {
		sender, err := s.sender()
		if err != nil {
			return err
		}
		if _, signed, err = sender.Leave(p.ctx); err != nil {
			fmt.Fprintln(p.stderr, "roagent: leaving has begun, and nothing is read or sent any more. The queue is as it was until 'roagent leave' is run again and ends it")
			return err
		}
	}
	emptied, err := s.queue.Leave(userName(), signed, p.now())
	l.Emptied = &emptied
	return err
}

// describe reads back from the ledger what is on record now.
func (l *leaving) describe(q *upload.Queue) error {
	var err error
	if l.Left, _, err = q.Departure(); err != nil {
		return err
	}
	e, _, err := q.LedgerEntry(l.Left.Entry)
	if err != nil {
		return err
	}
	if deletion, ok := e.Deletion(); ok {
		l.Deleted = &deletion
	}
	return nil
}

// confirm asks the person at the terminal to type the dealer's id.
func (c leaveCommand) confirm(p *program, s *site) error {
	if c.Yes {
		return nil
	}
	if !fromTerminal(p.stdin) {
		return &usageError{"nobody is at a terminal to confirm that this store leaves: nothing was done", "if it is meant: roagent leave --yes"}
	}
	pending, err := s.queue.Pending()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "%s leaves: nothing is read or sent any more, and all approvals are void.\n", s.config.Dealer.Name)
	fmt.Fprintf(p.stderr, "The queue is emptied: %s of %s that wait are not sent. The ledger is kept.\n", plural(pending.Orders, "line"), plural(pending.Batches, "batch"))
	if c.KeepRemote {
		fmt.Fprintf(p.stderr, "The collector %s keeps what it holds.\n", s.config.Collector.URL)
	} else {
		fmt.Fprintf(p.stderr, "The collector %s deletes all that it holds of this store, for good.\n", s.config.Collector.URL)
	}
	fmt.Fprintf(p.stderr, "Type the dealer's id (%s) to confirm: ", s.config.Dealer.ID)
	answer, err := bufio.NewReader(io.LimitReader(p.stdin, 1<<10)).ReadString('\n')
	if err != nil && answer == "" {
		return &usageError{"nothing was typed: nothing was done", ""}
	}
	if strings.TrimSpace(answer) != s.config.Dealer.ID {
		return &usageError{"that is not the dealer's id: nothing was done", fmt.Sprintf("to leave, type %s; to stay, nothing has to be done", s.config.Dealer.ID)}
	}
	return nil
}

// fromTerminal reports whether r is a terminal: there a person can be asked.
func fromTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// revocation returns the T-SQL that takes the login's rights away, or why there is none.
func (c leaveCommand) revocation(s *site) (string, error) {
	if s.config.DMS.Driver == "sqlite" {
		return "", nil
	}
	login := cmp.Or(c.Login, s.config.DMS.User)
	if login == "" {
		return "", nil
	}
	return extract.Revocation(s.plan, extract.GrantOptions{Database: s.config.DMS.Database, Login: login, Windows: s.config.DMS.User == ""})
}

// printSQL comes first: the DBA need not wait until the collector answers.
func (l *leaving) printSQL(w io.Writer, config *Config) {
	switch {
	case l.SQL != "":
		fmt.Fprintf(w, "For the DBA, to take the login's rights away:\n\n%s", l.SQL)
	case config.DMS.Driver == "sqlite":
		fmt.Fprintf(w, "SQLite has no logins: take the right to read %s from the service's account\n\n", config.DMS.Path)
	default:
		fmt.Fprintf(w, "The service signs in to the DMS as its Windows account: 'roagent leave --login DOMAIN\\NAME' prints how its rights are taken away\n\n")
	}
}

func (l *leaving) print(w io.Writer, config *Config) {
	fmt.Fprintf(w, "%s has left: nothing is read or sent any more\n", config.Dealer.Name)
	if e := l.Emptied; e != nil {
		fmt.Fprintf(w, "  queue      emptied: %s of %s waited and were not sent, %s parked\n", plural(e.Orders, "line"), plural(e.Batches, "batch"), plural(e.Parked, "order"))
		if e.Offered > 0 && l.Deleted == nil {
			fmt.Fprintf(w, "             the collector may have %s of these all the same: its answer was missing\n", plural(e.Offered, "line"))
		}
	} else {
		fmt.Fprintf(w, "  queue      was emptied on %s\n", l.Left.At.In(config.Dealer.Zone).Format(time.DateOnly))
	}
	if l.Deleted != nil {
		fmt.Fprintf(w, "  collector  deleted all that it held: %s, %s with %s; its signed receipt is in entry %d of the ledger\n",
			plural(l.Deleted.Weeks, "week"), plural(l.Deleted.Batches, "batch"), plural(l.Deleted.Orders, "line"), l.Left.Entry)
	} else {
		fmt.Fprintln(w, "  collector  was not asked to delete what it holds; 'roagent leave' without --keep-remote asks it")
	}
	fmt.Fprintln(w, "  ledger     kept: 'roagent ledger list', 'verify', 'who' and 'export' work as before")
	fmt.Fprintln(w, "  way back   'roagent fieldmap approve', and a new token where the collector deleted; all is read anew then")
}

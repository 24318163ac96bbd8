package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"roagent/extract"
	"roagent/fieldmap"
	"roagent/fieldmap/strictyaml"
	"roagent/upload"
)

type checkCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// look is one thing to look at, and what it needs of the looks before it. None ends another: where one lacks what it needs, it
// is told as not looked at, with the reason.
type look struct {
	name  string
	needs need
	limit time.Duration // how long it may take; 0: it asks nobody outside this machine
	run   func(*checkup, context.Context, *findings)
	late  error // what it is told as where it does not end; with the exit code
}

// need is what a look cannot do without.
type need uint8

const (
	needConfig need = 1 << iota
	needPlan        // a whitelist
	needStore       // an open data folder
)

const noPlan = "the whitelist cannot be used"

// looks are all that check does, in this order.
func looks() []look {
	return []look{
		{name: "configuration", run: (*checkup).files},
		{name: "forbidden", needs: needConfig | needPlan, run: (*checkup).forbidden},
		{name: "folders", needs: needConfig, run: (*checkup).folders},
		{name: "secrets", needs: needConfig, run: (*checkup).secrets},
		{name: "queue", needs: needConfig, run: (*checkup).queue},
		{name: "approval", needs: needPlan | needStore, run: (*checkup).approval},
		{name: "disk", needs: needConfig, run: (*checkup).disk},
		{name: "time zones", needs: needConfig, run: (*checkup).zones},
		{name: "DMS", needs: needConfig, limit: 3 * time.Minute, run: (*checkup).dms, late: &extract.UnreachableError{Op: "check the DMS", Reason: "it did not answer in time"}},
		{name: "collector", needs: needConfig, limit: 2 * time.Minute, run: (*checkup).collector, late: &upload.SendError{Class: upload.ClassUnreachable, Message: "the collector did not answer in time"}},
		{name: "service", limit: time.Minute, run: (*checkup).service, late: errors.New("the service manager did not answer in time")},
		{name: "metrics", needs: needConfig, run: (*checkup).metrics},
		{name: "next run", needs: needConfig | needStore, run: (*checkup).nextRun},
	}
}

// checkup is one run of check: what was found, and what later looks have from earlier ones.
type checkup struct {
	*program
	findings
	config  *Config
	plan    *fieldmap.Plan
	site    *site // nil: the data folder cannot be opened
	consent consent
	runs    atomic.Bool // the service
}

// Run looks at everything, whatever it finds. Of the DMS it reads one page of orders, under an approved whitelist only, to
// tell how long a week takes; nothing is kept. At the collector it changes nothing.
func (c checkCommand) Run(p *program) error {
	u := &checkup{program: p}
	abandoned := false
	for _, l := range looks() {
		abandoned = !u.look(l) || abandoned
	}
	if u.site != nil && !abandoned { // else what was abandoned may still use it, until the process ends
		u.site.close()
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	var err error
	if c.JSON {
		err = printJSON(p.stdout, u.lines)
	} else {
		err = u.print(p)
	}
	if err != nil || len(u.causes) == 0 {
		return err
	}
	return &checkError{u.causes}
}

// look does one look, or says why it was not done. It returns false where the look did not end and was left alone.
func (u *checkup) look(l look) bool {
	switch lacks := l.needs &^ u.has(); {
	case lacks&needConfig != 0:
		u.skip(l.name, "the configuration cannot be used")
		return true
	case lacks&needPlan != 0:
		u.skip(l.name, noPlan)
		return true
	case lacks&needStore != 0:
		u.skip(l.name, "the data folder cannot be opened")
		return true
	case l.limit == 0:
		l.run(u, u.ctx, &u.findings)
		return true
	}
	ctx, cancel := context.WithTimeout(u.ctx, l.limit)
	defer cancel()
	done := make(chan *findings, 1)
	go func() {
		f := &findings{}
		l.run(u, ctx, f)
		done <- f
	}()
	select {
	case f := <-done:
		u.lines, u.causes = append(u.lines, f.lines...), append(u.causes, f.causes...)
		return true
	case <-time.After(l.limit + 5*time.Second): // it should have ended with its context
		u.fail(l.name, l.late)
		return false
	}
}

func (u *checkup) has() need {
	var has need
	if u.config != nil {
		has |= needConfig
	}
	if u.plan != nil {
		has |= needPlan
	}
	if u.site != nil {
		has |= needStore
	}
	return has
}

// checked is one thing that was looked at.
type checked struct {
	What    string `json:"what"`
	State   string `json:"state"` // ok, warning, failure
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // the one thing to do
}

// checkError says that something does not hold. The causes decide on the exit code; the report has told them.
type checkError struct{ causes []error }

func (e *checkError) Error() string {
	return plural(len(e.causes), "thing") + " must be put right before a pull, see above"
}

func (e *checkError) Unwrap() error { return errors.Join(e.causes...) }

// findings are what holds and what does not.
type findings struct {
	lines  []checked
	causes []error
}

func (f *findings) ok(what, format string, args ...any) {
	f.lines = append(f.lines, checked{What: what, State: "ok", Message: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(what, message, hint string) {
	f.lines = append(f.lines, checked{What: what, State: "warning", Message: message, Hint: hint})
}

// skip notes that something was not looked at, and why. It is never ok.
func (f *findings) skip(what, why string) { f.warn(what, "not looked at: "+why, "") }

// fail notes an error: its sentence and what to do. Of problems of a file each is a line.
func (f *findings) fail(what string, err error) {
	f.causes = append(f.causes, err)
	var (
		problems    *strictyaml.Problems
		forbidden   *forbiddenError
		unreachable *extract.UnreachableError
		send        *upload.SendError
	)
	if errors.As(err, &forbidden) {
		problems = &forbidden.problems
	}
	switch {
	case problems != nil, errors.As(err, &problems):
		for _, p := range problems.List {
			f.failure(what, problems.Place(p)+p.Message, p.Hint)
		}
	case errors.As(err, &unreachable):
		f.failure(what, unreachable.Reason, unreachable.Hint)
	case errors.As(err, &send):
		message := send.Message
		if send.Err != nil {
			message += ": " + send.Err.Error()
		}
		f.failure(what, message, send.Hint)
	default:
		message, hint, _ := strings.Cut(err.Error(), "\n  ")
		f.failure(what, message, hint)
	}
}

func (f *findings) failure(what, message, hint string) {
	f.lines = append(f.lines, checked{What: what, State: "failure", Message: message, Hint: hint})
}

func (f *findings) print(p *program) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, line := range f.lines {
		fmt.Fprintf(t, "%s\t%s\t%s\n", line.State, line.What, line.Message)
		for hint := range strings.Lines(line.Hint) {
			fmt.Fprintf(t, "\t\t  %s\n", strings.TrimSpace(hint))
		}
	}
	return t.Flush()
}

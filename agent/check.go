package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"roagent/extract"
)

type checkCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// checked is one thing that must hold before a pull.
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

// Run reads no order. A configuration or a whitelist that cannot be read ends it, as it ends every command.
func (c checkCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	r := &checker{site: s}
	r.add("files", nil, "the configuration and the whitelist can be read")
	r.add("forbidden", checkForbidden(s.config, s.plan), "the whitelist names nothing that must not leave")
	consent, err := s.consent()
	if err != nil {
		return err
	}
	r.add("approval", consent.check(), consent.String())
	aside, err := s.queue.Aside()
	if err != nil {
		return err
	}
	for _, path := range aside {
		r.warn("queue", "a damaged queue was set aside as "+path+", and rebuilt", asideHint)
	}
	r.dms(p.ctx)
	if c.JSON {
		err = printJSON(p.stdout, r.lines)
	} else {
		err = r.print(p)
	}
	if err != nil || len(r.causes) == 0 {
		return err
	}
	return &checkError{r.causes}
}

// checker collects what holds and what does not.
type checker struct {
	site   *site
	lines  []checked
	causes []error
}

// add notes a thing: that it holds, in a sentence, or the error that says why not.
func (r *checker) add(what string, err error, holds string) {
	if err == nil {
		r.lines = append(r.lines, checked{What: what, State: "ok", Message: holds})
		return
	}
	r.causes = append(r.causes, err)
	message, hint, _ := strings.Cut(err.Error(), "\n  ")
	r.lines = append(r.lines, checked{What: what, State: "failure", Message: message, Hint: hint})
}

func (r *checker) warn(what, message, hint string) {
	r.lines = append(r.lines, checked{What: what, State: "warning", Message: message, Hint: hint})
}

// dms checks what needs the DMS: that it can be signed in to, that its schema fits, that the login may read no more.
func (r *checker) dms(ctx context.Context) {
	if d := r.site.config.DMS; d.Driver == "sqlserver" && d.Encrypt == "false" {
		r.warn("encryption", "what is read crosses the network in clear", "set dms.encrypt: true")
	}
	dms, _, findings, err := r.site.bindDMS(ctx)
	r.add("DMS", err, "it can be signed in to, and has what the whitelist names")
	if err != nil {
		return
	}
	defer dms.Close()
	for _, f := range findings {
		if f.Severity == extract.Warning {
			r.warn("DMS", f.Message, f.Hint)
		}
	}
	a, err := r.site.access(ctx, dms)
	switch {
	case err != nil:
		r.add("access", err, "")
	case !a.Applies:
		r.warn("access", "not applicable: SQLite has no rights, whoever can read the file can read all of it", "let only the service's account read dms.path")
	default:
		r.add("access", a.check(), a.String())
	}
}

// String says how access stands that is not refused.
func (a access) String() string {
	if len(a.names) == 0 {
		return "the login can read nothing beyond the whitelist"
	}
	return fmt.Sprintf("%s beyond the whitelist, each approved by %s: %s", plural(len(a.names), "thing"), a.approval.Who, strings.Join(firstNames(a.names), ", "))
}

func (r *checker) print(p *program) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, line := range r.lines {
		fmt.Fprintf(t, "%s\t%s\t%s\n", line.State, line.What, line.Message)
		for hint := range strings.Lines(line.Hint) {
			fmt.Fprintf(t, "\t\t  %s\n", strings.TrimSpace(hint))
		}
	}
	return t.Flush()
}

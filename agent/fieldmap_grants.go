package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"roagent/extract"
	"roagent/fieldmap"
)

type fieldmapGrantsCommand struct {
	Login     string `placeholder:"NAME" help:"The login that gets the rights. Without it: dms.user."`
	Views     bool   `help:"Let views carry the rules of the whitelist inside the database, and grant rights on them alone."`
	Whitelist string `type:"path" placeholder:"FILE" help:"With --views: write the whitelist that reads the views to FILE, which must not be there yet."`
	JSON      bool   `name:"json" help:"Print JSON."`
}

// printedGrants is the script as --json prints it.
type printedGrants struct {
	Login     string `json:"login"`
	Database  string `json:"database"`
	SQL       string `json:"sql"`
	Whitelist string `json:"whitelist,omitempty"` // that reads the views
}

// Run needs no DMS: what is granted depends on the whitelist alone.
func (c fieldmapGrantsCommand) Run(p *program) error {
	if c.Whitelist != "" && !c.Views {
		return &usageError{"--whitelist goes with --views", "rights on the tables need no other whitelist"}
	}
	config, plan, err := p.load()
	if err != nil {
		return err
	}
	if config.DMS.Driver == "sqlite" {
		return &usageError{"SQLite has no logins: whoever can read the file can read all of it, views or not", "let only the service's account read dms.path"}
	}
	if err := checkForbidden(config, plan); err != nil {
		return err
	}
	login := cmp.Or(c.Login, config.DMS.User)
	if login == "" {
		return &usageError{"dms.user is not set, so the service signs in as its Windows account", `name that account: --login 'DOMAIN\NAME'`}
	}
	printed := printedGrants{Login: login, Database: config.DMS.Database}
	if err := c.write(&printed, plan, extract.GrantOptions{Database: config.DMS.Database, Login: login, Windows: config.DMS.User == ""}); err != nil {
		return err
	}
	if c.Whitelist != "" {
		err := writeNew("--whitelist", c.Whitelist, func(w io.Writer) error {
			_, err := io.WriteString(w, printed.Whitelist)
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "%s reads the views: when the DBA has made them, name it in roagent.yaml (fieldmap), then\n  roagent fieldmap diff\n  roagent fieldmap approve --by NAME\n", c.Whitelist)
	}
	if c.JSON {
		return printJSON(p.stdout, printed)
	}
	fmt.Fprint(p.stdout, printed.SQL)
	return nil
}

// write writes the script, and with --views the whitelist.
func (c fieldmapGrantsCommand) write(to *printedGrants, plan *fieldmap.Plan, o extract.GrantOptions) error {
	if !c.Views {
		var err error
		to.SQL, err = extract.Grants(plan, o)
		return err
	}
	script, err := extract.Views(plan, o)
	if errors.Is(err, extract.ErrReadsViews) {
		return &usageError{err.Error(), "name the whitelist that reads the tables in a roagent.yaml of its own, and print from that: --config FILE"}
	}
	if err != nil {
		return err
	}
	to.SQL, to.Whitelist = script.SQL, string(script.Whitelist)
	return nil
}

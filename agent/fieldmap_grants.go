package main

import (
	"cmp"
	"fmt"

	"roagent/extract"
)

type fieldmapGrantsCommand struct {
	Login string `placeholder:"NAME" help:"The login that gets the rights. Without it: dms.user."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// printedGrants is the script as --json prints it.
type printedGrants struct {
	Login    string `json:"login"`
	Database string `json:"database"`
	SQL      string `json:"sql"`
}

// Run needs no DMS: what is granted depends on the whitelist alone.
func (c fieldmapGrantsCommand) Run(p *program) error {
	config, plan, err := p.load()
	if err != nil {
		return err
	}
	if config.DMS.Driver == "sqlite" {
		return &usageError{"SQLite has no logins: whoever can read the file can read all of it", "let only the service's account read dms.path"}
	}
	if err := checkForbidden(config, plan); err != nil {
		return err
	}
	login := cmp.Or(c.Login, config.DMS.User)
	if login == "" {
		return &usageError{"dms.user is not set, so the service signs in as its Windows account", `name that account: --login 'DOMAIN\NAME'`}
	}
	script, err := extract.Grants(plan, extract.GrantOptions{Database: config.DMS.Database, Login: login, Windows: config.DMS.User == ""})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, printedGrants{login, config.DMS.Database, script})
	}
	fmt.Fprint(p.stdout, script)
	return nil
}

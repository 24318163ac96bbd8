package main

import (
	"fmt"

	"roagent/extract"
)

type fieldmapSQLCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// printedStatement is a statement as --json prints it.
type printedStatement struct {
	Name   string   `json:"name"`
	SQL    string   `json:"sql"`
	Params []string `json:"params"` // what each parameter is, in words
}

// Run needs no DMS: the statements depend on the whitelist and the driver alone.
func (c fieldmapSQLCommand) Run(p *program) error {
	config, plan, err := p.load()
	if err != nil {
		return err
	}
	statements, err := extract.Statements(config.DMS.Driver, plan)
	if err != nil {
		return err
	}
	if c.JSON {
		printed := []printedStatement{}
		for _, s := range statements {
			printed = append(printed, printedStatement(s))
		}
		return printJSON(p.stdout, printed)
	}
	for _, s := range statements {
		fmt.Fprintf(p.stdout, "-- %s\n", s.Name)
		for _, param := range s.Params {
			fmt.Fprintf(p.stdout, "--   %s\n", param)
		}
		fmt.Fprintf(p.stdout, "%s;\n\n", s.SQL)
	}
	return nil
}

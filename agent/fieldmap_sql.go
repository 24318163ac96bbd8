package main

import (
	"fmt"
	"io"
	"slices"

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
	access := extract.AccessStatements(config.DMS.Driver)
	if c.JSON {
		printed := []printedStatement{}
		for _, s := range slices.Concat(statements, access) {
			printed = append(printed, printedStatement(s))
		}
		return printJSON(p.stdout, printed)
	}
	printStatements(p.stdout, statements)
	if len(access) > 0 {
		fmt.Fprint(p.stdout, accessHeading)
		printStatements(p.stdout, access)
	}
	return nil
}

const accessHeading = `-- What follows reads no order. It asks the server what the login may read, and proves that it
-- cannot read what it must not: the last statement names columns that the whitelist does not list.

`

func printStatements(w io.Writer, statements []extract.Statement) {
	for _, s := range statements {
		fmt.Fprintf(w, "-- %s\n", s.Name)
		for _, param := range s.Params {
			fmt.Fprintf(w, "--   %s\n", param)
		}
		fmt.Fprintf(w, "%s;\n\n", s.SQL)
	}
}

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

type credentialListCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// credentialLine is one credential, without its value.
type credentialLine struct {
	Name  string   `json:"name"`
	State string   `json:"state"` // kept, missing
	Where string   `json:"where,omitempty"`
	Uses  []string `json:"uses"` // keys of the configuration
}

// Run ends with exit code 2 where the configuration names a credential that is missing.
func (c credentialListCommand) Run(p *program) error {
	config, err := LoadConfig(p.config)
	if err != nil {
		return err
	}
	found, err := credentials(config.DataDir)
	if err != nil {
		return err
	}
	lines, missing := credentialLines(found, config.credentialUses())
	if c.JSON {
		err = printJSON(p.stdout, lines)
	} else {
		err = printCredentials(p, lines)
	}
	if err == nil && len(missing) > 0 {
		return &usageError{plural(len(missing), "credential") + " missing: " + strings.Join(missing, ", "), "'roagent credential set " + missing[0] + "' asks for it"}
	}
	return err
}

func credentialLines(found map[string]string, uses map[string][]string) (lines []credentialLine, missing []string) {
	names := maps.Clone(found)
	for name := range uses {
		names[name] = ""
	}
	lines = []credentialLine{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		line := credentialLine{Name: name, State: "kept", Where: found[name], Uses: slices.Clip(append([]string{}, uses[name]...))}
		if line.Where == "" {
			line.State = "missing"
			missing = append(missing, name)
		}
		lines = append(lines, line)
	}
	return lines, missing
}

func printCredentials(p *program, lines []credentialLine) error {
	if len(lines) == 0 {
		fmt.Fprintln(p.stdout, "there is no credential, and the configuration names none")
		return nil
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\n", l.Name, l.State, cmp.Or(strings.Join(l.Uses, ", "), "not used"))
	}
	return t.Flush()
}

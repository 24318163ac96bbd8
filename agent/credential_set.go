package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"roagent/agent/supervisor"
)

type credentialSetCommand struct {
	Name  string   `arg:"" help:"The credential's name, as in credential:NAME."`
	Typed []string `arg:"" optional:"" hidden:"" help:"What must not be there."`
}

// Run never takes a secret from the command line: other accounts see those, and shells keep them.
func (c credentialSetCommand) Run(p *program) error {
	if err := checkCredentialName(c.Name); err != nil {
		return err
	}
	if len(c.Typed) > 0 {
		return &usageError{
			"a secret on the command line is seen by others and kept by shells: nothing was done",
			"if it is a real one, change it; then 'roagent credential set " + c.Name + "' asks for it, or reads standard input",
		}
	}
	config, err := LoadConfig(p.config)
	if err != nil {
		return err
	}
	secret, err := c.ask(p)
	if err != nil {
		return err
	}
	value, err := oneSecret("what was given", secret)
	if err != nil {
		return &usageError{err.Error(), "nothing was changed"}
	}
	if err := saveCredential(config.DataDir, c.Name, value); err != nil {
		return err
	}
	if err := supervisor.KeepOwner(config.DataDir); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "credential %s is kept; a service that runs takes it for its next pull\n", c.Name)
	if len(config.credentialUses()[c.Name]) == 0 {
		fmt.Fprintf(p.stdout, "nothing in %s uses it: write credential:%s where it belongs\n", p.config, c.Name)
	}
	return nil
}

// ask reads the secret from the terminal, without showing it, or else from standard input.
func (c credentialSetCommand) ask(p *program) ([]byte, error) {
	if !fromTerminal(p.stdin) {
		secret, err := io.ReadAll(io.LimitReader(p.stdin, maxSecret+1))
		if err != nil {
			return nil, fmt.Errorf("read the credential from standard input: %w", err)
		}
		return secret, nil
	}
	fmt.Fprintf(p.stderr, "%s (is not shown): ", c.Name)
	secret, err := term.ReadPassword(int(p.stdin.(*os.File).Fd()))
	fmt.Fprintln(p.stderr)
	if err != nil {
		return nil, fmt.Errorf("read the credential from the terminal: %w", err)
	}
	return secret, nil
}

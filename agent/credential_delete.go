package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

type credentialDeleteCommand struct {
	Name string `arg:"" help:"The credential's name."`
}

// Run deletes it even where the configuration uses it, and says so.
func (c credentialDeleteCommand) Run(p *program) error {
	if err := checkCredentialName(c.Name); err != nil {
		return err
	}
	config, err := LoadConfig(p.config)
	if err != nil {
		return err
	}
	err = os.Remove(filepath.Join(credentialFolder(config.DataDir), c.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return &usageError{"there is no credential " + c.Name, "'roagent credential list' shows those that there are"}
	}
	if err != nil {
		return fmt.Errorf("delete the credential: %w", err)
	}
	fmt.Fprintf(p.stdout, "credential %s is deleted\n", c.Name)
	if uses := config.credentialUses()[c.Name]; len(uses) > 0 {
		fmt.Fprintf(p.stdout, "%s still names it in %s: nothing works there until it is set again\n", strings.Join(uses, " and "), p.config)
	}
	return nil
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"roagent/agent/supervisor"
	"roagent/fieldmap/draft"
	"roagent/upload"
)

// files returns the two files that init writes, the configuration last: where it is, all is.
func (s *setup) files() []string {
	return []string{filepath.Join(s.dir, "fieldmap.yaml"), filepath.Join(s.dir, filepath.Base(s.config))}
}

// mayWrite refuses to begin where a file is there already.
func (s *setup) mayWrite() error {
	if s.command.Force {
		return nil
	}
	for _, path := range s.files() {
		if _, err := os.Lstat(path); err == nil {
			return &usageError{path + " is there already: nothing was written", "edit it; or 'roagent init --force' replaces it, or --config FILE names another folder"}
		}
	}
	return nil
}

// write keeps the secrets and writes both files.
func (s *setup) write(d *draft.Draft) error {
	if err := upload.MakeFolder(s.dataDir()); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	for _, secret := range []struct{ key, name string }{{"dms.password", dmsCredential}, {"collector.token", collectorCredential}} {
		value, given := s.answers[secret.key]
		if !given || secret.key == "dms.password" && s.answers["dms.user"] == "" {
			continue
		}
		if err := saveCredential(s.dataDir(), secret.name, value); err != nil {
			return err
		}
	}
	if err := supervisor.KeepOwner(s.dataDir()); err != nil {
		return err
	}
	dataDir := s.dataDir()
	if beside, err := filepath.Rel(s.dir, dataDir); err == nil && filepath.IsLocal(beside) {
		dataDir = beside
	}
	paths := s.files()
	for i, text := range [][]byte{d.YAML, []byte(s.answers.config(dataDir))} {
		if err := placeFile(paths[i], text, 0o640, s.command.Force); err != nil {
			return fmt.Errorf("write %s: %w", paths[i], err)
		}
	}
	return nil
}

// placeFile writes a file whole, or not at all. It replaces one that is there only where that is meant.
func placeFile(path string, text []byte, mode fs.FileMode, replace bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if removed := os.Remove(f.Name()); !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}()
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	if replace {
		return os.Rename(f.Name(), path)
	}
	return os.Link(f.Name(), path) // fails where another program has been faster
}

// drafted is what init has made, as --json prints it.
type drafted struct {
	Config    string              `json:"config"`
	Whitelist string              `json:"whitelist"`
	Digest    string              `json:"digest"`
	Tables    []*draft.TableGuess `json:"tables"`
	Fields    []draft.FieldGuess  `json:"fields"`
	Forbidden int                 `json:"forbidden"` // columns of these tables that must not leave
	Unknown   int                 `json:"unknown"`   // columns of these tables that were not recognised
	Undecided []string            `json:"undecided"` // what a person has to look at
	Next      []string            `json:"next"`
}

func (s *setup) report(d *draft.Draft) error {
	paths := s.files()
	flag := ""
	if s.config != "roagent.yaml" {
		flag = " --config " + s.config
	}
	r := drafted{
		Config: paths[1], Whitelist: paths[0], Digest: d.Whitelist.Compile().Digest.String(), Tables: d.Tables, Fields: d.Fields,
		Forbidden: d.Forbidden, Unknown: d.Unknown, Undecided: d.Undecided,
		Next: []string{
			"roagent" + flag + " check", "roagent" + flag + " fieldmap review", "roagent" + flag + " preview --limit 3",
			"roagent" + flag + ` fieldmap approve --by "A. Name"`, "roagent" + flag + " service install",
		},
	}
	if s.command.JSON {
		return printJSON(s.stdout, r)
	}
	return r.print(s)
}

func (r drafted) print(s *setup) error {
	t := tabwriter.NewWriter(s.stdout, 0, 0, 2, ' ', 0)
	for _, g := range r.Tables {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", g.Role, printable(g.Table), g.Sure, printable(g.Because))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the tables: %w", err)
	}
	count := map[draft.Sure]int{}
	off := 0
	for _, f := range r.Fields {
		if f.Off != "" {
			off++
			continue
		}
		count[f.Sure]++
	}
	fmt.Fprintf(s.stdout, "\n%s proposed: %d sure, %d likely, %d a guess. %d left out behind #~, each with the reason.\n",
		plural(count[draft.Certain]+count[draft.Likely]+count[draft.Guess], "field"), count[draft.Certain], count[draft.Likely], count[draft.Guess], off)
	fmt.Fprintf(s.stdout, "Not in the file: %s of these tables that must not leave a dealership.\n", plural(r.Forbidden, "column"))
	for _, u := range r.Undecided {
		fmt.Fprintf(s.stdout, "look at this: %s\n", printable(u))
	}
	fmt.Fprintf(s.stdout, "\nwritten: %s\n         %s\n", r.Config, r.Whitelist)
	fmt.Fprintf(s.stdout, "A draft is no approval: nothing is read or sent yet. Next:\n  %s\n", strings.Join(r.Next, "\n  "))
	return nil
}

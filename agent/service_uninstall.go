package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"roagent/agent/supervisor"
)

type serviceUninstallCommand struct {
	storeFlag
	Purge bool `help:"Delete the data folder with the queue, the ledger and the credentials, the configuration's folder and the account, too."`
	Yes   bool `help:"With --purge: do not ask. Needed where nobody sits at a terminal."`
}

// Run stops the service first. It says what it removed, and what stayed.
func (c serviceUninstallCommand) Run(p *program) error {
	st, err := c.installed(p)
	if err != nil {
		return err
	}
	if st.Packaged {
		return &usageError{st.Name + " was registered by a package", "remove the package: 'apt remove roagent' or 'dnf remove roagent'"}
	}
	if config, err := LoadConfig(st.Config); err == nil {
		st.Data = config.DataDir
	}
	if c.Purge {
		if err := supervisor.OwnFolder(st.Data); err != nil {
			return &usageError{err.Error(), "without --purge the service is taken away, and nothing else"}
		}
	}
	remote := remoteNote(p, st.Config)
	if c.Purge {
		if err := c.confirm(p, st, remote); err != nil {
			return err
		}
	}
	if err := st.Uninstall(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s stopped and removed\n", st.Name)
	if c.Purge {
		err = purgeService(p, st.Service)
	} else {
		fmt.Fprintf(p.stdout, "  kept: configuration %s, data %s\n", st.Config, st.Data)
	}
	if remote != "" {
		fmt.Fprintln(p.stdout, remote)
	}
	return err
}

// confirm asks the person at the terminal to type the service's name.
func (c serviceUninstallCommand) confirm(p *program, st *supervisor.State, remote string) error {
	if c.Yes {
		return nil
	}
	if !fromTerminal(p.stdin) {
		return &usageError{"nobody is at a terminal to confirm that data is deleted: nothing was done", "if it is meant: roagent service uninstall" + c.flag() + " --purge --yes"}
	}
	fmt.Fprintf(p.stderr, "The data folder %s is deleted, with the ledger: the only proof of what was sent.\n%s\nType %s to confirm: ", st.Data, remote, st.Name)
	answer, err := bufio.NewReader(io.LimitReader(p.stdin, 1<<10)).ReadString('\n')
	if strings.TrimSpace(answer) != st.Name || err != nil && answer == "" {
		return &usageError{"that is not the service's name: nothing was done", ""}
	}
	return nil
}

// purgeService deletes what uninstalling leaves. A configuration that is not in the service's own folder stays: other files
// may be beside it.
func purgeService(p *program, s supervisor.Service) error {
	var failed error
	remove := func(what, path string) {
		if err := os.RemoveAll(path); err != nil {
			failed = errors.Join(failed, fmt.Errorf("delete the %s: %w", what, err))
			return
		}
		fmt.Fprintf(p.stdout, "  deleted: %s %s\n", what, path)
	}
	remove("data", s.Data)
	if s.OwnConfig() {
		remove("configuration", filepath.Dir(s.Config))
	} else {
		fmt.Fprintf(p.stdout, "  kept: configuration %s\n", s.Config)
	}
	gone, err := s.RemoveAccount()
	if gone {
		fmt.Fprintf(p.stdout, "  deleted: account %s\n", s.Account)
	}
	return errors.Join(failed, err)
}

// remoteNote tells what uninstalling does not do: what waits is not sent, and the collector keeps what it holds.
func remoteNote(p *program, config string) string {
	q := *p
	q.config = config
	s, err := q.openLedger()
	if err != nil {
		return "whether the collector holds anything could not be looked up: " + firstLine(err.Error())
	}
	defer s.close()
	if d, left, err := s.queue.Departure(); err == nil && left && d.Receipt != "" {
		return ""
	}
	weeks, err := s.queue.Weeks()
	if err != nil {
		return ""
	}
	sent := 0
	for _, w := range weeks {
		sent += w.Sent
	}
	var note []string
	if pending, err := s.queue.Pending(); err == nil && pending.Batches > 0 {
		note = append(note, fmt.Sprintf("%s of %s wait and are not sent.", plural(pending.Orders, "line"), plural(pending.Batches, "batch")))
	}
	if sent > 0 {
		note = append(note, fmt.Sprintf("%s holds what was sent. To have it deleted there: 'roagent leave --config %s', while the data folder is there.", s.config.Collector.URL, config))
	}
	return strings.Join(note, "\n")
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"roagent/extract"
	"roagent/upload"
)

// access is how what the DMS's login may read stands to what the dealer lets it.
type access struct {
	extract.Access
	names    []string // of all that it may read beyond the whitelist, sorted
	given    bool     // something was approved
	approval upload.AccessApproval
	beyond   []string // of names: what was not approved
}

// openAllowed opens the DMS for a pull, which is refused where its login may read too much.
func (s *site) openAllowed(ctx context.Context) (*extract.DMS, *extract.Reader, error) {
	dms, reader, err := s.openDMS(ctx)
	if err != nil {
		return nil, nil, err
	}
	a, err := s.access(ctx, dms)
	if err == nil {
		err = a.check()
	}
	if err != nil {
		return nil, nil, errors.Join(err, dms.Close())
	}
	return dms, reader, nil
}

// access asks the DMS what its login may read beyond the whitelist. Columns that it could read at the last proof are
// tried again: the server may not have said of them that it can.
func (s *site) access(ctx context.Context, dms *extract.DMS) (access, error) {
	found, err := dms.Access(ctx, s.plan)
	a := access{Access: found}
	if err != nil || !found.Applies {
		return a, err
	}
	for _, e := range found.Excess {
		a.names = append(a.names, e.String())
	}
	readable, err := s.stillReadable(ctx, dms, found)
	if err != nil {
		return a, err
	}
	a.names = append(a.names, readable...)
	slices.Sort(a.names)
	a.names = slices.Compact(a.names)
	if a.approval, a.given, err = s.queue.ApprovedAccess(); err != nil {
		return a, err
	}
	a.beyond = slices.DeleteFunc(slices.Clone(a.names), a.approval.Covers)
	return a, nil
}

// accessShown is how many names a refusal tells.
const accessShown = 20

// check refuses access that was not approved.
func (a access) check() error {
	if len(a.beyond) == 0 {
		return nil
	}
	message := "the DMS's login can read more than the whitelist lists: nothing is read"
	if a.given {
		message = fmt.Sprintf("the DMS's login can read more than %s approved on %s: nothing is read; new since then", a.approval.Who, a.approval.At.Format(time.DateOnly))
	}
	return &refusedError{message, strings.Join(firstNames(a.beyond), "\n  ") + "\n  " + accessHint}
}

const accessHint = "take these rights from it ('roagent fieldmap grants' prints the only ones that it needs), or approve them by name: 'roagent fieldmap approve --access --by NAME'"

// firstNames returns the first names, and how many more there are.
func firstNames(names []string) []string {
	if more := len(names) - accessShown; more > 1 {
		return append(slices.Clone(names[:accessShown]), fmt.Sprintf("and %d more", more))
	}
	return names
}

// approveAccess records that a person approves what the login may read beyond the whitelist, as it is now.
func (s *site) approveAccess(p *program, who string) error {
	dms, _, err := s.openDMS(p.ctx)
	if err != nil {
		return err
	}
	defer dms.Close()
	a, err := s.access(p.ctx, dms)
	switch {
	case err != nil:
		return err
	case !a.Applies:
		return &usageError{"SQLite has no rights to approve: whoever can read the file can read all of it", "let only the service's account read dms.path"}
	case len(a.beyond) == 0:
		fmt.Fprintln(p.stdout, "nothing to approve: the login can read nothing beyond the whitelist and what was approved before")
		return nil
	}
	if err := s.queue.RecordAccess(who, a.names, p.now()); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "approved by %s, beyond the whitelist:\n", who)
	for _, name := range a.names {
		fmt.Fprintf(p.stdout, "  %s\n", printable(name))
	}
	return nil
}

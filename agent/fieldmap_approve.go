package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"roagent/fieldmap"
	"roagent/upload"
)

type fieldmapApproveCommand struct {
	By     string `required:"" placeholder:"NAME" help:"Who approves it."`
	Second string `placeholder:"NAME" help:"Who else approves it: needed where it lets forbidden fields go (override)."`
	Access bool   `help:"Approve, each by its name, what the DMS's login may read beyond the whitelist; not the whitelist itself."`
	SHA256 string `name:"sha256" placeholder:"HEX" help:"Approve only if the whitelist has this digest: the one on the sheet that was signed."`
}

func (c fieldmapApproveCommand) Run(p *program) error {
	if err := c.names(); err != nil {
		return err
	}
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	if err := c.sameDigest(s.plan.Digest); err != nil {
		return err
	}
	if err := checkForbidden(s.config, s.plan); err != nil {
		return err
	}
	if c.Access {
		return s.approveAccess(p, c.By)
	}
	_, overridden := s.plan.Forbidden()
	if len(overridden) > 0 && c.Second == "" {
		return needsSecond(overridden)
	}
	if err := s.mayComeBack(); err != nil {
		return err
	}
	before, ok, err := s.queue.Approved()
	if err != nil {
		return err
	}
	if ok && before.Digest == s.plan.Digest.String() && (before.Second != "" || len(overridden) == 0) {
		fmt.Fprintf(p.stdout, "already approved by %s on %s: %s\n", approvers(before.Who, before.Second), before.At.Format(time.DateOnly), s.plan.Digest)
		return nil
	}
	canonical := string(s.plan.Whitelist.Canonical())
	if err := s.queue.RecordApproval(c.By, c.Second, s.plan.Digest, canonical, s.now()); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "approved by %s: %s\n", approvers(c.By, c.Second), s.plan.Digest)
	return nil
}

// mayComeBack refuses an approval halfway through leaving. Once the store has left, an approval is the way back.
func (s *site) mayComeBack() error {
	d, gone, err := s.queue.Departure()
	if err == nil && gone && !d.Done {
		err = &upload.LeftError{Departure: d}
	}
	return err
}

// names tidies the names and refuses what is none.
func (c *fieldmapApproveCommand) names() error {
	c.By, c.Second = strings.TrimSpace(c.By), strings.TrimSpace(c.Second)
	switch {
	case !isName(c.By):
		return &usageError{"--by is no name", "give the name of the person who answers for the whitelist, in at most 200 characters"}
	case c.Second != "" && !isName(c.Second):
		return &usageError{"--second is no name", "give the name of the second person who answers for the whitelist, in at most 200 characters"}
	case strings.EqualFold(strings.Join(strings.Fields(c.By), " "), strings.Join(strings.Fields(c.Second), " ")):
		return &usageError{"--by and --second are the same person", "what is forbidden leaves only on the word of two people"}
	}
	return nil
}

// isName reports whether a text can be a person's name on record.
func isName(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func approvers(who, second string) string {
	if second == "" {
		return who
	}
	return who + " and " + second
}

func (c fieldmapApproveCommand) sameDigest(digest fieldmap.Digest) error {
	if c.SHA256 == "" {
		return nil
	}
	want, err := fieldmap.ParseDigest(c.SHA256)
	if err != nil {
		return &usageError{"--sha256: " + err.Error(), "it is the digest that 'roagent fieldmap show' prints, 64 hex digits"}
	}
	if want != digest {
		return &refusedError{
			fmt.Sprintf("the whitelist has the digest %s, not %s", digest, want),
			"it was changed since that digest was written down: look at it again with 'roagent fieldmap show'",
		}
	}
	return nil
}

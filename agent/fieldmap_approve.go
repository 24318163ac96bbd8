package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"roagent/fieldmap"
)

type fieldmapApproveCommand struct {
	By     string `required:"" placeholder:"NAME" help:"Who approves it."`
	SHA256 string `name:"sha256" placeholder:"HEX" help:"Approve only if the whitelist has this digest: the one on the sheet that was signed."`
}

func (c fieldmapApproveCommand) Run(p *program) error {
	c.By = strings.TrimSpace(c.By)
	if c.By == "" || len(c.By) > 200 || strings.ContainsFunc(c.By, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return &usageError{"--by is no name", "give the name of the person who answers for the whitelist, in at most 200 characters"}
	}
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	if err := c.sameDigest(s.plan.Digest); err != nil {
		return err
	}
	before, ok, err := s.queue.Approved()
	if err != nil {
		return err
	}
	if ok && before.Digest == s.plan.Digest.String() {
		fmt.Fprintf(p.stdout, "already approved by %s on %s: %s\n", before.Who, before.At.Format(time.DateOnly), s.plan.Digest)
		return nil
	}
	canonical := string(s.plan.Whitelist.Canonical())
	if err := s.queue.RecordApproval(c.By, s.plan.Digest, canonical, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "approved by %s: %s\n", c.By, s.plan.Digest)
	return nil
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

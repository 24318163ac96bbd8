package upload

import (
	"regexp"

	"roagent/fieldmap"
)

// Limits of a manifest's profile.
const (
	maxProfilePaths = 2000 // fields that a whitelist sends
	maxProfileLists = 20
	maxProfileCode  = 100 // bytes
	maxProfileCount = 1 << 32
)

// profileSum is a total: at most 18 digits before its point and 4 behind.
var profileSum = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,4})?$`)

// ProfileProblem says what is wrong with the manifest's profile; "" where it is well formed, or there is none.
func (m *Manifest) ProfileProblem() string {
	p := m.Profile
	switch {
	case p == nil:
		return ""
	case p.Orders < 0 || p.Orders > maxProfileCount:
		return "orders cannot be"
	case len(p.Lines) > maxProfileLists || len(p.Present) > maxProfilePaths || len(p.Codes) > maxProfilePaths || len(p.Sums) > maxProfilePaths:
		return "there are more lists or fields than a whitelist has"
	case p.Orders < fieldmap.MinSummed && len(p.Sums) > 0:
		return "amounts of so few orders are not totalled"
	}
	for list, n := range p.Lines {
		if !isPath(list) || n < 0 || n > maxProfileCount {
			return "lines is no count of a list's lines"
		}
	}
	for path, n := range p.Present {
		if !isPath(path) || n < 0 || n > p.Of(path) {
			return "present is no count of those that there are"
		}
	}
	for path, counts := range p.Codes {
		if problem := codesProblem(p, path, counts); problem != "" {
			return problem
		}
	}
	for path, sum := range p.Sums {
		if !isPath(path) || !profileSum.MatchString(sum) {
			return "sums is no total of a field"
		}
	}
	return ""
}

func codesProblem(p *fieldmap.Profile, path string, counts map[string]int) string {
	if !isPath(path) || len(counts) > fieldmap.MaxCodes {
		return "codes is of no field, or of too many codes"
	}
	left := p.Of(path)
	for code, n := range counts {
		if len(code) > maxProfileCode || !IsPlain(code) || n < 1 || n > left {
			return "codes is no count of those that there are"
		}
		left -= n
	}
	return ""
}

func isPath(s string) bool { return s != "" && len(s) <= MaxDropField && IsPlain(s) }

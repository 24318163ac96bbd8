package signin

import (
	"fmt"
	"slices"
	"strings"
)

// Allow says who may look, of all whom the provider knows. Any of it is enough; nothing of it lets in nobody.
type Allow struct {
	Domains []string // of e-mail addresses: example.com
	Emails  []string
	Groups  []string // as the provider's claim "groups" names them
}

// ParseAllow reads @example.com for a domain, a@example.com for a person, group:NAME for a group.
func ParseAllow(texts []string) (Allow, error) {
	var a Allow
	for _, text := range texts {
		group, isGroup := strings.CutPrefix(text, "group:")
		local, domain, isEmail := strings.Cut(strings.ToLower(text), "@")
		switch {
		case isGroup && group != "":
			a.Groups = append(a.Groups, group)
		case !isGroup && isEmail && domain != "" && !strings.ContainsAny(domain, "@ "):
			if local == "" {
				a.Domains = append(a.Domains, domain)
			} else {
				a.Emails = append(a.Emails, local+"@"+domain)
			}
		default:
			return a, fmt.Errorf("%q is neither @DOMAIN, an e-mail address nor group:NAME", text)
		}
	}
	if len(texts) == 0 {
		return a, fmt.Errorf("nobody is let in")
	}
	return a, nil
}

// claims are what the provider says of a person.
type claims struct {
	Subject  string   `json:"sub"`
	Email    string   `json:"email"`
	Verified bool     `json:"email_verified"` // the provider knows that the address is this person's
	Groups   []string `json:"groups"`
}

// takes reports whether a person may look. An address counts only if the provider vouches for it: anybody can claim one.
func (a Allow) takes(c claims) bool {
	in := func(group string) bool { return slices.Contains(a.Groups, group) }
	if slices.ContainsFunc(c.Groups, in) {
		return true
	}
	email := strings.ToLower(c.Email)
	at := strings.LastIndexByte(email, '@')
	if !c.Verified || at < 1 {
		return false
	}
	return slices.Contains(a.Emails, email) || slices.Contains(a.Domains, email[at+1:])
}

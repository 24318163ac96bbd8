package collector

import (
	"fmt"
	"regexp"
)

var (
	dealerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	digest   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// checkDealer refuses what cannot be a dealer's id. Ids become folders of the store and the first part of tokens.
func checkDealer(id string) error {
	if !dealerID.MatchString(id) {
		return fmt.Errorf("%.80q is not a dealer id: letters, digits, - and _, at most 64, the first a letter or digit", id)
	}
	return nil
}

// isDigest reports whether s is a SHA-256 in lower-case hex, as batch ids are.
func isDigest(s string) bool { return digest.MatchString(s) }

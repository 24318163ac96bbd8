package uploadtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"roagent/fieldmap"
	"roagent/upload"
)

// FailDeclarations makes every declaration of a whitelist fail in this way; nil makes them pass. Faults of Fail are for
// what was read, not for declarations.
func (c *Collector) FailDeclarations(fault Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.declare = fault
}

// ForgetDeclarations loses them, as a collector does that was restored from an older backup.
func (c *Collector) ForgetDeclarations() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.declared)
}

// Declarations returns the declarations of whitelists.
func (c *Collector) Declarations() []Request {
	return c.requestsThat(func(r Request) bool { return isDeclaration(r.Path) })
}

func isDeclaration(path string) bool { return strings.Contains(path, "/fieldmaps/") }

// putFieldmap takes a declaration. One that does not have its digest, or is no whitelist, is wrong.
func (c *Collector) putFieldmap(r *http.Request, dealer, digest string, body []byte) (*http.Response, error) {
	sum := sha256.Sum256(body)
	if _, err := fieldmap.ParseCanonical(body); err != nil || hex.EncodeToString(sum[:]) != digest {
		c.wrong = append(c.wrong, fmt.Sprintf("declared as %.8s is %.8x: %v", digest, sum, err))
	}
	c.declared[digest] = true
	answer, err := json.Marshal(upload.Declared{DealerID: dealer, FieldmapDigest: digest})
	if err != nil {
		return nil, err
	}
	return respond(r, http.StatusCreated, "application/json", answer), nil
}

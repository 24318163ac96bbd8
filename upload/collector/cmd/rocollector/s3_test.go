package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"roagent/upload/collector/s3store/s3test"
)

// The commands on a real S3 server.
func TestS3Scripts(t *testing.T) {
	server := s3test.Start(t, nil)
	p := scriptParams("testdata/s3")
	p.Setup = func(e *testscript.Env) error {
		for _, setting := range server.Env() {
			if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
				e.Setenv(name, value)
			}
		}
		e.Setenv("BUCKET", server.Bucket(t))
		return nil
	}
	testscript.Run(t, p)
}

package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// One repair order passes the packages in one direction. A package that knew too much could read what the dealer did
// not list, or send what no Record is made of; the same rule stands in .golangci.yml.
func TestImportDirection(t *testing.T) {
	forbidden := map[string][]string{
		"fieldmap": {"roagent/extract", "roagent/upload", "roagent/agent", "database/sql", "net/http", "github.com/prometheus"},
		"extract":  {"roagent/upload", "roagent/agent", "net/http", "github.com/prometheus"},
		"upload":   {"roagent/extract", "roagent/agent", "database/sql"},
	}
	checked := 0
	for folder, packages := range forbidden {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			checked++
			for _, spec := range file.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				for _, not := range packages {
					if name == not || strings.HasPrefix(name, not+"/") {
						t.Errorf("%s imports %s", path, name)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if checked < 40 {
		t.Errorf("only %d files were looked at", checked)
	}
}

// The agent has the collector in it, for its demo. What only who runs a collector needs is not in a dealer's program: neither a
// way to object stores, nor sign-in, nor other formats.
func TestWhatTheAgentIsMadeOf(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, "roagent/upload/collector") {
		t.Fatal("the agent has no collector in it: what is this test for?")
	}
	for _, name := range packages {
		for _, not := range []string{"github.com/aws/", "github.com/parquet-go/", "github.com/coreos/go-oidc/", "golang.org/x/oauth2", "roagent/upload/collector/s3store"} {
			if strings.HasPrefix(name, not) {
				t.Errorf("%s is in the agent", name)
			}
		}
	}
}

// DESIGN: these folders and no others.
func TestTopLevelFolders(t *testing.T) {
	allowed := map[string]bool{"agent": true, "extract": true, "upload": true, "fieldmap": true, "installer": true, "testdata": true, "dist": true} // dist is what make packages builds, and git ignores
	entries, err := filepath.Glob(filepath.Join("..", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if folder := filepath.Base(filepath.Dir(entry)); !allowed[folder] && !strings.HasPrefix(folder, ".") {
			t.Errorf("%s is in no folder of the design", entry)
		}
	}
}

package draft_test

import (
	"database/sql"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"roagent/extract"
	"roagent/fieldmap/draft"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// schemas are the databases that the guesses were made to fit.
func schemas() []string { return []string{"flat", "normalised", "pick"} }

func options() draft.Options {
	return draft.Options{Recipient: "Example Motor Sales, Customer Services", Purpose: "Service-customer survey and recall completion. Not marketing.", Agreement: "DMI-2026-017", Unit: "SMI", Currency: "USD"}
}

// catalog makes a SQLite database of a file of statements and reads its catalogue.
func catalog(t *testing.T, name string) *draft.Schema {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dms.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("testdata", name+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	dms, err := extract.Open(t.Context(), extract.Config{Driver: "sqlite", Path: path, DealerZone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	defer dms.Close()
	schema, err := dms.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestGolden(t *testing.T) {
	for _, name := range schemas() {
		d, err := draft.Make(catalog(t, name), options())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		path := filepath.Join("testdata", name+".yaml")
		if *update {
			if err := os.WriteFile(path, d.YAML, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), string(d.YAML)); diff != "" {
			t.Errorf("%s (go test ./fieldmap/draft -update rewrites it):\n%s", name, diff)
		}
	}
}

package extract_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"roagent/extract"
	"roagent/extract/sampledms"
	"roagent/fieldmap"
)

func TestSmoke(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "dms.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	week := fieldmap.Week{Year: 2026, Number: 46}
	start := time.Now()
	if err := sampledms.Create(ctx, db, "sqlite", sampledms.Options{First: week.Add(-1), Weeks: 2}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	t.Log("create", time.Since(start))
	w, err := fieldmap.Parse("fieldmap.yaml", []byte(sampledms.Whitelist))
	if err != nil {
		t.Fatal(err)
	}
	plan := w.Compile()
	zone, _ := time.LoadLocation("America/Los_Angeles")
	for _, d := range []string{"sqlserver", "sqlite"} {
		all, err := extract.Statements(d, plan)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			t.Logf("-- %s\n%s\n%q", s.Name, s.SQL, s.Params)
		}
	}
	dms, err := extract.Open(ctx, extract.Config{Driver: "sqlite", Path: path, DealerZone: zone})
	if err != nil {
		t.Fatal(err)
	}
	defer dms.Close()
	r, findings, err := dms.Bind(ctx, plan, make([]byte, 32))
	for _, f := range findings {
		t.Log(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	rd, err := r.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	n, first := 0, ""
	for after := []byte(nil); ; {
		keys, err := rd.Keys(ctx, week, after, 100, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		page, _, err := rd.Orders(ctx, week, keys)
		if err != nil {
			t.Fatal(err)
		}
		for rec := range page.Records() {
			n++
			if first == "" {
				first = string(rec.JSON())
			}
		}
		if p := page.Parked(); len(p) > 0 {
			t.Fatal(p)
		}
		if after = keys.Next(); after == nil {
			break
		}
	}
	fmt.Println(n, first)
	skipped, err := rd.Skipped(ctx, week)
	keyless, err2 := rd.Keyless(ctx, week)
	t.Log(skipped, err, keyless, err2)
}

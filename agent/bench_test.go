package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"roagent/fieldmap"
)

// The goals of the whole pipeline, and what it must not be worse than.
const (
	worstCPURatio    = 3.0 // CPU of a pull divided by that of a raw scan of the three tables
	worstPeakMiB     = 64.0
	worstPeakGrowth  = 1.25 // peak memory at the largest size divided by that at the smallest
	benchOrdersSmall = 10_000
)

// TestBench measures the program that dealers run, as a process of its own, against a raw scan of the same three
// tables with the same driver, also a process of its own. It runs in `make bench`, since it takes minutes.
func TestBench(t *testing.T) {
	if os.Getenv("ROAGENT_BENCH") == "" {
		t.Skip("takes minutes: ROAGENT_BENCH=1, or make bench, runs it")
	}
	program := buildRoagent(t)
	var results []benchResult
	for _, orders := range []int{benchOrdersSmall, 100_000, 1_000_000} {
		r := benchOnce(t, program, orders)
		results = append(results, r)
		t.Logf("%8d orders: pull %.1f s CPU, %.1f s wall, %.0f nested orders/s, peak %.1f MiB; scan %.1f s CPU, peak %.1f MiB; CPU ratio %.2f",
			orders, r.pull.cpu.Seconds(), r.pull.wall.Seconds(), float64(orders)/r.pull.wall.Seconds(), r.pull.peakMiB,
			r.scan.cpu.Seconds(), r.scan.peakMiB, r.ratio())
	}
	first, last := results[0], results[len(results)-1]
	if last.ratio() > worstCPURatio {
		t.Errorf("a pull takes %.2f times the CPU of a raw scan, more than %.1f", last.ratio(), worstCPURatio)
	}
	if last.pull.peakMiB > worstPeakMiB {
		t.Errorf("a pull takes %.1f MiB at its peak, more than %.0f", last.pull.peakMiB, worstPeakMiB)
	}
	if growth := last.pull.peakMiB / first.pull.peakMiB; growth > worstPeakGrowth {
		t.Errorf("peak memory grows %.2f times from %d to %d orders, more than %.2f", growth, benchOrdersSmall, 1_000_000, worstPeakGrowth)
	}
}

type benchResult struct{ pull, scan usage }

func (r benchResult) ratio() float64 { return r.pull.cpu.Seconds() / r.scan.cpu.Seconds() }

// usage is what a process took, as the operating system counts it.
type usage struct {
	cpu, wall time.Duration
	peakMiB   float64
}

func benchOnce(t *testing.T, program string, orders int) benchResult {
	t.Helper()
	r := newRig(t, rigOptions{weeks: 1, orders: orders, batchOrders: 500, whitelist: benchWhitelist(t), collector: newCollectorProcess})
	week := r.weeks[0].String()
	pull := measure(t, exec.CommandContext(t.Context(), program, "--config", r.config, "pull", "--week", week))
	scan := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRawScan$", "-test.v")
	scan.Env = append(os.Environ(), "ROAGENT_BENCH_SCAN="+r.dms)
	result := benchResult{pull: pull, scan: measure(t, scan)}
	held := 0
	lines := bufio.NewScanner(strings.NewReader(r.export(t)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		held++
	}
	if held < orders*8/10 { // the others are internal
		t.Errorf("of %d orders only %d are at the collector", orders, held)
	}
	return result
}

// benchWhitelist names the columns of three tables that the raw scan reads too.
func benchWhitelist(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "bench.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func measure(t *testing.T, c *exec.Cmd) usage {
	t.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	start := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	peak := watchPeak(c.Process.Pid)
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", c.Args, err, out.String())
	}
	return usage{cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime(), wall: time.Since(start), peakMiB: peak()}
}

// TestRawScan is the other process of TestBench: it reads the columns that the whitelist names of the three tables,
// row by row, and does nothing with them.
func TestRawScan(t *testing.T) {
	path := os.Getenv("ROAGENT_BENCH_SCAN")
	if path == "" {
		t.Skip("the other process of TestBench (ROAGENT_BENCH)")
	}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	whitelist, err := fieldmap.Parse("bench.yaml", []byte(benchWhitelist(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range whitelist.Compile().Levels {
		var columns []string
		for _, c := range l.Columns() {
			if c.Join == "" {
				columns = append(columns, `"`+c.Name+`"`)
			}
		}
		if err := scanTable(t.Context(), db, l.From.Name, columns); err != nil {
			t.Fatal(err)
		}
	}
}

func scanTable(ctx context.Context, db *sql.DB, table string, columns []string) error {
	rows, err := db.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), table))
	if err != nil {
		return err
	}
	defer rows.Close()
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range into {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
	}
	return rows.Err()
}

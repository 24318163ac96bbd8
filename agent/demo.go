package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/dustin/go-humanize"
	"roagent/extract/sampledms"
	"roagent/fieldmap"
	"roagent/upload/collector"
)

type demoCommand struct {
	Keep string `placeholder:"DIR" help:"Leave everything in this folder, which must not exist yet."`
}

const (
	demoDealer = "04123"
	demoOrders = 600 // a week
	demoWeeks  = 3
)

// Run plays two Mondays of a dealership, with all parts real but the dealership: a DMS in SQLite, the agent, a
// collector on loopback.
func (c demoCommand) Run(p *program) error {
	dir, remove, err := c.folder()
	if err != nil {
		return err
	}
	defer remove()
	d := &demo{program: *p, out: p.stdout, dir: dir, kept: c.Keep != ""}
	return d.play(p.ctx)
}

// folder makes the folder in which the demo happens, and says how it goes away again.
func (c demoCommand) folder() (dir string, remove func(), err error) {
	if c.Keep == "" {
		dir, err = os.MkdirTemp("", "roagent-demo-")
		if err != nil {
			return "", nil, fmt.Errorf("make the demo's folder: %w", err)
		}
		return dir, func() { _ = os.RemoveAll(dir) }, nil
	}
	dir, err = filepath.Abs(c.Keep)
	if err != nil {
		return "", nil, fmt.Errorf("--keep: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", nil, &usageError{"--keep: " + err.Error(), "name a folder that does not exist yet, in one that does"}
	}
	return dir, func() {}, nil
}

// demo is one showing.
type demo struct {
	program    program
	out        io.Writer
	dir        string
	kept       bool
	store      *collector.DirStore
	verifier   note.Verifier
	receiptKey string
	url        string
	weeks      []fieldmap.Week
	zone       *time.Location
	collector  *http.Server
}

func (d *demo) play(ctx context.Context) error {
	for _, act := range []func(context.Context) error{
		d.makeDMS, d.startCollector, d.configure, d.firstMonday, d.change, d.secondMonday, d.showLine, d.prove, d.lookNext,
	} {
		if err := act(ctx); err != nil {
			return errors.Join(err, d.stop())
		}
	}
	return d.stop()
}

func (d *demo) stop() error {
	if d.collector == nil {
		return nil
	}
	return errors.Join(d.collector.Close(), d.store.Close())
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) path(name string) string { return filepath.Join(d.dir, name) }

func (d *demo) makeDMS(ctx context.Context) error {
	var err error
	if d.zone, err = time.LoadLocation("America/Los_Angeles"); err != nil {
		return fmt.Errorf("load the demo's time zone: %w", err)
	}
	last := Schedule{Zone: d.zone, Settle: 10 * time.Minute}.Ended(time.Now())
	for i := range demoWeeks {
		d.weeks = append(d.weeks, last.Add(i+1-demoWeeks))
	}
	o := sampledms.Options{First: d.weeks[0], Weeks: demoWeeks, OrdersPerWeek: demoOrders, Seed: 1}
	if err := sampledms.CreateFile(ctx, d.path("dms.db"), o); err != nil {
		return err
	}
	d.say("A dealership in %s.\n", d.dir)
	d.say("1. Its DMS: %d weeks of about %d repair orders in dms.db, with jobs, parts, customers and vehicles.", demoWeeks, demoOrders)
	d.say("   It also holds what must never leave: %s.\n", strings.Join(sampledms.Forbidden(), ", "))
	return nil
}

func (d *demo) startCollector(ctx context.Context) error {
	if err := os.Mkdir(d.path("collector"), 0o700); err != nil {
		return fmt.Errorf("make the collector's folder: %w", err)
	}
	var err error
	if d.store, err = collector.OpenDir(d.path("collector")); err != nil {
		return err
	}
	key, err := collector.OpenKey(ctx, d.store, "collector.demo")
	if err != nil {
		return err
	}
	d.verifier, d.receiptKey = key.Verifier, key.Public
	token, err := collector.AddDealer(ctx, d.store, demoDealer, "Example Toyota")
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.path("collector.token"), []byte(token), 0o600); err != nil {
		return fmt.Errorf("keep the dealer's token: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the collector: %w", err)
	}
	d.url = "http://" + listener.Addr().String()
	d.collector = &http.Server{Handler: collector.New(d.store, key), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = d.collector.Serve(listener) }() // Close ends it, and its error says no more
	d.say("2. The maker's collector, at %s.\n   It signs receipts with %s.\n", d.url, key.Public)
	return nil
}

func (d *demo) configure(context.Context) error {
	config := fmt.Sprintf(demoConfig, demoDealer, d.zone, d.url, d.receiptKey)
	for name, text := range map[string]string{"roagent.yaml": config, "fieldmap.yaml": sampledms.Whitelist} {
		if err := os.WriteFile(d.path(name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("configure the demo: %w", err)
		}
	}
	d.program.config = d.path("roagent.yaml")
	_, plan, err := d.program.load()
	if err != nil {
		return err
	}
	w := plan.Whitelist
	fields := 0
	for _, l := range plan.Levels {
		fields += len(l.Fields())
	}
	d.say("3. The whitelist, fieldmap.yaml: %d fields for %s.\n   %s The dealer approves it:", fields, w.Recipient, w.Purpose)
	return d.indented(func(p *program) error { return fieldmapApproveCommand{By: "Dana Dealer"}.Run(p) })
}

// indented runs a command of roagent itself and shows what it prints.
func (d *demo) indented(run func(*program) error) error {
	var out bytes.Buffer
	p := d.program
	p.stdout, p.stderr = &out, &out
	err := run(&p)
	for line := range strings.Lines(out.String()) {
		fmt.Fprint(d.out, "     ", line)
	}
	d.say("")
	return err
}

func (d *demo) firstMonday(context.Context) error {
	d.say("4. A first pull, of two weeks: roagent pull --from %s --to %s", d.weeks[0], d.weeks[1])
	return d.indented(func(p *program) error {
		return pullCommand{From: d.weeks[0].String(), To: d.weeks[1].String()}.Run(p)
	})
}

// change edits and deletes some orders of the weeks that were pulled.
func (d *demo) change(ctx context.Context) error {
	changes, err := sampledms.Change(ctx, d.path("dms.db"), d.weeks[:2])
	if err != nil {
		return err
	}
	d.say("5. The shop goes on: %s edited, %s deleted in those weeks.\n", plural(changes.Edited, "order"), plural(changes.Deleted, "order"))
	return nil
}

func (d *demo) secondMonday(context.Context) error {
	d.say("6. Next Monday's pull reads the new week, and the earlier ones again for late edits: roagent pull")
	return d.indented(func(p *program) error { return pullCommand{}.Run(p) })
}

// showLine shows one line as the collector holds it.
func (d *demo) showLine(ctx context.Context) error {
	var lines bytes.Buffer
	if err := collector.Export(ctx, d.store, demoDealer, d.weeks[0], &lines); err != nil {
		return err
	}
	for line := range strings.Lines(lines.String()) {
		if strings.Contains(line, `"replaces"`) && strings.Contains(line, `"job"`) {
			d.say("7. One line as the collector holds it now, a revision:\n\n%s", line)
			return nil
		}
	}
	return fmt.Errorf("the collector's export of %s has no revision", d.weeks[0])
}

// prove checks what the demo claims: with the collector's public key, the ledger, and the collector's own bytes.
func (d *demo) prove(ctx context.Context) error {
	s, err := d.program.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	ledger, err := s.queue.VerifyLedger(d.verifier)
	if err != nil {
		return err
	}
	pending, err := s.queue.Pending()
	if err != nil {
		return err
	}
	if pending.Batches > 0 || ledger.Receipts == 0 {
		return fmt.Errorf("%d batches are not receipted, %d receipts are held", pending.Batches, ledger.Receipts)
	}
	d.say("8. Proof: all %d receipts verify with the collector's public key; the ledger's chain of %d entries holds; nothing is left in the queue.", ledger.Receipts, ledger.Entries)
	return d.proveNothingElseLeft(ctx)
}

// proveNothingElseLeft looks for the values that must never leave in everything that the collector holds.
func (d *demo) proveNothingElseLeft(ctx context.Context) error {
	var all bytes.Buffer
	for _, week := range d.weeks {
		if err := collector.Export(ctx, d.store, demoDealer, week, &all); err != nil {
			return err
		}
	}
	for _, canary := range sampledms.Canaries() {
		if bytes.Contains(all.Bytes(), []byte(canary)) {
			return fmt.Errorf("a value that must never leave is at the collector: it contains %q", canary)
		}
	}
	d.say("   None of the values that must never leave is in the %s that the collector holds.\n", humanize.Bytes(uint64(all.Len())))
	return nil
}

func (d *demo) lookNext(context.Context) error {
	if !d.kept {
		d.say("Look next: 'roagent demo --keep DIR' leaves all of this in DIR. Then, with --config DIR/roagent.yaml:")
	} else {
		d.say("Look next, with --config %s (the collector has stopped; rocollector serve --store %s starts one):", d.path("roagent.yaml"), d.path("collector"))
	}
	d.say("  roagent fieldmap show      what leaves, and why\n  roagent fieldmap sql       the very statements\n" +
		"  roagent preview            the exact lines of a pull\n  roagent status             weeks, queue, what waits\n" +
		"  roagent ledger verify      the proof, without the demo\n  roagent ledger who --customer 12")
	return nil
}

const demoConfig = `dealer:
  id: %q
  name: Example Toyota
  timezone: %s
dms:
  driver: sqlite
  path: dms.db
fieldmap: fieldmap.yaml
data_dir: data
collector:
  url: %s
  token: file:collector.token
  receipt_key: %q
log: {level: warn}
`

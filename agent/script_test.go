package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"roagent/extract/sampledms"
	"roagent/upload"
	"roagent/upload/collector"
)

// TestMain makes roagent a command of the scripts, in processes of their own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"roagent": func() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs testdata/script: every command as a person types it, with what it prints and its exit code.
//
// A script starts in a store as its IT has it: roagent.yaml, fieldmap.yaml and dms.db with two weeks of 30 orders,
// $W1 and $W2, and a collector. `exits N roagent …` runs a command and demands its exit code, `dms SQL` changes the
// DMS, `answer WHAT` makes the collector answer so from then on, `held WEEK` prints what it holds, `! held WEEK` demands that the dealer has left there. `tamper N` changes one
// byte of an entry of the ledger, `keep head` keeps the head that a command has just printed as $HEAD, `chain FILE` holds
// an exported ledger against its own hashes, `sums DIR` a folder against its SHA256SUMS. `ledger` prints the kinds of the
// ledger's entries, `replace FILE OLD NEW` edits a file. `declared` prints the whitelists that are declared at the
// collector, `declared lose` damages them there. `readmit` adds the dealer at the collector again and leaves its new token
// in collector.token.
// `damage cut` cuts the queue's file off, `damage flip` changes one byte of its list of free pages.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		Setup:               setUpScript,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  scriptExits,
			"dms":    scriptDMS,
			"answer": scriptAnswer,
			"held":   scriptHeld,
			"edit":   scriptEdit,
			"tamper": scriptTamper,
			"keep":   scriptKeep,
			"chain":  scriptChain,
			"sums":   scriptSums,
			"ledger": scriptLedger,
			"damage": scriptDamage,

			"declared": scriptDeclared,
			"readmit":  scriptReadmit,

			"replace": scriptReplace,
		},
	})
}

type scriptKey struct{}

// scriptWorld is what stands around a script's store.
type scriptWorld struct {
	store  *collector.MemStore
	knobs  *knobs
	server *httptest.Server
}

func setUpScript(env *testscript.Env) error {
	ctx := context.Background()
	loc, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		return err
	}
	last := Schedule{Zone: loc, Settle: 10 * time.Minute}.Ended(time.Now())
	o := sampledms.Options{First: last.Add(-1), Weeks: 2, OrdersPerWeek: 30, Seed: 3}
	if err := sampledms.CreateFile(ctx, filepath.Join(env.WorkDir, "dms.db"), o); err != nil {
		return err
	}
	w := &scriptWorld{store: collector.NewMemStore()}
	key, err := collector.OpenKey(ctx, w.store, "collector.test")
	if err != nil {
		return err
	}
	token, err := collector.AddDealer(ctx, w.store, rigDealer, "Example Toyota")
	if err != nil {
		return err
	}
	w.knobs = &knobs{next: collector.New(w.store, key)}
	w.server = httptest.NewServer(w.knobs)
	env.Defer(w.server.Close)
	env.Values[scriptKey{}] = w
	for name, text := range map[string]string{
		"roagent.yaml":    fmt.Sprintf(rigConfig, rigDealer, "dms.db", w.server.URL, key.Public, 10),
		"fieldmap.yaml":   sampledms.Whitelist,
		"collector.token": token,
	} {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	env.Setenv("W1", last.Add(-1).String())
	env.Setenv("W2", last.String())
	env.Setenv("NEXTWEEK", last.Next().String())
	env.Setenv("URL", w.server.URL)
	env.Setenv("TOKEN", token)
	env.Setenv("RECEIPTKEY", key.Public)
	return nil
}

func world(ts *testscript.TestScript) *scriptWorld { return ts.Value(scriptKey{}).(*scriptWorld) }

// scriptExits runs a command and demands its exit code. What it prints can be looked at with stdout and stderr.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptDMS runs SQL on the DMS, as the dealership's own programs do.
func scriptDMS(ts *testscript.TestScript, neg bool, args []string) {
	withDMS(ts, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, strings.Join(args, " "))
		return err
	})
}

func withDMS(ts *testscript.TestScript, fn func(context.Context, *sql.DB) error) {
	db, err := sql.Open("sqlite", ts.MkAbs("dms.db"))
	ts.Check(err)
	defer db.Close()
	ts.Check(fn(context.Background(), db))
}

// scriptEdit edits the first order of a week as the shop's program does, with its time of change.
func scriptEdit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: edit RONUMBER TEXT")
	}
	withDMS(ts, func(ctx context.Context, db *sql.DB) error {
		return sampledms.Edit(ctx, db, "sqlite", args[0], args[1], time.Now())
	})
}

// scriptHeld prints what the collector holds of a week; with ! it demands that the collector says that the dealer has left.
func scriptHeld(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] held WEEK")
	}
	weeks, err := weekRange(args[0], args[0], Schedule{Zone: time.UTC}.Ended(time.Now()))
	ts.Check(err)
	var b strings.Builder
	err = collector.Export(context.Background(), world(ts).store, rigDealer, weeks[0], &b)
	if _, left := errors.AsType[*collector.LeftError](err); left != neg {
		ts.Fatalf("the dealer has left: %v, want %v", left, neg)
	} else if left {
		return
	}
	ts.Check(err)
	_, err = ts.Stdout().Write([]byte(b.String()))
	ts.Check(err)
}

// scriptReplace replaces the first occurrence of a text in a file, as a person edits it; \n is a line break.
func scriptReplace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	lines := strings.NewReplacer(`\n`, "\n")
	before := ts.ReadFile(args[0])
	after := strings.Replace(before, lines.Replace(args[1]), lines.Replace(args[2]), 1)
	if after == before {
		ts.Fatalf("%s lacks %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(after), 0o600))
}

// scriptLedger prints the kinds of the ledger's entries, who made them and under which whitelist.
func scriptLedger(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: ledger")
	}
	q := upload.NewQueue(ts.MkAbs("data"), rigDealer)
	ts.Check(q.Open())
	defer q.Close()
	for e, err := range q.Entries() {
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s %s %.12s\n", e.Kind, e.Who, e.Fieldmap)
	}
}

// scriptDeclared prints the whitelists that are declared at the collector, with their digests, or damages them there.
func scriptDeclared(ts *testscript.TestScript, neg bool, args []string) {
	lose := len(args) == 1 && args[0] == "lose"
	if neg || len(args) > 0 && !lose {
		ts.Fatalf("usage: declared [lose]")
	}
	ctx, store := context.Background(), world(ts).store
	names, err := collector.Names(ctx, store, "dealers/"+rigDealer+"/fieldmaps")
	ts.Check(err)
	for _, name := range names {
		form, err := store.Get(ctx, name)
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s %s\n", strings.TrimSuffix(filepath.Base(name), ".json"), form)
		if lose {
			ts.Check(store.Put(ctx, name, nil, collector.Replace))
		}
	}
}

// scriptReadmit does what the collector's operator does with 'rocollector dealer add --again'.
func scriptReadmit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: readmit")
	}
	ctx, store := context.Background(), world(ts).store
	ts.Check(collector.Readmit(ctx, store, rigDealer))
	token, err := collector.AddDealer(ctx, store, rigDealer, "Example Toyota")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("collector.token"), []byte(token), 0o600))
}

// scriptDamage damages the queue's file, as a loss of power may.
func scriptDamage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: damage cut | flip")
	}
	const page = 4096
	path := ts.MkAbs("data/queue.db")
	text := []byte(ts.ReadFile(path))
	switch args[0] {
	case "cut":
		text = text[:2*page]
	case "flip":
		for at := 2 * page; at < len(text); at += page {
			if text[at+8] == 0x10 { // a list of free pages, in use or not
				text[at]++
			}
		}
	}
	ts.Check(os.WriteFile(path, text, 0o600))
}

// scriptAnswer turns the collector's knobs.
func scriptAnswer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: answer well | STATUS | html | no-receipt | refuse-line")
	}
	ts.Check(world(ts).knobs.turn(args))
}

// knobs stands before the collector and answers in its place.
type knobs struct {
	next http.Handler

	mu     sync.Mutex
	answer http.HandlerFunc // nil: the collector does
}

func (k *knobs) turn(args []string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch what := args[0]; what {
	case "well":
		k.answer = nil
	case "html":
		k.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html><body>Please sign in to the guest network</body></html>"))
		}
	case "no-receipt":
		k.answer = func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet || strings.Contains(r.URL.Path, "/fieldmaps/") {
				k.next.ServeHTTP(w, r)
				return
			}
			w.WriteHeader(http.StatusOK)
		}
	case "refuse-line":
		k.answer = refuseFirstLine(k.next)
	default:
		status, err := strconv.Atoi(what)
		if err != nil {
			return fmt.Errorf("answer %s: not known", what)
		}
		k.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"title":"knob","status":%d}`, status)
		}
	}
	return nil
}

// refuseFirstLine refuses the first line of the first batch that it sees.
func refuseFirstLine(next http.Handler) http.HandlerFunc {
	var once sync.Once
	return func(w http.ResponseWriter, r *http.Request) {
		done := false
		if strings.Contains(r.URL.Path, "/batches/") {
			once.Do(func() {
				done = true
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = w.Write([]byte(`{"title":"lines refused","status":422,"lines":[{"line":1,"detail":"the VIN is not one of ours"}]}`))
			})
		}
		if !done {
			next.ServeHTTP(w, r)
		}
	}
}

func (k *knobs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	answer := k.answer
	k.mu.Unlock()
	if answer == nil {
		answer = k.next.ServeHTTP
	}
	answer(w, r)
}

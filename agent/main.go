// Command roagent reads a week's repair orders out of a dealer's DMS, keeps what the dealer's whitelist lists, and
// delivers it to the car maker's collector, exactly once and provably.
package main

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
	_ "time/tzdata" // Windows has no zone files

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"roagent/agent/supervisor"
)

func main() {
	// What a pull keeps is small and stays so: collecting more often than by default costs it a few hundredths of its CPU
	// and keeps its peak flat on a server that is not ours.
	debug.SetGCPercent(70)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// program is what every command gets: where it reads and writes, and the flags that all share.
type program struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	config string
	given  string            // the configuration that was asked for; "": none was
	logs   *supervisor.Log   // nil: standard error
	pulse  *supervisor.Pulse // nil: nobody watches
	meter  *meter            // nil: nothing is counted

	seams
}

// seams are where tests stand between this program and the world. Each may be nil.
type seams struct {
	transport http.RoundTripper                              // to the collector; nil: as the configuration says
	wrap      func(driver.Connector) driver.Connector        // around the DMS's driver: see extract.Config
	transact  func(what string, transact func() error) error // around what is written: see upload.Queue
	jitter    func(time.Duration) time.Duration              // the chance in waits; nil: rand.N
	clock     func() time.Time                               // of this machine; nil: time.Now

	atTerminal bool // a person answers on stdin, whatever it is
	calm       bool // heartbeats come after runs alone: beside one, or each hour, no seed would decide what comes when
}

// chance returns a duration below another one.
func (s seams) chance(below time.Duration) time.Duration {
	if s.jitter != nil {
		return s.jitter(below)
	}
	return rand.N(below)
}

// now is what the clock of this machine says, right or wrong.
func (s seams) now() time.Time {
	if s.clock != nil {
		return s.clock()
	}
	return time.Now()
}

type commands struct {
	Config string `help:"The configuration file. Without it: roagent.yaml in this folder, or else that of this machine." placeholder:"FILE" env:"ROAGENT_CONFIG"`

	Demo       demoCommand       `cmd:"" help:"Show the whole story on a sample DMS and a collector of its own, in a temporary folder."`
	Init       initCommand       `cmd:"" help:"Write roagent.yaml and a draft of a whitelist: asks on a terminal, takes flags or a file elsewhere. Reads no row of the DMS."`
	Check      checkCommand      `cmd:"" help:"Tell what must hold before a pull, and what to do about what does not: files, disk, clocks, the way to the DMS and to the collector, the service. Changes nothing there."`
	Fieldmap   fieldmapCommand   `cmd:"" help:"Look at the whitelist and approve it."`
	Preview    previewCommand    `cmd:"" help:"Print the exact lines that a pull would send. Stores and sends nothing."`
	Pull       pullCommand       `cmd:"" help:"Read the weeks that are due, queue them and send them."`
	Send       sendCommand       `cmd:"" help:"Send what is queued, now."`
	Hold       holdCommand       `cmd:"" help:"Look at what waits for its time, drop of it, or let it go."`
	Status     statusCommand     `cmd:"" help:"Tell what was read, what is queued, what waits for a person."`
	Ledger     ledgerCommand     `cmd:"" help:"Look at what left, prove it, hand it to an auditor."`
	Parked     parkedCommand     `cmd:"" help:"Look at what could not be sent, and let it go on."`
	Leave      leaveCommand      `cmd:"" help:"Take this store out: nothing is read any more, the queue is emptied, the collector deletes all. The ledger stays."`
	Run        runCommand        `cmd:"" help:"Be the service, in the foreground: pull when it is time."`
	Credential credentialCommand `cmd:"" help:"Keep the passwords and tokens that credential:NAME names."`
	Service    serviceCommand    `cmd:"" help:"Install the service of this machine and control it."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// run is the whole program: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c commands
	parser, err := kong.New(
		&c, kong.Name("roagent"), kong.Writers(stdout, stderr), kong.UsageOnError(),
		kong.Description("Reads a week's repair orders out of the DMS, keeps what the whitelist lists, and delivers it exactly once."),
		kong.Vars{"account_help": supervisor.AccountHelp},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { panic(exitNow(code)) }),
	)
	if err != nil {
		fmt.Fprintln(stderr, "roagent:", err)
		return exitFailed
	}
	return runParsed(parser, args, &program{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}, &c)
}

// exitNow carries an exit out of kong, which ends the process after --help.
type exitNow int

func runParsed(parser *kong.Kong, args []string, p *program, c *commands) (code int) {
	defer func() {
		if r := recover(); r != nil {
			now, ok := r.(exitNow)
			if !ok {
				panic(r)
			}
			code = int(now)
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(p.stderr, "roagent: %v\nTry 'roagent --help'.\n", err)
		return exitUsage
	}
	p.given, p.config = c.Config, cmp.Or(c.Config, defaultConfig())
	out := &checkedWriter{to: p.stdout}
	p.stdout = out
	err = cmp.Or(parsed.Run(p), out.err)
	explain(p.stderr, err)
	return exitCode(err)
}

// checkedWriter remembers that something could not be printed, so that nobody takes half an answer for a whole one.
type checkedWriter struct {
	to  io.Writer
	err error
}

func (w *checkedWriter) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("print: %w", err)
	}
	return n, err
}

// colors reports whether standard output is a terminal whose owner has not asked for no colours (no-color.org).
func (p *program) colors() bool {
	w := p.stdout
	if checked, ok := w.(*checkedWriter); ok {
		w = checked.to
	}
	f, ok := w.(*os.File)
	return ok && onTerminal(f) && os.Getenv("NO_COLOR") == "" && takesColors(f)
}

// logger returns the log of a command: to standard error, or of the service, in the configuration's format and level.
func (p *program) logger(level slog.Level, format string) *slog.Logger {
	if p.logs != nil {
		return slog.New(p.logs.Handler(level, format))
	}
	o := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(p.stderr, o))
	}
	return slog.New(slog.NewTextHandler(p.stderr, o))
}

// onTerminal reports whether w is a terminal: there a person watches.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

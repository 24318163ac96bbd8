// Command rocollector is the reference collector: it takes repair orders from agents, keeps them in a folder or in S3,
// and gives receipts for them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"roagent/upload/collector"
	"roagent/upload/collector/s3store"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong flags, or something that cannot be asked for
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// commands is the command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Take batches from agents until stopped."`
	Dealer  dealerCommand  `cmd:"" help:"Say who may send."`
	Export  exportCommand  `cmd:"" help:"Print the orders held of a week: each one's newest revision, sorted by key."`
	Key     keyCommand     `cmd:"" help:"Print the receipt verifier key, for collector.receipt_key of roagent.yaml."`
	Index   indexCommand   `cmd:"" help:"Make the index of all dealers and weeks anew, of a store that an older rocollector filled."`
	Audit   auditCommand   `cmd:"" help:"Print the administrative acts on record, and check that none was changed or taken out."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// streams are what a command reads from and prints to.
type streams struct {
	stdout, stderr io.Writer
}

// usageError is something that cannot work however often it is tried.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run does all that main does and returns the exit code.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	code, exited := 0, false
	parser, err := kong.New(&commands{},
		kong.Name("rocollector"),
		kong.Description("The reference collector of repair orders."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(c int) { code, exited = c, true }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{stdout, stderr}),
	)
	if err != nil {
		return complain(stderr, err)
	}
	parsed, err := parser.Parse(args)
	if exited { // --help
		return code
	}
	if err != nil {
		return complain(stderr, usageError{fmt.Errorf("%w (rocollector --help tells what there is)", err)})
	}
	if err := parsed.Run(); err != nil {
		return complain(stderr, err)
	}
	return exitDone
}

func complain(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "rocollector: %v\n", err)
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// storeFlag is the flag that every command has.
type storeFlag struct {
	Store string `required:"" env:"ROCOLLECTOR_STORE" placeholder:"DIR" help:"Folder in which all is kept, or s3://BUCKET/PREFIX."`
}

type openStore interface {
	collector.Store
	io.Closer
}

// open opens the store. A store that is only read must be there: a mistyped name is not a new store.
func (f storeFlag) open(ctx context.Context, mustExist bool) (openStore, error) {
	if strings.HasPrefix(f.Store, "s3:") {
		return f.openS3(ctx, mustExist)
	}
	if _, err := os.Stat(f.Store); mustExist && errors.Is(err, os.ErrNotExist) {
		return nil, usageError{fmt.Errorf("--store %s: there is no such folder", f.Store)}
	}
	return collector.OpenDir(f.Store)
}

func (f storeFlag) openS3(ctx context.Context, mustExist bool) (openStore, error) {
	store, err := s3store.New(f.Store)
	if err != nil {
		return nil, usageError{fmt.Errorf("--store: %w", err)}
	}
	store.MustExist = mustExist
	if err := store.Open(ctx); errors.Is(err, s3store.ErrNoStore) {
		return nil, usageError{err}
	} else if err != nil {
		return nil, err
	}
	return store, nil
}

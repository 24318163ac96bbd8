package collector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"roagent/fieldmap"
)

// Store keeps named objects, and nothing else: it is all the state a collector has. Several processes may use one
// store at the same time. Package storetest holds the suite that every Store passes.
//
// Names are slash-separated paths ([fs.ValidPath]) of which no element begins with a dot. A Store does not retry; the
// agent at the other end does. What a client of a network retries below it must be over within seconds.
type Store interface {
	// Put stores data under name, whole or not at all, and returns once it is durable. With [Create] it returns an
	// error that is [fs.ErrExist] where the name is taken, and then what is there is durable as well.
	Put(ctx context.Context, name string, data []byte, mode PutMode) error
	// Get returns what is stored under name, or an error that is [fs.ErrNotExist]. The caller may change the bytes.
	Get(ctx context.Context, name string) ([]byte, error)
	// List returns the objects in folder and in the folders below it, sorted by name. A folder nobody put anything into is
	// empty, which is no error.
	List(ctx context.Context, folder string) ([]Object, error)
	// Remove deletes the object with that name, or all that is in the folder of that name and below it, with whatever a
	// Put left there that was cut off, and returns once that is durable. What is not there is no error. After an error some
	// of it may be gone; the same call again goes on. A Put into the folder at the same time may fail, or may stay.
	Remove(ctx context.Context, name string) error
}

// Object is what [Store.List] tells of an object.
type Object struct {
	Name    string // the full one
	Size    int64  // bytes
	Version string // another one after each Put that stored other bytes; opaque, and never empty
}

// Names returns the full names of the objects in folder and in the folders below it, sorted.
func Names(ctx context.Context, store Store, folder string) ([]string, error) {
	objects, err := store.List(ctx, folder)
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = o.Name
	}
	return names, err
}

// PutMode says what [Store.Put] does with a name that is taken.
type PutMode uint8

// The modes of [Store.Put].
const (
	Create  PutMode = iota // the first one stays
	Replace                // the last one stays
)

// CheckName refuses names that no [Store] takes.
func CheckName(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") ||
		strings.ContainsAny(name, "\\:\x00") {
		return fmt.Errorf("%q is not a name in a store", name)
	}
	return nil
}

// The layout of a store.

const keyFile = "receipt.key"

func dealerFolder(dealer string) string { return path.Join("dealers", dealer) }

func dealerFile(dealer string) string { return path.Join("dealers", dealer, "dealer.json") }

// lockFile is there while somebody changes the dealer's record.
func lockFile(dealer string) string { return path.Join("dealers", dealer, "lock.json") }

// deletionFile is there from when a dealer left until it is added again. It lies apart from what is deleted.
func deletionFile(dealer string) string { return path.Join("deletions", dealer+".json") }

// pastDeletionFile keeps the deletionFile of a dealer that was added again.
func pastDeletionFile(dealer string, left time.Time) string {
	return path.Join("deletions", dealer, left.UTC().Format("20060102T150405Z")+".json")
}

func statusFile(dealer string) string { return path.Join("dealers", dealer, "status.json") }

func fieldmapFile(dealer, digest string) string {
	return path.Join("dealers", dealer, "fieldmaps", digest+".json")
}

func manifestFile(dealer string, week fieldmap.Week) string {
	return path.Join("dealers", dealer, week.String(), "manifest.json")
}

func manifestReceiptFile(dealer string, week fieldmap.Week, digest string) string {
	return path.Join("dealers", dealer, week.String(), "receipts", "manifest-"+digest)
}

func batchFolder(dealer string, week fieldmap.Week) string {
	return path.Join("dealers", dealer, week.String(), "batches")
}

const batchSuffix = ".ndjson.zst"

func batchFile(dealer string, week fieldmap.Week, id string) string {
	return path.Join(batchFolder(dealer, week), id+batchSuffix)
}

func receiptFile(dealer string, week fieldmap.Week, id string) string {
	return path.Join("dealers", dealer, week.String(), "receipts", id)
}

// exists reports whether err says that a name is taken.
func exists(err error) bool { return errors.Is(err, fs.ErrExist) }

// missing reports whether err says that there is no such object.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

package upload

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

const (
	formatStem  = "roagent queue " // + number
	firstFormat = 1
	copyStem    = databaseName + ".format-" // + number: the queue as it was in that format
	copyingName = databaseName + ".copying"

	// copyKept is how long a copy serves a person who wants to go back. It holds, sealed, what retention may have the queue
	// forget meanwhile.
	copyKept = 90 * 24 * time.Hour
)

// migration turns a queue of one format into one of the next, in the transaction that it is given.
type migration func(tx *bbolt.Tx) error

// migrations are those from the first format on, in their order; each makes the format whose number is one more. What was
// released stays here for good, as it was, and a queue of its format in testdata/format.
func migrations() []migration { return nil }

// format is the number of the newest format that is known.
func (q *Queue) format() int { return firstFormat + len(q.migrations) }

// putFormat says in the file which format it has, and who made it.
func (q *Queue) putFormat(tx *bbolt.Tx) error {
	meta := bucket(tx, bucketMeta)
	return errors.Join(
		meta.Put([]byte(metaFormat), []byte(formatStem+strconv.Itoa(q.format()))),
		meta.Put([]byte(metaProgram), []byte(q.Program)),
	)
}

func parseFormat(text []byte) (format int, ok bool) {
	number, ok := strings.CutPrefix(string(text), formatStem)
	format, err := strconv.Atoi(number)
	return format, ok && err == nil && format >= firstFormat
}

// readFormat reads a file's format before anything else of it is believed: to an older program, what a newer one keeps may
// look like damage. format is 0 where it cannot be read.
func readFormat(r io.ReaderAt, size int64) (format int, program string) {
	heads, _, err := readHeads(r, size)
	if err != nil {
		return 0, ""
	}
	file := &pageFile{r: r, pageSize: heads[0].pageSize, head: heads[0]}
	file.eachValue(file.parts()[bucketMeta], func(key, value []byte) {
		switch string(key) {
		case metaFormat:
			format, _ = parseFormat(value)
		case metaProgram:
			program = string(value)
		}
	})
	return format, program
}

// newer is the error for a file of a newer program.
func (q *Queue) newer(format int, program string) error {
	e := &NewerError{Path: q.path(), Format: format, Knows: q.format(), Program: program}
	for known := q.format(); known >= firstFormat && e.Copy == ""; known-- {
		if _, err := os.Stat(q.copyPath(known)); err == nil {
			e.Copy = q.copyPath(known)
		}
	}
	return e
}

// migrate brings the file, which this process has locked, from an older format to today's: in one transaction, behind a
// copy. A process that ends anywhere on the way leaves the file in the one format or in the other.
func (q *Queue) migrate(from int) error {
	kept, err := q.keepCopy(from)
	if err != nil {
		return diskError("copy the queue before its format changes", q.path(), err)
	}
	err = q.update("bring queue to a newer format", func(tx *bbolt.Tx) error {
		for _, next := range q.migrations[from-firstFormat:] {
			if err := next(tx); err != nil {
				return err
			}
		}
		return errors.Join(q.putFormat(tx), q.checkParts(tx))
	})
	switch full, ok := errors.AsType[*DiskFullError](err); {
	case ok:
		return full
	case err != nil:
		for corrupt, ok := errors.AsType[*CorruptError](err); ok; corrupt, ok = errors.AsType[*CorruptError](err) {
			err = corrupt.Err // without what it says of rebuilding
		}
		e := &MigrationError{Path: q.path(), From: from, To: q.format(), Problem: err.Error()}
		_ = q.db.View(func(tx *bbolt.Tx) error { // for a better sentence only
			e.Program = string(bucket(tx, bucketMeta).Get([]byte(metaProgram)))
			return nil
		})
		return e
	}
	q.Logger.Warn("the queue was brought to a newer format; an older roagent cannot open it any more", "from", from, "to", q.format(), "copy", kept)
	return nil
}

func (q *Queue) copyPath(format int) string {
	return filepath.Join(q.dir, copyStem+strconv.Itoa(format))
}

// keepCopy copies the file, durably and under a name of its own. A copy of the same format that is there is of an earlier
// attempt, or of before somebody went back, and is replaced.
func (q *Queue) keepCopy(format int) (path string, err error) {
	path, temp := q.copyPath(format), filepath.Join(q.dir, copyingName)
	if err = q.copyTo(temp); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		if removed := os.Remove(temp); !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed)
		}
		return "", err
	}
	return path, syncFolder(q.dir)
}

func (q *Queue) copyTo(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	size := int64(0)
	err = q.db.View(func(tx *bbolt.Tx) error {
		size, err = tx.WriteTo(f)
		return err
	})
	if err == nil {
		_, err = checkFile(f, size, false)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// dropCopies removes the copies that were made before a time.
func (q *Queue) dropCopies(before time.Time) error {
	paths, err := filepath.Glob(filepath.Join(globEscape(q.dir), copyStem+"*"))
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(slices.Values(paths)) {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.ModTime().After(before) {
			continue
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove the copy of an older format: %w", err)
		}
		q.Logger.Info("copy of an older format removed", "path", path)
	}
	return nil
}

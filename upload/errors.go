package upload

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrFull is wrapped by the error of a [Pull.Store] or [Pull.Finish] that would exceed [Queue.MaxSize]. Nothing was
// written: the pull goes on from its checkpoint once the collector has taken some batches.
var ErrFull = errors.New("the queue is full")

// LockedError is returned by [Queue.Open] where another process has the queue open.
type LockedError struct {
	Dir    string
	Holder Holder // zero where it is not known
}

// Error says who holds the queue and what to do.
func (e *LockedError) Error() string {
	who := "another process"
	if e.Holder.PID != 0 {
		who = fmt.Sprintf("process %d (%s, since %s)", e.Holder.PID, e.Holder.Command, e.Holder.Since.Format(time.DateTime))
	}
	return fmt.Sprintf("the data folder %s is in use by %s; wait until it ends, or stop the service (roagent service stop), and try again", e.Dir, who)
}

// CorruptError is returned where the queue's file is damaged or no queue at all. The file is left as it is.
type CorruptError struct {
	Path string
	Err  error
}

// Error says what is wrong and what to do.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("the queue %s cannot be read: %v; nothing was changed. Stop every roagent, restore the file and its key from a backup, "+
		"or move it away: a new queue is made, and the weeks are read and sent again as new", e.Path, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// ForeignError is returned by [Queue.Open] for a sound queue that this agent must not use.
type ForeignError struct {
	Path string
	What string
}

// Error says whose it is and what to do.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("the queue %s %s; nothing was changed. Name that queue's own folder in data_dir, or use the program that made it", e.Path, e.What)
}

// KeyError is returned for a key file that is missing, damaged or not the right one. No key is ever replaced.
type KeyError struct {
	Path    string
	Problem string
	Err     error // may be nil
}

// Error says what is wrong and what to do.
func (e *KeyError) Error() string {
	s := fmt.Sprintf("the key %s cannot be used: %s", e.Path, e.Problem)
	if e.Err != nil {
		s += fmt.Sprintf(" (%v)", e.Err)
	}
	return s + "; restore that file from a backup. Without it what is queued cannot be opened: then move the whole data folder away, and the weeks are read and sent again as new"
}

func (e *KeyError) Unwrap() error { return e.Err }

// DiskFullError is returned where the disk has no room for a transaction. Nothing of it was written.
type DiskFullError struct {
	Path string
	Err  error
}

// Error says what is full and what to do.
func (e *DiskFullError) Error() string {
	return fmt.Sprintf("no room on the disk for the queue %s: %v; nothing is lost. Make room there: the next run goes on where this one stopped", e.Path, e.Err)
}

func (e *DiskFullError) Unwrap() error { return e.Err }

// diskError wraps an error of bbolt with what was being done, and gives a full disk its type.
func diskError(what, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case isDiskFull(err):
		return &DiskFullError{Path: path, Err: fmt.Errorf("%s: %w", what, err)}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// isDiskFull looks at an error's text too, which is all that bbolt keeps of some.
func isDiskFull(err error) bool {
	for _, errno := range noRoom() {
		if errors.Is(err, errno) || strings.HasSuffix(err.Error(), errno.Error()) {
			return true
		}
	}
	return false
}

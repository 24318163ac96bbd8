package upload

import (
	"errors"
	"fmt"
	"runtime"
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
	return fmt.Sprintf("the data folder %s is in use by %s; wait until it ends, or stop the service, and try again", e.Dir, who)
}

// startAnew is the way where there is no backup. A new queue goes on behind what the collector holds; hash.key keeps the
// hashed values those that were sent before.
const startAnew = "Without a backup, move the whole data folder away and put its hash.key into a new one: once the whitelist is approved again, that goes on behind what the collector holds"

// damageError is what a part of the database says that cannot be read. It becomes a [CorruptError] where the file's
// name is known.
type damageError struct {
	text string
	err  error // may be nil
}

func damaged(err error, format string, args ...any) error {
	return &damageError{text: fmt.Sprintf(format, args...), err: err}
}

func (e *damageError) Error() string {
	if e.err == nil {
		return e.text
	}
	return e.text + ": " + e.err.Error()
}

func (e *damageError) Unwrap() error { return e.err }

// panicDamage returns in words what made bbolt panic. What Go's runtime says is no help to anyone who reads it.
func panicDamage(p any) error {
	if _, ok := p.(runtime.Error); ok {
		return errors.New("it is damaged")
	}
	return fmt.Errorf("it is damaged: %v", p)
}

// CorruptError is returned where the queue's file is damaged or no queue at all. The file is left as it is.
// [Queue.Rebuild] makes a new one, unless a person must look first.
type CorruptError struct {
	Path   string
	Err    error
	Manual bool // there is no file to set aside, or it is another program's
}

// Error says what is wrong and what to do.
func (e *CorruptError) Error() string {
	s := fmt.Sprintf("the queue %s cannot be read: %v; nothing was changed. ", e.Path, e.Err)
	if e.Manual {
		return s + "Stop every roagent and restore the data folder from a backup. " + startAnew
	}
	return s + "The next run of the service, or 'roagent pull', sets it aside and makes a new one out of what it proves and of what the collector holds: nothing is sent twice"
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

// NewerError is returned by [Queue.Open] for a queue whose format this agent does not know.
type NewerError struct {
	Path    string
	Format  int
	Knows   int    // the newest format that this agent knows
	Program string // the version that brought the queue to its format; "" where it is not known
	Copy    string // of the queue as it was in a format that this agent knows; "" where there is none
}

// Error says which roagent it takes, and how to go back.
func (e *NewerError) Error() string {
	program := "a newer roagent"
	if e.Program != "" {
		program = "roagent " + e.Program
	}
	s := fmt.Sprintf("the queue %s has format %d, made by %s; this one knows formats up to %d. Nothing was changed. Install %s or a later one. To go back all the same, ",
		e.Path, e.Format, program, e.Knows, strings.Replace(program, "a newer", "that", 1))
	if e.Copy == "" {
		return s + "restore the data folder from a backup of before the upgrade: it goes on behind what the collector holds"
	}
	return s + fmt.Sprintf("stop every roagent, move %s away and keep it (only its ledger has what was done since), and give %s its name: that goes on behind what the collector holds", e.Path, e.Copy)
}

// MigrationError is returned by [Queue.Open] where a queue could not be brought to this agent's format. The file is as it
// was. It wraps nothing, so that no queue is rebuilt because a migration had a bug.
type MigrationError struct {
	Path     string
	From, To int
	Program  string // that made the file, as in [NewerError]
	Problem  string
}

// Error says what failed, and what to do.
func (e *MigrationError) Error() string {
	older := "the roagent that was installed before"
	if e.Program != "" {
		older = "roagent " + e.Program
	}
	return fmt.Sprintf("the queue %s could not be brought from format %d to %d: %s; it is as it was, and nothing is lost. Install %s again, which goes on with it, and report this",
		e.Path, e.From, e.To, e.Problem, older)
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
	return s + "; restore that file from a backup: without it, what is queued cannot be opened. " + startAnew
}

func (e *KeyError) Unwrap() error { return e.Err }

// DiskFullError is returned where the disk has no room for a transaction. Nothing of it was written.
type DiskFullError struct {
	Path string
	Err  error
}

// Error says what is full and what to do.
func (e *DiskFullError) Error() string {
	return fmt.Sprintf("no room on the disk for %s: %v; nothing is lost. Make room there: the next run goes on where this one stopped", e.Path, e.Err)
}

func (e *DiskFullError) Unwrap() error { return e.Err }

// diskError wraps an error of bbolt with what was being done, and gives a full disk and damage their types.
func diskError(what, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*damageError)):
		return &CorruptError{Path: path, Err: fmt.Errorf("%s: %w", what, err)}
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

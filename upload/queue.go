package upload

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// Names of the files in a queue's folder.
const (
	databaseName = "queue.db"
	keyName      = "queue.key"
	holderName   = "queue.lock.json"
)

const (
	format      = "roagent queue 1" // what [Queue.Open] demands of a file; a later format has another number
	formatStem  = "roagent queue "
	lockTimeout = 2 * time.Second
)

// Buckets of the database. DESIGN.md says what each holds.
const (
	bucketMeta        = "meta"
	bucketWeeks       = "weeks"
	bucketOrders      = "orders"
	bucketIndex       = "index"
	bucketBatches     = "batches"
	bucketPayloads    = "payloads"
	bucketPending     = "pending"
	bucketWeekBatches = "week_batches"
	bucketParked      = "parked"
	bucketParkedKeys  = "parked_keys"
	bucketLedger      = "ledger"
	bucketMentions    = "mentions"
)

func buckets() []string {
	return []string{
		bucketMeta, bucketWeeks, bucketOrders, bucketIndex, bucketBatches, bucketPayloads, bucketPending,
		bucketWeekBatches, bucketParked, bucketParkedKeys, bucketLedger,
	}
}

// laterBuckets are those that the file of an earlier program lacks until Open makes them.
func laterBuckets() []string { return []string{bucketMentions} }

// Keys of bucketMeta.
const (
	metaFormat  = "format"
	metaDealer  = "dealer"
	metaPending = "pending"
	metaKeyStem = "key/" // + name: the check value of that key
)

// Queue keeps what was read until the collector has it: sealed batches, what was last sent of every order, how far
// each week was read, and the ledger, all in one bbolt file. It is made by [NewQueue], configured through its fields,
// and used between Open and Close. Its methods may be called from several goroutines, but only one [Pull] may be under
// way at a time.
type Queue struct {
	// MaxSize is how many bytes of batches may wait for the collector; a pull that would exceed it pauses with
	// [ErrFull]. One batch is always taken, however small MaxSize is. 0 means no limit.
	MaxSize int64
	// Hold is how long a batch waits before it may be sent: the time the dealer has to look at it.
	Hold   time.Duration
	Logger *slog.Logger
	// Transact stands around each transaction that writes: it calls transact once and returns its error, or an error of
	// its own. Tests let transactions fail there, or end the process before or after one. nil: nothing does.
	Transact func(what string, transact func() error) error

	dir    string
	dealer string
	db     *bbolt.DB
	file   *os.File // of db, which closes it
	sealer *sealer
	page   *pageWriter // used in transactions that write, of which there is one at a time
}

// NewQueue returns the queue of a dealer in a folder.
func NewQueue(dir, dealerID string) *Queue {
	return &Queue{dir: dir, dealer: dealerID, MaxSize: 2 << 30, Logger: slog.New(slog.DiscardHandler)}
}

// Open opens the queue, or makes it where the folder holds none. It fails with *[LockedError] where another agent has
// it open, with *[CorruptError] where the file is damaged or not a queue, with *[ForeignError] where it is another
// dealer's or a newer program's, and with *[KeyError] where its key is missing. It never replaces or repairs a file.
func (q *Queue) Open() (err error) {
	if err := MakeFolder(q.dir); err != nil {
		return fmt.Errorf("open queue: %w", err)
	}
	if err := q.checkLost(); err != nil {
		return err
	}
	if _, err := os.Stat(q.path()); errors.Is(err, fs.ErrNotExist) {
		if err := createDatabase(q.path()); err != nil {
			return diskError("create queue "+q.path(), q.path(), err)
		}
	}
	if err := q.openDatabase(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, q.closeDatabase())
		}
	}()
	if err := q.prepare(); err != nil {
		return err
	}
	key, err := q.Key("queue")
	if err != nil {
		return err
	}
	if q.sealer, err = newSealer(key); err != nil {
		return err
	}
	if q.page, err = newPageWriter(); err != nil {
		return err
	}
	if err := writeHolder(q.holderPath()); err != nil {
		q.Logger.Warn("lock information not written", "error", err)
	}
	return nil
}

// Close closes the queue. Another process may open it then.
func (q *Queue) Close() error {
	if q.db == nil {
		return nil
	}
	// Before the lock goes: afterwards the file may be another process's.
	err := os.Remove(q.holderPath())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, q.closeDatabase())
}

// Dealer returns the dealer whose queue it is.
func (q *Queue) Dealer() string { return q.dealer }

func (q *Queue) path() string       { return filepath.Join(q.dir, databaseName) }
func (q *Queue) keyPath() string    { return filepath.Join(q.dir, keyName) }
func (q *Queue) holderPath() string { return filepath.Join(q.dir, holderName) }

// checkLost finds a queue whose file is gone or empty while its key is there. A new one would forget in silence all that
// was queued and sent.
func (q *Queue) checkLost() error {
	info, err := os.Stat(q.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return q.lost("the file is missing", true)
	case err == nil && info.Size() == 0:
		return q.lost("the file is empty", false)
	}
	return nil // opening it says what else there is
}

// lost returns an error where the queue had a key, which is made when its file is. A file that is missing may lie
// somewhere else, or its disk: a person must look.
func (q *Queue) lost(what string, manual bool) error {
	if _, err := os.Stat(q.keyPath()); err != nil {
		return nil
	}
	return &CorruptError{Path: q.path(), Manual: manual, Err: fmt.Errorf("%s, though its key %s is there", what, q.keyPath())}
}

// openDatabase opens the file, once it is found sound: bbolt believes what it reads, and the free list already when it
// opens a file to write.
func (q *Queue) openDatabase() error {
	if _, err := os.Stat(q.path()); err == nil {
		db, file, err := q.openFile(true)
		if err != nil {
			return err
		}
		if err := q.checkPages(file); err != nil {
			return errors.Join(&CorruptError{Path: q.path(), Err: err}, db.Close())
		}
		if err := db.Close(); err != nil {
			return fmt.Errorf("open queue %s: %w", q.path(), err)
		}
	}
	var err error
	q.db, q.file, err = q.openFile(false)
	return err
}

// openFile has bbolt open the file and lock it, against others that write or against all. bbolt answers some damage
// with a panic or a fault in its memory map; both become errors.
func (q *Queue) openFile(readOnly bool) (db *bbolt.DB, file *os.File, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = &CorruptError{Path: q.path(), Err: panicDamage(p)}
			if file != nil {
				_ = file.Close() // bbolt gave no handle to close
			}
		}
	}()
	db, err = bbolt.Open(q.path(), 0o600, &bbolt.Options{
		Timeout:      lockTimeout,
		ReadOnly:     readOnly,
		FreelistType: bbolt.FreelistMapType, // its cost does not grow with the file
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			file = f
			return f, err
		},
	})
	switch {
	case err == nil:
		return db, file, nil
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, nil, &LockedError{Dir: q.dir, Holder: readHolder(q.holderPath())}
	case errors.Is(err, bbolterrors.ErrInvalid), errors.Is(err, bbolterrors.ErrChecksum), errors.Is(err, bbolterrors.ErrVersionMismatch),
		strings.HasPrefix(err.Error(), "file size too small"): // of which bbolt makes no error of its own
		return nil, nil, &CorruptError{Path: q.path(), Err: err}
	}
	return nil, nil, diskError("open queue "+q.path(), q.path(), err)
}

// checkPages walks the whole file.
func (q *Queue) checkPages(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	lacking, err := checkFile(file, info.Size())
	if lacking && err == nil {
		q.Logger.Warn("one of the two heads of the queue's file is damaged: what was stored last may be missing, and is read and sent again", "path", q.path())
	}
	return err
}

func (q *Queue) closeDatabase() error {
	err := q.db.Close()
	q.db = nil
	if err != nil {
		return fmt.Errorf("close queue %s: %w", q.path(), err)
	}
	return nil
}

// prepare checks whose file it is, and makes the buckets of a new one.
func (q *Queue) prepare() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &CorruptError{Path: q.path(), Err: panicDamage(p)}
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	fresh, older := false, false
	if err := q.db.View(func(tx *bbolt.Tx) error {
		first, _ := tx.Cursor().First()
		fresh = first == nil
		if fresh {
			return q.lost("the file holds nothing", false)
		}
		older = slices.ContainsFunc(laterBuckets(), func(name string) bool { return tx.Bucket([]byte(name)) == nil })
		if err := q.checkOwner(tx); err != nil {
			return err
		}
		return diskError("check numbers", q.path(), checkNumbers(tx))
	}); err != nil || !fresh && !older {
		return err
	}
	if older {
		return q.update("bring queue up to date", func(tx *bbolt.Tx) error { return makeBuckets(tx, laterBuckets()) })
	}
	return q.update("make queue", func(tx *bbolt.Tx) error {
		if err := makeBuckets(tx, append(buckets(), laterBuckets()...)); err != nil {
			return err
		}
		meta := tx.Bucket([]byte(bucketMeta))
		return errors.Join(
			meta.Put([]byte(metaFormat), []byte(format)),
			meta.Put([]byte(metaDealer), []byte(q.dealer)),
		)
	})
}

func makeBuckets(tx *bbolt.Tx, names []string) error {
	for _, name := range names {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

func (q *Queue) checkOwner(tx *bbolt.Tx) error {
	meta := tx.Bucket([]byte(bucketMeta))
	if meta == nil {
		return &CorruptError{Path: q.path(), Manual: true, Err: errors.New("it is a database of another program")}
	}
	have := string(meta.Get([]byte(metaFormat)))
	switch {
	case have == format:
	case strings.HasPrefix(have, formatStem):
		return &ForeignError{Path: q.path(), What: fmt.Sprintf("has the format %q, this program knows %q", have, format)}
	default:
		return &CorruptError{Path: q.path(), Manual: true, Err: errors.New("it is a database of another program")}
	}
	if dealer := string(meta.Get([]byte(metaDealer))); dealer != q.dealer {
		return &ForeignError{Path: q.path(), What: fmt.Sprintf("belongs to dealer %q, the configuration names dealer %q", dealer, q.dealer)}
	}
	for _, name := range buckets() {
		if tx.Bucket([]byte(name)) == nil {
			return &CorruptError{Path: q.path(), Err: fmt.Errorf("its part %q is missing", name)}
		}
	}
	return nil
}

// Key returns a key of the site by name, kept in the queue's folder as NAME.key. It is made where the queue has never
// known a key of that name. After that a key that is missing or another one is a *[KeyError]: a new one would make
// sealed batches unreadable, or the hashed values of one customer differ from those sent before.
func (q *Queue) Key(name string) ([]byte, error) {
	path := filepath.Join(q.dir, name+".key")
	id := []byte(metaKeyStem + name)
	var known []byte
	if err := q.view("read key check", func(tx *bbolt.Tx) error {
		known = bytes.Clone(bucket(tx, bucketMeta).Get(id))
		return nil
	}); err != nil {
		return nil, err
	}
	if known != nil {
		key, err := LoadKey(path)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(known, keyCheck(name, key)) {
			return nil, &KeyError{Path: path, Problem: "it is not the key that this queue was made with"}
		}
		return key, nil
	}
	key, err := LoadOrCreateKey(path)
	if err != nil {
		return nil, err
	}
	return key, q.update("keep key check", func(tx *bbolt.Tx) error {
		return bucket(tx, bucketMeta).Put(id, keyCheck(name, key))
	})
}

// update runs fn in one transaction that is durable when update returns nil, and undone otherwise.
func (q *Queue) update(what string, fn func(*bbolt.Tx) error) (err error) {
	defer q.recoverDamage(&err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	transact := func() error { return q.db.Update(fn) }
	if q.Transact == nil {
		err = transact()
	} else {
		err = q.Transact(what, transact)
	}
	err = diskError(what, q.path(), err)
	_ = q.db.View(func(tx *bbolt.Tx) error {
		releaseMemory(tx)
		return nil
	})
	return err
}

// view runs fn on a consistent state of the queue. What fn keeps must be copied.
func (q *Queue) view(what string, fn func(*bbolt.Tx) error) (err error) {
	defer q.recoverDamage(&err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return diskError(what, q.path(), q.db.View(fn))
}

// recoverDamage turns a panic that a damaged file causes into an error: a fault in the memory map, or whatever bbolt
// panics with, which checks little of what it reads. Any other panic is a bug and goes on.
func (q *Queue) recoverDamage(err *error) {
	switch p := recover().(type) {
	case nil:
	case interface {
		runtime.Error
		Addr() uintptr
	}:
		*err = &CorruptError{Path: q.path(), Err: panicDamage(p)}
	default:
		if !panickedIn("go.etcd.io/bbolt") {
			panic(p)
		}
		*err = &CorruptError{Path: q.path(), Err: panicDamage(p)}
	}
}

// panickedIn reports whether the panic that a deferred function's callee has just recovered began in a package.
func panickedIn(pkg string) bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	panicked := false
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			panicked = true
		case panicked && !strings.HasPrefix(frame.Function, "runtime."):
			return strings.HasPrefix(frame.Function, pkg)
		}
		if !more {
			return false
		}
	}
}

// bucket returns a bucket that Open has made sure of.
func bucket(tx *bbolt.Tx, name string) *bbolt.Bucket { return tx.Bucket([]byte(name)) }

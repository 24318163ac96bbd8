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

const lockTimeout = 2 * time.Second

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
		bucketWeekBatches, bucketParked, bucketParkedKeys, bucketLedger, bucketMentions,
	}
}

// Keys of bucketMeta.
const (
	metaFormat  = "format"
	metaProgram = "program" // that made the file or brought it to its format
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
	// Zones are those by which weeks are read now. A week that was last read by others is read anew.
	Zones Zones
	// Clock tells the time; nil: [time.Now]. Tests set it back.
	Clock func() time.Time
	// Program is the version of the program that opens the queue. It is kept where that makes the file or brings it to a
	// newer format, so that an older program can say which one it takes.
	Program string
	// Transact stands around each transaction that writes: it calls transact once and returns its error, or an error of
	// its own. Tests let transactions fail there, or end the process before or after one. nil: nothing does.
	Transact func(what string, transact func() error) error

	dir    string
	dealer string
	db     *bbolt.DB
	file   *os.File // of db, which closes it
	sealer *sealer
	page   *pageWriter // used in transactions that write, of which there is one at a time

	migrations []migration // those of [migrations]; tests have more
}

// NewQueue returns the queue of a dealer in a folder.
func NewQueue(dir, dealerID string) *Queue {
	return &Queue{dir: dir, dealer: dealerID, MaxSize: 2 << 30, Logger: slog.New(slog.DiscardHandler), migrations: migrations()}
}

// Open opens the queue, or makes it where the folder holds none. The file of an older program is brought to this one's
// format, behind a copy: see migrate.go. Open fails with *[LockedError] where another agent has the queue open, with
// *[CorruptError] where the file is damaged or not a queue, with *[ForeignError] where it is another dealer's, with
// *[NewerError] where it is a newer program's, with *[MigrationError] where it could not be brought to this one's format,
// and with *[KeyError] where its key is missing. It never replaces or repairs a file.
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

// now is what the clock of this machine says, right or wrong.
func (q *Queue) now() time.Time {
	if q.Clock != nil {
		return q.Clock()
	}
	return time.Now()
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
		if err := q.checkFile(file); err != nil {
			return errors.Join(err, db.Close())
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

// checkFile looks whose format the file has, and walks the whole of it. What the values of an older format look like is for
// its migration to say.
func (q *Queue) checkFile(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return diskError("open queue "+q.path(), q.path(), err)
	}
	format, program := readFormat(file, info.Size())
	if format > q.format() {
		return q.newer(format, program)
	}
	lacking, err := checkFile(file, info.Size(), format == 0 || format == q.format())
	if err != nil {
		return &CorruptError{Path: q.path(), Err: err}
	}
	if lacking {
		q.Logger.Warn("one of the two heads of the queue's file is damaged: what was stored last may be missing, and is read and sent again", "path", q.path())
	}
	return nil
}

func (q *Queue) closeDatabase() error {
	err := q.db.Close()
	q.db = nil
	if err != nil {
		return fmt.Errorf("close queue %s: %w", q.path(), err)
	}
	return nil
}

// prepare checks whose file it is, makes the buckets of a new one, and brings an older one to today's format.
func (q *Queue) prepare() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &CorruptError{Path: q.path(), Err: panicDamage(p)}
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	format := 0
	err = q.db.View(func(tx *bbolt.Tx) (err error) {
		if first, _ := tx.Cursor().First(); first == nil {
			return q.lost("the file holds nothing", false)
		}
		if format, err = q.checkOwner(tx); err != nil || format < q.format() {
			return err
		}
		return q.checkParts(tx)
	})
	switch {
	case err != nil || format == q.format():
		return err
	case format > 0:
		return q.migrate(format)
	}
	return q.update("make queue", q.fill)
}

// fill makes an empty file a queue.
func (q *Queue) fill(tx *bbolt.Tx) error {
	if err := makeBuckets(tx, buckets()); err != nil {
		return err
	}
	return errors.Join(bucket(tx, bucketMeta).Put([]byte(metaDealer), []byte(q.dealer)), q.putFormat(tx))
}

func makeBuckets(tx *bbolt.Tx, names []string) error {
	for _, name := range names {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return nil
}

// checkOwner returns the format of a queue of this dealer.
func (q *Queue) checkOwner(tx *bbolt.Tx) (format int, err error) {
	other := &CorruptError{Path: q.path(), Manual: true, Err: errors.New("it is a database of another program")}
	meta := tx.Bucket([]byte(bucketMeta))
	if meta == nil {
		return 0, other
	}
	format, ok := parseFormat(meta.Get([]byte(metaFormat)))
	if !ok {
		return 0, other
	}
	if format > q.format() {
		return 0, q.newer(format, string(meta.Get([]byte(metaProgram))))
	}
	if dealer := string(meta.Get([]byte(metaDealer))); dealer != q.dealer {
		return 0, &ForeignError{Path: q.path(), What: fmt.Sprintf("belongs to dealer %q, the configuration names dealer %q", dealer, q.dealer)}
	}
	return format, nil
}

// checkParts holds that a file of today's format has all that belongs to it.
func (q *Queue) checkParts(tx *bbolt.Tx) error {
	for _, name := range buckets() {
		if tx.Bucket([]byte(name)) == nil {
			return &CorruptError{Path: q.path(), Err: fmt.Errorf("its part %q is missing", name)}
		}
	}
	return diskError("check numbers", q.path(), checkNumbers(tx))
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

package upload

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.etcd.io/bbolt"
)

// metaDeclaredStem + digest is the key of bucketMeta under which the time is kept at which the collector was told that a
// whitelist is approved.
const metaDeclaredStem = "declared/"

// declare holds, before anything goes that was read under a whitelist, that the collector knows that one as approved. It
// is asked of the collector once, and of the queue once a run.
func (r *sending) declare(ctx context.Context, digest string) error {
	if err, tried := r.declared[digest]; tried {
		return err
	}
	known, text, err := r.Queue.declaration(digest)
	switch {
	case err != nil:
		return err
	case known:
	case text == "":
		err = unapproved(digest)
	default:
		err = r.putFieldmap(ctx, digest, text)
	}
	if err == nil || isRefused(err) {
		r.declared[digest] = err
	}
	return err
}

// declareAgain is for a collector that refuses what was read under a whitelist which the queue takes for declared: its
// store is another one, or an older one that was restored.
func (r *sending) declareAgain(ctx context.Context, digest string, a answer) error {
	if r.told[digest] {
		r.declared[digest] = &SendError{
			Class: ClassRefused, Status: a.status, Message: fmt.Sprintf("the collector took the whitelist %.12s… as declared, and refused the %s all the same%s", digest, a.what, a.says()),
			Hint: "Tell the collector's operator.",
		}
		return r.declared[digest]
	}
	r.Logger.Warn("the collector does not know the whitelist as declared, it is declared again", "fieldmap_digest", digest)
	if err := r.Queue.setDeclared(digest, time.Time{}); err != nil {
		return err
	}
	delete(r.declared, digest)
	return r.declare(ctx, digest)
}

// putFieldmap tells the collector that a whitelist is approved, and remembers that it knows.
func (r *sending) putFieldmap(ctx context.Context, digest, text string) error {
	answer, err := r.put(ctx, "declaration of the whitelist", []byte(text), http.Header{"Content-Type": {"application/json"}}, "fieldmaps", digest)
	if err != nil {
		return err
	}
	switch action, err := manifestAction(answer); {
	case action != accept && err != nil:
		return err
	case action != accept || !answer.declares(Declared{DealerID: r.Queue.dealer, FieldmapDigest: digest}):
		return notCollector(answer)
	}
	r.told[digest] = true
	r.Logger.Info("whitelist declared", "fieldmap_digest", digest)
	return r.Queue.setDeclared(digest, r.Queue.now())
}

// declares reports whether the answer says that this is declared, which no login page does.
func (a answer) declares(want Declared) bool {
	var got Declared
	return a.mediaType == "application/json" && json.Unmarshal(a.body, &got) == nil && got == want
}

func unapproved(digest string) error {
	return &SendError{
		Class: ClassUnapproved, Message: fmt.Sprintf("what was read under the whitelist %.12s… cannot be sent: the ledger holds no approval of it", digest),
		Hint: "If that is the whitelist in force, approve it with 'roagent fieldmap approve'.",
	}
}

// declaration reports whether the collector knows a whitelist as approved, and else returns its canonical form as the
// ledger has it: of the whitelists that a person approved, and of those that are only narrower. It is "" for any other.
func (q *Queue) declaration(digest string) (known bool, text string, err error) {
	err = q.view("look up approval", func(tx *bbolt.Tx) error {
		if known = bucket(tx, bucketMeta).Get([]byte(metaDeclaredStem+digest)) != nil; known {
			return nil
		}
		text, err = approvedText(tx, digest)
		return err
	})
	return known, text, err
}

func approvedText(tx *bbolt.Tx, digest string) (text string, err error) {
	err = bucket(tx, bucketLedger).ForEach(func(_, raw []byte) error {
		e, err := decodeEntry(raw)
		if err != nil || e.Fieldmap != digest || e.Kind != ApprovalEntry && e.Kind != NarrowedEntry {
			return err
		}
		if linkOf([]byte(e.Text)) != digest {
			return damaged(nil, "the whitelist in entry %d of the ledger does not have its digest", e.Number)
		}
		text = e.Text
		return errStop
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return text, err
}

// setDeclared notes when the collector was told that a whitelist is approved; the zero time, that it does not know.
func (q *Queue) setDeclared(digest string, at time.Time) error {
	return q.update("note declaration", func(tx *bbolt.Tx) error {
		key := []byte(metaDeclaredStem + digest)
		if at.IsZero() {
			return bucket(tx, bucketMeta).Delete(key)
		}
		return bucket(tx, bucketMeta).Put(key, []byte(at.UTC().Format(time.RFC3339)))
	})
}

// forgetDeclared notes that the collector knows no whitelist as approved.
func forgetDeclared(tx *bbolt.Tx) error {
	meta := bucket(tx, bucketMeta)
	var keys [][]byte
	c := meta.Cursor()
	for key, _ := c.Seek([]byte(metaDeclaredStem)); bytes.HasPrefix(key, []byte(metaDeclaredStem)); key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := meta.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

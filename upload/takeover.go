package upload

import (
	"context"
	"fmt"
	"net/http"

	"go.etcd.io/bbolt"
)

// TakeOver asks the collector what it holds of all weeks, and makes a queue that [Queue.Rebuild] has made know it: from
// then on it may read and send. Weeks that are not closed there are to be read anew. It may be called again at any time.
func (s *Sender) TakeOver(ctx context.Context) (weeks int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.begin(&Sent{})
	names, err := r.getWeeks(ctx)
	if isNoAnswer(err) {
		err = untold(err)
	}
	if err != nil {
		return 0, err
	}
	for _, week := range names {
		held, err := r.getOrders(ctx, week)
		if isNoAnswer(err) {
			err = untold(err)
		}
		if err != nil {
			return weeks, err
		}
		known, err := s.Queue.batchesOf(week)
		if err != nil {
			return weeks, err
		}
		if foreignTo(known, held.manifestBatches()) == 0 {
			continue // an earlier attempt has come so far
		}
		if _, err := s.Queue.adopt(held, !held.Closed); err != nil {
			return weeks, err
		}
		weeks++
		s.Logger.Info("week taken over from the collector", "week", week, "orders", len(held.Orders), "closed", held.Closed)
	}
	return weeks, s.Queue.update("note that all is taken over", func(tx *bbolt.Tx) error {
		return bucket(tx, bucketMeta).Delete([]byte(metaAwaits))
	})
}

// untold is for a collector that does not tell what it holds, without which a rebuilt queue must not send.
func untold(err error) error {
	return &SendError{
		Class: ClassRefused, Status: http.StatusOK, Err: err,
		Message: "the queue was rebuilt and the collector does not tell what it holds, so what is sent could have been sent before",
		Hint:    "Nothing is read or sent until it does. " + fmt.Sprintf("Ask the collector's operator to bring it up to date, or restore %s from a backup.", databaseName),
	}
}

package extract

import (
	"context"
	"errors"
	"fmt"
	"time"

	"roagent/fieldmap"
)

const maxBackoff = 30 * time.Second

// do runs read in the reading's transaction, and again with a new one where it failed for a cause that passes: a
// deadlock, a lock or a broken connection. Any other error is final.
func (rd *Reading) do(ctx context.Context, op string, read func(context.Context, *session) error) error {
	d := rd.reader.dms
	wait := d.config.Backoff
	for try := 1; ; try++ {
		err := rd.attempt(ctx, read)
		if err == nil || final(err) {
			return err
		}
		if ctx.Err() != nil || try >= d.config.Tries || errors.Is(err, errSlow) || !d.dialect.classify(err).Again {
			rd.end() // some errors end it on the server
			return d.unreachable(ctx, op, err)
		}
		pause := wait/2 + d.config.Jitter(wait/2+1)
		d.config.Logger.WarnContext(ctx, "dms read failed, trying again", "op", op, "try", try, "cause", d.dialect.classify(err), "wait", pause)
		rd.end()
		if err := sleep(ctx, pause); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		wait = min(2*wait, maxBackoff)
	}
}

// attempt runs read once, in the transaction under way or a new one.
func (rd *Reading) attempt(ctx context.Context, read func(context.Context, *session) error) error {
	if rd.session == nil {
		s, err := rd.reader.dms.session(ctx)
		if err != nil {
			return err
		}
		if err := s.begin(ctx); err != nil {
			s.close()
			return err
		}
		rd.session = s
	}
	return read(ctx, rd.session)
}

// end gives up the transaction. The next attempt begins another.
func (rd *Reading) end() {
	if rd.session != nil {
		rd.session.close()
		rd.session = nil
	}
}

// final reports errors that are not the DMS's: a blocked field, or a page to be cut or read in another way.
func final(err error) bool {
	return errors.Is(err, fieldmap.ErrBlocked) || errors.Is(err, fieldmap.ErrOrphan) || errors.Is(err, errPageFull)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unreachable puts an error into words: what was done, where, why it failed, what to do.
func (d *DMS) unreachable(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
	u := &UnreachableError{Op: op, Place: d.place()}
	switch {
	case errors.Is(err, errSlow):
		u.Reason, u.Err = err.Error(), errSlow
		u.Hint = "look for the index that `roagent preview` proposes, or for what keeps the server busy"
	case ctx.Err() != nil:
		u.Reason, u.Err = "it did not answer in time", ctx.Err()
	default:
		known := d.dialect.classify(err)
		u.Reason, u.Hint, u.Err = known.Error(), known.Hint, known
		if of, ok := errors.AsType[*statementError](err); ok && !known.Again {
			u.Reason += fmt.Sprintf(" (the statement %q)", of.name)
		}
	}
	return u
}

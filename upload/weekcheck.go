package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"go.etcd.io/bbolt"
)

// checkWeek holds, before a week's first batch is sent, that the collector has nothing of that week that this queue
// does not know. Else another queue has sent it: one that was moved away. Its orders have revisions that those of this
// one, which starts again at 1, would not come up to.
func (r *sending) checkWeek(ctx context.Context, week string) error {
	if err, checked := r.weeks[week]; checked {
		return err
	}
	begun, known, err := r.Queue.batchesOf(week)
	if err != nil {
		return err
	}
	if !begun {
		held, err := r.getWeek(ctx, week)
		switch {
		case err == nil:
			r.weeks[week] = foreignBatches(held, known)
			return r.weeks[week]
		case !isNoAnswer(err):
			return err
		}
		// What does not know the question, or is no collector, shows itself by its next answer.
		r.Logger.Warn("the collector does not say what it holds of the week", "week", week, "error", err)
	}
	r.weeks[week] = nil
	return nil
}

// isNoAnswer reports whether something answered, and not with what it holds of a week.
func isNoAnswer(err error) bool {
	e, ok := errors.AsType[*SendError](err)
	return ok && (e.Class == ClassRefused || e.Class == ClassNotCollector)
}

func foreignBatches(held WeekHeld, known map[string]bool) error {
	foreign := 0
	for _, batch := range held.Batches {
		if !known[batch.ID] {
			foreign++
		}
	}
	if foreign == 0 {
		return nil
	}
	return &SendError{
		Class: ClassRefused, Status: http.StatusOK,
		Message: fmt.Sprintf("the collector holds %d batches of %s that this data folder never sent: what is sent from here would be taken for older than they are", foreign, held.Week),
		Hint:    "Restore the data folder from a backup, or ask the collector's operator to remove what it holds of that week.",
	}
}

// batchesOf returns the ids of a week's batches, and whether any was ever delivered.
func (q *Queue) batchesOf(week string) (begun bool, ids map[string]bool, err error) {
	ids = map[string]bool{}
	err = q.view("list batches of "+week, func(tx *bbolt.Tx) error {
		return eachBatch(tx, week, func(_ place, head batchHead) error {
			begun = begun || head.Again || !head.Delivered.IsZero()
			ids[head.ID] = true
			return nil
		})
	})
	return begun, ids, err
}

// getWeek asks the collector what it holds of a week.
func (r *sending) getWeek(ctx context.Context, week string) (WeekHeld, error) {
	var held WeekHeld
	answer, err := r.request(ctx, http.MethodGet, "question about "+week, nil, http.Header{"Accept": {"application/json"}}, "weeks", week)
	if err != nil {
		return held, err
	}
	switch action, err := manifestAction(answer); {
	case action != accept && err != nil:
		return held, err
	case action != accept, answer.mediaType != "application/json", json.Unmarshal(answer.body, &held) != nil,
		held.DealerID != r.Queue.dealer, held.Week != week:
		return held, notCollector(answer)
	}
	return held, nil
}

package upload

import (
	"go.etcd.io/bbolt"

	"roagent/fieldmap"
)

// WeekProfile is what a week's orders look like.
type WeekProfile struct {
	Week    string
	Profile *fieldmap.Profile // nil where it is not known
}

// Profiles returns what the weeks that were ever read look like, oldest first, each as of the last reading that read every order. It is for
// this store's own eyes: what leaves is less (see [Manifest]).
func (q *Queue) Profiles() (weeks []WeekProfile, err error) {
	err = q.view("list profiles", func(tx *bbolt.Tx) error {
		return bucket(tx, bucketWeeks).ForEach(func(name, _ []byte) error {
			w, err := loadWeek(tx, string(name))
			if err != nil {
				return err
			}
			of := WeekProfile{Week: string(name)}
			if w.Last != nil {
				of.Profile = w.Last.Profile
			}
			weeks = append(weeks, of)
			return nil
		})
	})
	return weeks, err
}

package collector

import (
	"context"
	"encoding/json"

	"roagent/upload"
	"roagent/upload/unusual"
)

// unlikeBefore says how a week differs from the store's weeks before it, by what their manifests tell of their orders; nothing where
// they tell too little. It is told once, when the week closes, and kept: the profiles of 20,000 stores are no page's to hold in memory.
func unlikeBefore(ctx context.Context, store Store, t target, m upload.Manifest) ([]string, error) {
	if m.Profile == nil {
		return nil, nil
	}
	weeks := []upload.Manifest{m}
	for n := 1; n <= unusual.MaxHistory; n++ {
		data, err := store.Get(ctx, manifestFile(t.dealer, t.week.Add(-n)))
		if missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var before upload.Manifest
		if json.Unmarshal(data, &before) == nil && before.ProfileProblem() == "" { // a damaged one is told by whoever needs it
			weeks = append(weeks, before)
		}
	}
	var said []string
	for _, f := range unusual.Manifests(weeks)[t.week.String()] {
		said = append(said, f.String())
	}
	return said, nil
}

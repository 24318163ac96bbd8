package unusual

import (
	"cmp"
	"slices"

	"roagent/fieldmap"
	"roagent/upload"
)

// Manifests compares each week of one store with those before it, as far as their manifests have a profile, and returns the findings by
// week. A week has one manifest; their order does not matter.
func Manifests(manifests []upload.Manifest) map[string][]Finding {
	weeks := make([]upload.WeekProfile, len(manifests))
	for i, m := range manifests {
		weeks[i] = upload.WeekProfile{Week: m.Week, Profile: m.Profile}
	}
	return Weeks(weeks)
}

// Weeks is Manifests for what an agent's queue knows of its weeks.
func Weeks(weeks []upload.WeekProfile) map[string][]Finding {
	sorted := slices.SortedFunc(slices.Values(weeks), func(a, b upload.WeekProfile) int { return cmp.Compare(a.Week, b.Week) })
	found := map[string][]Finding{}
	var history []*fieldmap.Profile
	for _, w := range sorted {
		if f := Compare(w.Profile, history); len(f) > 0 {
			found[w.Week] = f
		}
		if history = append(history, w.Profile); len(history) > 2*MaxHistory {
			history = history[1:]
		}
	}
	return found
}

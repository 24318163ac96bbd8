package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// One seed tells one story: what a replay of a failing seed shows is what failed. In four of the worlds two agents on one folder wake at
// the same moment, in others zones change or a clock is set.
func TestSimTellsOneStory(t *testing.T) {
	for _, seed := range []uint64{346, 4, 53, 18, 8, 19} {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			first, second := tellSim(t, seed, 8), tellSim(t, seed, 8)
			compareStories(t, first, second)
		})
	}
}

func compareStories(t *testing.T, first, second string) {
	t.Helper()
	if first == second {
		return
	}
	was, is := strings.Split(first, "\n"), strings.Split(second, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			t.Errorf("line %d was first\n%s\nand then\n%s", i+1, was[i], is[i])
			return
		}
	}
	t.Errorf("the story had %d lines, and then %d", len(was), len(is))
}

// tellSim returns the story of a seed, without what names the process.
func tellSim(t *testing.T, seed uint64, weeks int) (story string) {
	t.Helper()
	dir := simDir(t)
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, dir, seed, weeks)
		w.live()
		w.mu.Lock()
		defer w.mu.Unlock()
		story = w.log.String()
	})
	story = strings.ReplaceAll(story, " (Client.Timeout exceeded while awaiting headers)", "") // net/http says it or not
	return regexp.MustCompile(`in use by process \d+ \([^,]*,`).ReplaceAllString(story, "in use by process N (PROGRAM,")
}

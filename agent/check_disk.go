package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"
)

// leastFree is how many bytes of the disk a pull may find, at least: a transaction, the file's growth, a rebuild beside it.
const leastFree = 64 << 20

// disk holds the free space of the data folder's disk against what a pull needs at least, and what may come to wait in it.
func (u *checkup) disk(_ context.Context, f *findings) {
	dir := u.config.DataDir
	free, err := freeSpace(existing(dir))
	if err != nil {
		f.fail("disk", fmt.Errorf("how much room the disk of %s has cannot be told: %w", dir, err))
		return
	}
	kept := u.weekSize()
	room := fmt.Sprintf("%s are free on the disk of %s", humanize.Bytes(free), dir)
	if kept > 0 {
		years := u.config.Retention.Sent / year
		room += fmt.Sprintf("; so far a week has taken about %s there, and what was sent is kept for %s (%s)",
			humanize.Bytes(kept), plural(max(1, int(years)), "year"), humanize.Bytes(kept*uint64(u.config.Retention.Sent/(7*day))))
	}
	most := u.stillFits()
	switch {
	case free < max(leastFree, 2*kept):
		f.fail("disk", &faultError{room + ": a pull would stop in the middle", "make room there, or name a folder of another disk in data_dir and move all that is in this one"})
	case free < most:
		f.warn("disk", room+fmt.Sprintf("; queue.max_size lets another %s wait there, if the collector is away for long", humanize.Bytes(most)), "make room there, or lower queue.max_size: a full queue pauses, a full disk stops")
	default:
		f.ok("disk", "%s; queue.max_size, the most that waits when the collector is away, is %s", room, humanize.Bytes(uint64(u.config.Queue.MaxSize)))
	}
}

// stillFits is how many bytes more may come to wait than wait now.
func (u *checkup) stillFits() uint64 {
	most := u.config.Queue.MaxSize
	if u.site != nil {
		if pending, err := u.site.queue.Pending(); err == nil {
			most -= pending.Bytes
		}
	}
	return uint64(max(0, most))
}

// weekSize is how many bytes the data folder has taken for each week that was read; 0 where none was, or nobody knows.
func (u *checkup) weekSize() uint64 {
	if u.site == nil {
		return 0
	}
	weeks, err := u.site.queue.Weeks()
	read := uint64(len(finishedWeeks(weeks)))
	if err != nil || read == 0 {
		return 0
	}
	var size uint64
	_ = filepath.WalkDir(u.config.DataDir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // gone meanwhile, or not ours to look at: this is an estimate
		}
		if info, err := d.Info(); err == nil {
			size += uint64(info.Size())
		}
		return nil
	})
	return size / read
}

// existing is the folder, or the nearest above it that is there.
func existing(dir string) string {
	for {
		_, err := os.Stat(dir)
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return dir
		}
		dir = parent
	}
}

// spanned tells a span as a person does: 26 hours, 3 minutes.
func spanned(d time.Duration) string {
	d = d.Abs()
	switch {
	case d >= 2*day:
		return plural(int(d/day), "day")
	case d >= 2*time.Hour:
		return plural(int(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return plural(int(d/time.Minute), "minute")
	}
	return plural(int(d/time.Second), "second")
}

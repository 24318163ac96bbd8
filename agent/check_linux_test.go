package main

import (
	"path/filepath"
	"testing"
)

// A disk of its own: full, too small for a queue that a long outage fills, and large enough.
func TestCheckDisk(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 20})
	r.mustRun(t, "pull")
	disk := mountSized(t, filepath.Join(r.dir, "data"), 120)
	r.checkAs(t, exitDone, map[string]string{"disk": "warning queue.max_size lets another 2.0 GB wait there"})
	r.edit(t, "queue: {", "queue: {max_size: 50MB, ")
	r.checkAs(t, exitDone, map[string]string{"disk": "ok so far a week has taken about"})
	disk.fill(t, 10<<20)
	r.checkAs(t, exitFailed, map[string]string{"disk": "failure 10 MB are free on the disk of", "DMS tables": "ok ", "collector": "ok "})
	disk.empty(t)
	r.checkAs(t, exitDone, map[string]string{"disk": "ok "})
}

package main

import (
	"bufio"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tracedCall is a system call of a process that changed a disk, or flushed it.
type tracedCall struct {
	start, end float64 // seconds since 1970
	name       string
	path       string // of the file, before the call
	to         string // its new name
	flags      string // of openat
	data       []byte // written
	number     int64  // where it was written; the new size
	result     int64
}

func (c *tracedCall) has(flag string) bool {
	return strings.Contains("|"+c.flags+"|", "|"+flag+"|")
}

// tracer is the command before a program that writes its calls to files whose names begin with a path. It skips the test
// where nothing can be traced.
func tracer(t *testing.T, path string) []string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace here, with which the power cuts are drawn")
	}
	const calls = "openat,mkdirat,linkat,renameat,renameat2,unlinkat,write,pwrite64,ftruncate,fsync,fdatasync"
	// A file of its own for each thread (-ff), which ends by a signal (-I2), times (-ttt -T), paths (-y), and every byte in hex (-xx).
	traced := []string{strace, "-I2", "-ff", "-ttt", "-T", "-y", "-xx", "-s", strconv.Itoa(16 << 20), "-e", "trace=" + calls, "-e", "signal=none", "-o", path}
	if out, err := exec.CommandContext(t.Context(), traced[0], append(traced[1:len(traced)-1:len(traced)-1], path+"-probe", "true")...).CombinedOutput(); err != nil {
		t.Skipf("processes cannot be traced here, with which the power cuts are drawn: %v: %s", err, out)
	}
	return traced
}

// readTrace returns the calls that the processes of a tracer made, in the order in which they ended.
func readTrace(t *testing.T, path string) (calls []*tracedCall) {
	t.Helper()
	files, err := filepath.Glob(path + ".*")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no trace %s: %v", path, err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			if c := parseCall(lines.Text()); c != nil {
				calls = append(calls, c)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		_ = f.Close() // only read
	}
	sortCalls(calls)
	return calls
}

// callForm is a call that succeeded: when, name, arguments, result, how long.
var callForm = regexp.MustCompile(`^(\d+\.\d+) (\w+)\((.*)\)\s+= (\d+)(?:<[^>]*>)? <(\d+\.\d+)>$`)

// parseCall returns nil for what is no call, or one that failed.
func parseCall(line string) *tracedCall {
	m := callForm.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	args := strings.Split(m[3], ", ") // every comma of a string is in hex
	start, _ := strconv.ParseFloat(m[1], 64)
	took, _ := strconv.ParseFloat(m[5], 64)
	c := &tracedCall{start: start, end: start + took, name: m[2], path: tracedPath(args[0])}
	c.result, _ = strconv.ParseInt(m[4], 10, 64)
	switch c.name {
	case "openat":
		c.path, c.flags = tracedName(args[0], args[1]), args[2]
	case "mkdirat", "unlinkat":
		c.path = tracedName(args[0], args[1])
	case "linkat", "renameat", "renameat2":
		c.path, c.to = tracedName(args[0], args[1]), tracedName(args[2], args[3])
	case "write":
		c.data = unhex(args[1])
	case "pwrite64":
		c.data = unhex(args[1])
		c.number, _ = strconv.ParseInt(args[3], 10, 64)
	case "ftruncate":
		c.number, _ = strconv.ParseInt(args[1], 10, 64)
	}
	return c
}

// tracedPath returns the path of a descriptor, like 5<\x2f\x74>.
func tracedPath(arg string) string {
	_, text, _ := strings.Cut(arg, "<")
	return string(unhex(strings.TrimSuffix(text, ">")))
}

// tracedName returns the path of a name in a folder.
func tracedName(folder, name string) string {
	path := string(unhex(name))
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(tracedPath(folder), path)
}

// unhex returns the bytes of a string like "\x2f\x74".
func unhex(text string) []byte {
	data, err := hex.DecodeString(strings.ReplaceAll(strings.Trim(text, `"`), `\x`, ""))
	if err != nil {
		return nil // not of a file: a pipe, say
	}
	return data
}

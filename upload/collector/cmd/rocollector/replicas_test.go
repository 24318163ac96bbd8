package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"roagent/upload"
	"roagent/upload/collector"
	"roagent/upload/collector/s3store/s3test"
)

// replica is the program, serving as a process of its own. It can be killed and started again on the same address.
type replica struct {
	program string
	store   string
	env     []string
	address string
	process *exec.Cmd
	log     chan struct{} // closed when it has ended
	peak    int64         // the most memory of those that were killed, bytes
}

// newReplicas builds the program and lets several of it serve one store, until the test is over.
func newReplicas(t *testing.T, server *s3test.Server, store string, n int) []*replica {
	t.Helper()
	program := buildCollector(t)
	replicas := make([]*replica, n)
	for i := range replicas {
		replicas[i] = &replica{program: program, store: store, env: server.Env(), address: "127.0.0.1:0"}
		if err := replicas[i].start(t); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(replicas[i].kill)
	}
	return replicas
}

func buildCollector(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "rocollector")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return program
}

// start starts the process and waits until it listens.
func (r *replica) start(t *testing.T) error {
	r.process = exec.Command(r.program, "serve", "--store", r.store, "--listen", r.address) //nolint:noctx // kill ends it
	r.process.Env = r.env
	stderr, err := r.process.StderrPipe()
	if err != nil {
		return err
	}
	if err := r.process.Start(); err != nil {
		return err
	}
	listening, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			if _, rest, ok := strings.Cut(s.Text(), "msg=listening address="); ok {
				address, _, _ := strings.Cut(rest, " ")
				listening <- address
			}
			if strings.Contains(s.Text(), s3test.SecretKey) {
				t.Errorf("the log shows a secret: %s", s.Text())
			}
		}
	}()
	r.log = ended
	select {
	case address := <-listening:
		if strings.HasSuffix(r.address, ":0") { // the first time
			r.address = address
		}
		return nil
	case <-ended:
		return fmt.Errorf("the collector ended: %w", r.process.Wait())
	case <-time.After(time.Minute):
		return errors.New("the collector does not listen")
	}
}

// kill ends the process with SIGKILL.
func (r *replica) kill() {
	r.peak = max(r.peak, peakMemory(r.process.Process.Pid))
	_ = r.process.Process.Kill()
	<-r.log
	_ = r.process.Wait() // says that it was killed
}

// peakMemory is the most of a process's memory that was resident at once, in bytes; 0 where the system does not tell.
func peakMemory(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(rest[:max(0, strings.Index(rest, "kB"))]), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}

// export is what the command prints of a week.
func (r *replica) export(t *testing.T, dealer, week string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), r.program, "export", "--store", r.store, "--dealer", dealer, "--week", week)
	command.Env = r.env
	out, err := command.Output()
	if err != nil {
		t.Fatalf("export: %v", err)
	}
	return string(out)
}

// Two collectors on one store get the same batches at the same time, packed in different ways, while one of them is killed again and
// again, and the S3 server as well. All receipts of a batch are the same, then and later; nothing is lost and nothing doubled:
// complaints 16, 17 and 23.
func TestReplicas(t *testing.T) {
	const batches, each, kills = 60, 20, 9
	server := s3test.Start(t, nil)
	bucket := server.Bucket(t)
	store := server.Open(t, bucket)
	replicas := newReplicas(t, server, "s3://"+bucket+"/a/prefix", 2)
	token, err := collector.AddDealer(t.Context(), store, "04123", "Example Toyota")
	if err != nil {
		t.Fatal(err)
	}
	dealer := &wireDealer{t: t, token: token}
	dealer.until(replicas[0], "fieldmaps/"+digestOf([]byte(hostileForm)), "application/json", "", []byte(hostileForm))

	killed, stop := harass(t, replicas[1], server)
	var want, receipts []string
	for len(receipts) < batches || killed.Load() < kills && !t.Failed() {
		lines := batchOf(len(receipts), each)
		want = append(want, lines...)
		receipts = append(receipts, dealer.both(replicas, strings.Join(lines, "")))
	}
	stop()
	time.Sleep(time.Second) // a receipt says when, to the second
	for i, receipt := range receipts {
		if again := dealer.both(replicas, strings.Join(batchOf(i, each), "")); again != receipt {
			t.Errorf("batch %d had the receipt\n%s\nand has\n%s", i, receipt, again)
		}
	}
	t.Logf("%d batches to each of two collectors, one of which was killed %d times, each third time with the S3 server; %d requests had no answer, %d were answered 5xx",
		len(receipts), killed.Load(), dealer.failed, dealer.unable)
	if dealer.failed == 0 || dealer.unable == 0 {
		t.Error("the kills hit nothing: this proves little")
	}
	objects, err := collector.Names(t.Context(), store, "dealers/04123/2026-W46")
	if err != nil || len(objects) != 2*len(receipts) {
		t.Errorf("%d objects, %v; want a batch and a receipt %d times", len(objects), err, len(receipts))
	}
	for _, r := range replicas {
		if diff := cmp.Diff(strings.Join(want, ""), r.export(t, "04123", "2026-W46")); diff != "" {
			t.Errorf("held is something else than what was sent:\n%s", diff)
		}
	}
}

// harass kills a collector again and again, and each third time the server of its store, and starts them again, until stop.
func harass(t *testing.T, r *replica, server *s3test.Server) (killed *atomic.Int64, stop func()) {
	t.Helper()
	killed = &atomic.Int64{}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(rand.N(150 * time.Millisecond)):
			}
			away := killed.Add(1)%3 == 0
			if away {
				server.Kill()
				time.Sleep(time.Second) // longer than a collector tries
			}
			r.kill()
			if away {
				if err := server.Restart(); err != nil {
					t.Error(err)
					return
				}
			}
			if err := r.start(t); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	return killed, func() { close(end); <-ended }
}

// batchOf are the lines of the i-th batch, sorted by key over all batches.
func batchOf(i, each int) []string {
	lines := make([]string, each)
	for n := range lines {
		lines[n] = fmt.Sprintf(`{"dealer_id":"04123","week":"2026-W46","key":"RO%06d","revision":1,"repair_order":{"a":%q}}`+"\n",
			i*each+n, strings.Repeat(strconv.Itoa(i), 200))
	}
	return lines
}

func packedAt(t *testing.T, content []byte, level zstd.EncoderLevel) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithWindowSize(512<<10), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll(content, nil)
}

// wireDealer makes the requests of an agent.
type wireDealer struct {
	t      *testing.T
	token  string
	mu     sync.Mutex
	failed int // requests without an answer
	unable int // answered 5xx
}

// both puts a batch to two collectors at the same time, packed in different ways, and returns the one receipt that both give.
func (d *wireDealer) both(replicas []*replica, content string) string {
	d.t.Helper()
	path := "weeks/2026-W46/batches/" + digestOf([]byte(content))
	var receipts [2]string
	var group sync.WaitGroup
	for n, level := range []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedBetterCompression} {
		packed := packedAt(d.t, []byte(content), level)
		group.Go(func() { receipts[n] = d.until(replicas[n], path, upload.BatchType, "zstd", packed) })
	}
	group.Wait()
	if receipts[0] == "" || receipts[0] != receipts[1] {
		d.t.Fatalf("one batch, two receipts:\n%s\n%s", receipts[0], receipts[1])
	}
	return receipts[0]
}

// until puts until the collector takes it, and returns its answer.
func (d *wireDealer) until(r *replica, path, contentType, coding string, body []byte) string {
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		status, answer, err := d.put(r.address, path, contentType, coding, body)
		switch {
		case err == nil && (status == http.StatusOK || status == http.StatusCreated):
			return answer
		case err == nil && status < http.StatusInternalServerError:
			d.t.Errorf("put %s: %d %s", path, status, answer)
			return ""
		}
		d.mu.Lock()
		if err != nil {
			d.failed++
		} else {
			d.unable++
		}
		d.mu.Unlock()
	}
	d.t.Errorf("put %s: nobody takes it", path)
	return ""
}

func (d *wireDealer) put(address, path, contentType, coding string, body []byte) (int, string, error) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+address+"/v1/dealers/04123/"+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	sum := sha256.Sum256(body)
	r.Header.Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	r.Header.Set("Content-Type", contentType)
	if coding != "" {
		r.Header.Set("Content-Encoding", coding)
	}
	r.Header.Set(upload.FieldmapHeader, digestOf([]byte(hostileForm)))
	r.Header.Set("Authorization", "Bearer "+d.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

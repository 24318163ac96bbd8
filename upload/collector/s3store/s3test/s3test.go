// Package s3test runs a real S3 server for tests: versitygw, a program of its own that keeps objects in a folder.
package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"go/build"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"roagent/upload/collector/s3store"
)

// Program is what Start runs, and how it comes onto a machine. `.ci/run` installs it.
const (
	Program = "versitygw"
	Install = "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0"
)

// The credentials and the region of every Server.
const (
	AccessKey = "collector-test"
	SecretKey = "not-a-secret-of-anybody"
	Region    = "us-east-1"
)

// Server is an S3 server on loopback with a folder of its own.
type Server struct {
	URL    string
	Client *s3.Client // for what a collector does not do

	args    []string
	process *exec.Cmd
	log     lockedBuffer
}

// Start starts a server, and ends it when the test is over. It skips the test where the program is not there. options stand
// before the program's own word for its backend, backend's behind it.
func Start(t testing.TB, options []string, backend ...string) *Server {
	t.Helper()
	program := find(t)
	address := freeAddress(t)
	args := []string{program, "--port", address, "--access", AccessKey, "--secret", SecretKey, "--region", Region, "--quiet", "--keep-alive", "--health", "/health"}
	args = append(append(args, options...), "posix")
	args = append(append(args, backend...), t.TempDir())
	s := &Server{URL: "http://" + address, args: args}
	s.Client = s3.New(s3.Options{Region: Region, BaseEndpoint: &s.URL, UsePathStyle: true, Credentials: Credentials(AccessKey, SecretKey)})
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s
}

// find looks on the PATH and where go install puts programs.
func find(t testing.TB) string {
	t.Helper()
	if program, err := exec.LookPath(Program); err == nil {
		return program
	}
	bin := os.Getenv("GOBIN")
	if bin == "" {
		bin = filepath.Join(filepath.SplitList(build.Default.GOPATH)[0], "bin")
	}
	program, err := exec.LookPath(filepath.Join(bin, Program))
	if err != nil {
		t.Skipf("SKIPPED: no S3 server to test against; %s", Install)
	}
	return program
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Restart starts the process that Kill has ended, on the same folder and address, and waits until it answers.
func (s *Server) Restart() error {
	s.process = exec.Command(s.args[0], s.args[1:]...) //nolint:noctx // Kill ends it
	s.process.Stdout, s.process.Stderr = &s.log, &s.log
	if err := s.process.Start(); err != nil {
		return err
	}
	for began := time.Now(); !s.healthy(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 30*time.Second {
			s.Kill()
			return fmt.Errorf("the S3 server does not answer: %s", s.log.String())
		}
	}
	return nil
}

func (s *Server) healthy() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/health", http.NoBody)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	return errors.Join(answer.Body.Close()) == nil && answer.StatusCode == http.StatusOK
}

// Kill ends the process with SIGKILL.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait() // says that it was killed
}

// PID is the process's id.
func (s *Server) PID() int { return s.process.Process.Pid }

// Bucket makes a new bucket.
func (s *Server) Bucket(t testing.TB) string {
	t.Helper()
	name := "b-" + strings.ToLower(rand.Text())
	if _, err := s.Client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	return name
}

// Open opens a store in a bucket, as a process of its own would.
func (s *Server) Open(t testing.TB, bucket string) *s3store.Store {
	t.Helper()
	store := New(t, "s3://"+bucket+"/a/prefix", s.URL)
	if err := store.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// New returns a store that is to be opened, at a server that stands at url. Nothing of the machine's own configuration counts.
func New(t testing.TB, location, url string) *s3store.Store {
	t.Helper()
	store, err := s3store.New(location)
	if err != nil {
		t.Fatal(err)
	}
	store.Options = []func(*config.LoadOptions) error{
		config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
		config.WithRegion(Region), config.WithBaseEndpoint(url), config.WithCredentialsProvider(Credentials(AccessKey, SecretKey)),
	}
	return store
}

// Credentials are these, always.
func Credentials(access, secret string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: access, SecretAccessKey: secret, Source: "test"}, nil
	})
}

// Env is the environment in which a process finds the server, and nothing of the machine's own configuration.
func (s *Server) Env() []string {
	return append(os.Environ(), "AWS_ENDPOINT_URL_S3="+s.URL, "AWS_REGION="+Region, "AWS_ACCESS_KEY_ID="+AccessKey, "AWS_SECRET_ACCESS_KEY="+SecretKey,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PROFILE=", "AWS_SESSION_TOKEN=", "AWS_EC2_METADATA_DISABLED=true")
}

// Admin runs a command of the server's own for administrators.
func (s *Server) Admin(t testing.TB, args ...string) {
	t.Helper()
	args = append([]string{"admin", "--access", AccessKey, "--secret", SecretKey, "--endpoint-url", s.URL}, args...)
	if out, err := exec.CommandContext(t.Context(), s.args[0], args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// lockedBuffer takes what a process prints while it is read.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("%.2000s", l.b.String())
}

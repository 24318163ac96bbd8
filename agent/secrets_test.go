package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"roagent/extract"
	"roagent/upload"
)

// circumstance is what goes wrong at a store.
type circumstance struct {
	prepare func(*testing.T, *secretSite)
	answer  http.HandlerFunc // in the place of the collector; nil: it answers itself
	exit    int              // of a pull; 0: it tries again and again, and is cut short
}

// secretSite is a store in which everything secret is a canary: the DMS's password, the collector's token, the keys, and
// values of customers that are not sent.
type secretSite struct {
	*rig
	canaries *canaries
	password string
	token    string
	requests bytes.Buffer // without the header in which the token belongs
	beats    int          // heartbeats that were made
}

// TestSecretsStay holds that no token, password, key or value of a customer is in anything that is printed, logged, sent or
// written, of any command, whatever goes wrong.
func TestSecretsStay(t *testing.T) {
	for name, c := range circumstances() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSecretSite(t, c)
			s.beat(t) // while the store takes part
			for _, args := range secretCommands(s.dir) {
				code := s.clean(t, c, args...)
				if slices.Equal(args, []string{"pull"}) && c.exit != 0 && code != c.exit {
					t.Errorf("the pull ended with %d, want %d", code, c.exit)
				}
			}
			s.files(t)
			if leak := s.canaries.leaks(s.requests.Bytes(), ""); leak != "" {
				t.Errorf("a request shows %s", leak)
			}
			if name == "nothing" && (s.beats != 3 || !strings.Contains(s.requests.String(), `"last_error":"dms"`)) {
				t.Error("no heartbeat was sent: this proves nothing of them")
			}
		})
	}
}

// secretCommands are all commands that print, read or write.
func secretCommands(dir string) [][]string {
	return [][]string{
		{"version"},
		{"credential", "list"},
		{"credential", "list", "--json"},
		{"service", "status"},
		{"nonsense"},
		{"check"},
		{"check", "--json"},
		{"fieldmap", "show"},
		{"fieldmap", "show", "--json"},
		{"fieldmap", "sql"},
		{"fieldmap", "grants"},
		{"fieldmap", "grants", "--views"},
		{"fieldmap", "diff"},
		{"fieldmap", "review", "--samples", "--out", filepath.Join(dir, "sheet.html")},
		{"preview", "--limit", "3"},
		{"pull"},
		{"pull", "--json"},
		{"send"},
		{"run"},
		{"status"},
		{"status", "--json"},
		{"parked", "list"},
		{"parked", "list", "--json"},
		{"parked", "show", "1"},
		{"parked", "show", "2"},
		{"hold", "list"},
		{"hold", "list", "--lines"},
		{"ledger", "list"},
		{"ledger", "show", "1"},
		{"ledger", "verify"},
		{"ledger", "export", "--format", "json"},
		{"ledger", "export", "--evidence", filepath.Join(dir, "audit")},
		{"ledger", "who", "--vin", "4T1BF1FK5CU123456"},
		{"fieldmap", "approve", "--access", "--by", "Dana Dealer"},
		{"leave"},
		{"leave", "--yes"},
		{"status"},
		{"pull", "--no-send"},
	}
}

func circumstances() map[string]circumstance {
	config := func(old, now string) func(*testing.T, *secretSite) {
		return func(t *testing.T, s *secretSite) { s.edit(t, old, strings.ReplaceAll(now, "SECRET", s.password)) }
	}
	file := func(name, text string) func(*testing.T, *secretSite) {
		return func(t *testing.T, s *secretSite) { s.write(t, name, strings.ReplaceAll(text, "SECRET", s.password)) }
	}
	return map[string]circumstance{
		"nothing":              {exit: exitParked},
		"the DMS is not there": {prepare: func(t *testing.T, s *secretSite) { s.edit(t, s.dms, "gone.db") }, exit: exitDMS},
		"the DMS is no database": {prepare: func(t *testing.T, s *secretSite) {
			s.edit(t, s.dms, "no.db")
			s.write(t, "no.db", strings.Repeat(s.password, 500))
		}, exit: exitDMS},
		"the DMS's server is away":           {prepare: func(t *testing.T, s *secretSite) { s.onSQLServer(t, "127.0.0.1:1") }, exit: exitDMS},
		"the DMS's server is a web server":   {prepare: func(t *testing.T, s *secretSite) { s.onSQLServer(t, echoing(t)) }, exit: exitDMS},
		"the password is in the file":        {prepare: config("{driver: sqlite", "{password: SECRET, driver: sqlite"), exit: exitUsage},
		"the token is in the file":           {prepare: config("file:collector.token", "SECRET"), exit: exitUsage},
		"the token's file has two lines":     {prepare: file("collector.token", "SECRET\nSECRET\n"), exit: exitUsage},
		"the token's file is no token":       {prepare: file("collector.token", "SECRET\x7f"), exit: exitUsage},
		"the token is a wrong one":           {prepare: file("collector.token", "04123.SECRET"), exit: exitCollector},
		"the proxy has a password":           {prepare: config("collector:", "collector:\n  proxy: http://roagent:SECRET@proxy.lan:3128"), exit: exitUsage},
		"the client's key is none":           {prepare: clientKey, exit: exitFailed},
		"the receipt key is the private one": {prepare: config("collector.test+", "PRIVATE+KEY+collector.test+1234abcd+SECRET"), exit: exitUsage},
		"the queue is damaged":               {prepare: file("data/queue.db", strings.Repeat("\x00SECRET", 4096)), exit: exitRefused}, // it is rebuilt, and no approval is on record
		"the queue's key is another one":     {prepare: file("data/queue.key", "roagent key 1\n"+base64.StdEncoding.EncodeToString(make([]byte, 32))+"\n"), exit: exitFailed},
		"the queue's key is damaged":         {prepare: file("data/queue.key", "roagent key 1\nSECRET\n"), exit: exitFailed},
		"the collector is not listening":     {prepare: func(t *testing.T, s *secretSite) { s.edit(t, "  url: ", "  url: http://127.0.0.1:1 # ") }},
		"a login page repeats the request":   {answer: repeat(200, "text/html"), exit: exitCollector},
		"a 401 repeats the request":          {answer: repeat(401, "application/problem+json"), exit: exitCollector},
		"a 403 page repeats the request":     {answer: repeat(403, "text/html"), exit: exitCollector},
		"a 409 repeats the request":          {answer: repeat(409, "application/problem+json"), exit: exitCollector},
		"a 422 repeats the request":          {answer: repeat(422, "application/problem+json"), exit: exitCollector},
		"a 500 repeats the request":          {answer: repeat(500, "application/problem+json")},
		"a redirection repeats the request":  {answer: repeat(307, "text/html"), exit: exitCollector},
		"a media type repeats the request":   {answer: repeat(404, ""), exit: exitCollector},
		"a batch is refused with its header": {answer: refuseBatches, exit: exitParked},
	}
}

// repeat answers with all that came: some servers do, to be of help.
func repeat(status int, media string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		all := fmt.Sprint(r.Header)
		token := r.Header.Get("Authorization")
		w.Header().Set("Content-Type", media)
		if media == "" {
			w.Header().Set("Content-Type", strings.TrimPrefix(token, "Bearer ")+"/"+strings.TrimPrefix(token, "Bearer "))
		}
		w.Header().Set("Location", "/?"+token)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"title":%q,"detail":%q,"status":%d,"missing":[%q],"lines":[{"line":1,"detail":%q}]}`, token, all, status, token, all)
	}
}

// refuseBatches answers to batches only.
func refuseBatches(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.URL.Path, "/batches/") {
		repeat(422, "application/problem+json")(w, r)
		return
	}
	w.Header().Set("X-Pass", "on")
}

// echoing listens, answers with what comes, and returns its address.
func echoing(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Second))
				_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	return listener.Addr().String()
}

func clientKey(t *testing.T, s *secretSite) {
	pem := "-----BEGIN PRIVATE KEY-----\n" + s.password + "\n-----END PRIVATE KEY-----\n"
	s.write(t, "client.key", pem)
	s.write(t, "client.pem", strings.ReplaceAll(pem, "PRIVATE KEY", "CERTIFICATE"))
	s.edit(t, "collector:", "collector:\n  client_certificate: client.pem\n  client_key: client.key")
}

func newSecretSite(t *testing.T, c circumstance) *secretSite {
	t.Helper()
	s := &secretSite{canaries: newCanaries(uint64(time.Now().UnixNano()))}
	s.rig = newRig(t, rigOptions{weeks: 1, orders: 8, batchOrders: 3, wrap: func(next http.Handler) http.Handler { return s.before(next, c.answer) }})
	s.password = s.canaries.token()
	s.exec(t, "UPDATE Customer SET SSN = ?", s.canaries.token())
	s.exec(t, "UPDATE Job SET PayType = ? WHERE RONumber = ?", s.canaries.token(), rigOrder) // a code that the map lacks
	token, err := os.ReadFile(filepath.Join(s.dir, "collector.token"))
	if err != nil {
		t.Fatal(err)
	}
	s.token = strings.TrimSpace(string(token))
	_, secret, _ := strings.Cut(s.token, ".")
	s.canaries.note(secret)
	s.mustRun(t, "preview", "--limit", "1") // makes the keys
	keys, err := filepath.Glob(filepath.Join(s.dir, "data", "*.key"))
	if err != nil || len(keys) < 3 {
		t.Fatalf("keys: %v, %v", keys, err)
	}
	for _, name := range keys {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, encoded, _ := strings.Cut(string(text), "\n")
		if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded)); err == nil {
			s.canaries.note(string(key))
		}
	}
	s.edit(t, "level: error", "level: debug")
	if c.prepare != nil {
		c.prepare(t, s)
	}
	return s
}

// beat sends a heartbeat after a run that failed with a text that holds a secret, and holds that none is in it.
func (s *secretSite) beat(t *testing.T) {
	t.Helper()
	var log bytes.Buffer
	p := &program{ctx: t.Context(), stderr: &log, config: s.config}
	v := &service{program: p, log: p.logger(slog.LevelDebug, "text"), started: time.Now(), next: job{at: time.Now().Add(time.Hour)}}
	v.heart = &heart{log: v.log}
	v.failed, v.failedAt = &extract.DatabaseError{Reason: "login failed for " + s.password}, time.Now()
	for _, state := range []string{"", upload.StatePulling, upload.StateStopped} {
		if tell := v.openedHeartbeat(state); tell != nil {
			before := strings.Count(s.requests.String(), "/status ")
			v.heart.tell(t.Context(), tell, beatLimit)
			if n := strings.Count(s.requests.String(), "/status ") - before; n > 1 {
				t.Errorf("one heartbeat made %d requests", n)
			}
			s.beats++
		}
	}
	if leak := s.canaries.leaks(log.Bytes(), ""); leak != "" {
		t.Errorf("the log of a heartbeat shows %s", leak)
	}
}

// before stands before the collector, and keeps what is sent.
func (s *secretSite) before(next http.Handler, answer http.HandlerFunc) http.Handler {
	d := &door{next: next}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		header := r.Header.Clone()
		header.Del("Authorization")
		d.mu.Lock()
		fmt.Fprintln(&s.requests, r.Method, r.URL, header)
		s.requests.Write(body)
		d.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		if answer != nil {
			answer(w, r)
		}
		if answer == nil || w.Header().Get("X-Pass") != "" {
			next.ServeHTTP(w, r)
		}
	})
}

// edit replaces the first of a text in roagent.yaml, as a person edits it.
func (s *secretSite) edit(t *testing.T, old, now string) {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("roagent.yaml lacks %q: %v", old, err)
	}
	s.write(t, "roagent.yaml", strings.Replace(string(text), old, now, 1))
}

func (s *secretSite) onSQLServer(t *testing.T, address string) {
	s.write(t, "dms.password", s.password)
	s.edit(t, fmt.Sprintf("{driver: sqlite, path: %q", s.dms), fmt.Sprintf("{driver: sqlserver, server: %q, database: DMS, user: roagent, password: %q", address, "file:dms.password"))
}

// clean runs a command for a moment, and looks into all that it printed and logged.
func (s *secretSite) clean(t *testing.T, c circumstance, args ...string) (code int) {
	t.Helper()
	moment := time.Minute
	if args[0] == "run" || c.exit == 0 {
		moment = 300 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(t.Context(), moment)
	defer cancel()
	code, out := s.runContext(ctx, args...)
	if leak := s.canaries.leaks([]byte(out), ""); leak != "" {
		t.Errorf("%v, which ended with %d, shows %s", args, code, leak)
	}
	return code
}

// files looks into all that was written, but where a secret belongs.
func (s *secretSite) files(t *testing.T) {
	t.Helper()
	belongs := []string{"roagent.yaml", "collector.token", "dms.password", "client.key", "client.pem", "no.db", "data/queue.key", "data/hash.key", "data/who.key"}
	root := os.DirFS(s.dir)
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains(belongs, name) {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if leak := s.canaries.leaks(data, ""); leak != "" && !bytes.HasPrefix(data, []byte("\x00"+s.password)) {
			t.Errorf("%s shows %s", name, leak)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestWrongPasswordStays holds that the server's refusal of a password does not show it.
func TestWrongPasswordStays(t *testing.T) {
	onServer(t, func(t *testing.T, r *serverRig) {
		r.grant(t) // so that there is such a login
		c := newCanaries(8)
		r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
		r.signIn(t, r.login(), c.token())
		for _, command := range []string{"check", "preview", "pull"} {
			code, out := r.run(t, command)
			if leak := c.leaks([]byte(out), ""); code != exitDMS || leak != "" {
				t.Errorf("%s ended with %d and shows %s:\n%s", command, code, leak, out)
			}
		}
	})
}

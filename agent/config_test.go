package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"

	"roagent/fieldmap"
	"roagent/fieldmap/strictyaml"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const receiptKey = "collector.example.com+83121195+AWFxEIT1YpwxfgAGOlyYDxrah30YnbDVLG2S4vCqIREx"

// full is DESIGN.md's example for SQL Server, with a key that is one.
const full = `dealer:
  id: "04123"
  name: Example Toyota
  timezone: America/Los_Angeles       # IANA; the week and the schedule are in it
dms:
  driver: sqlserver                   # sqlserver | sqlite
  server: dms01\SERVICE               # host, host:port, host\instance
  database: DMS
  user: roagent                       # left out: Windows integrated security
  password: credential:dms            # credential:NAME | file:PATH | env:NAME; a bare password is refused
  encrypt: true                       # true | strict | false; false is reported by check on every run
  certificate: dms-server.pem         # trust exactly this server certificate
  timezone: America/Denver            # of the DMS's own datetimes; default: dealer.timezone
  params: {}                          # further driver parameters
fieldmap: lists/fieldmap.yaml
data_dir: /var/lib/roagent
schedule:
  pull: "15 3 * * TUE"                # cron, dealer time
  spread: 1h
  stop_by: "06:30"
  settle: 20m
  lookback_weeks: 6
collector:
  url: https://collector.example.com/dmi/
  token: env:ROAGENT_TOKEN
  ca: ca.pem
  client_certificate: dealer.pem
  client_key: dealer.key
  receipt_key: "` + receiptKey + `"
  proxy: http://proxy.lan:3128
queue:
  max_size: 512MiB
  batch_orders: 250
  hold: 36h
retention: {sent: 1y, logs: 4w}
status: {listen: "127.0.0.1:8080"}
log: {level: debug, format: json}
`

// least is a configuration with nothing that has a default.
const least = `dealer: {id: x, timezone: America/Los_Angeles}
dms: {driver: sqlite, path: dms.db}
collector: {url: "http://127.0.0.1:9000", token: file:token, receipt_key: ` + receiptKey + `}
`

func diffConfig(t *testing.T, want, got *Config) {
	t.Helper()
	if diff := cmp.Diff(want, got,
		cmp.AllowUnexported(Secret{}),
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
		cmp.Comparer(func(a, b note.Verifier) bool { return a.Name() == b.Name() && a.KeyHash() == b.KeyHash() }),
	); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLoadConfig(t *testing.T) {
	verifier, err := note.NewVerifier(receiptKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	stop := 6*time.Hour + 30*time.Minute
	for name, tt := range map[string]struct {
		source string
		want   *Config
	}{
		"everything": {strings.Replace(full, "/var/lib/roagent", "'"+at("elsewhere")+"'", 1), &Config{
			Dealer: DealerConfig{"04123", "Example Toyota", zone(t, "America/Los_Angeles")},
			DMS: DMSConfig{
				Driver: "sqlserver", Server: `dms01\SERVICE`, Database: "DMS", User: "roagent", Password: Secret{credentialSecret, "dms"},
				Encrypt: "true", Certificate: at("dms-server.pem"), Zone: zone(t, "America/Denver"), Params: map[string]string{},
			},
			Fieldmap: at("lists/fieldmap.yaml"), DataDir: at("elsewhere"),
			Schedule: ScheduleConfig{Pull: "15 3 * * TUE", Spread: time.Hour, StopBy: &stop, Settle: 20 * time.Minute, LookbackWeeks: 6},
			Collector: CollectorConfig{
				URL: "https://collector.example.com/dmi", Token: Secret{envSecret, "ROAGENT_TOKEN"}, CA: at("ca.pem"),
				ClientCertificate: at("dealer.pem"), ClientKey: at("dealer.key"), ReceiptKey: verifier, ReceiptKeyText: receiptKey, Proxy: "http://proxy.lan:3128",
			},
			Queue:     QueueConfig{MaxSize: 512 << 20, BatchOrders: 250, Hold: 36 * time.Hour},
			Retention: RetentionConfig{Sent: 365 * 24 * time.Hour, Logs: 28 * 24 * time.Hour},
			Status:    StatusConfig{"127.0.0.1:8080"}, Log: LogConfig{slog.LevelDebug, "json"},
		}},
		"defaults": {least, &Config{
			Dealer:   DealerConfig{ID: "x", Zone: zone(t, "America/Los_Angeles")},
			DMS:      DMSConfig{Driver: "sqlite", Path: at("dms.db"), Zone: zone(t, "America/Los_Angeles"), Params: map[string]string{}},
			Fieldmap: at("fieldmap.yaml"), DataDir: at("data"),
			Schedule:  ScheduleConfig{Pull: "30 2 * * MON", Spread: 2 * time.Hour, Settle: 10 * time.Minute, LookbackWeeks: 4},
			Collector: CollectorConfig{URL: "http://127.0.0.1:9000", Token: Secret{fileSecret, at("token")}, ReceiptKey: verifier, ReceiptKeyText: receiptKey},
			Queue:     QueueConfig{MaxSize: 2_000_000_000, BatchOrders: 500},
			Retention: RetentionConfig{Sent: 730 * 24 * time.Hour, Logs: 90 * 24 * time.Hour},
			Status:    StatusConfig{"127.0.0.1:8787"}, Log: LogConfig{slog.LevelInfo, "text"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			file := at("roagent.yaml")
			if err := os.WriteFile(file, []byte(tt.source), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := LoadConfig(file)
			if err != nil {
				t.Fatal(err)
			}
			diffConfig(t, tt.want, got)
		})
	}
}

func TestNoConfig(t *testing.T) {
	_, err := LoadConfig("testdata/nowhere.yaml")
	var problems *strictyaml.Problems
	if !errors.As(err, &problems) || !strings.HasPrefix(err.Error(), "testdata/nowhere.yaml: the file cannot be read: ") {
		t.Errorf("error %q", err)
	}
}

// TestConfigProblems holds what a person sees for each wrong configuration in testdata/config.
func TestConfigProblems(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = parseConfig(filepath.Base(file), "/etc/roagent", source)
			if err == nil {
				t.Fatal("no problem found")
			}
			goldenFile(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

func goldenFile(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}

// TestValues holds which values a key takes: each is put in the place of the example's.
func TestValues(t *testing.T) {
	for _, tt := range []struct {
		key       string // as in the example, with its value
		good, bad []string
	}{
		{`id: "04123"`, []string{"a-b-c_1", "4123"}, []string{`""`, "a/b", "../x", "a b", ".x", "Ä"}},
		{"timezone: America/Los_Angeles", []string{"Europe/Berlin", "UTC"}, []string{"PST", "EST", "Local", `""`, "America/Los_Angelos", "../etc/passwd", "[x]"}},
		{`server: dms01\SERVICE`, []string{"dms01", "dms01:1433", "10.0.0.1", `.\SQLEXPRESS`, `'[::1]:1433'`, "dms.lan"}, []string{"sqlserver://dms01", "dms01;database=x", "dms 01", `dms01\A\B`, "dms01:port", "sa@dms01"}},
		{"encrypt: true", []string{"strict"}, []string{"false", "yes", "disable"}}, // false does not go with a certificate
		{"certificate: dms-server.pem", []string{"x.der", "/etc/x.pem"}, []string{"x.crt", "x"}},
		{"params: {}", []string{"{dial timeout: 5}"}, []string{"{password: x}", "{User ID: x}", "[]", "{a: [b]}", ""}},
		{`pull: "15 3 * * TUE"`, []string{`"0 0 29 2 *"`, `"*/5 * * * *"`, "30 2 * * 1-5"}, []string{`"* * * *"`, `"@weekly"`, `"0 0 30 2 *"`, `"0 0 31 4 *"`, `"60 2 * * *"`, "daily", `"0 30 2 * * MON"`}},
		{"spread: 1h", []string{"0h", "90m", "7d"}, []string{"8d", "-1h", "1.5h", "1", "99999999999h", "two hours"}},
		{`stop_by: "06:30"`, []string{"06:30", "00:00", "23:59"}, []string{"6:30", "24:00", "06:60", "6am"}},
		{"settle: 20m", []string{"0s", "2d"}, []string{"20", "1000d"}},
		{"lookback_weeks: 6", []string{"0", "52"}, []string{"53", "-1", "4.5", "many"}},
		{"url: https://collector.example.com/dmi/", []string{"http://localhost:1", "http://[::1]:1", "http://127.9.9.9"}, []string{"http://collector.example.com", "https://a:b@c.example", "ftp://x", "collector.example.com", "https://", "https://x?y", "https://x#y", "'https://[x'"}},
		{"client_key: dealer.key", []string{"/k.pem"}, []string{`""`}},
		{`receipt_key: "` + receiptKey + `"`, nil, []string{"collector.example.com", `"collector.example.com+1234abcd+AbC..."`, `""`}},
		{"proxy: http://proxy.lan:3128", []string{"socks5://p:1", "https://p"}, []string{"http://u:p@proxy.lan", "proxy.lan:3128", "ftp://p"}},
		{"max_size: 512MiB", []string{"2GB", "1 TB", "1000kB"}, []string{"2", "2G", "1kB", "0GB", "-1GB", "999999999TB", "all"}},
		{"batch_orders: 250", []string{"1", "5000"}, []string{"0", "5001", "x"}},
		{"hold: 36h", []string{"0h", "90d"}, []string{"91d"}},
		{"sent: 1y", []string{"1d", "10y", "730d"}, []string{"0d", "11y", "forever"}},
		{`listen: "127.0.0.1:8080"`, []string{`"[::1]:1"`, `"localhost:0"`, "off"}, []string{`"0.0.0.0:80"`, `":8787"`, `"127.0.0.1"`, `"127.0.0.1:99999"`, `"dms.lan:80"`, `"127.0.0.1:http"`}},
		{"level: debug", []string{"info", "warn", "error"}, []string{"INFO", "trace", "7"}},
		{"format: json", []string{"text"}, []string{"xml"}},
	} {
		key, _, _ := strings.Cut(tt.key, ":")
		for i, value := range append(append([]string{}, tt.good...), tt.bad...) {
			_, err := parseConfig("roagent.yaml", "/etc/roagent", []byte(strings.Replace(full, tt.key, key+": "+value, 1)))
			if good := i < len(tt.good); good != (err == nil) {
				t.Errorf("%s: %s: good %v, error %v", key, value, good, err)
			}
		}
	}
}

// TestBarePassword: a password that stands where only a reference may is refused, and no problem repeats it, whatever
// else is wrong.
func TestBarePassword(t *testing.T) {
	const secret = "hUnter2xyz"
	for _, line := range []string{
		"  password: %s", "  password: '%s'", "  password: \"%s", "  password: '%s", "  password: [%s]", "  password: {%s: x}",
		"  password: {x: %s}", "  password: |\n    %s", "  password:\n    %s", "  password:\n  %s", "  password:\n\n    first\n    %s",
		"  password: file:x\n  params: {password: %s}", "  params: {Pwd: %s, encrypt: false}", "  password: a: %s", "  password: &x %s", "  password: !x %s",
		"  pasword: %s", "  passwrd: %s", "  Password: %s", "  pwd: %s", "  toekn: %s", "  pass word: %s", "  \"password\": %s", "  password : %s",
		"  driver: x, password: %s", "  server: 'sqlserver://sa:%s@dms01'", "  server: dms01;password=%s;x", "  password: credential:%s!",
		"  password: env:%s-x", "  password: \"%s\\u202E\"", "  password: %s\n  password: %s", "\tpassword: %s", "  password: - %s", "  password: | %s", "  password: >%s", "  password: %%s", "  password: @%s", "  password: `%s`", "  password: ? %s", "  password: %s\r",
	} {
		source := strings.Replace(full, "  password: credential:dms            #", strings.ReplaceAll(line, "%s", secret)+"\n#", 1)
		_, err := parseConfig("roagent.yaml", "/etc/roagent", []byte(source))
		if err == nil {
			t.Errorf("%q is accepted", line)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is repeated:\n%v", line, err)
		}
	}
	for _, url := range []string{"http://roagent:%s@proxy.lan:3128", "http://roagent:%s@[x", "http://roagent:a/%s@proxy.lan"} {
		source := strings.Replace(full, "http://proxy.lan:3128", strings.ReplaceAll(url, "%s", secret), 1)
		if _, err := parseConfig("roagent.yaml", "/etc/roagent", []byte(source)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("proxy: %s: %v", url, err)
		}
	}
}

func TestHideSecrets(t *testing.T) {
	for source, want := range map[string]string{
		"id: x\nuser: y":                              "id: x\nuser: y",
		"password: x\nuser: y":                        "password: …\nuser: y",
		"password: x\n\n  y\n  z: a\nuser: y":         "password: …\n\n…\n…\nuser: y",
		"password:\nx\nuser: y":                       "password: …\n…\nuser: y",
		"password: >-\nx\nuser: y":                    "password: …\n…\nuser: y",
		"password:\nuser: y":                          "password: …\nuser: y",
		"- token: x\n- y":                             "- token: …\n- y",
		"dms: {user: y, password: x, driver: z}":      "dms: {user: y, password: …",
		"# the password is: x":                        "# the password is: …",
		"proxy: http://a:b@c@proxy.lan:3128 # remark": "proxy: http://…@proxy.lan:3128 # remark",
		"receipt_key: x":                              "receipt_key: x",
		`receipt_key: "PRIVATE+KEY+a+1+b" # of a`:     `receipt_key: "…" # of a`,
	} {
		if diff := cmp.Diff(want, string(hideSecrets([]byte(source)))); diff != "" {
			t.Errorf("%q (-want +got)\n%s", source, diff)
		}
	}
}

// FuzzConfig: no source makes the reader panic, and a bare password is never repeated.
func FuzzConfig(f *testing.F) {
	f.Add(full, "  password: ", "")
	f.Add(least, "", "x: y")
	f.Add("", "token: ", "")
	f.Fuzz(func(t *testing.T, source, before, after string) {
		if c, err := parseConfig("roagent.yaml", "/etc/roagent", []byte(source)); err == nil && (c.Dealer.Zone == nil || c.DMS.Zone == nil || c.Collector.ReceiptKey == nil) {
			t.Error("a part is missing")
		}
		const secret = "hUnter2xyz"
		if strings.ContainsAny(before, "\n\r") || strings.Contains(after, secret) {
			return
		}
		dms := fmt.Sprintf("dms:\n  driver: sqlite\n  %s password: %s %s\n", before, secret, after)
		if _, err := parseConfig("roagent.yaml", "/etc/roagent", []byte(dms)); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("repeated:\n%v", err)
		}
	})
}

// The samples that the README points to are good.
func TestSamples(t *testing.T) {
	config, err := LoadConfig(filepath.Join("..", "testdata", "roagent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fieldmap.ParseFile(config.Fieldmap); err != nil {
		t.Error(err)
	}
}

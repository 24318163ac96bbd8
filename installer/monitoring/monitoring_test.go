package monitoring

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// promtool returns the program, or skips the test where it is not installed; CI has it, and takes no skip.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not here (Debian: apt-get install --no-install-recommends prometheus): the rules are NOT checked")
	}
	return path
}

func command(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestRules(t *testing.T) {
	tool := promtool(t)
	if out := command(t, "", tool, "check", "rules", "rules.yaml"); !strings.Contains(out, "SUCCESS") {
		t.Error(out)
	}
	command(t, "", tool, "test", "rules", "rules_test.yaml")
}

type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	parse(t, "rules.yaml", func(text []byte) error { return yaml.Unmarshal(text, &file) })
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("there are no rules")
	}
	return all
}

func parse(t *testing.T, file string, into func([]byte) error) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = into(text)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// Each alert has a test in which it fires and one in which it does not, says what it means and what to do, and is in the README.
func TestEveryAlertIsTested(t *testing.T) {
	var file struct {
		Tests []struct {
			Expressions []struct {
				Expr    string `yaml:"expr"`
				Samples []any  `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	parse(t, "rules_test.yaml", func(text []byte) error { return yaml.Unmarshal(text, &file) })
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		fires, quiet := 0, 0
		for _, test := range file.Tests {
			for _, e := range test.Expressions {
				switch {
				case e.Expr != fmt.Sprintf(`ALERTS{alertname=%q, alertstate="firing"}`, r.Alert):
				case len(e.Samples) > 0:
					fires++
				default:
					quiet++
				}
			}
		}
		if fires == 0 || quiet == 0 {
			t.Errorf("%s: %d tests in which it fires, %d in which it does not", r.Alert, fires, quiet)
		}
		if r.Annotations["summary"] == "" || len(r.Annotations["description"]) < 40 || !slices.Contains([]string{"warning", "critical"}, r.Labels["severity"]) {
			t.Errorf("%s has no summary, description or severity", r.Alert)
		}
		if !bytes.Contains(readme, []byte("`"+r.Alert+"`")) {
			t.Errorf("README.md does not tell %s", r.Alert)
		}
	}
}

// sometimes are the metrics that a page has once there is something to tell: the certificate of a program that has one, the
// clock of a collector that has answered, and counters whose labels are the requests'.
func sometimes() []string {
	return []string{
		"roagent_certificate_expiry_timestamp_seconds", "rocollector_certificate_expiry_timestamp_seconds", "roagent_clock_skew_seconds", "rocollector_requests_total",
		"rocollector_request_duration_seconds", "rocollector_refused_total", "rocollector_store_operation_duration_seconds",
	}
}

// Every metric that a rule or a dashboard names is on the page of a program that runs, and both pages are as Prometheus wants them.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds both programs")
	}
	dir := t.TempDir()
	build(t, dir, "roagent", "../../agent")
	build(t, dir, "rocollector", "../../upload/collector/cmd/rocollector")
	pages := map[string]string{"roagent": agentPage(t, dir), "rocollector": collectorPage(t, dir)}
	known := map[string]bool{"up": true}
	for _, page := range pages {
		for _, found := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(page, -1) {
			known[found[1]] = true
			if found[2] == "histogram" {
				known[found[1]+"_bucket"] = true
			}
		}
	}
	for _, name := range sometimes() {
		known[name], known[name+"_bucket"] = true, true
	}
	for where, names := range namedMetrics(t) {
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s names %s, which no page has", where, name)
			}
		}
	}
	t.Run("promtool", func(t *testing.T) {
		tool := promtool(t)
		for _, page := range pages {
			if out := command(t, page, tool, "check", "metrics"); out != "" {
				t.Error(out)
			}
		}
	})
}

// namedMetrics returns the metrics that each alert and each panel names.
func namedMetrics(t *testing.T) map[string][]string {
	t.Helper()
	name := regexp.MustCompile(`\b(?:(?:roagent|rocollector|process|go)_[a-z_]+|up)\b`)
	label := regexp.MustCompile(`"[^"]*"`)
	named := map[string][]string{}
	for _, r := range rules(t) {
		named[r.Alert] = name.FindAllString(label.ReplaceAllString(r.Expr, ""), -1)
	}
	for _, file := range []string{"dashboard-collector.json", "dashboard-agents.json"} {
		var board struct {
			UID    string
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		parse(t, file, func(text []byte) error { return json.Unmarshal(text, &board) })
		if board.UID == "" || len(board.Panels) < 10 {
			t.Errorf("%s has no uid, or %d panels only", file, len(board.Panels))
		}
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				named[file+": "+p.Title] = append(named[file+": "+p.Title], name.FindAllString(label.ReplaceAllString(target.Expr, ""), -1)...)
			}
		}
	}
	for where, names := range named {
		if len(names) == 0 {
			t.Errorf("%s names no metric", where)
		}
	}
	return named
}

func build(t *testing.T, dir, name, source string) {
	t.Helper()
	command(t, "", "go", "build", "-o", filepath.Join(dir, name), source)
}

// agentPage is the page of the service on the demo's files.
func agentPage(t *testing.T, dir string) string {
	t.Helper()
	demo := filepath.Join(dir, "demo")
	command(t, "", filepath.Join(dir, "roagent"), "demo", "--keep", demo)
	config := filepath.Join(demo, "roagent.yaml")
	address := freeAddress(t)
	file, err := os.OpenFile(config, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(file, "\nstatus: {listen: %q}\n", address)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pageOf(t, address, "roagent_queue_read_timestamp_seconds", filepath.Join(dir, "roagent"), "--config", config, "run")
}

func collectorPage(t *testing.T, dir string) string {
	t.Helper()
	address, fleet := freeAddress(t), freeAddress(t)
	return pageOf(t, address, "rocollector_fleet_stores", filepath.Join(dir, "rocollector"), "serve", "--store", filepath.Join(dir, "store"),
		"--listen", freeAddress(t), "--metrics", address, "--fleet", fleet, "--fleet-url", "http://"+fleet, "--fleet-header", "X-User", "--fleet-proxy", "127.0.0.1")
}

// pageOf starts a program, and returns its page once that has what it must.
func pageOf(t *testing.T, address, must, program string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out bytes.Buffer
	c := exec.CommandContext(ctx, program, args...)
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var page string
	for began := time.Now(); time.Since(began) < 30*time.Second && !strings.Contains(page, "\n"+must); time.Sleep(20 * time.Millisecond) {
		page = get(address)
	}
	stop()
	_ = c.Wait() // it was killed
	if !strings.Contains(page, "\n"+must) {
		t.Fatalf("%s %v shows no %s:\n%s", program, args, must, out.String())
	}
	return page
}

func get(address string) string {
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return string(text)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

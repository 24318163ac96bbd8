package main

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReviewInChromium loads the sheet in a real browser: it fetches nothing, keeps to the reader's colours, and prints
// on both papers.
func TestReviewInChromium(t *testing.T) {
	b := newBrowser(t)
	r := newRig(t, rigOptions{weeks: 1, orders: 30})
	sheet := r.review(t, "--samples")
	page := readFile(t, sheet)

	t.Run("network", func(t *testing.T) {
		if hosts := b.hosts(t, sheet); len(hosts) > 0 {
			t.Errorf("the sheet asked %q", hosts)
		}
		open := regexp.MustCompile(`<meta http-equiv[^>]*>`).ReplaceAllString(page, "")
		r.write(t, "open.html", strings.Replace(open, "<h1>", `<img src="http://127.0.0.1:9/x.png"><h1>`, 1))
		if diff := cmp.Diff([]string{"127.0.0.1"}, b.hosts(t, filepath.Join(r.dir, "open.html"))); diff != "" {
			t.Errorf("a page that does fetch something is not seen to: %s", diff)
		}
	})
	t.Run("schemes", func(t *testing.T) {
		for scheme, want := range map[string]color.NRGBA{"1": {0xff, 0xff, 0xff, 0xff}, "0": {0x15, 0x18, 0x1c, 0xff}} {
			file := filepath.Join(t.TempDir(), "shot.png")
			b.run(t, sheet, "--screenshot="+file, "--blink-settings=preferredColorScheme="+scheme)
			shot, err := png.Decode(strings.NewReader(readFile(t, file)))
			if err != nil {
				t.Fatal(err)
			}
			if got := color.NRGBAModel.Convert(shot.At(2, 2)); got != want {
				t.Errorf("scheme %s: the ground is %v, want %v", scheme, got, want)
			}
		}
	})
	t.Run("paper", func(t *testing.T) {
		for size, width := range map[string]string{"letter": `612`, "A4": `59[45]\.\d+`} { // points
			r.write(t, size+".html", strings.Replace(page, "</style>", "@page { size: "+size+" }</style>", 1))
			file := filepath.Join(t.TempDir(), "sheet.pdf")
			b.run(t, filepath.Join(r.dir, size+".html"), "--print-to-pdf="+file, "--no-pdf-header-footer")
			boxes := regexp.MustCompile(`/MediaBox \[0 0 `+width+` `).FindAllString(readFile(t, file), -1)
			if pages := len(boxes); pages < 5 || pages > 12 {
				t.Errorf("%s: %d pages", size, pages)
			}
		}
	})
}

// browser drives Chromium as a process.
type browser struct{ path string }

func newBrowser(t *testing.T) *browser {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return &browser{path}
		}
	}
	t.Skip("there is no chromium here: the review sheet was not looked at in a browser (Debian: apt-get install chromium)")
	return nil
}

func (b *browser) run(t *testing.T, file string, flags ...string) {
	t.Helper()
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--user-data-dir=" + t.TempDir(), "--window-size=1280,1600",
	}, flags...)
	command := exec.CommandContext(t.Context(), b.path, append(args, "file://"+file)...)
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, said.String())
	}
}

// hosts returns the hosts that a page makes the browser ask, by the browser's own log, without those that it asks for itself.
func (b *browser) hosts(t *testing.T, file string) []string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "net.json")
	b.run(t, file, "--log-net-log="+log, fmt.Sprintf("--screenshot=%s", filepath.Join(t.TempDir(), "shot.png")))
	text := readFile(t, log)
	if !strings.Contains(text, `"constants"`) {
		t.Fatal("the browser wrote no log")
	}
	itself := regexp.MustCompile(`(^|\.)(google\.com|googleapis\.com|gvt1\.com)$`)
	var hosts []string
	for _, m := range regexp.MustCompile(`"url":"(?:https?|wss?|ftp)://([^/":]+)`).FindAllStringSubmatch(text, -1) {
		if !itself.MatchString(m[1]) && !slices.Contains(hosts, m[1]) {
			hosts = append(hosts, m[1])
		}
	}
	return hosts
}

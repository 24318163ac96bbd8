package fleet

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// browser is a tab of a real Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Skip("there is no chromium here: the fleet's page was not looked at in a browser (Debian: apt-get install chromium)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1360, 900), chromedp.Flag("hide-scrollbars", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { cancel(); stop() })
	b := &browser{t, ctx}
	b.do(chromedp.Navigate("about:blank")) // the browser lives as long as this context
	return b
}

// do runs steps, each batch within half a minute.
func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx := b.ctx
	if chromedp.FromContext(ctx).Target != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// text returns what an element shows.
func (b *browser) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.TextContent(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(strings.Fields(text), " ")
}

func (b *browser) location() string {
	b.t.Helper()
	address, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		b.t.Fatal(err)
	}
	return address
}

// rows are the ids of the stores that the page lists.
func (b *browser) rows() string {
	b.t.Helper()
	ids, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("tbody th .sub")].map(e => e.textContent)`))
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(ids, " ")
}

// evaluate returns the text that an expression gives.
func (b *browser) evaluate(expression string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *browser) scheme(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	})
}

// shot keeps a picture of the whole page where ROAGENT_ARTEFACTS names a folder.
func (b *browser) shot(name string) {
	b.t.Helper()
	var image []byte
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		beyond := true
		answer, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
		image = answer.Data
		return err
	}))
	if len(image) < 1000 {
		b.t.Fatalf("the picture %s has %d bytes", name, len(image))
	}
	dir := os.Getenv("ROAGENT_ARTEFACTS")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fleet-"+name+".png"), image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// TestFleetInChromium: the page loads, filters by what is in its address, and shows a store going from late to in.
func TestFleetInChromium(t *testing.T) {
	b := newBrowser(t)
	r := newRig(t)
	r.town()
	b.do(chromedp.Navigate(r.server.URL))
	if got, want := b.text(".headline"), "6 of 14 stores are in. 8 are overdue."; got != want {
		t.Errorf("the headline is %q, want %q", got, want)
	}

	t.Run("filter", func(t *testing.T) {
		b.t = t
		b.do(chromedp.SetValue(chromedp.CSS("select[name=state]"), "silent"), chromedp.SendKeys(chromedp.CSS("input[name=q]"), "jack\r"), chromedp.WaitVisible(chromedp.CSS(`.results a[href^="/?"]`)))
		if got := b.rows(); got != "04109" {
			t.Errorf("it lists %q", got)
		}
		address, err := url.Parse(b.location())
		if err != nil {
			t.Fatal(err)
		}
		if q := address.Query(); q.Get("state") != "silent" || q.Get("q") != "jack" || q.Get("week") != week {
			t.Errorf("the address is %s", address)
		}
		b.do(chromedp.Navigate(r.server.URL+"/?state=in"), chromedp.WaitReady(chromedp.CSS("tbody")))
		if got := b.rows(); got != "04101 04102 04103 04106 04107" {
			t.Errorf("it lists %q", got)
		}
	})

	t.Run("late to in", func(t *testing.T) {
		b.t = t
		b.do(chromedp.Navigate(r.server.URL + "/?q=04114"))
		if got := b.text("tbody .badge"); !strings.Contains(got, "Late") {
			t.Fatalf("its state is %q", got)
		}
		b.shot("one-late")
		r.close("04114", week, 112, nil)
		b.do(chromedp.Reload())
		if got := b.text("tbody .badge"); !strings.Contains(got, "In") {
			t.Errorf("after its manifest its state is %q", got)
		}
		if got, want := b.text(".headline"), "7 of 14 stores are in. 7 are overdue."; got != want {
			t.Errorf("the headline is %q, want %q", got, want)
		}
	})

	t.Run("without script", func(t *testing.T) {
		b.t = t
		off := func(off bool) chromedp.Action[chromedp.Void] {
			return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off})
				return err
			})
		}
		b.do(off(true), chromedp.Navigate(r.server.URL+"/?state=failing"))
		if got := b.text("tbody th a"); got != "Inland Toyota" {
			t.Errorf("it lists %q", got)
		}
		b.do(chromedp.Navigate(r.server.URL), chromedp.SendKeys(chromedp.CSS("input[name=q]"), "kern\r"), chromedp.WaitReady(chromedp.CSS(`.results a[href^="/?"]`)))
		if got := b.text("tbody"); !strings.Contains(got, "Kern County") || strings.Contains(got, "Inland") {
			t.Errorf("after a search it lists %q", got)
		}
		b.do(off(false))
	})

	t.Run("keyboard", func(t *testing.T) {
		b.t = t
		b.do(chromedp.Navigate(r.server.URL), chromedp.KeyEvent("\t"))
		const focused = `(() => { const e = document.activeElement, r = e.getBoundingClientRect(); return e.textContent.trim() + " " + (r.top >= 0) + " " + getComputedStyle(e).outlineStyle })()`
		if got := b.evaluate(focused); got != "Skip to the content true solid" {
			t.Errorf("the first stop is %q", got)
		}
		b.do(chromedp.KeyEvent("\r"), chromedp.KeyEvent("\t"))
		if got := b.evaluate(`document.activeElement.closest("main") ? "main" : document.activeElement.outerHTML`); got != "main" {
			t.Errorf("behind it comes %q", got)
		}
		b.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\t"), chromedp.KeyEvent("\t"))
		if got := b.evaluate(focused); got != "7 are overdue true solid" {
			t.Errorf("three stops later comes %q", got)
		}
		b.do(chromedp.KeyEvent("\r"), chromedp.WaitVisible(chromedp.CSS(`.results a[href^="/?"]`)))
		if got := b.text("h2#stores"); got != "Stores that are overdue" {
			t.Errorf("Enter leads to %q", got)
		}
	})

	t.Run("pictures", func(t *testing.T) {
		b.t = t
		for _, view := range []struct{ name, path string }{
			{"glance", "/"}, {"map", "/weeks"}, {"store", "/stores/04108?week=" + week}, {"week", "/stores/04104/" + week}, {"problem", "/stores/nobody"},
		} {
			for _, scheme := range []string{"light", "dark"} {
				b.do(chromedp.EmulateViewport(1360, 900), b.scheme(scheme), chromedp.Navigate(r.server.URL+view.path))
				b.shot(view.name + "-" + scheme)
			}
			b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2)), b.scheme("light"), chromedp.Navigate(r.server.URL+view.path))
			b.shot(view.name + "-phone")
			wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth"))
			if err != nil || wide > 390 {
				t.Errorf("on a phone %s is %d pixels wide, %v", view.path, wide, err)
			}
		}
	})
}

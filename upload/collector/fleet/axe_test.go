package fleet

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestFleetIsAccessible runs axe-core over every page, in both schemes and on a phone: WCAG 2.2 A and AA, and its best practices.
// ROAGENT_AXE names the script, axe.min.js of the npm package axe-core.
func TestFleetIsAccessible(t *testing.T) {
	file := os.Getenv("ROAGENT_AXE")
	if file == "" {
		t.Skip("ROAGENT_AXE does not name axe.min.js: the pages were not looked at by axe-core (npm pack axe-core)")
	}
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t)
	r := newRig(t)
	r.town()
	const run = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + v.help + ": " + n.html.slice(0, 200) + " " + (n.any[0]?.message ?? ""))))`
	violations := func() []string {
		b.evaluate(string(script) + `;""`)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](run, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	for _, path := range []string{"/", "/?state=wrong&q=elm", "/weeks?weeks=26", "/stores/04108", "/stores/04104/" + week, "/nothing"} {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1360, 390} {
				b.do(chromedp.EmulateViewport(width, 900), b.scheme(scheme), chromedp.Navigate(r.server.URL+path))
				b.evaluate(`document.querySelectorAll("details").forEach(d => d.open = true), ""`)
				if found := violations(); len(found) > 0 {
					t.Errorf("%s, %s, %d pixels wide:\n%s", path, scheme, width, strings.Join(found[:min(len(found), 12)], "\n"))
				}
			}
		}
	}
	// It would see something.
	b.evaluate(`document.querySelector("main").insertAdjacentHTML("beforeend", "<img src='/icon.svg'>"), ""`)
	if len(violations()) == 0 {
		t.Error("a picture without a text is not seen to")
	}
}

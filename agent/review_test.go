package main

import (
	"crypto/sha256"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"roagent/fieldmap"
)

// TestReviewIsSelfContained holds that the sheet names no address, runs nothing and fetches nothing, whatever the whitelist says.
func TestReviewIsSelfContained(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 20})
	whitelist := strings.Replace(readFile(t, filepath.Join(r.dir, "fieldmap.yaml")), "why: region only", `why: "<script>x</script><img src='y'>"`, 1)
	r.write(t, "fieldmap.yaml", whitelist)
	page := readFile(t, r.review(t))
	if outside := regexp.MustCompile(`(?i)https?://|//www|\ssrc=["'a-z]|url\(|@import|<script|<link|<iframe|<object|<img|\son[a-z]+=|href=`).FindString(page); outside != "" {
		t.Errorf("the sheet holds %q", outside)
	}
	for _, want := range []string{`<html lang="en">`, "&lt;script&gt;x", `<th scope="col">`, `<th scope="row"`, "default-src &#39;none&#39;"} {
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("the sheet lacks %s", want)
		}
	}
	if info, err := os.Stat(filepath.Join(r.dir, "sheet.html")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read the sheet: %v, %v", info.Mode(), err)
	}
}

// TestReviewSamplesShowNoMore holds that a sample is what a pull would send: every value that is withheld, skipped or
// masked is absent from the file.
func TestReviewSamplesShowNoMore(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 40})
	whitelist := readFile(t, filepath.Join(r.dir, "fieldmap.yaml"))
	r.write(t, "fieldmap.yaml", strings.Replace(whitelist, "column: customer.Email", "column: customer.Email\n      mask: HASH", 1))
	r.exec(t, "UPDATE Customer SET Phone = 'SECRET-PHONE', FirstName = 'SECRET-NAME' WHERE OptOut = 'Y'")
	r.exec(t, "UPDATE Customer SET Email = 'SECRET-MAIL'")
	r.exec(t, "UPDATE Job SET Complaint = 'SECRET-JOB' WHERE PayType = 'I'")
	page := readFile(t, r.review(t, "--samples"))
	if secret := regexp.MustCompile(`SECRET-\w+`).FindString(page); secret != "" {
		t.Errorf("the sheet shows %s", secret)
	}
	if n := strings.Count(page, `class="samples"`); n < 25 || !strings.Contains(page, "<span>CUSTOMER_PAY</span>") {
		t.Errorf("%d fields have samples", n)
	}
}

// TestUnreadableApproval holds that an approval whose text cannot be read stops pulls and nothing else.
func TestUnreadableApproval(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 1})
	for text, want := range map[string]string{"{}": "cannot be compared", `{"fieldmap":1}`: "is damaged"} {
		q := r.open(t)
		digest := fieldmap.Digest(sha256.Sum256([]byte("{}")))
		if err := errors.Join(q.RecordApproval("Dana Dealer", "", digest, text, time.Now()), q.Close()); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			code int
			args []string
		}{{exitRefused, []string{"pull"}}, {exitFailed, []string{"fieldmap", "diff"}}} {
			if code, out := r.run(t, test.args...); code != test.code || !strings.Contains(out, want) {
				t.Errorf("%v ended with %d:\n%s", test.args, code, out)
			}
		}
		r.mustRun(t, "status")
		if page := readFile(t, r.review(t)); !strings.Contains(page, want) {
			t.Errorf("the sheet does not say that the approval %s", want)
		}
	}
	r.mustRun(t, "fieldmap", "approve", "--by", "Dana Dealer")
	r.mustRun(t, "pull")
}

// review writes the sheet and returns its path.
func (r *rig) review(t *testing.T, flags ...string) string {
	t.Helper()
	path := filepath.Join(r.dir, "sheet.html")
	r.mustRun(t, append([]string{"fieldmap", "review", "--out", path}, flags...)...)
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReviewContrast holds that every text of the sheet can be read on its ground, in both colour schemes: at least
// 4.5 to 1 (WCAG 2.2, success criterion 1.4.3).
func TestReviewContrast(t *testing.T) {
	light, dark, found := strings.Cut(reviewCSS, "prefers-color-scheme: dark")
	if !found {
		t.Fatal("there is no dark scheme")
	}
	for scheme, css := range map[string]string{"light": light, "dark": dark} {
		colors := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			colors[m[1]] = luminance(t, m[2])
		}
		for _, pair := range []string{
			"ink paper", "soft paper", "accent paper", "ink tint", "soft tint", "wide wide-tint", "narrow narrow-tint", "word word-tint",
			"ink wide-tint", "ink narrow-tint", "ink word-tint", "soft wide-tint", "soft narrow-tint", "soft word-tint",
		} {
			text, ground, _ := strings.Cut(pair, " ")
			a, b := colors[text], colors[ground]
			if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", scheme, text, ground, ratio)
			}
		}
	}
}

// luminance returns the relative luminance of a colour like 1b1f24, as WCAG defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		channel := float64(n) / 255
		if channel <= 0.04045 {
			channel /= 12.92
		} else {
			channel = math.Pow((channel+0.055)/1.055, 2.4)
		}
		sum += weight * channel
	}
	return sum
}

// TestPrintDiffColors holds that colour only repeats what words and signs say, and that it is not there unasked.
func TestPrintDiffColors(t *testing.T) {
	r := newRig(t, rigOptions{weeks: 1, orders: 1})
	r.write(t, "fieldmap.yaml", strings.Replace(readFile(t, filepath.Join(r.dir, "fieldmap.yaml")), "mask: HASH, ", "", 1))
	p := &program{ctx: t.Context(), config: r.config}
	s, err := p.openSite()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	c, err := s.consent()
	if err != nil {
		t.Fatal(err)
	}
	var plain, colored strings.Builder
	if err := printDiff(&plain, c, false); err != nil {
		t.Fatal(err)
	}
	if err := printDiff(&colored, c, true); err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile("\x1b\\[[0-9]+m")
	if codes.MatchString(plain.String()) || codes.ReplaceAllString(colored.String(), "") != plain.String() {
		t.Errorf("plain:\n%s\ncoloured:\n%s", plain.String(), colored.String())
	}
	if !strings.Contains(colored.String(), "\x1b[31m+\x1b[0m") {
		t.Errorf("not coloured: %q", colored.String())
	}
}

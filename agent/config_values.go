package main

import (
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
	"github.com/dustin/go-humanize"
	"golang.org/x/mod/sumdb/note"

	"roagent/fieldmap/strictyaml"
)

// Spans of the configuration. A year is 365 days: never longer than the calendar's.
const (
	day  = 24 * time.Hour
	year = 365 * day
)

// dealerID becomes a folder's name and a part of URLs.
var dealerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// readZone reads an IANA time zone. otherwise is what it is where the key is left out.
func readZone(n strictyaml.Node, otherwise *time.Location) *time.Location {
	if !n.Given() {
		return otherwise
	}
	name := n.Text()
	zone, err := time.LoadLocation(name)
	// The short names are no places: EST is never in daylight saving time, Local is another zone on every machine.
	if name != "" && (err != nil || name != "UTC" && !strings.Contains(name, "/")) {
		n.Problem("write an IANA name such as America/Los_Angeles", "there is no such time zone")
	}
	if err != nil {
		return otherwise
	}
	return zone
}

var spanText = regexp.MustCompile(`^([0-9]{1,9})(s|m|h|d|w|y)$`)

// readSpan reads 10m, 2h, 90d or 2y. otherwise is what it is where the key is left out.
func readSpan(n strictyaml.Node, otherwise, least, most time.Duration) time.Duration {
	if !n.Given() {
		return otherwise
	}
	text := n.Text()
	if text == "" {
		return otherwise
	}
	m := spanText.FindStringSubmatch(text)
	if m == nil {
		n.Problem("write it like 10m, 2h, 90d, 4w or 2y", "this is not a span of time")
		return otherwise
	}
	count, _ := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": day, "w": 7 * day, "y": year}[m[2]]
	if time.Duration(count) > most/unit || time.Duration(count)*unit < least {
		n.Problem("", "it must be from %s to %s", spanWords(least), spanWords(most))
		return otherwise
	}
	return time.Duration(count) * unit
}

func spanWords(d time.Duration) string {
	if d > 0 && d%year == 0 {
		return strconv.Itoa(int(d/year)) + "y"
	}
	return strconv.Itoa(int(d/day)) + "d"
}

// readClock reads a time of day, 06:30, as the time since midnight.
func readClock(n strictyaml.Node) *time.Duration {
	text := n.Text()
	if text == "" {
		return nil
	}
	clock, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		n.Problem(`write it like "06:30", from "00:00" to "23:59"`, "this is not a time of day")
		return nil
	}
	since := time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute
	return &since
}

func readCron(n strictyaml.Node) string {
	text := n.Text()
	if text == "" {
		return ""
	}
	const hint = `write minute, hour, day of the month, month, day of the week: "30 2 * * MON" is Mondays at 2:30`
	if len(strings.Fields(text)) != 5 || !gronx.New().IsValid(text) {
		n.Problem(hint, "this is not a cron expression of five fields")
		return text
	}
	if _, err := gronx.NextTickAfter(text, time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC), false); err != nil {
		n.Problem(hint, "this time never comes: no month has such a day")
	}
	return text
}

var sizeText = regexp.MustCompile(`^[0-9]{1,9} ?[kKMGT]i?B$`)

// readSize reads 2GB or 512MiB. otherwise is what it is where the key is left out.
func readSize(n strictyaml.Node, otherwise int64) int64 {
	if !n.Given() {
		return otherwise
	}
	text := n.Text()
	if text == "" {
		return otherwise
	}
	size, err := humanize.ParseBytes(text)
	if err != nil || !sizeText.MatchString(text) {
		n.Problem("write it like 512MB or 2GB", "this is not a size")
		return otherwise
	}
	const least = 1_000_000
	if size < least || size > math.MaxInt64 {
		n.Problem("", "it must be at least %s", humanize.Bytes(least))
		return otherwise
	}
	return int64(size)
}

// readURL reads an absolute URL of one of some schemes. Its problems do not repeat it: it may hold a password.
func readURL(n strictyaml.Node, hint string, schemes ...string) *url.URL {
	text := n.Text()
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		n.Problem(hint, "this is not a URL")
	case u.User != nil:
		n.Problem("the file may be read by others; take user and password out", "no user or password is accepted in a URL")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		n.Problem(hint, "a URL ends with its path here: no ? or # is accepted")
	case !slices.Contains(schemes, u.Scheme):
		n.Problem(hint, "the URL must begin with %s://", strings.Join(schemes, ":// or "))
	default:
		return u
	}
	return nil
}

func readCollectorURL(n strictyaml.Node) string {
	u := readURL(n, "write it like https://collector.example.com", "https", "http")
	if u == nil {
		return ""
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		n.Problem("write https://; http:// is for tests on this machine only", "orders would travel unencrypted")
	}
	return strings.TrimRight(u.String(), "/")
}

func readProxy(n strictyaml.Node) string {
	u := readURL(n, "write it like http://proxy.lan:3128", "http", "https", "socks5")
	if u == nil {
		return ""
	}
	return u.String()
}

// loopback reports whether a host is this machine itself.
func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// readListen reads an address of this machine; "" for off.
func readListen(n strictyaml.Node) string {
	address := n.Text()
	if address == "" || address == "off" {
		return ""
	}
	host, port, err := net.SplitHostPort(address)
	number, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || strconv.FormatUint(number, 10) != port {
		n.Problem("write it like 127.0.0.1:8787, or off", "this is not an address with a port")
		return ""
	}
	if !loopback(host) {
		n.Problem("write 127.0.0.1:"+port+"; the page has no sign-in", "the status page is shown on this machine only")
	}
	return address
}

func readVerifier(n strictyaml.Node) (verifier note.Verifier, text string) {
	text = n.Text()
	if text == "" {
		return nil, ""
	}
	verifier, err := note.NewVerifier(text)
	if err != nil {
		n.Problem("copy the whole line that 'rocollector key' prints: name+hash+key, in quotes", "this is not a key that receipts can be verified with")
		return nil, ""
	}
	return verifier, text
}

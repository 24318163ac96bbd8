package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// zoneFolders are where a system keeps the rules of time zones, in the order in which Go looks for them. Where there are none,
// as on Windows, those that were built into this program count.
func zoneFolders() []string {
	return []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"}
}

// zones tells the clocks that count, for a person to compare with those on the walls, and how old their rules are.
func (u *checkup) zones(_ context.Context, f *findings) {
	now := time.Now()
	dealer, dms := u.config.Dealer.Zone, u.config.DMS.Zone
	says := "the dealer's clock shows " + wallClock(now, dealer)
	if dms.String() == dealer.String() {
		says += ", and so does the DMS's"
	} else {
		says += ", the DMS's " + wallClock(now, dms)
	}
	f.ok("time zones", "%s: compare that with the wall", says)
	folder, zone := systemZones(dealer.String())
	if folder == "" {
		f.ok("time zones", "their rules are those built into this program (%s)", agentVersion())
		return
	}
	version, err := zoneVersion(folder, zone)
	switch {
	case err != nil:
		f.skip("time zones", "how old the rules in "+folder+" are, nothing there says")
	case now.Year()-version.year >= oldRules:
		f.warn("time zones", fmt.Sprintf("the rules in %s are those of %s: a law on daylight saving since then is not in them", folder, version), "update the package tzdata of this machine")
	default:
		f.ok("time zones", "their rules are those of %s, from %s", version, folder)
	}
}

// oldRules is from how many years on the rules of time zones are told as old.
const oldRules = 3

func wallClock(now time.Time, zone *time.Location) string {
	return now.In(zone).Format("Monday 2006-01-02 15:04 MST") + " (" + zone.String() + ")"
}

// systemZones returns the folder from which a zone's rules are read, and the zone's file in it; "" where they are the program's.
func systemZones(name string) (folder, file string) {
	folders := zoneFolders()
	if own := os.Getenv("ZONEINFO"); own != "" {
		folders = append([]string{own}, folders...)
	}
	for _, folder := range folders {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if _, err := os.Stat(file); err == nil {
			return folder, file
		}
	}
	return "", ""
}

// rulesVersion is the version of the rules of time zones: 2026a, or the day that their file is from.
type rulesVersion struct {
	name string
	year int
}

func (v rulesVersion) String() string { return v.name }

// zoneVersion reads which version a folder's rules are of: tzdata.zi and +VERSION say it, and else the zone's file has a date.
func zoneVersion(folder, zone string) (rulesVersion, error) {
	for name, prefix := range map[string]string{"tzdata.zi": "# version ", "+VERSION": ""} {
		f, err := os.Open(filepath.Join(folder, name))
		if err != nil {
			continue
		}
		head := make([]byte, 40)
		n, _ := f.Read(head)
		_ = f.Close()
		line, _, _ := strings.Cut(string(head[:n]), "\n")
		if v, err := parseRulesVersion(strings.TrimPrefix(line, prefix)); err == nil {
			return v, nil
		}
	}
	info, err := os.Stat(zone)
	if err != nil {
		return rulesVersion{}, err
	}
	return rulesVersion{info.ModTime().Format(time.DateOnly), info.ModTime().Year()}, nil
}

func parseRulesVersion(text string) (rulesVersion, error) {
	text = strings.TrimSpace(text)
	if len(text) < 5 || len(text) > 7 {
		return rulesVersion{}, errors.New("this is no version of tzdata")
	}
	y, err := strconv.Atoi(text[:4])
	return rulesVersion{text, y}, err
}

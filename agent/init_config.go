package main

import (
	"fmt"
	"strings"
)

// The names of the credentials that init keeps.
const (
	dmsCredential       = "dms"
	collectorCredential = "collector"
)

// config writes roagent.yaml. There is no secret in it.
func (a answers) config(dataDir string) string {
	var b strings.Builder
	line := func(indent, key, value, comment string) {
		text := indent + key + ": " + value
		if comment != "" {
			text = fmt.Sprintf("%-37s # %s", text, comment)
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	b.WriteString("# What this store's roagent needs to know, written by 'roagent init'. Paths are relative to this file; what is left out has its default.\n")
	b.WriteString("# No password or token stands here: credential:NAME is kept for the service's account alone.\n")
	b.WriteString("dealer:\n")
	line("  ", "id", quoted(a["dealer.id"]), "")
	line("  ", "name", quoted(a["dealer.name"]), "")
	line("  ", "timezone", quoted(a["dealer.timezone"]), "the week and the schedule are in it")
	b.WriteString("\ndms:\n")
	line("  ", "driver", quoted(a["dms.driver"]), "")
	if a["dms.driver"] == "sqlite" {
		line("  ", "path", quoted(a["dms.path"]), "")
	} else {
		a.sqlServer(line)
	}
	b.WriteString("  # timezone: America/Los_Angeles     # of the DMS's own times, where it is another than the dealer's\n")
	b.WriteString("\nfieldmap: fieldmap.yaml               # the whitelist: nothing is read that it does not list\n")
	line("", "data_dir", dataDir, "the queue, the ledger and their keys: for the service's account alone")
	b.WriteString(scheduleText)
	b.WriteString("\ncollector:\n")
	line("  ", "url", quoted(a["collector.url"]), "")
	line("  ", "token", "credential:"+collectorCredential, "")
	line("  ", "receipt_key", quoted(a["collector.receipt_key"]), "what 'rocollector key' prints")
	b.WriteString("  # proxy: http://proxy.lan:3128       # left out: the environment's\n")
	b.WriteString("  # ca: ca.pem                         # the authority of the collector's certificate, where this machine does not trust it\n")
	return b.String()
}

func (a answers) sqlServer(line func(indent, key, value, comment string)) {
	line("  ", "server", quoted(a["dms.server"]), `host, host:port or host\instance`)
	line("  ", "database", quoted(a["dms.database"]), "")
	if a["dms.user"] != "" {
		line("  ", "user", quoted(a["dms.user"]), "left out: Windows integrated security")
		line("  ", "password", "credential:"+dmsCredential, "")
	}
	encrypt := a["dms.encrypt"]
	if encrypt == "" {
		encrypt = "true"
	}
	line("  ", "encrypt", quoted(encrypt), "true, strict or false")
	if a["dms.certificate"] != "" {
		line("  ", "certificate", quoted(a["dms.certificate"]), "exactly this one is trusted")
	}
}

const scheduleText = `
schedule:
  pull: "30 2 * * MON"                # Mondays at 2:30 on the clock on the dealer's wall
  spread: 2h                          # each store waits its own fixed part of this
  lookback_weeks: 4                   # earlier weeks that are read again for late edits

queue:
  max_size: 2GB                       # a pull pauses when this much waits
  hold: 0h                            # how long the dealer can look at a batch before it may be sent
`

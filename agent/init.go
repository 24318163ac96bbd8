package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"roagent/agent/supervisor"
	"roagent/extract"
	"roagent/fieldmap"
	"roagent/fieldmap/draft"
	"roagent/upload"
)

type initCommand struct {
	Answers string `placeholder:"FILE" help:"A file with the answers, in the shape of roagent.yaml, with whitelist and tables besides. Flags go before it."`

	DealerID    string `name:"dealer-id" placeholder:"ID" group:"dealer"`
	DealerName  string `placeholder:"NAME" group:"dealer"`
	Timezone    string `placeholder:"ZONE" group:"dealer" help:"America/Los_Angeles, or Pacific."`
	Driver      string `placeholder:"sqlserver|sqlite" group:"dms"`
	Path        string `placeholder:"FILE" group:"dms" help:"SQLite only."`
	Server      string `placeholder:"HOST" group:"dms" help:"host, host:port or host\\instance."`
	Database    string `placeholder:"NAME" group:"dms"`
	User        string `placeholder:"LOGIN" group:"dms" help:"Without it: the service's Windows account."`
	Password    string `placeholder:"WHERE" group:"dms" help:"file:PATH or env:NAME; it is kept as a credential."`
	Encrypt     string `placeholder:"true|strict|false" group:"dms"`
	Certificate string `placeholder:"FILE" group:"dms" help:"The server's own certificate, a .pem file."`
	Collector   string `placeholder:"URL" group:"collector"`
	Token       string `placeholder:"WHERE" group:"collector" help:"file:PATH or env:NAME; it is kept as a credential."`
	ReceiptKey  string `placeholder:"KEY" group:"collector"`
	Recipient   string `placeholder:"TEXT" group:"whitelist"`
	Purpose     string `placeholder:"TEXT" group:"whitelist"`
	Agreement   string `placeholder:"TEXT" group:"whitelist"`
	Orders      string `placeholder:"TABLE" group:"tables" help:"The table of repair orders, where init takes another one."`
	Jobs        string `placeholder:"TABLE" group:"tables"`
	Parts       string `placeholder:"TABLE" group:"tables"`
	Customer    string `placeholder:"TABLE" group:"tables"`
	Vehicle     string `placeholder:"TABLE" group:"tables"`

	NoCollectorTest bool `help:"Do not ask the collector whether it knows the dealer and the token."`
	Force           bool `help:"Replace roagent.yaml and fieldmap.yaml where they are there."`
	JSON            bool `name:"json" help:"Print JSON."`
}

// flags returns what the command line answers.
func (c initCommand) flags() answers {
	a := answers{}
	for key, value := range map[string]string{
		"dealer.id": c.DealerID, "dealer.name": c.DealerName, "dealer.timezone": c.Timezone,
		"dms.driver": c.Driver, "dms.path": c.Path, "dms.server": c.Server, "dms.database": c.Database, "dms.user": c.User, "dms.password": c.Password,
		"dms.encrypt": c.Encrypt, "dms.certificate": c.Certificate,
		"collector.url": c.Collector, "collector.token": c.Token, "collector.receipt_key": c.ReceiptKey,
		"whitelist.recipient": c.Recipient, "whitelist.purpose": c.Purpose, "whitelist.agreement": c.Agreement,
		"tables.orders": c.Orders, "tables.job": c.Jobs, "tables.parts": c.Parts, "tables.customer": c.Customer, "tables.vehicle": c.Vehicle,
	} {
		if value != "" {
			a[key] = value
		}
	}
	return a
}

// setup is one run of init.
type setup struct {
	*program
	command initCommand
	dir     string // of the configuration
	answers answers
	asker   *asker // nil: nobody is there to be asked
	out     io.Writer
}

// Run asks for what is needed, tests it, reads the DMS's catalogue and writes roagent.yaml with a draft of a whitelist. It reads
// no row of the DMS.
func (c initCommand) Run(p *program) error {
	absolute, err := filepath.Abs(p.config)
	if err != nil {
		return &usageError{"the path of the configuration: " + err.Error(), ""}
	}
	s := &setup{program: p, command: c, dir: filepath.Dir(absolute), out: p.stderr}
	if err := s.mayWrite(); err != nil {
		return err
	}
	err = s.know()
	if fromTerminal(p.stdin) || p.atTerminal {
		s.asker = newAsker(p.stdin, p.stderr)
	} else {
		err = errors.Join(err, s.answers.missing())
	}
	if err != nil {
		return err
	}
	schema, err := s.ask()
	if err != nil {
		return err
	}
	d, err := s.draft(schema)
	if err != nil {
		return err
	}
	if err := s.write(d); err != nil {
		return err
	}
	return s.report(d)
}

// know takes what flags and the answers file say, and tells at once all that is wrong with it.
func (s *setup) know() error {
	s.answers = s.command.flags()
	var wrong []error
	if s.command.Answers != "" {
		file, err := readAnswers(s.command.Answers)
		if err != nil {
			wrong = append(wrong, err)
		}
		for key, value := range file {
			s.answers[key] = cmp.Or(s.answers[key], value)
		}
	}
	for _, q := range questions() {
		if _, known := s.answers[q.key]; !known {
			continue
		}
		if err := s.take(q); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// take makes of a given answer what is kept, and checks it.
func (s *setup) take(q question) error {
	value := s.answers[q.key]
	if q.secret {
		secret, err := q.resolve(value, s.dir, s.dataDir())
		if err != nil {
			return err
		}
		value = secret
	}
	s.answers[q.key] = q.tidied(value)
	if err := q.check(s.answers, s.dir); err != nil {
		return &usageError{q.flag() + ": " + err.Error(), ""}
	}
	return nil
}

func (s *setup) dataDir() string { return supervisor.DataOf(s.files()[1]) }

// ask asks what is missing, group by group, and tests each group until it holds. It returns the DMS's catalogue.
func (s *setup) ask() (*draft.Schema, error) {
	if err := s.group("dealer.", func() error { return nil }); err != nil {
		return nil, err
	}
	var schema *draft.Schema
	err := s.group("dms.", func() (err error) {
		schema, err = s.catalog()
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.group("collector.", s.tryCollector); err != nil {
		return nil, err
	}
	return schema, s.group("whitelist.", func() error { return nil })
}

// group asks the questions of a group that are open, and tries what was answered. Where that fails, a person is told why and
// answers what is at fault once more.
func (s *setup) group(prefix string, try func() error) error {
	for {
		for _, q := range questions() {
			if strings.HasPrefix(q.key, prefix) && q.open(s.answers) && s.asker != nil {
				if q.key == "dms.database" && s.pickDatabase() {
					continue
				}
				if err := s.asker.ask(q, s.answers, s.dir); err != nil {
					return err
				}
			}
		}
		err := try()
		if err == nil || s.asker == nil || s.ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(s.out, "  %v\n", err)
		for _, key := range atFault(prefix, s.answers, err) {
			delete(s.answers, key)
		}
	}
}

// atFault returns the answers that an error speaks of: they are asked for again.
func atFault(prefix string, a answers, err error) []string {
	var database *extract.DatabaseError
	var collector *upload.SendError
	switch {
	case prefix == "dms." && a["dms.driver"] == "sqlite":
		return []string{"dms.driver", "dms.path"}
	case errors.As(err, &collector) && (collector.Class == upload.ClassUnauthorized || collector.Class == upload.ClassLeft):
		return []string{"dealer.id", "collector.token"}
	case prefix == "collector.":
		return []string{"collector.url"}
	case errors.As(err, &database) && slices.Contains([]int{18456, 18452, 18486, 18487, 18488}, database.Number):
		return []string{"dms.user", "dms.password"}
	case errors.As(err, &database) && slices.Contains([]int{4060, 911, 916}, database.Number):
		return []string{"dms.database"}
	case strings.Contains(err.Error(), "certificate"):
		return []string{"dms.encrypt", "dms.certificate"}
	}
	return []string{"dms.server", "dms.user", "dms.password", "dms.encrypt", "dms.certificate"}
}

// extractConfig is what the answers say of the DMS. What is not answered yet does not matter to it.
func (s *setup) extractConfig() (extract.Config, *Config, error) {
	all := answers{"collector.url": "https://x.example", "collector.receipt_key": anyVerifier, "dms.database": "master"}
	maps.Copy(all, s.answers)
	config, err := parseConfig("", s.dir, []byte(all.config("data")))
	if err != nil {
		return extract.Config{}, nil, err
	}
	d := config.DMS
	return extract.Config{
		Driver: d.Driver, Server: d.Server, Database: d.Database, User: d.User, Password: s.answers["dms.password"], Encrypt: d.Encrypt,
		Certificate: d.Certificate, Path: d.Path, Params: d.Params, Zone: d.Zone, DealerZone: config.Dealer.Zone, Wrap: s.wrap, Jitter: s.jitter, Tries: 1,
	}, config, nil
}

// catalog signs in to the DMS and reads its catalogue.
func (s *setup) catalog() (*draft.Schema, error) {
	c, _, err := s.extractConfig()
	if err != nil {
		return nil, err
	}
	dms, err := extract.Open(s.ctx, c)
	if err != nil {
		return nil, err
	}
	schema, err := dms.Catalog(s.ctx)
	if err := errors.Join(err, dms.Close()); err != nil {
		return nil, err
	}
	views := 0
	for _, t := range schema.Tables {
		if t.View {
			views++
		}
	}
	fmt.Fprintf(s.out, "The DMS can be signed in to; the login sees %s and %s there. Only their names, types and keys were read.\n", plural(len(schema.Tables)-views, "table"), plural(views, "view"))
	return schema, nil
}

// pickDatabase lets a person choose among the databases that the login may use. It reports whether one was chosen: a
// login may be let into its own database only.
func (s *setup) pickDatabase() bool {
	c, _, err := s.extractConfig()
	if err != nil {
		return false
	}
	names, err := extract.Databases(s.ctx, c)
	if err != nil || len(names) == 0 {
		return false
	}
	chosen, err := s.asker.choose("The databases that the login may use", names, 0)
	if err != nil {
		return false
	}
	s.answers["dms.database"] = names[chosen]
	return true
}

// tryCollector asks the collector whether it knows the dealer and the token, and shows by what receipts are known.
func (s *setup) tryCollector() error {
	_, config, err := s.extractConfig()
	if err != nil {
		return err
	}
	key := config.Collector.ReceiptKey
	fmt.Fprintf(s.out, "Receipts will be verified with the key %s+%08x. Compare that with what the collector's operator says.\n", key.Name(), key.KeyHash())
	if s.command.NoCollectorTest {
		fmt.Fprintln(s.out, "The collector was not asked (--no-collector-test).")
		return nil
	}
	sender := upload.NewSender(upload.NewQueue(s.dataDir(), s.answers["dealer.id"]))
	sender.URL, sender.Token, sender.ReceiptKey = config.Collector.URL, s.answers["collector.token"], key
	sender.Version, sender.Retries, sender.Timeout = agentVersion(), 0, 30*time.Second
	if sender.Transport = s.transport; sender.Transport == nil {
		if sender.Transport, err = newTransport(config.Collector); err != nil {
			return err
		}
	}
	weeks, err := sender.Weeks(s.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "The collector knows %s and takes the token", s.answers["dealer.id"])
	if len(weeks) > 0 {
		fmt.Fprintf(s.out, "; it holds orders of %s already", plural(len(weeks), "week"))
	}
	fmt.Fprintln(s.out, ".")
	return nil
}

// draft guesses a whitelist. Where two tables are as likely, a person decides; where nobody is there, the likelier one is
// taken, and the draft says so.
func (s *setup) draft(schema *draft.Schema) (*draft.Draft, error) {
	o := draft.Options{
		Recipient: s.answers["whitelist.recipient"], Purpose: s.answers["whitelist.purpose"], Agreement: s.answers["whitelist.agreement"],
		Tables: map[draft.Role]fieldmap.Table{},
	}
	o.Unit, o.Currency = customs(s.answers["dealer.timezone"])
	for _, role := range draft.Roles() {
		if name := s.answers["tables."+string(role)]; name != "" {
			t := findTable(schema, name)
			if t == nil {
				return nil, &usageError{"the DMS has no table or view " + printable(name), "look for a misspelling; or the login may lack the right to see it, which is SELECT on the table"}
			}
			o.Tables[role] = t.Name
		}
	}
	for {
		d, err := draft.Make(schema, o)
		if none, ok := errors.AsType[*draft.NoOrdersError](err); ok {
			return nil, &usageError{none.Message + ": nothing was written", none.Hint}
		}
		if err != nil || s.asker == nil {
			return d, err
		}
		again, err := s.settle(schema, d, o)
		if err != nil || !again {
			return d, err
		}
	}
}

// settle asks which of several tables is meant, and reports whether the draft is to be made anew.
func (s *setup) settle(schema *draft.Schema, d *draft.Draft, o draft.Options) (again bool, err error) {
	for _, g := range d.Tables {
		if _, named := o.Tables[g.Role]; named || len(g.Others) == 0 {
			continue
		}
		names := append([]string{g.Table}, g.Others...)
		i, err := s.asker.choose(fmt.Sprintf("Several tables could be %s", g.Role.Words()), names, 0)
		if err != nil {
			return false, err
		}
		o.Tables[g.Role] = findTable(schema, names[i]).Name
		return true, nil
	}
	return false, nil
}

// findTable finds a table as a person writes it: with its schema or without.
func findTable(schema *draft.Schema, name string) *draft.Table {
	for _, t := range schema.Tables {
		if strings.EqualFold(t.Name.String(), name) || strings.EqualFold(t.Name.Schema+"."+t.Name.Name, name) {
			return t
		}
	}
	for _, t := range schema.Tables {
		if strings.EqualFold(t.Name.Name, name) {
			return t
		}
	}
	return nil
}

// customs guesses in what distances and money are counted where the dealer's clock is.
func customs(zone string) (unit, currency string) {
	canada := []string{"Toronto", "Vancouver", "Winnipeg", "Edmonton", "Halifax", "St_Johns", "Regina", "Moncton", "Montreal", "Whitehorse"}
	place, city, _ := strings.Cut(zone, "/")
	switch {
	case zone == "Europe/London":
		return "SMI", "GBP"
	case place == "Europe":
		return "KMT", "EUR"
	case slices.Contains(canada, city):
		return "KMT", "CAD"
	}
	return "SMI", "USD"
}

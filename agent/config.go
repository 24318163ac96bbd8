package main

import (
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"

	"roagent/fieldmap/strictyaml"
)

// Config is a roagent.yaml, checked, with its defaults filled in. Paths are absolute.
type Config struct {
	Dealer    DealerConfig
	DMS       DMSConfig
	Fieldmap  string // the whitelist's file
	DataDir   string
	Schedule  ScheduleConfig
	Collector CollectorConfig
	Queue     QueueConfig
	Retention RetentionConfig
	Status    StatusConfig
	Log       LogConfig
}

// DealerConfig says whose orders are read.
type DealerConfig struct {
	ID   string
	Name string
	Zone *time.Location // of weeks and the schedule
}

// DMSConfig says where orders are read.
type DMSConfig struct {
	Driver      string // sqlserver, sqlite
	Server      string // host, host:port or host\instance
	Database    string
	User        string // "": Windows integrated security
	Password    Secret
	Encrypt     string // true, strict, false; "" for sqlite
	Certificate string // "": the machine's certificate authorities
	Path        string // sqlite
	Zone        *time.Location
	Params      map[string]string
}

// ScheduleConfig says when orders are read.
type ScheduleConfig struct {
	Pull          string // cron expression of five fields, in the dealer's time
	Spread        time.Duration
	StopBy        *time.Duration // since midnight, dealer's time; nil: a pull runs until it is done
	Settle        time.Duration
	LookbackWeeks int
}

// CollectorConfig says where orders are sent.
type CollectorConfig struct {
	URL               string // without a slash at its end
	Token             Secret
	CA                string // "": the machine's certificate authorities
	ClientCertificate string
	ClientKey         string
	ReceiptKey        note.Verifier
	ReceiptKeyText    string // ReceiptKey as it is written
	Proxy             string // "": the environment's
}

// QueueConfig bounds what waits to be sent.
type QueueConfig struct {
	MaxSize     int64 // bytes
	BatchOrders int
	Hold        time.Duration
}

// RetentionConfig says how long is kept what has been sent, and logged.
type RetentionConfig struct{ Sent, Logs time.Duration }

// StatusConfig says where the status page is.
type StatusConfig struct{ Listen string } // "": off

// LogConfig says what is logged, and how.
type LogConfig struct {
	Level  slog.Level
	Format string // text, json
}

// LoadConfig reads a roagent.yaml. Its error is a *strictyaml.Problems with everything that is wrong; the
// configuration comes with it wherever the file could be read, so that the whitelist's problems can be told too.
func LoadConfig(path string) (*Config, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, &usageError{"the path of the configuration: " + err.Error(), ""}
	}
	source, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseConfig(path, filepath.Dir(absolute), source)
}

// parseConfig reads the text of a configuration whose relative paths begin in dir.
func parseConfig(file, dir string, source []byte) (*Config, error) {
	root, problems := strictyaml.Parse(file, source)
	problems.Source = hideSecrets(problems.Source)
	if !root.Given() {
		return nil, problems.Err()
	}
	o := root.Object("dealer dms collector", "fieldmap data_dir schedule queue retention status log")
	r := configReader{dir: dir}
	c := &Config{
		Dealer:    r.dealer(o.Get("dealer")),
		Fieldmap:  r.path(o.Get("fieldmap"), "fieldmap.yaml"),
		DataDir:   r.path(o.Get("data_dir"), "data"),
		Schedule:  readSchedule(o.Get("schedule")),
		Collector: r.collector(o.Get("collector")),
		Queue:     readQueue(o.Get("queue")),
		Retention: readRetention(o.Get("retention")),
		Status:    readStatus(o.Get("status")),
		Log:       readLog(o.Get("log")),
	}
	c.DMS = r.dms(o.Get("dms"), c.Dealer.Zone)
	return c, problems.Err()
}

// configReader reads the parts of a configuration that name files.
type configReader struct{ dir string }

// path reads the path of a file or folder. otherwise is what it is where the key is left out.
func (r configReader) path(n strictyaml.Node, otherwise string) string {
	path := otherwise
	if n.Given() {
		path = n.Text()
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(r.dir, path)
}

func (r configReader) dealer(n strictyaml.Node) DealerConfig {
	o := n.Object("id timezone", "name")
	d := DealerConfig{ID: o.Get("id").Text(), Name: o.Get("name").Text(), Zone: readZone(o.Get("timezone"), time.UTC)}
	if d.ID != "" && !dealerID.MatchString(d.ID) {
		o.Get("id").Problem("it is the code that the collector knows the store by, such as \"04123\"", "a dealer's id has only letters, digits, - and _, at most 64")
	}
	return d
}

func (r configReader) collector(n strictyaml.Node) CollectorConfig {
	o := n.Object("url receipt_key", "token ca client_certificate client_key proxy")
	c := CollectorConfig{
		URL:               readCollectorURL(o.Get("url")),
		Token:             r.secret(o.Get("token")),
		CA:                r.path(o.Get("ca"), ""),
		ClientCertificate: r.path(o.Get("client_certificate"), ""),
		ClientKey:         r.path(o.Get("client_key"), ""),
		Proxy:             readProxy(o.Get("proxy")),
	}
	c.ReceiptKey, c.ReceiptKeyText = readVerifier(o.Get("receipt_key"))
	certificate, key := o.Get("client_certificate"), o.Get("client_key")
	if certificate.Given() && !key.Given() {
		certificate.Problem("add client_key: the file with its private key", "a client certificate is of no use without its key")
	}
	if key.Given() && !certificate.Given() {
		key.Problem("add client_certificate: the file with the certificate", "a client key is of no use without its certificate")
	}
	if !o.Get("token").Given() && !certificate.Given() && o.IsObject() {
		o.Problem("add token: credential:collector, or client_certificate and client_key", "nothing tells the collector who sends")
	}
	return c
}

func readSchedule(n strictyaml.Node) ScheduleConfig {
	o := n.Object("", "pull spread stop_by settle lookback_weeks")
	s := ScheduleConfig{
		Pull:          "30 2 * * MON",
		Spread:        readSpan(o.Get("spread"), 2*time.Hour, 0, 7*day),
		StopBy:        readClock(o.Get("stop_by")),
		Settle:        readSpan(o.Get("settle"), 10*time.Minute, 0, 7*day),
		LookbackWeeks: 4,
	}
	if n := o.Get("pull"); n.Given() {
		s.Pull = readCron(n)
	}
	if n := o.Get("lookback_weeks"); n.Given() {
		s.LookbackWeeks = n.Int(0, 52)
	}
	return s
}

func readQueue(n strictyaml.Node) QueueConfig {
	o := n.Object("", "max_size batch_orders hold")
	q := QueueConfig{MaxSize: readSize(o.Get("max_size"), 2_000_000_000), BatchOrders: 500, Hold: readSpan(o.Get("hold"), 0, 0, 90*day)}
	if n := o.Get("batch_orders"); n.Given() {
		q.BatchOrders = n.Int(1, 5000)
	}
	return q
}

func readRetention(n strictyaml.Node) RetentionConfig {
	o := n.Object("", "sent logs")
	return RetentionConfig{
		Sent: readSpan(o.Get("sent"), 2*year, day, 10*year),
		Logs: readSpan(o.Get("logs"), 90*day, day, 10*year),
	}
}

func readStatus(n strictyaml.Node) StatusConfig {
	s := StatusConfig{Listen: "127.0.0.1:8787"}
	if n := n.Object("", "listen").Get("listen"); n.Given() {
		s.Listen = readListen(n)
	}
	return s
}

func readLog(n strictyaml.Node) LogConfig {
	o := n.Object("", "level format")
	l := LogConfig{Format: "text"}
	if n := o.Get("level"); n.Given() {
		if level := n.OneOf("debug", "info", "warn", "error"); level != "" {
			_ = l.Level.UnmarshalText([]byte(level)) // one of its own words
		}
	}
	if n := o.Get("format"); n.Given() {
		l.Format = n.OneOf("text", "json")
	}
	return l
}

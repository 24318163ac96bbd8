package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"roagent/fieldmap/strictyaml"
)

// answers is what init knows, by the key of the configuration (dealer.id), of the whitelist (whitelist.purpose) or of a
// table (tables.orders). A secret is itself here, and never in what is written.
type answers map[string]string

// question is one thing that init must know.
type question struct {
	key       string
	prompt    string
	otherwise string // what it is where nothing is answered; "" where it must be answered, unless optional
	optional  bool
	secret    bool
	driver    string // that needs it; "": both
}

// questions are asked in this order. Each has a flag: dealer.id is --dealer-id.
func questions() []question {
	return []question{
		{key: "dealer.id", prompt: "The dealer's id, as the maker gave it"},
		{key: "dealer.name", prompt: "The dealer's name"},
		{key: "dealer.timezone", prompt: "The dealer's time zone: Eastern, Central, Mountain, Pacific, or a name such as America/Toronto"},
		{key: "dms.driver", prompt: "The DMS's database: sqlserver or sqlite", otherwise: "sqlserver"},
		{key: "dms.path", prompt: "The SQLite file", driver: "sqlite"},
		{key: "dms.server", prompt: `The DMS's server: host, host:port or host\instance`, driver: "sqlserver"},
		{key: "dms.encrypt", prompt: "Encryption: true, strict (SQL Server 2022) or false", otherwise: "true", driver: "sqlserver"},
		{key: "dms.certificate", prompt: "The server's own certificate, a .pem file (nothing: one of an authority that this machine trusts)", optional: true, driver: "sqlserver"},
		{key: "dms.user", prompt: "The login (nothing: the service's Windows account)", optional: true, driver: "sqlserver"},
		{key: "dms.password", prompt: "Its password (not shown)", secret: true, driver: "sqlserver"},
		{key: "dms.database", prompt: "The database", driver: "sqlserver"},
		{key: "collector.url", prompt: "The collector's address: https://…"},
		{key: "collector.token", prompt: "The token that the collector's operator gave (not shown)", secret: true},
		{key: "collector.receipt_key", prompt: "The key that receipts are verified with: name+hash+key, what 'rocollector key' prints"},
		{key: "whitelist.recipient", prompt: "Who gets the orders: company and department"},
		{key: "whitelist.purpose", prompt: "What for, as the agreement says it"},
		{key: "whitelist.agreement", prompt: "The agreement's number or title"},
	}
}

// flag is the question's flag: --dealer-id.
func (q question) flag() string {
	name := strings.NewReplacer(".", "-", "_", "-").Replace(q.key)
	for _, prefix := range []string{"dms-", "whitelist-"} {
		name = strings.TrimPrefix(name, prefix)
	}
	switch q.key {
	case "dealer.timezone":
		name = "timezone"
	case "collector.url":
		name = "collector"
	case "collector.token":
		name = "token"
	case "collector.receipt_key":
		name = "receipt-key"
	}
	return "--" + name
}

// asked reports whether the question must be answered, given what is known.
func (q question) asked(a answers) bool {
	if q.driver != "" && q.driver != cmp.Or(a["dms.driver"], "sqlserver") {
		return false
	}
	return q.key != "dms.password" || a["dms.user"] != ""
}

// open reports whether an answer is missing.
func (q question) open(a answers) bool {
	_, known := a[q.key]
	return q.asked(a) && !known
}

// tableKeys are the answers that name tables.
func tableKeys() []string {
	return []string{"tables.orders", "tables.job", "tables.parts", "tables.customer", "tables.vehicle"}
}

// zoneNames are what people call the time zones of North America.
func zoneNames() map[string]string {
	return map[string]string{
		"eastern": "America/New_York", "central": "America/Chicago", "mountain": "America/Denver", "pacific": "America/Los_Angeles",
		"arizona": "America/Phoenix", "alaska": "America/Anchorage", "hawaii": "Pacific/Honolulu", "atlantic": "America/Halifax", "newfoundland": "America/St_Johns",
	}
}

// tidied is an answer as it is kept.
func (q question) tidied(text string) string {
	if q.secret {
		return text
	}
	text = strings.TrimSpace(text)
	if q.key == "dealer.timezone" {
		name := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(text), " time"), " standard"), " daylight")
		return cmp.Or(zoneNames()[name], text)
	}
	return text
}

// check says what is wrong with an answer, in the words of the configuration's own parser.
func (q question) check(a answers, dir string) error {
	value := a[q.key]
	if q.secret {
		if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
			return errors.New("it is empty, or has a control character in it")
		}
		return nil
	}
	if value == "" && q.optional {
		return nil
	}
	if strings.HasPrefix(q.key, "whitelist.") {
		if !isName(value) {
			return errors.New("write it in one line of at most 200 characters; the dealer signs it")
		}
		return nil
	}
	valid := answers{
		"dealer.id": "1", "dealer.name": "x", "dealer.timezone": "UTC", "dms.driver": "sqlserver", "dms.server": "x", "dms.database": "x", "dms.path": "x",
		"collector.url": "https://x.example", "collector.token": "x", "collector.receipt_key": anyVerifier,
	}
	valid[q.key] = value
	if q.driver != "" {
		valid["dms.driver"] = q.driver
	}
	if q.key == "dms.user" {
		valid["dms.password"] = "x"
	}
	_, err := parseConfig("", dir, []byte(valid.config("data")))
	problems, ok := errors.AsType[*strictyaml.Problems](err)
	if !ok {
		return err
	}
	first := problems.List[0]
	return errors.New(withHint(first.Message, first.Hint))
}

// anyVerifier stands for a key that has not been given yet: what is parsed with it is thrown away.
const anyVerifier = "collector.demo+02e860eb+ARxhNZuuNjjdYzOzPsxdbfSO2zJ2CaLhWGYDDXOkT8Ap"

// missing says at once all that is not known, with the flags that tell it.
func (a answers) missing() error {
	var lines []string
	for _, q := range questions() {
		if !q.open(a) || q.optional {
			continue
		}
		if q.otherwise != "" {
			a[q.key] = q.otherwise
			continue
		}
		lines = append(lines, fmt.Sprintf("%-14s %s", q.flag(), q.prompt))
	}
	if len(lines) == 0 {
		return nil
	}
	return &usageError{
		"nobody is at a terminal to be asked, and this is missing: nothing was written",
		strings.Join(lines, "\n  ") + "\n  or put them into a file, with --answers FILE: dealer: {id: …}, dms: {…}, collector: {…}, whitelist: {…}",
	}
}

// readAnswers reads an answers file: the shape of roagent.yaml, with whitelist and tables besides.
func readAnswers(path string) (answers, error) {
	source, err := strictyaml.ReadFile(path)
	if err != nil {
		return nil, &usageError{"--answers: " + err.Error(), ""}
	}
	root, problems := strictyaml.Parse(path, source)
	problems.Source = hideSecrets(problems.Source)
	keys := map[string][]string{}
	for _, key := range answerKeys() {
		part, rest, _ := strings.Cut(key, ".")
		keys[part] = append(keys[part], rest)
	}
	o := root.Object("", strings.Join(slices.Sorted(maps.Keys(keys)), " "))
	a := answers{}
	for _, part := range slices.Sorted(maps.Keys(keys)) {
		if !o.Get(part).Given() {
			continue
		}
		in := o.Get(part).Object("", strings.Join(keys[part], " "))
		for _, key := range keys[part] {
			if n := in.Get(key); n.Given() {
				a[part+"."+key] = n.Text()
			}
		}
	}
	return a, problems.Err()
}

func answerKeys() []string {
	keys := tableKeys()
	for _, q := range questions() {
		keys = append(keys, q.key)
	}
	return keys
}

// resolve returns the secret that env:NAME, file:PATH or credential:NAME names. Secrets are no part of a command line, which
// every account of a machine can see.
func (q question) resolve(ref, dir, dataDir string) (string, error) {
	kind, name, _ := strings.Cut(ref, ":")
	s := Secret{kind: secretKind(kind), name: name}
	if s.kind == fileSecret && !filepath.IsAbs(name) {
		s.name = filepath.Join(dir, name)
	}
	if s.kind != fileSecret && s.kind != envSecret && s.kind != credentialSecret || name == "" {
		return "", &usageError{q.flag() + ": a secret is not given itself", "write file:PATH, env:NAME or credential:NAME; init keeps what is there as a credential"}
	}
	value, err := s.Resolve(dataDir)
	if err != nil {
		return "", &usageError{q.flag() + ": " + err.Error(), ""}
	}
	return value, nil
}

// quoted writes a text as YAML.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(fmt.Sprintf("write a text: %v", err)) // JSON can hold any text
	}
	return string(b)
}

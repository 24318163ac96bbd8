package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"roagent/agent/supervisor"
	"roagent/extract"
	"roagent/fieldmap"
	"roagent/fieldmap/strictyaml"
	"roagent/upload"
)

// site is one store, opened: its configuration, its whitelist and its queue.
type site struct {
	config *Config
	plan   *fieldmap.Plan
	queue  *upload.Queue
	log    *slog.Logger
	meter  *meter // nil: nothing is counted

	seams
}

// load reads the configuration and the whitelist. The problems of both are reported at once.
func (p *program) load() (*Config, *fieldmap.Plan, error) {
	config, err := LoadConfig(p.config)
	if config == nil {
		return nil, nil, err
	}
	whitelist, whitelistErr := fieldmap.ParseFile(config.Fieldmap)
	if err := errors.Join(err, whitelistErr); err != nil {
		return nil, nil, err
	}
	return config, whitelist.Compile(), nil
}

// openSite opens the store that the configuration names, for one command.
func (p *program) openSite() (*site, error) {
	config, plan, err := p.load()
	if err != nil {
		return nil, err
	}
	return p.openStore(config, plan)
}

// openLedger opens the store for a command that looks back, whatever has become of the whitelist since: the site has no
// plan.
func (p *program) openLedger() (*site, error) {
	config, err := LoadConfig(p.config)
	if err != nil {
		return nil, err
	}
	return p.openStore(config, nil)
}

func (p *program) openStore(config *Config, plan *fieldmap.Plan) (*site, error) {
	if err := config.checkFolders(p.config); err != nil {
		return nil, err
	}
	return p.openQueue(config, plan)
}

// openQueue opens the store, whoever may look into its folders.
func (p *program) openQueue(config *Config, plan *fieldmap.Plan) (*site, error) {
	log := p.logger(config.Log.Level, config.Log.Format)
	queue := upload.NewQueue(config.DataDir, config.Dealer.ID)
	queue.MaxSize, queue.Hold = config.Queue.MaxSize, config.Queue.Hold
	queue.Zones = upload.Zones{Weeks: config.Dealer.Zone.String(), Times: config.DMS.Zone.String()}
	queue.Clock = p.clock
	queue.Logger, queue.Transact, queue.Program = log, p.transact, agentVersion()
	if err := queue.Open(); err != nil {
		return nil, err
	}
	s := &site{config: config, plan: plan, queue: queue, log: log, meter: p.meter, seams: p.seams}
	if err := supervisor.KeepOwner(config.DataDir); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// checkFolders refuses a store that accounts of this machine may look into or change that must not: an error and not a
// warning, since nobody reads the log of a service that works.
func (c *Config) checkFolders(file string) error {
	return loose(supervisor.CheckFolders(c.DataDir, file, c.Fieldmap))
}

// loose gives what others may use the command that mends it.
func loose(err error) error {
	if loose, ok := errors.AsType[*supervisor.LooseError](err); ok {
		return &usageError{loose.Error(), "run: " + loose.Command}
	}
	return err
}

func (s *site) close() {
	if err := s.queue.Close(); err != nil {
		s.log.Error("queue not closed", "error", err)
	}
	if err := supervisor.KeepOwner(s.config.DataDir); err != nil {
		s.log.Error("data folder not given to its owner", "error", err)
	}
}

// whoKey names the key of the tags by which 'ledger who' finds what is about a car or a customer. It is one of its own,
// so that the key of the HASH masks tells nobody who is in the queue.
const whoKey = "who"

// openDMS signs in to the DMS and checks its schema against the whitelist.
func (s *site) openDMS(ctx context.Context) (*extract.DMS, *extract.Reader, error) {
	dms, reader, findings, err := s.bindDMS(ctx)
	for _, f := range findings {
		s.log.Warn("the DMS could serve this better", "finding", f.String())
	}
	return dms, reader, err
}

// bindDMS is openDMS, with what the check found besides.
func (s *site) bindDMS(ctx context.Context) (*extract.DMS, *extract.Reader, []extract.Finding, error) {
	c, err := s.config.extractConfig()
	if err != nil {
		return nil, nil, nil, err
	}
	c.Logger, c.Wrap, c.Jitter = s.log, s.wrap, s.jitter
	dms, err := extract.Open(ctx, c)
	if err != nil {
		return nil, nil, nil, err
	}
	hashKey, err := s.queue.Key("hash")
	if err != nil {
		return nil, nil, nil, errors.Join(err, dms.Close())
	}
	tagKey, err := s.queue.Key(whoKey)
	if err != nil {
		return nil, nil, nil, errors.Join(err, dms.Close())
	}
	reader, findings, err := dms.Bind(ctx, s.plan, hashKey, tagKey)
	if err != nil {
		return nil, nil, nil, errors.Join(s.placed(err), dms.Close())
	}
	return dms, reader, findings, nil
}

// extractConfig says where the DMS is, with the password itself.
func (c *Config) extractConfig() (extract.Config, error) {
	password, err := c.DMS.Password.Resolve(c.DataDir)
	if err != nil {
		return extract.Config{}, &usageError{"dms.password: " + err.Error(), ""}
	}
	d := c.DMS
	return extract.Config{
		Driver: d.Driver, Server: d.Server, Database: d.Database, User: d.User, Password: password, Encrypt: d.Encrypt,
		Certificate: d.Certificate, Path: d.Path, Params: d.Params, Zone: d.Zone, DealerZone: c.Dealer.Zone,
	}, nil
}

// placed gives problems that the DMS showed in the whitelist their file and its lines.
func (s *site) placed(err error) error { return placed(err, s.config.Fieldmap) }

func placed(err error, file string) error {
	if schema, ok := errors.AsType[*extract.SchemaError](err); ok {
		inFile(schema.Problems, file)
	}
	return err
}

// inFile gives problems their file and its lines.
func inFile(problems *strictyaml.Problems, file string) {
	problems.File = file
	if source, err := strictyaml.ReadFile(file); err == nil {
		problems.Source = source
	}
}

// sender returns what sends this store's queue to its collector.
func (s *site) sender() (*upload.Sender, error) {
	c := s.config.Collector
	token, err := c.Token.Resolve(s.config.DataDir)
	if err != nil {
		return nil, &usageError{"collector.token: " + err.Error(), ""}
	}
	transport := s.transport
	if transport == nil {
		if transport, err = newTransport(c); err != nil {
			return nil, err
		}
	}
	sender := upload.NewSender(s.queue)
	sender.URL, sender.Token, sender.ReceiptKey = c.URL, token, c.ReceiptKey
	sender.Transport = s.meter.transport(transport, s.queue, s.now)
	sender.Timezone = s.config.Dealer.Zone.String()
	sender.Version = agentVersion()
	sender.Logger, sender.Jitter = s.log, s.jitter
	return sender, nil
}

// newTransport returns the way to the collector: its certificate authority, the store's certificate, the proxy.
func newTransport(c CollectorConfig) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("collector.ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &usageError{"collector.ca: there is no certificate in " + c.CA, "it is a PEM file that begins with -----BEGIN CERTIFICATE-----"}
		}
	}
	if c.ClientCertificate != "" {
		pair, err := tls.LoadX509KeyPair(c.ClientCertificate, c.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("collector.client_certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	proxy, err := c.proxyOf()
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy: proxy, TLSClientConfig: config, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: 2 * time.Minute, IdleConnTimeout: 90 * time.Second,
		MaxIdleConnsPerHost: 1,
	}, nil
}

// proxyOf returns what chooses the proxy for a request to the collector.
func (c CollectorConfig) proxyOf() (func(*http.Request) (*url.URL, error), error) {
	if c.Proxy == "" {
		return http.ProxyFromEnvironment, nil
	}
	address, err := url.Parse(c.Proxy)
	if err != nil {
		return nil, fmt.Errorf("collector.proxy: %w", err)
	}
	return http.ProxyURL(address), nil
}

// schedule returns when this store pulls. Its part of the spread is drawn from the site's own key, so it is chosen once
// and kept, and is another one at every site.
func (s *site) schedule() (Schedule, error) {
	key, err := s.queue.Key("hash")
	if err != nil {
		return Schedule{}, err
	}
	c := s.config.Schedule
	part := partOf(key, "roagent schedule.spread")
	return Schedule{
		Cron: c.Pull, Zone: s.config.Dealer.Zone, StopBy: c.StopBy, Settle: c.Settle,
		Spread: time.Duration(part * float64(c.Spread)).Truncate(time.Second),
	}, nil
}

// partOf draws a number from 0 to 1 from a site's key, for one use.
func partOf(key []byte, use string) float64 {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(use))
	return float64(binary.BigEndian.Uint32(mac.Sum(nil))) / (1 << 32)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	return nil
}

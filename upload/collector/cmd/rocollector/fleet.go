package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
	_ "time/tzdata" // stores are in many zones, and Windows has no zone files

	"roagent/upload/collector"
	"roagent/upload/collector/fleet"
	"roagent/upload/collector/fleet/signin"
	"roagent/upload/collector/metrics"
	"roagent/upload/localpage"
)

// fleetFlags are the flags of the page about all dealers. Without --fleet there is none.
type fleetFlags struct {
	Fleet         string        `placeholder:"ADDR" help:"Also serve the page about all dealers, on this address of its own. Needs --fleet-url and one way to sign in."`
	FleetURL      string        `name:"fleet-url" placeholder:"URL" help:"What people type to see that page, like https://fleet.example.com. No other name is answered."`
	FleetHeader   string        `name:"fleet-header" placeholder:"NAME" help:"Sign-in by a reverse proxy: the header in which it names the person, like X-Forwarded-User."`
	FleetProxy    []string      `name:"fleet-proxy" placeholder:"CIDR" help:"The proxy's addresses, like 10.0.0.7 or 10.0.0.0/28. The header counts from nowhere else."`
	FleetOIDC     string        `name:"fleet-oidc" placeholder:"ISSUER" help:"Sign-in by an OpenID provider, like https://accounts.google.com. It must know URL/signin/callback."`
	FleetClient   string        `name:"fleet-oidc-client" placeholder:"ID" help:"The client's id at the provider."`
	FleetSecret   string        `name:"fleet-oidc-secret" placeholder:"FILE" help:"File with the client's secret."`
	FleetScopes   []string      `name:"fleet-oidc-scope" placeholder:"SCOPE" help:"What else to ask the provider for, like groups."`
	FleetAllow    []string      `name:"fleet-allow" placeholder:"WHO" help:"Whom of the provider's people to let in: @example.com, a@example.com or group:NAME."`
	FleetZone     string        `name:"fleet-zone" default:"UTC" placeholder:"ZONE" help:"Time zone of that page, and of a store that has not closed a week yet, like America/New_York."`
	FleetDeadline string        `name:"fleet-deadline" default:"09:00" placeholder:"HH:MM" help:"When on Monday a week must be in, in the store's time zone."`
	FleetSilent   time.Duration `name:"fleet-silent" default:"12h" help:"How long without a heartbeat is silence."`
}

// fleetServer is the page, ready to be served.
type fleetServer struct {
	listener net.Listener
	server   *http.Server
}

// listenFleet listens for the page; nil where it is not asked for.
func (f *fleetFlags) listenFleet(ctx context.Context, store collector.Store, config *tls.Config, logger *slog.Logger, counts *metrics.Metrics) (*fleetServer, error) {
	if f.Fleet == "" {
		return nil, nil
	}
	gate, err := f.gate(ctx, store, logger)
	if err != nil {
		return nil, err
	}
	page, err := f.page(store, gate)
	if err != nil {
		return nil, err
	}
	page.Logger, page.Index.Logger = logger, logger
	if err := counts.AddFleet(page); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", f.Fleet)
	if err != nil {
		return nil, err
	}
	if config != nil { // people have no client certificates
		config = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: config.GetCertificate}
	}
	logger.InfoContext(ctx, "listening for the fleet's page", "address", listener.Addr().String(), "tls", config != nil, "url", f.FleetURL)
	return &fleetServer{listener, newServer(page.Handler(), config, logger)}, nil
}

// checkFleet refuses flags that cannot work, before anything is opened.
func (f *fleetFlags) checkFleet(secure bool) error {
	proxy := f.FleetHeader != "" || len(f.FleetProxy) > 0
	provider := f.FleetOIDC != "" || f.FleetClient != "" || f.FleetSecret != "" || len(f.FleetAllow) > 0 || len(f.FleetScopes) > 0
	switch {
	case f.Fleet == "" && (f.FleetURL != "" || proxy || provider):
		return errors.New("--fleet-url and what belongs to signing in are for the page that --fleet serves")
	case f.Fleet == "":
		return nil
	case !secure && !localpage.IsLoopback(f.Fleet):
		return fmt.Errorf("--fleet %s: without --tls-cert and --tls-key only a loopback address will do: what dealers do must not cross a network in clear text", f.Fleet)
	case proxy && provider:
		return errors.New("--fleet has one way to sign in: --fleet-header with --fleet-proxy, or --fleet-oidc with what belongs to it")
	case proxy && (f.FleetHeader == "" || len(f.FleetProxy) == 0) || !proxy && !provider:
		return errors.New("--fleet shows what dealers do, and is open to nobody by default: name --fleet-header and --fleet-proxy, for a reverse proxy that signs people in, " +
			"or --fleet-oidc, --fleet-oidc-client, --fleet-oidc-secret and --fleet-allow, for an OpenID provider")
	}
	var gate fleet.Gate
	var err error
	if provider {
		gate, err = f.oidc(signin.NewKey())
	} else {
		gate, err = f.proxy()
	}
	if err != nil {
		return err
	}
	_, err = f.page(nil, gate)
	return err
}

// gate is the way to sign in.
func (f *fleetFlags) gate(ctx context.Context, store collector.Store, logger *slog.Logger) (fleet.Gate, error) {
	if f.FleetOIDC == "" {
		return f.proxy()
	}
	key, err := collector.OpenFleetKey(ctx, store, signin.NewKey())
	if err != nil {
		return nil, err
	}
	gate, err := f.oidc(key)
	if err != nil {
		return nil, err
	}
	gate.Logger = logger
	return gate, nil
}

func (f *fleetFlags) oidc(key []byte) (*signin.OIDC, error) {
	allow, err := signin.ParseAllow(f.FleetAllow)
	if err != nil {
		return nil, fmt.Errorf("--fleet-allow: %w", err)
	}
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	if f.FleetSecret == "" {
		return nil, errors.New("--fleet-oidc needs --fleet-oidc-secret, a file with the client's secret")
	}
	secret, err := os.ReadFile(f.FleetSecret)
	if err != nil {
		return nil, fmt.Errorf("--fleet-oidc-secret: %w", err)
	}
	gate, err := signin.NewOIDC(signin.OIDCConfig{
		Issuer: f.FleetOIDC, ClientID: f.FleetClient, ClientSecret: strings.TrimSpace(string(secret)), URL: address, Allow: allow, Key: key, Scopes: f.FleetScopes,
	})
	if err != nil {
		return nil, fmt.Errorf("--fleet-oidc: %w", err)
	}
	return gate, nil
}

func (f *fleetFlags) page(store collector.Store, gate fleet.Gate) (*fleet.Page, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	rules, err := f.rules()
	if err != nil {
		return nil, err
	}
	return fleet.New(store, gate, address, rules)
}

func (f *fleetFlags) address() (*url.URL, error) {
	u, err := url.Parse(f.FleetURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("--fleet-url %q: it is what people type, like https://fleet.example.com, without a path", f.FleetURL)
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && !localpage.IsLoopback(net.JoinHostPort(host, "0")) {
		return nil, fmt.Errorf("--fleet-url %s: http:// will do for loopback only", f.FleetURL)
	}
	return u, nil
}

func (f *fleetFlags) rules() (fleet.Rules, error) {
	rules := fleet.DefaultRules()
	zone, err := time.LoadLocation(f.FleetZone)
	if err != nil || f.FleetZone == "" || f.FleetZone == "Local" {
		return rules, fmt.Errorf("--fleet-zone %q is no time zone; name it like America/New_York", f.FleetZone)
	}
	clock, err := time.Parse("15:04", f.FleetDeadline)
	if err != nil {
		return rules, fmt.Errorf("--fleet-deadline %q is no time of the day; write it like 09:00", f.FleetDeadline)
	}
	if f.FleetSilent < time.Minute {
		return rules, errors.New("--fleet-silent is less than a minute: every store would be silent")
	}
	rules.Zone, rules.Silent = zone, f.FleetSilent
	rules.Deadline = time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute
	return rules, nil
}

func (f *fleetFlags) proxy() (*signin.Proxy, error) {
	p := &signin.Proxy{Header: f.FleetHeader}
	for _, text := range f.FleetProxy {
		prefix, err := netip.ParsePrefix(text)
		if address, alone := netip.ParseAddr(text); alone == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("--fleet-proxy %q: it is an address or a network, like 10.0.0.7 or 10.0.0.0/28", text)
		}
		p.From = append(p.From, prefix)
	}
	return p, nil
}

// beside serves the page until the context ends, beside what else is served. The first failure ends both.
func (f *fleetServer) beside(ctx context.Context, main func(context.Context) error) error {
	if f == nil {
		return main(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- serve(ctx, f.listener, f.server)
		cancel()
	}()
	err := main(ctx)
	cancel()
	return errors.Join(err, <-done)
}

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
	"strings"
	"time"
	_ "time/tzdata" // stores are in many zones, and Windows has no zone files

	"roagent/upload/collector"
	"roagent/upload/collector/fleet"
	"roagent/upload/collector/fleet/signin"
)

// fleetFlags are the flags of the page about all dealers. Without --fleet there is none.
type fleetFlags struct {
	Fleet         string        `placeholder:"ADDR" help:"Also serve the page about all dealers, on this address of its own. Needs --fleet-url and one way to sign in."`
	FleetURL      string        `name:"fleet-url" placeholder:"URL" help:"What people type to see that page, like https://fleet.example.com. No other name is answered."`
	FleetHeader   string        `name:"fleet-header" placeholder:"NAME" help:"Sign-in by a reverse proxy: the header in which it names the person, like X-Forwarded-User."`
	FleetProxy    []string      `name:"fleet-proxy" placeholder:"CIDR" help:"The proxy's addresses, like 10.0.0.7 or 10.0.0.0/28. The header counts from nowhere else."`
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
func (f *fleetFlags) listenFleet(ctx context.Context, store collector.Store, config *tls.Config, logger *slog.Logger) (*fleetServer, error) {
	if f.Fleet == "" {
		return nil, nil
	}
	page, err := f.page(store)
	if err != nil {
		return nil, err
	}
	page.Logger, page.Index.Logger = logger, logger
	listener, err := net.Listen("tcp", f.Fleet)
	if err != nil {
		return nil, err
	}
	if config != nil { // people have no client certificates
		config = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: config.Certificates}
	}
	logger.InfoContext(ctx, "listening for the fleet's page", "address", listener.Addr().String(), "tls", config != nil, "url", f.FleetURL)
	return &fleetServer{listener, newServer(page.Handler(), config, logger)}, nil
}

// checkFleet refuses flags that cannot work, before anything is opened.
func (f *fleetFlags) checkFleet(secure bool) error {
	if f.Fleet == "" {
		if f.FleetURL != "" || f.FleetHeader != "" || len(f.FleetProxy) > 0 {
			return errors.New("--fleet-url, --fleet-header and --fleet-proxy are for the page that --fleet serves")
		}
		return nil
	}
	if !secure && !loopback(f.Fleet) {
		return fmt.Errorf("--fleet %s: without --tls-cert and --tls-key only a loopback address will do: what dealers do must not cross a network in clear text", f.Fleet)
	}
	if f.FleetHeader == "" || len(f.FleetProxy) == 0 {
		return errors.New("--fleet shows what dealers do, and is open to nobody by default: name --fleet-header and --fleet-proxy, for a reverse proxy that signs people in")
	}
	_, err := f.page(nil)
	return err
}

func (f *fleetFlags) page(store collector.Store) (*fleet.Page, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	rules, err := f.rules()
	if err != nil {
		return nil, err
	}
	gate, err := f.proxy()
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
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && !loopback(net.JoinHostPort(host, "0")) {
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

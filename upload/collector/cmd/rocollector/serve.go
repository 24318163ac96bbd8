package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"roagent/upload/collector"
	"roagent/upload/collector/metrics"
	"roagent/upload/localpage"
)

type serveCommand struct {
	storeFlag
	fleetFlags
	Listen   string `required:"" placeholder:"ADDR" help:"Address to listen on, like 127.0.0.1:8443 or :443."`
	TLSCert  string `name:"tls-cert" placeholder:"FILE" help:"Certificate chain, PEM. Needed unless --listen is loopback. A renewed one is taken within a minute, without a restart."`
	TLSKey   string `name:"tls-key" placeholder:"FILE" help:"The certificate's key, PEM."`
	ClientCA string `name:"client-ca" placeholder:"FILE" help:"Take only clients with a certificate of these authorities, PEM."`
	sideFlags
}

// What a connection may take. The time of a body is the handler's.
const (
	headerTime    = 10 * time.Second
	writeTime     = collector.DefaultBodyTime + time.Minute
	idleTime      = 2 * time.Minute
	maxHeader     = 16 << 10
	shutdownGrace = 30 * time.Second
)

// Run serves until the context ends, and then lets the requests that have begun finish.
func (c *serveCommand) Run(ctx context.Context, s streams) (err error) {
	logger := slog.New(slog.NewTextHandler(s.stderr, nil))
	counts := metrics.New(buildVersion())
	config, err := c.tlsConfig(logger, counts)
	if err != nil {
		return usageError{err}
	}
	if config == nil && !localpage.IsLoopback(c.Listen) {
		return usageError{fmt.Errorf("--listen %s: without --tls-cert and --tls-key only a loopback address will do, like 127.0.0.1:8080: "+
			"customers' data must not cross a network in clear text", c.Listen)}
	}
	if err := errors.Join(c.check(), c.checkFleet(config != nil)); err != nil {
		return usageError{err}
	}
	opened, err := c.open(ctx, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	store := counts.Store(opened)
	key, err := collector.OpenKey(ctx, store, "")
	if err != nil {
		return err
	}
	if err := collector.FinishDeletions(ctx, store); err != nil {
		return err
	}
	handler := collector.New(store, key)
	handler.Logger, handler.Meter = logger, counts
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	page, err := c.listenFleet(ctx, store, config, logger, counts)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	side, err := c.start(ctx, logger, counts, func(ctx context.Context) error { return key.Check(ctx, store) })
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, side.close()) }()
	// Whoever waits for the service goes on from here (systemd's Type=notify); elsewhere nobody is told.
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		logger.WarnContext(ctx, "the service manager was not told", "error", err)
	}
	logger.InfoContext(ctx, "listening", "address", listener.Addr().String(), "tls", config != nil, "receipt_key", key.Public)
	return page.beside(side.drained(ctx), func(ctx context.Context) error {
		return serve(ctx, listener, newServer(counts.Requests(handler), config, logger))
	})
}

func newServer(handler http.Handler, config *tls.Config, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		TLSConfig:         config,
		ReadHeaderTimeout: headerTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // strangers' handshakes
	}
}

// serve returns nil once the context has ended and the requests that had begun are answered.
func serve(ctx context.Context, listener net.Listener, server *http.Server) error {
	failed := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			failed <- server.ServeTLS(listener, "", "")
		} else {
			failed <- server.Serve(listener)
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off after %s: %w", shutdownGrace, err), server.Close())
	}
	return nil
}

// tlsConfig returns nil where no TLS is asked for.
func (c *serveCommand) tlsConfig(logger *slog.Logger, counts *metrics.Metrics) (*tls.Config, error) {
	if c.TLSCert == "" && c.TLSKey == "" {
		if c.ClientCA != "" {
			return nil, errors.New("--client-ca needs --tls-cert and --tls-key")
		}
		return nil, nil
	}
	if c.TLSCert == "" || c.TLSKey == "" {
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	renewed, err := openCertificate(c.TLSCert, c.TLSKey, logger)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", c.TLSCert, c.TLSKey, err)
	}
	if err := counts.AddCertificate(renewed.ends); err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: renewed.get}
	if c.ClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("--client-ca: %w", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--client-ca %s: there is no PEM certificate in it", c.ClientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}

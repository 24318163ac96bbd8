package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"
)

// How long a name server, and whoever is connected to, may take.
const (
	nameLimit    = 10 * time.Second
	connectLimit = 10 * time.Second
)

// faultError is what is wrong, with what to do, where no other type is needed for the exit code.
type faultError struct{ message, hint string }

func (e *faultError) Error() string { return withHint(e.message, e.hint) }

// lookUp asks for the addresses of a host, as every connection does. key is what names the host.
func lookUp(ctx context.Context, host, key string) ([]string, error) {
	if net.ParseIP(host) != nil {
		return []string{host}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, nameLimit)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err == nil {
		return addresses, nil
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return nil, &faultError{"no name server knows the name " + printable(host), "correct the name in " + key + ", or have it entered in this network's name server (DNS)"}
	}
	return nil, &faultError{"the name server of this machine does not answer for " + printable(host), "look at this machine's network and its DNS servers"}
}

// resolved tells what came of looking a host up.
func resolved(host string, addresses []string) string {
	if net.ParseIP(host) != nil {
		return host + " is an address, for which no name server is needed"
	}
	return host + " is " + strings.Join(firstNames(addresses), ", ")
}

// connect opens a TCP connection and closes it again.
func connect(ctx context.Context, host, port, key string) error {
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	address := net.JoinHostPort(host, port)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		return conn.Close()
	}
	e := &faultError{"no connection to " + address + ": " + lastError(err), "is the server on, and " + key + " right? Does a firewall stand between?"}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e = &faultError{"nothing listens at " + address + ", or a firewall refuses it", "is the server on, does it listen on TCP, and is the port in " + key + " right?"}
	case ctx.Err() != nil:
		e = &faultError{"nothing answers at " + address, "is the server on? A firewall that swallows connections looks like this: have port " + port + " (TCP) opened from this machine"}
	}
	return e
}

// lastError is the innermost of wrapped errors: the others repeat the address.
func lastError(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// soon is how long before its end a certificate is told of.
const soon = 30 * day

// secured is an encrypted connection, and what is to be said of it.
type secured struct {
	state   tls.ConnectionState
	trusted string // by whom, where no authority was asked
	store   string // which authorities were: collector.ca, or this machine's
	renew   string // what to do about a certificate that ends soon
}

// encrypted tells the version of TLS of a connection, and its certificate.
func (f *findings) encrypted(what string, s secured, now time.Time) {
	if len(s.state.PeerCertificates) == 0 {
		f.skip(what, "the other side showed no certificate")
		return
	}
	c := s.state.PeerCertificates[0]
	trusted := s.trusted
	if trusted == "" && len(s.state.VerifiedChains) > 0 {
		chain := s.state.VerifiedChains[0]
		trusted = fmt.Sprintf("vouched for by %s, which %s", quotedName(chain[len(chain)-1].Subject.CommonName), s.store)
	}
	names := append(slices.Clone(c.DNSNames), addressTexts(c.IPAddresses)...)
	if len(names) == 0 {
		names = []string{c.Subject.CommonName}
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("and %d more", len(names)-3))
	}
	version := tls.VersionName(s.state.Version)
	message := fmt.Sprintf("%s; the certificate is for %s, valid until %s, %s", version, printable(clipped(strings.Join(names, ", "))), c.NotAfter.Local().Format(time.DateOnly), trusted)
	left := c.NotAfter.Sub(now)
	switch {
	case left <= 0:
		f.warn(what, fmt.Sprintf("%s; it has expired %s ago, and is taken only because the configuration trusts exactly this one", message, spanned(left)), s.renew)
	case left < soon && s.trusted != "":
		f.warn(what, fmt.Sprintf("%s, which is in %s; it is taken also then, since the configuration trusts exactly this one", message, spanned(left)), s.renew)
	case left < soon:
		f.warn(what, fmt.Sprintf("%s, which is in %s: from then on nothing connects", message, spanned(left)), s.renew)
	case s.state.Version < tls.VersionTLS12:
		f.warn(what, message+"; this version of TLS is broken, and taken only because dms.params allows it", "have the server updated, and take tlsmin out of dms.params")
	default:
		f.ok(what, "%s", message)
	}
}

func addressTexts(addresses []net.IP) (texts []string) {
	for _, a := range addresses {
		texts = append(texts, a.String())
	}
	return texts
}

func quotedName(name string) string { return `"` + printable(clipped(name)) + `"` }

// clipped bounds what somebody else has written.
func clipped(text string) string {
	const most = 200
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

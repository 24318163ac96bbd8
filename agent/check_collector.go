package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"roagent/upload"
)

// answerLimit is how long the collector may take to answer.
const answerLimit = 30 * time.Second

// collector looks at the way to the collector, asks it once which weeks it holds, which changes nothing there, and holds this
// machine's clock against the answer's Date.
func (u *checkup) collector(ctx context.Context, f *findings) {
	c := u.config.Collector
	target, err := url.Parse(c.URL)
	if err != nil {
		f.fail("collector", fmt.Errorf("collector.url: %w", err))
		return
	}
	away := u.collectorWay(ctx, f, target)
	if away != "" {
		for _, name := range []string{"collector encryption", "collector", "clock"} {
			f.skip(name, away)
		}
		return
	}
	transport, err := newTransport(c)
	if err != nil {
		f.fail("collector encryption", err)
		f.skip("collector", "without these files nothing connects to it")
		f.skip("clock", "the collector, whose clock it is held against, was not asked")
		return
	}
	defer transport.CloseIdleConnections()
	o := &overheard{next: transport}
	if u.transport != nil {
		o.next = u.transport
	}
	var refused atomic.Int32 // what the proxy answered instead of a way to the collector
	transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
		if response.StatusCode != http.StatusOK {
			refused.Store(int32(response.StatusCode))
		}
		return nil
	}
	weeks, tokenErr, err := u.askCollector(ctx, o)
	if status := int(refused.Load()); status != 0 {
		f.fail("proxy", collectorFault(proxyRefusal(status)))
		for _, name := range []string{"collector encryption", "collector", "clock"} {
			f.skip(name, "the proxy does not let through to the collector")
		}
		return
	}
	tried := u.collectorEncryption(f, o, target, err)
	clientCertificate(f, transport)
	switch {
	case !tried:
		f.skip("collector", "the connection is not encrypted as it must be")
	case tokenErr != nil && isUnauthorized(err):
		f.skip("collector", "it answers, but the token, which says who asks, cannot be read")
	case err != nil:
		f.fail("collector", err)
	case len(weeks) == 0:
		f.ok("collector", "it knows the dealer %s and takes the token; it holds nothing of him yet", u.config.Dealer.ID)
	default:
		f.ok("collector", "it knows the dealer %s and takes the token; it holds %s of his", u.config.Dealer.ID, plural(len(weeks), "week"))
	}
	u.clock(f, o)
}

// askCollector asks which weeks the collector holds: the least that says whether it is there and takes the token.
func (u *checkup) askCollector(ctx context.Context, by http.RoundTripper) (weeks []string, tokenErr, err error) {
	c := u.config.Collector
	token, tokenErr := c.Token.Resolve(u.config.DataDir) // without it the way can be looked at all the same
	sender := upload.NewSender(upload.NewQueue(u.config.DataDir, u.config.Dealer.ID))
	sender.URL, sender.Token, sender.ReceiptKey, sender.Transport = c.URL, token, c.ReceiptKey, by
	sender.Version, sender.Retries, sender.Timeout = agentVersion(), 0, answerLimit
	weeks, err = sender.Weeks(ctx)
	return weeks, tokenErr, err
}

func isUnauthorized(err error) bool {
	send, ok := errors.AsType[*upload.SendError](err)
	return ok && send.Class == upload.ClassUnauthorized
}

// collectorFault makes a fault in the way to the collector what its exit code is known by.
func collectorFault(err error) error {
	e := &upload.SendError{Class: upload.ClassUnreachable, Message: err.Error()}
	if fault, ok := errors.AsType[*faultError](err); ok {
		e.Message, e.Hint = fault.message, fault.hint
	}
	return e
}

// collectorWay tells which proxy there is, and connects to it or to the collector. It returns why nothing further can be
// looked at, or "".
func (u *checkup) collectorWay(ctx context.Context, f *findings, target *url.URL) (away string) {
	var proxy *url.URL
	choose, err := u.config.Collector.proxyOf()
	if err == nil {
		proxy, err = choose(&http.Request{URL: target})
	}
	if err != nil {
		f.fail("proxy", collectorFault(err))
		f.skip("collector name", "which proxy is meant is not known")
		f.skip("collector connection", "which proxy is meant is not known")
		return "which proxy is meant is not known"
	}
	host, port := target.Hostname(), cmp.Or(target.Port(), map[string]string{"https": "443", "http": "80"}[target.Scheme])
	if proxy != nil {
		return u.proxyWay(ctx, f, proxy, target)
	}
	noProxy(f, target)
	const nowhere = "the collector cannot be reached"
	addresses, err := lookUp(ctx, host, "collector.url")
	if err != nil {
		f.fail("collector name", collectorFault(err))
		f.skip("collector connection", nowhere)
		return nowhere
	}
	f.ok("collector name", "%s", resolved(host, addresses))
	if err := connect(ctx, host, port, "collector.url"); err != nil {
		if fault, ok := errors.AsType[*faultError](err); ok {
			fault.hint += " Where only a proxy leads out, name it in collector.proxy"
		}
		f.fail("collector connection", collectorFault(err))
		return nowhere
	}
	f.ok("collector connection", "%s takes connections on port %s", host, port)
	return ""
}

// proxyWay connects to a proxy. The collector's name is the proxy's to look up.
func (u *checkup) proxyWay(ctx context.Context, f *findings, proxy, target *url.URL) (away string) {
	const nowhere = "the proxy cannot be reached"
	from, shown := u.proxyFrom(target.Scheme), proxy.Scheme+"://"+proxy.Host // without a password
	port := cmp.Or(proxy.Port(), map[string]string{"https": "443", "http": "80", "socks5": "1080"}[proxy.Scheme])
	_, err := lookUp(ctx, proxy.Hostname(), from)
	if err == nil {
		err = connect(ctx, proxy.Hostname(), port, from)
	}
	if err != nil {
		if fault, ok := errors.AsType[*faultError](err); ok {
			fault.message = "the proxy " + shown + ", which " + from + " names: " + fault.message
		}
		f.fail("proxy", collectorFault(err))
		f.skip("collector name", nowhere)
		f.skip("collector connection", nowhere)
		return nowhere
	}
	f.ok("proxy", "%s is used, which %s names, and takes connections", shown, from)
	f.skip("collector name", "the proxy looks it up")
	f.skip("collector connection", "the proxy connects to the collector")
	return ""
}

// proxyRefusal is the error of a proxy that makes no way to the collector.
func proxyRefusal(status int) error {
	e := &faultError{fmt.Sprintf("the proxy makes no way to the collector: it answers %d %s", status, http.StatusText(status)), "have the proxy's administrator let this machine through to the collector's host"}
	if status == http.StatusProxyAuthRequired {
		e.hint = "it wants a sign-in, which roagent does not do: have the proxy's administrator let this machine through without one"
	}
	return e
}

func proxyVariables(scheme string) []string {
	name := strings.ToUpper(scheme) + "_PROXY"
	return []string{name, strings.ToLower(name)}
}

// proxyFrom tells what names the proxy.
func (u *checkup) proxyFrom(scheme string) string {
	if u.config.Collector.Proxy != "" {
		return "collector.proxy"
	}
	for _, name := range proxyVariables(scheme) {
		if os.Getenv(name) != "" {
			return name + " of the environment"
		}
	}
	return "the environment"
}

// noProxy tells why no proxy is used. One that the environment names badly is left out without a word by Go.
func noProxy(f *findings, target *url.URL) {
	for _, name := range proxyVariables(target.Scheme) {
		value := os.Getenv(name)
		_, bare := url.Parse("http://" + value)
		_, err := url.Parse(value)
		switch {
		case value == "":
		case err != nil && bare != nil:
			f.warn("proxy", "none is used: what "+name+" of the environment says is no URL", "correct it for whoever runs roagent, or set collector.proxy: http://host:port")
			return
		default:
			f.ok("proxy", "none is used: %s of the environment names one, and NO_PROXY, or that it is this machine, leaves the collector out", name)
			return
		}
	}
	f.ok("proxy", "none is used: neither collector.proxy nor the environment names one for %s", target.Scheme)
}

// overheard passes a request on and keeps of the answer what the sender does not look at.
type overheard struct {
	next      http.RoundTripper
	answered  bool
	sent, got time.Time
	date      string
	state     *tls.ConnectionState
}

// RoundTrip implements [http.RoundTripper].
func (o *overheard) RoundTrip(r *http.Request) (*http.Response, error) {
	o.sent = time.Now()
	response, err := o.next.RoundTrip(r)
	if err == nil {
		o.answered, o.got, o.date, o.state = true, time.Now(), response.Header.Get("Date"), response.TLS
	}
	return response, err
}

// collectorEncryption tells of the connection that was made, or why it could not be encrypted as it must: then it returns false.
func (u *checkup) collectorEncryption(f *findings, o *overheard, target *url.URL, err error) bool {
	const what = "collector encryption"
	switch {
	case o.state != nil:
		s := secured{state: *o.state, store: "this machine trusts", renew: "tell the collector's operator"}
		if u.config.Collector.CA != "" {
			s.store = "collector.ca names"
		}
		f.encrypted(what, s, time.Now())
	case target.Scheme == "http":
		f.ok(what, "none, and none is needed: the collector is on this machine")
	case o.answered:
		f.skip(what, "nothing was told of it")
	default:
		if hint := handshakeHint(err); hint != "" {
			send, _ := errors.AsType[*upload.SendError](err)
			f.fail(what, &upload.SendError{Class: upload.ClassUnreachable, Message: send.Message, Err: send.Err, Hint: hint})
			return false
		}
		f.skip(what, "the collector did not come to it")
	}
	return true
}

// handshakeHint is what to do about a connection that could not be encrypted; "" where something else is wrong.
func handshakeHint(err error) string {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	text := fmt.Sprint(err)
	switch {
	case errors.As(err, &verification) && strings.Contains(text, "has expired"):
		return "tell the collector's operator to renew it, and look at this machine's date"
	case errors.As(err, &verification) && (strings.Contains(text, "is valid for") || strings.Contains(text, "not valid for any names") || strings.Contains(text, "any IP SANs")):
		return "correct the host in collector.url: it must be a name that stands in the certificate. A proxy that opens connections shows certificates of its own"
	case errors.As(err, &verification):
		return "set collector.ca to the authority that signed it, or look whether a proxy opens the connection"
	case errors.As(err, &record), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "what answers there speaks no TLS: look at the port in collector.url"
	case errors.As(err, &alert), strings.Contains(text, "tls: "):
		return "the collector, or a proxy that opens the connection, does not speak TLS 1.2 or later as this program does: tell its operator"
	}
	return ""
}

// clientCertificate tells of the dealer's own certificate, which ends too.
func clientCertificate(f *findings, transport *http.Transport) {
	for _, pair := range transport.TLSClientConfig.Certificates {
		if pair.Leaf == nil {
			continue
		}
		const renew = "ask the collector's operator for a new one"
		until, left := pair.Leaf.NotAfter.Local().Format(time.DateOnly), time.Until(pair.Leaf.NotAfter)
		switch {
		case left <= 0:
			f.fail("client certificate", collectorFault(&faultError{"it has expired on " + until + ": the collector does not take it", renew}))
		case left < soon:
			f.warn("client certificate", "it is valid until "+until+", which is in "+spanned(left), renew)
		default:
			f.ok("client certificate", "it is valid until %s", until)
		}
	}
}

// How far this machine's clock may be from the collector's before that is told, and before it has to be put right: a pull may
// read a week before it is over, and certificates count as expired or not yet valid.
const (
	clockTold  = time.Minute
	clockWrong = time.Hour
)

// clock holds this machine's clock against the collector's Date, which is in whole seconds.
func (u *checkup) clock(f *findings, o *overheard) {
	if !o.answered {
		f.skip("clock", "the collector, whose clock it is held against, did not answer")
		return
	}
	at, err := http.ParseTime(o.date)
	if err != nil {
		f.skip("clock", "the answer has no Date to hold it against")
		return
	}
	ahead := max(o.sent.Sub(at.Add(time.Second)), 0) // for certain: the answer was made while it was waited for
	if behind := at.Sub(o.got); behind > 0 {
		ahead = -behind
	}
	way := "ahead of"
	if ahead < 0 {
		way = "behind"
	}
	off := fmt.Sprintf("this machine's clock is %s %s the collector's", spanned(ahead), way)
	const hint = "set this machine's clock, and have it follow a time server (NTP)"
	switch {
	case ahead.Abs() >= clockWrong:
		f.fail("clock", &faultError{off + ": weeks would be read at the wrong time", hint})
	case ahead.Abs() >= clockTold:
		f.warn("clock", off+fmt.Sprintf("; a week is read %s after its end (schedule.settle), by this machine's", spanned(u.config.Schedule.Settle)), hint)
	default:
		f.ok("clock", "it agrees with the collector's")
	}
}

package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"roagent/extract/extracttest"
	"roagent/upload/collector"
)

// url is the collector's address as the configuration has it.
func (r *rig) url(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^  url: (.*)$`).FindStringSubmatch(string(text))[1]
}

// overTLS serves the rig's collector with a certificate, and names it in the configuration.
func (r *rig) overTLS(t *testing.T, c *tls.Config) (address string) {
	t.Helper()
	key, err := collector.OpenKey(t.Context(), r.store, "collector.test")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(collector.New(r.store, key))
	server.TLS = c
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	r.edit(t, r.url(t), server.URL)
	return strings.TrimPrefix(server.URL, "https://")
}

// Real handshakes with certificates that are good, or wrong in one way each: the line says which, what else needs the collector
// is not looked at, and the DMS is.
func TestCheckCollectorCertificate(t *testing.T) {
	ends := time.Now().AddDate(1, 0, 0)
	for name, tt := range map[string]struct {
		until  time.Time
		names  []string
		change func(*tls.Config)
		ca     bool
		client bool // the dealer has a certificate too, for the same time
		exit   int
		want   map[string]string
	}{
		"good": {until: ends, ca: true, want: map[string]string{
			"collector encryption": `ok TLS 1.3; the certificate is for 127.0.0.1, valid until ` + ends.Local().Format(time.DateOnly) + `, vouched for by "A Test's Own", which collector.ca names`,
			"collector":            "ok it knows the dealer 04123 and takes the token", "clock": "ok it agrees",
		}},
		"TLS 1.2": {until: ends, ca: true, change: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, want: map[string]string{"collector encryption": "ok TLS 1.2"}},
		"ends soon": {until: time.Now().Add(5 * day), ca: true, client: true, want: map[string]string{
			"collector encryption": "warning which is in 4 days: from then on nothing connects | tell the collector's operator", "client certificate": "warning which is in 4 days",
		}},
		"expired": {until: time.Now().Add(-time.Hour), ca: true, client: true, exit: exitCollector, want: map[string]string{
			"collector encryption": "failure tell the collector's operator to renew it", "collector": notLookedAt + "the connection is not encrypted", "clock": notLookedAt, "client certificate": "failure it has expired on",
		}},
		"another's name": {until: ends, names: []string{"collector.example"}, ca: true, exit: exitCollector, want: map[string]string{
			"collector encryption": "failure correct the host in collector.url", "collector": notLookedAt, "clock": notLookedAt,
		}},
		"nobody's": {until: ends, exit: exitCollector, want: map[string]string{
			"collector encryption": "failure set collector.ca to the authority that signed it", "collector": notLookedAt,
		}},
		"old": {until: ends, ca: true, change: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, exit: exitCollector, want: map[string]string{
			"collector encryption": "failure does not speak TLS 1.2 or later", "collector": notLookedAt,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{weeks: 1, orders: 20})
			pair, file := extracttest.Certificate(t, tt.until, append(tt.names, map[bool]string{true: "127.0.0.1"}[tt.names == nil])...)
			c := &tls.Config{Certificates: []tls.Certificate{pair}}
			if tt.change != nil {
				tt.change(c)
			}
			r.overTLS(t, c)
			if tt.ca {
				r.edit(t, "collector:\n", fmt.Sprintf("collector:\n  ca: %q\n", file))
			}
			if tt.client {
				r.write(t, "dealer.key", extracttest.KeyText(t, pair))
				r.edit(t, "collector:\n", fmt.Sprintf("collector:\n  client_certificate: %q\n  client_key: dealer.key\n", file))
			}
			want := map[string]string{"DMS tables": "ok ", "week": "ok ", "proxy": "ok none is used", "collector connection": "ok "}
			maps.Copy(want, tt.want)
			r.checkAs(t, tt.exit, want)
		})
	}
	t.Run("no TLS at all", func(t *testing.T) {
		r := newRig(t, rigOptions{weeks: 1, orders: 20})
		r.edit(t, "url: http://", "url: https://")
		r.checkAs(t, exitCollector, map[string]string{"collector encryption": "failure speaks no TLS", "collector": notLookedAt, "DMS tables": "ok "})
	})
	t.Run("no authority's file", func(t *testing.T) {
		r := newRig(t, rigOptions{weeks: 1, orders: 20})
		r.edit(t, "collector:\n", "collector:\n  ca: fieldmap.yaml\n")
		r.checkAs(t, exitUsage, map[string]string{"collector connection": "ok ", "collector encryption": "failure there is no certificate in", "collector": notLookedAt, "clock": notLookedAt})
	})
}

// onSQLServer makes the rig's DMS a SQL Server at an address.
func (r *rig) onSQLServer(t *testing.T, server, more string) {
	t.Helper()
	r.write(t, "dms.password", "p")
	r.edit(t, fmt.Sprintf("{driver: sqlite, path: %q", r.dms), fmt.Sprintf(`{driver: sqlserver, server: '%s', database: DMS, user: roagent, password: "file:dms.password"%s`, server, more))
}

// The way to a SQL Server, step by step: real handshakes with one that lets nobody in, a Browser on UDP 1434, names and ports
// that nobody has. What comes behind the fault is told as not looked at, and the collector is looked at all the same.
func TestCheckWayToSQLServer(t *testing.T) {
	ends := time.Now().AddDate(1, 0, 0)
	serve := func(until time.Time, names ...string) func(*testing.T) (string, string) {
		return func(t *testing.T) (server, more string) {
			pair, file := extracttest.Certificate(t, until, append(names, "127.0.0.1")...)
			s := extracttest.Server{TLS: &tls.Config{Certificates: []tls.Certificate{pair}}}
			return s.Start(t), fmt.Sprintf(", certificate: %q", file)
		}
	}
	unsigned := map[string]string{"DMS tables": notLookedAt + "nobody is signed in", "DMS indexes": notLookedAt, "DMS snapshot": notLookedAt, "rights": notLookedAt, "week": notLookedAt}
	away := map[string]string{
		"DMS encryption": notLookedAt + "the server cannot be reached", "DMS sign-in": notLookedAt + "the server cannot be reached",
		"DMS tables": notLookedAt + "the server cannot be reached", "rights": notLookedAt, "week": notLookedAt,
	}
	instance := func(t *testing.T, port string) string {
		return extracttest.Browser(t, func(string) string {
			return "ServerName;DMS01;InstanceName;SERVICE;IsClustered;No;Version;15.0.2000.5;" + port + ";;ServerName;DMS01;InstanceName;SALES;tcp;50124;;"
		})
	}
	for name, tt := range map[string]struct {
		at   func(*testing.T) (server, more string)
		want map[string]string
		and  map[string]string
	}{
		"the login fails": {serve(ends), map[string]string{
			"DMS name": "ok 127.0.0.1 is an address", "DMS connection": "ok ", "DMS encryption": "ok TLS 1.3; the certificate is for 127.0.0.1, valid until " + ends.Local().Format(time.DateOnly) + ", exactly the one of dms.certificate",
			"DMS sign-in": "failure the login failed",
		}, unsigned},
		"expired and trusted": {serve(time.Now().Add(-50 * time.Hour)), map[string]string{"DMS encryption": "warning it has expired 2 days ago, and is taken only because"}, unsigned},
		"ends soon":           {serve(time.Now().Add(50 * time.Hour)), map[string]string{"DMS encryption": "warning which is in 2 days; it is taken also then"}, unsigned},
		"not trusted": {func(t *testing.T) (string, string) {
			server, _ := serve(ends)(t)
			return server, ""
		}, map[string]string{"DMS connection": "ok ", "DMS encryption": "failure not trusted", "DMS sign-in": notLookedAt + "the connection is not encrypted"}, unsigned},
		"old": {func(t *testing.T) (string, string) {
			pair, file := extracttest.Certificate(t, ends, "127.0.0.1")
			s := extracttest.Server{TLS: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}}
			return s.Start(t), fmt.Sprintf(`, certificate: %q, params: {tlsmin: "1.0"}`, file)
		}, map[string]string{"DMS encryption": "warning TLS 1.0; "}, unsigned},
		"in clear": {func(t *testing.T) (string, string) { return (&extracttest.Server{}).Start(t), ", encrypt: false" }, map[string]string{
			"DMS encryption": "warning in clear", "DMS sign-in": "failure the login failed",
		}, unsigned},
		"no such name": {func(*testing.T) (string, string) { return "dms01.roagent.invalid", "" }, map[string]string{
			"DMS name": "failure dms01.roagent.invalid", "DMS connection": notLookedAt,
		}, away},
		"nobody listens": {func(*testing.T) (string, string) { return "127.0.0.1:1", ", encrypt: false" }, map[string]string{
			"DMS connection": "failure nothing listens at 127.0.0.1:1", "DMS encryption": "warning in clear", "DMS sign-in": notLookedAt,
		}, nil},
		"an instance": {func(t *testing.T) (string, string) {
			pair, file := extracttest.Certificate(t, ends, "127.0.0.1")
			s := extracttest.Server{TLS: &tls.Config{Certificates: []tls.Certificate{pair}}}
			host := extracttest.Browser(t, func(host string) string {
				s.Host = host
				_, port, _ := net.SplitHostPort(s.Start(t))
				return "ServerName;DMS01;InstanceName;SERVICE;IsClustered;No;Version;15.0.2000.5;tcp;" + port + ";;"
			})
			return host + `\Service`, fmt.Sprintf(", certificate: %q", file)
		}, map[string]string{"DMS instance": "ok Service listens on port", "DMS connection": "ok ", "DMS encryption": "ok TLS", "DMS sign-in": "failure the login failed"}, unsigned},
		"no such instance": {func(t *testing.T) (string, string) { return instance(t, "tcp;50123") + `\PARTS`, "" }, map[string]string{
			"DMS instance": "failure has no instance PARTS | it has SERVICE, SALES: correct the instance", "DMS connection": notLookedAt + "the port of the instance is not known",
		}, away},
		"no TCP":     {func(t *testing.T) (string, string) { return instance(t, "np;x") + `\SERVICE`, "" }, map[string]string{"DMS instance": "failure does not listen on TCP"}, away},
		"no Browser": {func(t *testing.T) (string, string) { return extracttest.Browser(t, nil) + `\SERVICE`, "" }, map[string]string{"DMS instance": "failure UDP 1434"}, away},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigOptions{weeks: 1, orders: 20})
			server, more := tt.at(t)
			r.onSQLServer(t, server, more)
			lines := r.checkAs(t, exitDMS, tt.want)
			holdLines(t, lines, tt.and)
			holdLines(t, lines, map[string]string{"collector": "ok it knows", "clock": "ok ", "approval": "ok "})
			for _, l := range lines {
				if l.State == "ok" && (strings.HasPrefix(l.What, "DMS t") || l.What == "rights" || l.What == "week") {
					t.Errorf("%s was not looked at and is ok: %s", l.What, l.Message)
				}
			}
		})
	}
}

// A proxy that makes a way to the collector, one that wants a sign-in, and one that is not there. What names it is told, a
// password in it never (the environment's is in script/check_proxy.txtar).
func TestCheckProxy(t *testing.T) {
	site := func(t *testing.T) *rig {
		t.Helper()
		r := newRig(t, rigOptions{weeks: 1, orders: 20})
		pair, file := extracttest.Certificate(t, time.Now().AddDate(1, 0, 0), "127.0.0.1")
		r.overTLS(t, &tls.Config{Certificates: []tls.Certificate{pair}})
		r.edit(t, "collector:\n", fmt.Sprintf("collector:\n  ca: %q\n", file))
		return r
	}
	through := func(t *testing.T, r *rig, answer http.HandlerFunc) {
		t.Helper()
		proxy := httptest.NewServer(answer)
		t.Cleanup(proxy.Close)
		r.edit(t, "collector:\n", "collector:\n  proxy: "+proxy.URL+"\n")
	}
	t.Run("through", func(t *testing.T) {
		r := site(t)
		ways := 0
		through(t, r, func(w http.ResponseWriter, q *http.Request) { ways++; tunnel(w, q) })
		r.checkAs(t, exitDone, map[string]string{
			"proxy": "ok is used, which collector.proxy names, and takes connections", "collector name": notLookedAt + "the proxy looks it up", "collector connection": notLookedAt,
			"collector encryption": "ok TLS 1.3", "collector": "ok it knows", "clock": "ok ",
		})
		if ways != 1 {
			t.Errorf("%d ways were made", ways)
		}
	})
	t.Run("sign-in", func(t *testing.T) {
		r := site(t)
		through(t, r, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
		r.checkAs(t, exitCollector, map[string]string{
			"proxy": "failure it answers 407 Proxy Authentication Required | it wants a sign-in, which roagent does not do", "collector encryption": notLookedAt + "the proxy does not let through",
			"collector": notLookedAt, "clock": notLookedAt, "DMS tables": "ok ",
		})
	})
	t.Run("refuses", func(t *testing.T) {
		r := site(t)
		through(t, r, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		r.checkAs(t, exitCollector, map[string]string{"proxy": "failure it answers 403 Forbidden | have the proxy's administrator"})
	})
	t.Run("away", func(t *testing.T) {
		r := site(t)
		r.edit(t, "collector:\n", "collector:\n  proxy: http://127.0.0.1:1\n")
		r.checkAs(t, exitCollector, map[string]string{
			"proxy": "failure the proxy http://127.0.0.1:1, which collector.proxy names: nothing listens", "collector name": notLookedAt + "the proxy cannot be reached", "collector": notLookedAt, "DMS tables": "ok ",
		})
	})
}

// tunnel is what a proxy does with CONNECT.
func tunnel(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	to, err := net.Dial("tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	conn, ahead, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	go func() {
		defer to.Close()
		_, _ = io.Copy(to, ahead) // what the server has read already, and then the connection
	}()
	go func() {
		defer conn.Close()
		_, _ = io.Copy(conn, to)
	}()
}

// The collector's own handler, with a Date that is off: a little is nothing, a minute is told, an hour has to be put right.
func TestCheckClock(t *testing.T) {
	for name, tt := range map[string]struct {
		off  time.Duration // of the collector's clock
		date func() string
		exit int
		want string
	}{
		"right":     {off: 0, want: "ok it agrees"},
		"seconds":   {off: -20 * time.Second, want: "ok it agrees"},
		"ahead":     {off: -5 * time.Minute, want: "warning clock is 4 minutes ahead of the collector's"},
		"behind":    {off: 5*time.Minute + 30*time.Second, want: "warning clock is 5 minutes behind the collector's"},
		"hours":     {off: 3*time.Hour + time.Minute, exit: exitFailed, want: "failure clock is 3 hours behind the collector's"},
		"days":      {off: -75 * time.Hour, exit: exitFailed, want: "failure clock is 3 days ahead of the collector's"},
		"no date":   {date: func() string { return "" }, want: notLookedAt + "the answer has no Date"},
		"no time":   {date: func() string { return "SECRET" }, want: notLookedAt + "the answer has no Date ~SECRET"},
		"localised": {date: func() string { return time.Now().UTC().Format(time.RFC850) }, want: "ok it agrees"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, rigOptions{weeks: 1, orders: 20, wrap: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					date := time.Now().Add(tt.off).UTC().Format(http.TimeFormat)
					if tt.date != nil {
						date = tt.date()
					}
					w.Header()["Date"] = []string{date}
					next.ServeHTTP(w, q)
				})
			}})
			r.checkAs(t, tt.exit, map[string]string{"clock": tt.want, "collector": "ok it knows"})
		})
	}
}

package main

import (
	"regexp"
	"strings"
	"time"

	"roagent/fieldmap/strictyaml"
)

// The keys of dms that belong to one driver.
const (
	sqlServerNeeds = "server database"
	sqlServerTakes = "user password encrypt certificate params"
	sqliteNeeds    = "path"
)

func (r configReader) dms(n strictyaml.Node, zone *time.Location) DMSConfig {
	o := n.Object("driver", "timezone "+sqlServerNeeds+" "+sqlServerTakes+" "+sqliteNeeds)
	d := DMSConfig{
		Driver:      o.Get("driver").OneOf("sqlserver", "sqlite"),
		Server:      readServer(o.Get("server")),
		Database:    o.Get("database").Text(),
		User:        o.Get("user").Text(),
		Password:    r.secret(o.Get("password")),
		Encrypt:     o.Get("encrypt").OneOf("true", "strict", "false"),
		Certificate: r.path(o.Get("certificate"), ""),
		Path:        r.path(o.Get("path"), ""),
		Zone:        readZone(o.Get("timezone"), zone),
		Params:      readParams(o.Get("params")),
	}
	switch d.Driver {
	case "sqlserver":
		driverKeys(o, d.Driver, sqlServerNeeds, "") // a path is left alone: samples show all keys
		d.verifySQLServer(o)
	case "sqlite":
		driverKeys(o, d.Driver, sqliteNeeds, sqlServerNeeds+" "+sqlServerTakes)
	}
	return d
}

// driverKeys notes the keys that a driver lacks, and those that belong to the other one.
func driverKeys(o strictyaml.Object, driver, needs, others string) {
	for key := range strings.FieldsSeq(needs) {
		if !o.Get(key).Given() {
			o.Problem("", "dms lacks the key %s, which driver: %s needs", key, driver)
		}
	}
	for key := range strings.FieldsSeq(others) {
		o.Get(key).Problem("take it out", "driver: %s has no %s", driver, key)
	}
}

func (d *DMSConfig) verifySQLServer(o strictyaml.Object) {
	user, password := o.Get("user"), o.Get("password")
	if d.Encrypt == "" {
		d.Encrypt = "true"
	}
	if user.Given() && !password.Given() {
		user.Problem("add password: credential:dms, or leave user out for Windows integrated security", "a user needs a password")
	}
	if password.Given() && !user.Given() {
		password.Problem("add user, or leave the password out for Windows integrated security", "a password needs a user")
	}
	if certificate := o.Get("certificate"); certificate.Given() && !strings.HasSuffix(d.Certificate, ".pem") && !strings.HasSuffix(d.Certificate, ".der") {
		certificate.Problem("rename the file", "the SQL Server driver takes certificates from files that end in .pem or .der only")
	}
	if d.Encrypt == "false" {
		if certificate := o.Get("certificate"); certificate.Given() {
			certificate.Problem("take it out, or write encrypt: true", "without encryption no certificate is looked at")
		}
	}
}

// serverName is host, host:port or host\instance; the host may be a name, an address or a dot.
var serverName = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5}|\\[\pL0-9_$#-]+)?$`)

func readServer(n strictyaml.Node) string {
	server := n.Text()
	if server != "" && !serverName.MatchString(server) {
		n.Problem(`write it like dms01, dms01:1433 or dms01\SERVICE; the rest has keys of its own`, "this is not the name of a server")
		return ""
	}
	return server
}

func readParams(n strictyaml.Node) map[string]string {
	params := map[string]string{}
	if n.IsNull() {
		n.Problem("write params: {} or leave it out", "params has no value")
		return params
	}
	for _, e := range n.Entries() {
		name := e.Key.Text()
		if namesSecret(name) {
			e.Key.Problem("use dms.user and dms.password", "a user's name or password is not accepted among the params")
			continue
		}
		params[name] = e.Value.Text()
	}
	return params
}

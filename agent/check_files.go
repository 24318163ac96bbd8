package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strings"
	"time"

	"roagent/agent/supervisor"
	"roagent/fieldmap"
)

// files reads the configuration and the whitelist. The whitelist is told also where the configuration is wrong.
func (u *checkup) files(_ context.Context, f *findings) {
	config, err := LoadConfig(u.program.config)
	if err != nil {
		f.fail("configuration", err)
	} else {
		f.ok("configuration", "%s can be read, and says all that is needed", u.program.config)
		u.config = config
	}
	if config == nil {
		f.skip("whitelist", "the configuration, which says where it is, cannot be read")
		return
	}
	whitelist, err := fieldmap.ParseFile(config.Fieldmap)
	if err != nil {
		f.fail("whitelist", err)
		return
	}
	u.plan = whitelist.Compile()
	fields := 0
	for _, l := range u.plan.Levels {
		fields += len(l.Fields())
	}
	f.ok("whitelist", "%s can be read, and lists %s", config.Fieldmap, plural(fields, "field"))
}

func (u *checkup) forbidden(_ context.Context, f *findings) {
	if err := checkForbidden(u.config, u.plan); err != nil {
		f.fail("forbidden", err)
		return
	}
	f.ok("forbidden", "the whitelist names nothing that must not leave")
}

// folders looks who may use the data folder, the configuration and the whitelist.
func (u *checkup) folders(_ context.Context, f *findings) {
	held := true
	for _, err := range []error{
		supervisor.CheckData(u.config.DataDir), supervisor.CheckOwner(u.config.DataDir),
		supervisor.CheckFile(u.program.config), supervisor.CheckFile(u.config.Fieldmap),
	} {
		if err != nil {
			f.fail("folders", loose(err))
			held = false
		}
	}
	if held {
		f.ok("folders", "the data folder is its owner's alone, and nobody else may change the configuration or the whitelist")
	}
}

// secrets looks whether what the configuration names as secret can be read, and by whom. It never tells one, or where it is,
// but for the file that has to be put right.
func (u *checkup) secrets(_ context.Context, f *findings) {
	read := 0
	for _, s := range []struct {
		key    string
		secret Secret
	}{{"dms.password", u.config.DMS.Password}, {"collector.token", u.config.Collector.Token}} {
		if !s.secret.Given() {
			continue
		}
		if _, err := s.secret.Resolve(u.config.DataDir); err != nil {
			f.fail("secrets", asAccount(&usageError{s.key + ": " + err.Error(), ""}, err))
			continue
		}
		read++
	}
	if key := u.config.Collector.ClientKey; key != "" {
		info, err := os.Stat(key)
		if err == nil {
			err = checkPrivate(key, info)
		}
		if err != nil {
			f.fail("secrets", asAccount(&usageError{"collector.client_key: " + err.Error(), ""}, err))
		} else {
			read++
		}
	}
	if read > 0 {
		f.ok("secrets", "%s of the configuration can be read%s", plural(read, "secret"), whoReads)
	}
}

// asAccount adds, where rights are lacking, as whom to look.
func asAccount(err, cause error) error {
	if !errors.Is(cause, fs.ErrPermission) {
		return err
	}
	who := "this account"
	if a, err := user.Current(); err == nil {
		who = "the account " + a.Username
	}
	return &usageError{err.Error(), who + " lacks the right: run check as the account of the service, or as its administrator"}
}

// queue opens the data folder, as every command does, with the keys that a pull needs of it.
func (u *checkup) queue(_ context.Context, f *findings) {
	s, err := u.openQueue(u.config, u.plan)
	if err != nil {
		f.fail("queue", asAccount(err, err))
		return
	}
	u.site = s
	for _, name := range []string{"hash", whoKey} {
		if _, err := s.queue.Key(name); err != nil {
			f.fail("queue", err)
			return
		}
	}
	aside, err := s.queue.Aside()
	if err != nil {
		f.fail("queue", err)
		return
	}
	for _, path := range aside {
		f.warn("queue", "a damaged queue was set aside as "+path+", and rebuilt", asideHint)
	}
	pending, err := s.queue.Pending()
	switch {
	case err != nil:
		f.fail("queue", err)
	case pending.Batches > 0:
		f.ok("queue", "it is whole; %s with %s wait in it since %s", plural(pending.Batches, "batch"), plural(pending.Orders, "line"), pending.Oldest.Local().Format(time.DateTime))
	default:
		f.ok("queue", "it is whole, and nothing waits in it")
	}
}

func (u *checkup) approval(_ context.Context, f *findings) {
	consent, err := u.site.consent()
	if err != nil {
		f.fail("approval", err)
		return
	}
	u.consent = consent
	if err := consent.check(); err != nil {
		f.fail("approval", err)
		return
	}
	f.ok("approval", "%s", consent)
}

// approved reports whether orders may be read: what is not approved, not even check looks at.
func (u *checkup) approved() bool {
	return u.site != nil && u.plan != nil && u.consent.check() == nil && checkForbidden(u.config, u.plan) == nil
}

// String says how access stands that is not refused.
func (a access) String() string {
	if len(a.names) == 0 {
		return "the login can read nothing beyond the whitelist"
	}
	return fmt.Sprintf("%s beyond the whitelist, each approved by %s: %s", plural(len(a.names), "thing"), a.approval.Who, strings.Join(firstNames(a.names), ", "))
}

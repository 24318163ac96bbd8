package supervisor

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Service is one store's service. Several stores on one machine have one each, and share nothing.
type Service struct {
	Name    string // roagent or roagent-NAME
	Binary  string // absolute path of roagent
	Config  string // absolute path of its roagent.yaml
	Data    string // absolute path of its data folder
	Account string // that it runs as
	Manual  bool   // it is not started with the machine
}

// storeName leaves room in a Linux account's 32 characters, and needs no quoting anywhere.
var storeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,21}[a-z0-9])?$`)

// ErrName says that a store's name cannot be one.
var ErrName = errors.New("a store's name has at most 23 lower-case letters, digits and hyphens")

// Named returns the service of a store as it is laid out on this system. The name of a machine's only store is "".
func Named(store string) (Service, error) {
	name := "roagent"
	if store != "" {
		if !storeName.MatchString(store) {
			return Service{}, fmt.Errorf("%q: %w", store, ErrName)
		}
		name += "-" + store
	}
	return layout(name), nil
}

// DataOf returns the data folder that belongs to a configuration: that of the service whose own it is, or else one beside it.
func DataOf(config string) string {
	full, err := filepath.Abs(config)
	name := filepath.Base(filepath.Dir(full))
	if s := layout(name); err == nil && (name == "roagent" || strings.HasPrefix(name, "roagent-")) && s.Config == full {
		return s.Data
	}
	return filepath.Join(filepath.Dir(config), "data")
}

// OwnConfig reports whether the configuration is in a folder of the service's own, with nothing else in it.
func (s Service) OwnConfig() bool {
	return filepath.Dir(s.Config) == filepath.Dir(layout(s.Name).Config)
}

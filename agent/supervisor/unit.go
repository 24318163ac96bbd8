package supervisor

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"unicode"
)

//go:embed roagent.service.tmpl
var unitText string

// Unit returns the text of the service's systemd unit.
func (s Service) Unit() (string, error) {
	for _, path := range []string{s.Binary, s.Config, s.Data} {
		if strings.ContainsFunc(path, unicode.IsControl) {
			return "", fmt.Errorf("the path %q has a control character, which a unit cannot name", path)
		}
	}
	t, err := template.New("unit").Funcs(template.FuncMap{"path": unitPath, "argument": unitArgument}).Parse(unitText)
	if err != nil {
		return "", fmt.Errorf("the unit's template: %w", err)
	}
	var b strings.Builder
	if err := t.Execute(&b, s); err != nil {
		return "", fmt.Errorf("the unit's template: %w", err)
	}
	return b.String(), nil
}

// Description is what lists of services show.
func (s Service) Description() string {
	if store, named := strings.CutPrefix(s.Name, "roagent-"); named {
		return "Repair orders for the car maker (" + store + ")"
	}
	return "Repair orders for the car maker"
}

// unitPath quotes a path for a unit: systemd.syntax(7) on quoting, systemd.unit(5) on specifiers.
func unitPath(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(s) + `"`
}

// unitArgument quotes an argument of a command line, where a $ names a variable as well: systemd.service(5).
func unitArgument(s string) string { return strings.ReplaceAll(unitPath(s), `$`, `$$`) }

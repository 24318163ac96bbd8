package supervisor

import (
	"cmp"
	"os"
	"path/filepath"
)

// virtualDomain is where Windows has the virtual accounts of services.
const virtualDomain = "NT SERVICE"

func layout(name string) Service {
	programs := cmp.Or(os.Getenv("ProgramFiles"), `C:\Program Files`)
	data := filepath.Join(cmp.Or(os.Getenv("ProgramData"), `C:\ProgramData`), name)
	return Service{
		Name:    name,
		Binary:  filepath.Join(programs, "roagent", "roagent.exe"),
		Config:  filepath.Join(data, "roagent.yaml"),
		Data:    filepath.Join(data, "data"),
		Account: virtualDomain + `\` + name, // a virtual account: it exists with the service, and has no password
	}
}

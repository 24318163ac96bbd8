//go:build !windows

package supervisor

func layout(name string) Service {
	return Service{
		Name:    name,
		Binary:  "/usr/bin/roagent",
		Config:  "/etc/" + name + "/roagent.yaml",
		Data:    "/var/lib/" + name,
		Account: name,
	}
}

// Package supervisor puts roagent under the machine's service manager, systemd or that of Windows, and speaks with it
// while the service runs. It knows nothing of orders: a service is a binary, a configuration, a data folder and an account.
//
// github.com/kardianos/service registers and controls. What it does badly or not at all is done here: the unit's text,
// running (see [Run]), recovery actions, accounts, and who may use which folder.
package supervisor

package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"roagent/upload/localpage"
)

// metrics tells where the metrics of the service are, and whether they can be there: the address is free, or the service that
// runs has it. It opens the address for a moment; nobody is asked.
func (u *checkup) metrics(ctx context.Context, f *findings) {
	const name = "metrics"
	listen := u.config.Status.Listen
	if listen == "" {
		f.ok(name, "status.listen is off: the service shows none, and opens no port")
		return
	}
	if !localpage.IsLoopback(listen) { // parseConfig refuses it
		f.fail(name, errors.New("status.listen is an address that other machines reach, and the page has no sign-in"))
		return
	}
	where := fmt.Sprintf("the service's are at http://%s/metrics, for this machine only", listen)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	switch {
	case err == nil:
		_ = listener.Close()
		f.ok(name, "%s", where)
	case u.runs.Load():
		f.ok(name, "%s, while it runs", where)
	default:
		f.warn(name, fmt.Sprintf("status.listen cannot be listened on (%v), and the service of this configuration does not run: it will have no metrics", err),
			"give status.listen a port of its own; each store of this machine needs another")
	}
}

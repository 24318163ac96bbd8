package extract

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Instance is one SQL Server of a machine that has several.
type Instance struct {
	Name string
	Port string // TCP; "": it does not listen there
}

// ServerAddress takes dms.server apart: host, host:port or host\instance. The port is "" where the instance has to be asked
// for it.
func ServerAddress(server string) (host, port, instance string) {
	host, instance, named := strings.Cut(server, `\`)
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	} else if !named {
		port = "1433"
	}
	host = strings.Trim(host, "[]")
	if host == "." {
		host = "localhost"
	}
	return host, port, instance
}

const (
	browserPort = "1434"
	maxBrowsed  = 64 << 10 // bytes of a datagram
)

var errBrowser = errors.New("what answers there is no SQL Server Browser")

// Browse asks the SQL Server Browser of a host for its instances, as the driver does before it connects to one (MC-SQLR
// 2.2.1, 2.2.5). That is one datagram each way; ctx bounds the wait.
func Browse(ctx context.Context, host string) ([]Instance, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "udp", net.JoinHostPort(host, browserPort))
	if err != nil {
		return nil, fmt.Errorf("ask the SQL Server Browser: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	const allInstances = 3
	if _, err := conn.Write([]byte{allInstances}); err != nil {
		return nil, fmt.Errorf("ask the SQL Server Browser: %w", err)
	}
	answer := make([]byte, maxBrowsed)
	n, err := conn.Read(answer)
	if err != nil {
		return nil, fmt.Errorf("ask the SQL Server Browser: %w", err)
	}
	return parseInstances(answer[:n])
}

// parseInstances reads the Browser's answer: names and values with semicolons between them, and two behind each instance.
func parseInstances(answer []byte) ([]Instance, error) {
	const head = 3
	if len(answer) < head || answer[0] != 5 || int(binary.LittleEndian.Uint16(answer[1:])) != len(answer)-head {
		return nil, errBrowser
	}
	var found []Instance
	for text := range strings.SplitSeq(string(answer[head:]), ";;") {
		var i Instance
		parts := strings.Split(text, ";")
		for at := 0; at+1 < len(parts); at += 2 {
			switch parts[at] {
			case "InstanceName":
				i.Name = parts[at+1]
			case "tcp":
				i.Port = parts[at+1]
			}
		}
		if i.Name != "" {
			found = append(found, i)
		}
	}
	return found, nil
}

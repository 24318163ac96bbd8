package extracttest

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"testing"
)

// Browser answers for a SQL Server Browser on UDP 1434 of an address of loopback of its own, until the test ends, and returns
// that address. says is what it says of its instances, given the address; where that is nil it never answers.
func Browser(t testing.TB, says func(host string) string) (host string) {
	t.Helper()
	var conn net.PacketConn
	for n := 2; conn == nil; n++ { // every address of 127.0.0.0/8 is this machine's, on Linux and Windows
		host = fmt.Sprintf("127.0.7.%d", n)
		var err error
		if conn, err = net.ListenPacket("udp", net.JoinHostPort(host, "1434")); err != nil && (n == 250 || runtime.GOOS == "darwin") {
			t.Skipf("NOT TESTED: no address for a Browser: %v", err)
		}
	}
	t.Cleanup(func() { _ = conn.Close() })
	text := ""
	if says != nil {
		text = says(host)
	}
	go func() {
		question := make([]byte, 100)
		for {
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			if text == "" || n != 1 || question[0] != 3 {
				continue
			}
			answer := binary.LittleEndian.AppendUint16([]byte{5}, uint16(len(text)))
			_, _ = conn.WriteTo(append(answer, text...), from)
		}
	}()
	return host
}

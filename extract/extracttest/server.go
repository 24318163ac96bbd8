package extracttest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf16"
)

// Server speaks as much of SQL Server's protocol (MS-TDS) as it takes to refuse a login: the prelogin, a real TLS handshake,
// and error 18456. There is nothing to be read from it.
type Server struct {
	TLS    *tls.Config // nil: it takes no encryption
	Strict bool        // TLS comes first, as in TDS 8
	Silent bool        // it takes connections, and says nothing
	Host   string      // where it listens; "": 127.0.0.1
}

// Start serves on a port of loopback until the test ends, and returns its address.
func (s *Server) Start(t testing.TB) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(s.Host, "127.0.0.1"), "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				_ = s.serve(conn) // the client says what went wrong
			}()
		}
	}()
	return l.Addr().String()
}

// Types of packets, and values of the prelogin's option ENCRYPTION (MS-TDS 2.2.3.1.1, 2.2.6.5).
const (
	packetReply    = 4
	packetPrelogin = 18

	encryptNotSupported = 2
	encryptRequired     = 3
)

func (s *Server) serve(conn net.Conn) error {
	if s.Silent {
		_, err := io.Copy(io.Discard, conn)
		return err
	}
	stream := io.ReadWriter(conn)
	if s.Strict {
		stream = tls.Server(conn, s.config())
	}
	if _, err := readMessage(stream); err != nil {
		return err
	}
	encryption := byte(encryptRequired)
	if s.TLS == nil {
		encryption = encryptNotSupported
	}
	if err := writePacket(stream, packetReply, prelogin(encryption)); err != nil {
		return err
	}
	if s.TLS != nil && !s.Strict {
		wrapped := &handshakeConn{Conn: conn}
		secure := tls.Server(wrapped, s.config())
		if err := secure.Handshake(); err != nil {
			return err
		}
		wrapped.done, stream = true, secure
	}
	if _, err := readMessage(stream); err != nil { // the login
		return err
	}
	return writePacket(stream, packetReply, loginFailed())
}

// config is that of the handshake. What a server sends behind it would not be in a packet any more.
func (s *Server) config() *tls.Config {
	c := s.TLS.Clone()
	c.SessionTicketsDisabled = true
	c.NextProtos = []string{"tds/8.0"}
	return c
}

// prelogin is the answer with a version and whether the connection is to be encrypted.
func prelogin(encryption byte) []byte {
	return []byte{
		0, 0, 11, 0, 6, // VERSION, at 11, of 6 bytes
		1, 0, 17, 0, 1, // ENCRYPTION, at 17, of 1 byte
		0xff,
		16, 0, 0x10, 0, 0, 0,
		encryption,
	}
}

// loginFailed is the tokens ERROR, with number 18456, and DONE.
func loginFailed() []byte {
	wide := func(text string) (b []byte) {
		for _, unit := range utf16.Encode([]rune(text)) {
			b = binary.LittleEndian.AppendUint16(b, unit)
		}
		return b
	}
	const message = "Login failed for user 'roagent'."
	body := binary.LittleEndian.AppendUint32(nil, 18456)
	body = append(body, 1, 14) // state, class
	body = binary.LittleEndian.AppendUint16(body, uint16(len(message)))
	body = append(body, wide(message)...)
	body = append(body, 0, 0)       // neither server nor procedure
	body = append(body, 1, 0, 0, 0) // line
	b := binary.LittleEndian.AppendUint16([]byte{0xaa}, uint16(len(body)))
	b = append(b, body...)
	return append(b, 0xfd, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) // DONE, with an error
}

// readMessage reads packets up to the last one of a message.
func readMessage(r io.Reader) (body []byte, err error) {
	for {
		header := make([]byte, 8)
		if _, err := io.ReadFull(r, header); err != nil {
			return nil, err
		}
		length := int(binary.BigEndian.Uint16(header[2:]))
		if length < len(header) {
			return nil, errors.New("a packet is shorter than its header")
		}
		part := make([]byte, length-len(header))
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, err
		}
		if body = append(body, part...); header[1]&1 != 0 {
			return body, nil
		}
	}
}

func writePacket(w io.Writer, kind byte, body []byte) error {
	packet := []byte{kind, 1, 0, 0, 0, 0, 1, 0}
	binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)+len(body)))
	_, err := w.Write(append(packet, body...))
	return err
}

// handshakeConn carries a handshake in packets of type prelogin, as TDS 7 has it, and once that is done the bare stream.
type handshakeConn struct {
	net.Conn
	done bool
	rest []byte // of the last packet
}

func (c *handshakeConn) Read(b []byte) (int, error) {
	if c.done && len(c.rest) == 0 {
		return c.Conn.Read(b)
	}
	if len(c.rest) == 0 {
		body, err := readMessage(c.Conn)
		if err != nil {
			return 0, err
		}
		c.rest = body
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func (c *handshakeConn) Write(b []byte) (int, error) {
	if c.done {
		return c.Conn.Write(b)
	}
	return len(b), writePacket(c.Conn, packetPrelogin, b)
}

// Certificate makes a certificate that signs itself, for the given names and addresses, valid until then, and returns the file
// that holds it.
func Certificate(t testing.TB, until time.Time, names ...string) (pair tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "A Test's Own"}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "certificate.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// KeyText is the private key of a certificate as a PEM file has it.
func KeyText(t testing.TB, pair tls.Certificate) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

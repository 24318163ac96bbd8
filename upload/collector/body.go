package collector

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"roagent/upload"
)

// maxWindow is the largest zstd window that a content coding may need (RFC 9659, section 3).
const maxWindow = 8 << 20

// payload is a request's body as it was sent.
type payload struct {
	sent   []byte
	coding string // zstd, gzip, or "" for none
}

// readPayload takes a body of one media type, of at most so many bytes as sent, whose Content-Digest holds.
func (h *Handler) readPayload(r *http.Request, mediaType string, limit int64) (payload, error) {
	got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || got != mediaType {
		return payload{}, refuse(http.StatusUnsupportedMediaType, "Content-Type must be %s", mediaType).with("Accept", mediaType)
	}
	p := payload{coding: strings.ToLower(strings.Join(r.Header.Values("Content-Encoding"), ","))}
	if p.coding == "identity" {
		p.coding = ""
	}
	want, err := contentDigest(r.Header)
	if err != nil {
		return payload{}, err
	}
	if p.sent, err = readAll(r, limit); err != nil {
		return payload{}, err
	}
	if sha256.Sum256(p.sent) != want {
		return payload{}, badDigest("the body is not the one that Content-Digest is of: it was changed on the way")
	}
	return p, nil
}

// contentDigest reads the sha-256 out of a Content-Digest header: RFC 9530, a dictionary of byte sequences.
func contentDigest(header http.Header) (sum [sha256.Size]byte, err error) {
	for member := range strings.SplitSeq(strings.Join(header.Values("Content-Digest"), ","), ",") {
		value, ok := strings.CutPrefix(strings.TrimSpace(member), "sha-256=:")
		if !ok {
			continue
		}
		value, ok = strings.CutSuffix(value, ":")
		data, err := base64.StdEncoding.DecodeString(value)
		if !ok || err != nil || copy(sum[:], data) != len(sum) || len(data) != len(sum) {
			return sum, badDigest("Content-Digest must be: sha-256=:BASE64:")
		}
		return sum, nil
	}
	return sum, badDigest("the request has no Content-Digest with a sha-256")
}

func badDigest(detail string) error {
	return refuse(http.StatusBadRequest, "%s", detail).with("Want-Content-Digest", "sha-256=10")
}

func readAll(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	// Content-Length is a claim: it gets no more than a small batch's memory before the bytes are here.
	const trusted = 1 << 20
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), trusted)) + bytes.MinRead)
	_, err := b.ReadFrom(io.LimitReader(r.Body, limit+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refuse(http.StatusRequestTimeout, "the body took too long")
	case err != nil:
		return nil, refuse(http.StatusRequestTimeout, "the body broke off after %d bytes", b.Len()) // nobody's orders are at fault: try again
	case int64(b.Len()) > limit:
		return nil, tooLarge(limit)
	}
	return b.Bytes(), nil
}

func tooLarge(limit int64) error {
	return refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes as sent", limit)
}

// decode hands out what was sent as it was before its content coding. close gives the decoder back.
func (h *Handler) decode(p payload) (content io.Reader, done func(), err error) {
	switch {
	case p.coding == "":
		return bytes.NewReader(p.sent), func() {}, nil
	case p.coding == "gzip":
		z, err := gzip.NewReader(bytes.NewReader(p.sent))
		if err != nil {
			return nil, nil, undecodable(err)
		}
		return z, func() {}, nil
	case p.coding == "zstd" && !h.RefuseZstd:
		return h.zstdReader(p.sent)
	}
	return nil, nil, h.badCoding()
}

func (h *Handler) badCoding() error {
	accept := "zstd, gzip"
	if h.RefuseZstd {
		accept = "gzip"
	}
	return refuse(http.StatusUnsupportedMediaType, "Content-Encoding must be one of: %s", accept).with("Accept-Encoding", accept)
}

// zstdReader reuses decoders: a new one costs more than a small batch.
func (h *Handler) zstdReader(data []byte) (io.Reader, func(), error) {
	z, _ := h.decoders.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		if z, err = newZstdReader(); err != nil {
			return nil, nil, err
		}
	}
	done := func() {
		if z.Reset(nil) == nil { // lets go of data
			h.decoders.Put(z)
		}
	}
	if err := z.Reset(bytes.NewReader(data)); err != nil {
		done()
		return nil, nil, undecodable(err)
	}
	return z, done, nil
}

// newZstdReader returns a decoder that works on its caller's goroutine and never takes more than a window's memory.
func newZstdReader() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
}

func undecodable(err error) error {
	return refuse(http.StatusBadRequest, "the body does not decompress: %v", err)
}

// errTooMuch is a body that decompresses to more than it may.
var errTooMuch = errors.New("too much")

// limitReader fails with errTooMuch instead of reading more than n bytes: a decompression bomb stops here.
type limitReader struct {
	r io.Reader
	n int64
}

func (l *limitReader) Read(p []byte) (int, error) {
	if l.n < 0 {
		return 0, errTooMuch
	}
	p = p[:min(int64(len(p)), l.n+1)]
	n, err := l.r.Read(p)
	l.n -= int64(n)
	if l.n < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// readJSON takes a small JSON body, of at most limit bytes before and after decompression.
func (h *Handler) readJSON(r *http.Request, limit int64) ([]byte, error) {
	p, err := h.readPayload(r, "application/json", limit)
	if err != nil {
		return nil, err
	}
	content, done, err := h.decode(p)
	if err != nil {
		return nil, err
	}
	defer done()
	data, err := io.ReadAll(&limitReader{content, limit})
	if err != nil {
		return nil, contentError(err, limit)
	}
	return data, nil
}

// contentError is the answer to a body that cannot be read to its end once it is here.
func contentError(err error, limit int64) error {
	if errors.Is(err, errTooMuch) {
		return refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes when decompressed", limit)
	}
	return undecodable(err)
}

// fieldmapDigest returns the digest of the whitelist under which the body was read.
func fieldmapDigest(r *http.Request) (string, error) {
	d := r.Header.Get(upload.FieldmapHeader)
	if !isDigest(d) {
		return "", refuse(http.StatusBadRequest, "%s must be the whitelist's SHA-256 in 64 lower-case hex digits", upload.FieldmapHeader)
	}
	return d, nil
}

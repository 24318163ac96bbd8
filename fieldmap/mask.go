package fieldmap

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"unicode/utf8"
)

// redacted is what STAR's REDACT puts in place of a value.
const redacted = "[REDACTED]"

// masker applies one mask to plain text. It keeps the keyed hash, so it serves one goroutine.
type masker struct {
	mask Mask
	mac  hash.Hash // HASH: HMAC-SHA-256 under the site's key, never a bare digest
}

func newMasker(m Mask, hashKey []byte) *masker {
	out := &masker{mask: m}
	if m.Strategy == MaskHash {
		out.mac = hmac.New(sha256.New, hashKey)
	}
	return out
}

// plain reports whether the value is sent as it is.
func (m *masker) plain() bool { return m.mask.Strategy == MaskNone || m.mask.Strategy == "" }

// shows reports whether anything of the value is sent, if only a hash.
func (m *masker) shows() bool {
	return m.mask.Strategy != MaskRedact && m.mask.Strategy != MaskNullify && m.mask.Strategy != MaskBlock
}

// apply returns the masked text, made of plain; ok is false where nothing is sent.
func (m *masker) apply(plain []byte) (text []byte, ok bool, err error) {
	switch m.mask.Strategy {
	case MaskHash:
		m.mac.Reset()
		m.mac.Write(plain)
		return hex.AppendEncode(nil, m.mac.Sum(nil)), true, nil
	case MaskPartial:
		return keepLast(plain, m.mask.Keep), true, nil
	case MaskTruncate:
		return keepFirst(plain, m.mask.Keep), true, nil
	case MaskGeneralize: // plain is an ISO 8601 date or instant
		return plain[:min(len(plain), map[string]int{"year": len("2006"), "month": len("2006-01")}[m.mask.To])], true, nil
	case MaskRedact:
		return []byte(redacted), true, nil
	case MaskNullify:
		return nil, false, nil
	case MaskBlock:
		return nil, false, ErrBlocked
	}
	return plain, true, nil
}

// keepLast puts an asterisk in place of every character but the last n. A text of n characters or fewer is covered
// whole: it would otherwise leave unmasked.
func keepLast(plain []byte, n int) []byte {
	hide := utf8.RuneCount(plain) - n
	if hide <= 0 {
		hide = utf8.RuneCount(plain)
	}
	out := make([]byte, 0, len(plain))
	for i := 0; len(plain) > 0; i++ {
		_, size := utf8.DecodeRune(plain)
		if i < hide {
			out = append(out, '*')
		} else {
			out = append(out, plain[:size]...)
		}
		plain = plain[size:]
	}
	return out
}

func keepFirst(plain []byte, n int) []byte {
	at := 0
	for range n {
		if at >= len(plain) {
			break
		}
		_, size := utf8.DecodeRune(plain[at:])
		at += size
	}
	return plain[:at]
}

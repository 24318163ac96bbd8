package fieldmap

import (
	"bytes"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// AppendJSON appends s as a JSON string (RFC 8259). Bytes that are no UTF-8 become U+FFFD; whole tells whether there
// were none.
func AppendJSON[T string | []byte](dst []byte, s T) (out []byte, whole bool) {
	dst = append(dst, '"')
	whole = true
	start := 0
	for i := plainPrefix(s); i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, size := decodeRune(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
			whole = false
			i++
			start = i
			continue
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"'), whole
}

// plainPrefix returns how many bytes, in groups of eight, s begins with that stand for themselves in a JSON string.
func plainPrefix[T string | []byte](s T) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		g := s[i : i+8]
		x := uint64(g[0]) | uint64(g[1])<<8 | uint64(g[2])<<16 | uint64(g[3])<<24 |
			uint64(g[4])<<32 | uint64(g[5])<<40 | uint64(g[6])<<48 | uint64(g[7])<<56
		quote, slash := x^('"'*ones), x^('\\'*ones)
		// The high bit of a byte is set where it, or one below it, is no ASCII, a control, a quote or a backslash.
		if (x|(x-' '*ones)|(quote-ones)|(slash-ones))&high != 0 {
			break
		}
	}
	return i
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

func decodeRune[T string | []byte](s T) (rune, int) {
	var b [utf8.UTFMax]byte
	n := copy(b[:], s)
	return utf8.DecodeRune(b[:n])
}

// node is one object of the tree that a level's fields make, in the order of the whitelist.
type node struct {
	label  []byte // "name":
	field  *fieldEncoder
	within []*node
}

// grow adds a field at its path below n.
func (n *node) grow(path []string, f *fieldEncoder) {
	label, _ := AppendJSON(nil, path[0])
	label = append(label, ':')
	if len(path) == 1 {
		n.within = append(n.within, &node{label: label, field: f})
		return
	}
	for _, have := range n.within {
		if have.field == nil && bytes.Equal(have.label, label) {
			have.grow(path[1:], f)
			return
		}
	}
	object := &node{label: label}
	n.within = append(n.within, object)
	object.grow(path[1:], f)
}

// appendMembers appends the members of n that have a value, separated by commas; objects without any are left out.
func (n *node) appendMembers(dst []byte, values []any, w *rowWriter) ([]byte, error) {
	start := len(dst)
	for _, member := range n.within {
		mark := len(dst)
		if mark > start {
			dst = append(dst, ',')
		}
		dst = append(dst, member.label...)
		from := len(dst)
		var err error
		if member.field != nil {
			dst, err = member.field.append(dst, values, w)
		} else {
			dst = append(dst, '{')
			from++
			dst, err = member.appendMembers(dst, values, w)
		}
		if err != nil {
			return dst, err
		}
		switch {
		case len(dst) == from:
			dst = dst[:mark]
		case member.field == nil:
			dst = append(dst, '}')
		}
	}
	return dst, nil
}

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// canaries makes texts that stand nowhere else, and finds them again in any bytes.
type canaries struct {
	random *rand.Rand
	made   map[string]bool
	heads  map[string][]needle // by their first needleHead bytes
}

// needle is what is looked for: a canary, a part of it that no mask keeps, or a spelling of it.
type needle struct {
	text  string
	plain string // the canary's own characters; "" of other spellings, which nothing may show
}

const (
	needleHead = 8
	tokenSize  = 12
	firstYear  = 1970 // of the days in cells
	lastYear   = 1998
)

func newCanaries(seed uint64) *canaries {
	return &canaries{random: rand.New(rand.NewPCG(seed, 0)), made: map[string]bool{}, heads: map[string][]needle{}}
}

// once returns a text that was not made before.
func (c *canaries) once(text func() string) string {
	for {
		if t := text(); !c.made[t] {
			c.made[t] = true
			return t
		}
	}
}

// note looks for a text from now on, in clear, in hex and in base64.
func (c *canaries) note(text string) string {
	c.add(needle{text, text})
	c.add(needle{text: hex.EncodeToString([]byte(text))})
	for shift := range 3 { // the characters that do not depend on what stands around it
		spelled := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
		c.add(needle{text: spelled[(shift*8+5)/6 : (shift+len(text))*8/6]})
	}
	return text
}

func (c *canaries) add(n needle) {
	head := n.text[:needleHead]
	c.heads[head] = append(c.heads[head], n)
}

// token returns a word, of which no part of eight letters may be seen.
func (c *canaries) token() string { return c.note(c.key()) }

// key returns a value of an order's key. A reading's place to go on from is one, in a spelling of its own: so keys are
// looked for in clear only. It has no digits, and no letters of hex numbers.
func (c *canaries) key() string {
	word := c.once(func() string {
		letters := make([]byte, tokenSize)
		for i := range letters {
			letters[i] = 'g' + byte(c.random.IntN(20))
		}
		return string(letters)
	})
	for i := range tokenSize - needleHead + 1 {
		c.add(needle{word[i : i+needleHead], word[i : i+needleHead]})
	}
	return word
}

func (c *canaries) number() string {
	return c.note(c.once(func() string { return fmt.Sprint(90_000_000_000 + c.random.Int64N(9_000_000_000)) }))
}

// day returns a day of an even year, between the 10th and the 28th: rules name others.
func (c *canaries) day() string {
	return c.note(c.once(func() string {
		return fmt.Sprintf("%d-%02d-%d", firstYear+2*c.random.IntN((lastYear-firstYear)/2), 1+c.random.IntN(12), 10+c.random.IntN(19))
	}))
}

// secret returns a secret as people type it, with the word beside it.
func (c *canaries) secret(kind int) (s drawnSecret, label string) {
	digits := func(n int) string {
		text := make([]byte, n)
		for i := range text {
			text[i] = '0' + byte(c.random.IntN(10))
		}
		return string(text)
	}
	switch kind {
	case 0:
		s.kind, label = "ssn", "SSN "
		s.text = c.once(func() string {
			return fmt.Sprintf("2%s-%d-%d", digits(2), 10+c.random.IntN(90), 1000+c.random.IntN(9000))
		})
	case 1:
		s.kind, label = "card", "cc "
		s.text = c.once(func() string { return withLuhn("4" + digits(14)) })
	case 2:
		s.kind = "email"
		s.text = c.token() + "@example.com"
		return s, label
	case 3:
		s.kind, label = "phone", "call "
		s.text = c.once(func() string { return fmt.Sprintf("(626) 5%s-%s", digits(2), digits(4)) })
	case 4:
		s.kind, label = "licence", "DL "
		s.text = c.once(func() string { return "D" + digits(7) })
	default:
		s.kind, label = "birth_date", "DOB "
		s.text = c.once(func() string {
			return fmt.Sprintf("%02d/%02d/19%s", 1+c.random.IntN(12), 1+c.random.IntN(28), digits(2))
		})
	}
	c.note(s.text)
	return s, label
}

// withLuhn adds the digit to a card's first fifteen that makes them one, and writes it in groups.
func withLuhn(digits string) string {
	sum := 0
	for i, c := range digits {
		n := int(c-'0') * (2 - i%2)
		sum += n/10 + n%10
	}
	digits += fmt.Sprint((10 - sum%10) % 10)
	return digits[:4] + " " + digits[4:8] + " " + digits[8:12] + " " + digits[12:]
}

// leaks returns the first of the canaries in data that is not in what may be seen there, with what stands around it.
// It looks into what is compressed too.
func (c *canaries) leaks(data []byte, seen string) string {
	for _, layer := range append([][]byte{data}, unpacked(data)...) {
		for i := range len(layer) - needleHead + 1 {
			for _, n := range c.heads[string(layer[i:i+needleHead])] {
				if bytes.HasPrefix(layer[i:], []byte(n.text)) && (n.plain == "" || !strings.Contains(seen, n.plain)) {
					return fmt.Sprintf("%q in %q", n.text, layer[max(0, i-60):min(len(layer), i+60)])
				}
			}
		}
	}
	return ""
}

// unpacked returns what is in the zstd frames and gzip members that begin anywhere in data, as far as they can be read.
func unpacked(data []byte) (layers [][]byte) {
	for magic, open := range map[string]func(io.Reader) (io.Reader, error){
		"\x28\xb5\x2f\xfd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
		"\x1f\x8b\x08":     func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	} {
		for at := 0; ; {
			next := bytes.Index(data[at:], []byte(magic))
			if next < 0 {
				break
			}
			at += next
			if r, err := open(bytes.NewReader(data[at:])); err == nil {
				layer, _ := io.ReadAll(io.LimitReader(r, 1<<20)) // what follows the frame is none
				layers = append(layers, layer)
			}
			at += len(magic)
		}
	}
	return layers
}

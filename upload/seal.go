package upload

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

// sealer encrypts what lies in the database with AES-256-GCM. Nonces are random: safe for 2^32 messages of one key
// (NIST SP 800-38D, 8.3), which is more batches than a site makes in its life.
type sealer struct {
	aead cipher.AEAD
}

var errUnseal = errors.New("it was not sealed with this key, or was changed since")

func newSealer(key []byte) (*sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &sealer{aead: aead}, nil
}

// seal appends nonce and ciphertext of plain to dst. bound is not stored: whoever opens it must know it, so that a
// payload cannot be passed off as another one's.
func (s *sealer) seal(dst, plain, bound []byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, s.aead.NonceSize()+len(plain)+s.aead.Overhead())[:n+s.aead.NonceSize()]
	nonce := dst[n:]
	rand.Read(nonce) //nolint:errcheck // never fails: see crypto/rand
	return s.aead.Seal(dst, nonce, plain, bound)
}

// open returns what was sealed, in memory of its own.
func (s *sealer) open(sealed, bound []byte) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n+s.aead.Overhead() {
		return nil, errUnseal
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], bound)
	if err != nil {
		return nil, errUnseal
	}
	return plain, nil
}

// keyCheck is kept to tell whether a key is the one that was used before. It does not give the key away.
func keyCheck(name string, key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("roagent key check\x00" + name))
	return mac.Sum(nil)[:16]
}

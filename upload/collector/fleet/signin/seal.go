package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// sealer writes cookies that only it can read, and that nobody can change: AES-256-GCM. A cookie's name is part of what is sealed, so that
// one does not pass for another.
type sealer struct{ aead cipher.AEAD }

// KeySize is the size of the secret that cookies are sealed with, in bytes.
const KeySize = 32

const maxCookie = 4096

func newSealer(key []byte) (*sealer, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the secret for cookies has %d bytes; it must have %d", len(key), KeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

// set gives the browser a cookie for that long. __Host- has browsers hold that it is of this host alone, and came over TLS.
func (s *sealer) set(w http.ResponseWriter, name string, value any, life time.Duration) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	sealed := base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, text, []byte(name)))
	if len(sealed) > maxCookie {
		return errors.New("the cookie is too large")
	}
	c := cookie(name)
	c.Value, c.MaxAge = sealed, int(life.Seconds())
	http.SetCookie(w, c)
	return nil
}

// get reads a cookie of this sealer. What is not one is an error that tells nothing.
func (s *sealer) get(r *http.Request, name string, into any) error {
	bad := errors.New("there is no such cookie, or it is not one of ours")
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > maxCookie {
		return bad
	}
	sealed, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return bad
	}
	text, err := s.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil || json.Unmarshal(text, into) != nil {
		return bad
	}
	return nil
}

// forget takes a cookie back.
func forget(w http.ResponseWriter, name string) {
	c := cookie(name)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func cookie(name string) *http.Cookie {
	return &http.Cookie{Name: name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// NewKey returns a new secret for cookies.
func NewKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails
	return key
}

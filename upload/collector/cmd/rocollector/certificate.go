package main

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// renewable is a certificate in files that something else renews, as ACME clients do: they are looked at once a minute, while
// connections come, and read again when one of them is another. Two files are not renewed at one moment; a pair that does not fit
// together, or cannot be read, leaves the one from before in use.
type renewable struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	files   [2]stamp  // that current was read from
	looked  time.Time // when they were looked at last
}

// stamp tells a file from what it was before.
type stamp struct {
	changed time.Time
	size    int64
}

const renewalLook = time.Minute

// openCertificate reads a certificate and its key, which must be good the first time.
func openCertificate(certFile, keyFile string, logger *slog.Logger) (*renewable, error) {
	r := &renewable{certFile: certFile, keyFile: keyFile, logger: logger}
	files, err := r.stamps()
	if err != nil {
		return nil, err
	}
	return r, r.read(files)
}

// get is for [tls.Config]'s GetCertificate.
func (r *renewable) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.looked) >= renewalLook {
		r.looked = now
		r.renew()
	}
	return r.current, nil
}

// ends returns when the certificate in use ends.
func (r *renewable) ends() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current.Leaf.NotAfter
}

func (r *renewable) renew() {
	files, err := r.stamps()
	if err == nil && files == r.files {
		return
	}
	if err == nil {
		err = r.read(files)
	}
	if err != nil {
		r.logger.Warn("the renewed certificate cannot be used; the one from before still is", "file", r.certFile, "error", err)
		return
	}
	r.logger.Info("certificate renewed", "file", r.certFile, "ends", r.current.Leaf.NotAfter)
}

func (r *renewable) read(files [2]stamp) error {
	pair, err := tls.LoadX509KeyPair(r.certFile, r.keyFile)
	if err != nil {
		return err
	}
	r.current, r.files = &pair, files
	return nil
}

func (r *renewable) stamps() (files [2]stamp, err error) {
	for i, name := range []string{r.certFile, r.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return files, err
		}
		files[i] = stamp{info.ModTime(), info.Size()}
	}
	return files, nil
}

// Package certificate keeps a TLS server's certificate current: it reads it again when its files change, so that a renewal
// needs no restart.
package certificate

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/secret"
)

// interval is how often the files are looked at, at most. A handshake costs more than that, but not by much.
const interval = 5 * time.Second

// Files are a certificate, with those that lead to its authority behind it, and its key, both in PEM. They are safe for
// concurrent use.
type Files struct {
	certificate, key string
	now              func() time.Time
	log              *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	seen    pair
	current *tls.Certificate
}

// pair is what the files hold. It is compared as a whole: times of modification are those of whoever copied the files.
type pair struct{ certificate, key []byte }

// Load reads the files. Its error says what is wrong with them, and shows nothing of the key.
func Load(certificate, key string, now func() time.Time, log *slog.Logger) (*Files, error) {
	f := &Files{certificate: certificate, key: key, now: now, log: log, looked: now()}
	read, err := f.read()
	if err != nil {
		return nil, err
	}
	if err := f.use(read); err != nil {
		return nil, err
	}
	f.warn()
	return f, nil
}

// soon is how long before its end a certificate should have been renewed: those that live for 90 days are with 30 left.
const soon = 7 * 24 * time.Hour

// warn tells of a certificate that callers refuse, or will before long.
func (f *Files) warn() {
	expires := f.current.Leaf.NotAfter
	switch left := expires.Sub(f.now()); {
	case left <= 0:
		f.log.Warn("the certificate has expired", "file", f.certificate, "expired", expires)
	case left < soon:
		f.log.Warn("the certificate expires soon", "file", f.certificate, "expires", expires)
	}
}

// Expires returns when the certificate ends.
func (f *Files) Expires() time.Time { return f.look().Leaf.NotAfter }

// Config is how a server uses the files: TLS 1.2 and better (RFC 8996), and HTTP/2 for those who want it.
func (f *Files) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: f.get}
}

// get is called for each handshake.
func (f *Files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.look(), nil }

// look returns the pair to use. A new one that cannot be used, such as one of which only half is there yet, leaves the old
// one in use.
func (f *Files) look() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.looked) < interval {
		return f.current
	}
	f.looked = now
	if err := f.refresh(); err != nil {
		f.log.Error("the new certificate cannot be used; the old one stays in use", "error", err)
	}
	return f.current
}

// refresh takes what is new in the files. What is wrong with them is returned once, not at each look.
func (f *Files) refresh() error {
	read, err := f.read()
	if err != nil {
		return err
	}
	if bytes.Equal(read.certificate, f.seen.certificate) && bytes.Equal(read.key, f.seen.key) {
		return nil
	}
	if err := f.use(read); err != nil {
		return err
	}
	f.log.Info("took a new certificate", "file", f.certificate, "expires", f.current.Leaf.NotAfter)
	if readable, err := secret.CheckFile(f.key); readable || err != nil { // refusing it would end the service with the old one
		f.log.Warn("every user of this machine can read a file with a secret", "setting", "tls.key", "file", f.key)
	}
	f.warn()
	return nil
}

func (f *Files) read() (read pair, err error) {
	if read.certificate, err = os.ReadFile(f.certificate); err != nil {
		return pair{}, err
	}
	read.key, err = os.ReadFile(f.key)
	return read, err
}

func (f *Files) use(read pair) error {
	f.seen = read
	loaded, err := tls.X509KeyPair(read.certificate, read.key)
	if err != nil {
		return fmt.Errorf("%s and %s are not a certificate and its key: %w", f.certificate, f.key, err)
	}
	f.current = &loaded
	return nil
}

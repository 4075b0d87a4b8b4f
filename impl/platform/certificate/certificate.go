// Package certificate reloads a TLS server's certificate when its files change, so that a renewal needs no restart.
package certificate

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/sallyport/sallyport/impl/platform/secret"
)

// reloadInterval is the shortest time between two reads of the files. Reading them costs less than a handshake.
const reloadInterval = 5 * time.Second

// Files is a certificate chain and its private key in two PEM files. It is safe for concurrent use.
type Files struct {
	certificate, key string
	now              func() time.Time
	log              *slog.Logger

	mu sync.Mutex
	// checked is when the files were last read, and last what they held.
	checked time.Time
	last    pair
	current *tls.Certificate
}

// pair is the content of both files. Changes are found by content: copying a file may preserve its old modification
// time.
type pair struct{ certificate, key []byte }

// Load reads the files. Its error names the files and the problem, and quotes nothing of the key.
func Load(certificate, key string, now func() time.Time, log *slog.Logger) (*Files, error) {
	f := &Files{
		certificate: certificate,
		key:         key,
		now:         now,
		log:         log,
		checked:     now(),
	}
	content, err := f.read()
	if err != nil {
		return nil, err
	}

	if err := f.use(content); err != nil {
		return nil, err
	}
	f.warnExpiry()
	return f, nil
}

// expiryWarning is the remaining validity below which a warning is logged. Certificates with a validity of 90 days are
// usually renewed when 30 days are left.
const expiryWarning = 7 * 24 * time.Hour

// warnExpiry logs a warning if the certificate has expired or expires soon.
func (f *Files) warnExpiry() {
	expires := f.current.Leaf.NotAfter
	switch left := expires.Sub(f.now()); {
	case left <= 0:
		f.log.Warn("certificate expired", "file", f.certificate, "expired", expires)
	case left < expiryWarning:
		f.log.Warn("certificate expires soon", "file", f.certificate, "expires", expires)
	}
}

// Expires returns when the certificate in use expires.
func (f *Files) Expires() time.Time { return f.latest().Leaf.NotAfter }

// Config returns a server configuration that uses the files. It accepts TLS 1.2 and 1.3 (RFC 8996) and offers HTTP/2.
func (f *Files) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: f.get}
}

// get implements tls.Config.GetCertificate.
func (f *Files) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.latest(), nil }

// latest returns the certificate to use, after reloading the files if they were not read within the last
// reloadInterval. If the new files cannot be used, for instance because only one of them is written yet, the current
// certificate stays in use.
func (f *Files) latest() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()

	now := f.now()
	if now.Sub(f.checked) < reloadInterval {
		return f.current
	}

	f.checked = now
	if err := f.reload(); err != nil {
		f.log.Error("certificate reload failed; keeping the current certificate", "error", err)
	}
	return f.current
}

// reload takes a changed certificate from the files. An error in unchanged files is returned only the first time.
func (f *Files) reload() error {
	content, err := f.read()
	if err != nil {
		return err
	}
	if bytes.Equal(content.certificate, f.last.certificate) && bytes.Equal(content.key, f.last.key) {
		return nil
	}

	if err := f.use(content); err != nil {
		return err
	}
	f.log.Info("certificate reloaded", "file", f.certificate, "expires", f.current.Leaf.NotAfter)

	// A key file with open permissions is refused at the start. Here it only causes a warning, because refusing it would
	// leave the server with a certificate that expires.
	if readable, err := secret.CheckFile(f.key); readable || err != nil {
		f.log.Warn("every user of this machine can read a file with a secret", "setting", "tls.key", "file", f.key)
	}
	f.warnExpiry()
	return nil
}

func (f *Files) read() (content pair, err error) {
	if content.certificate, err = os.ReadFile(f.certificate); err != nil {
		return pair{}, err
	}
	content.key, err = os.ReadFile(f.key)
	return content, err
}

// use parses a pair and makes it the current certificate.
func (f *Files) use(content pair) error {
	f.last = content
	parsed, err := tls.X509KeyPair(content.certificate, content.key)
	if err != nil {
		return fmt.Errorf("%s and %s are not a certificate and its key: %w", f.certificate, f.key, err)
	}
	f.current = &parsed
	return nil
}

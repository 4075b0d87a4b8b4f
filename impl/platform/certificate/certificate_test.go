package certificate

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fixture is a certificate in two files, with a clock that the test sets.
type fixture struct {
	*testing.T
	certificate, key string
	now              time.Time
	log              bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	folder := t.TempDir()
	return &fixture{
		T:           t,
		certificate: filepath.Join(folder, "tls.crt"),
		key:         filepath.Join(folder, "tls.key"),
		now:         time.Now(),
	}
}

func (w *fixture) load() (*Files, error) {
	return Load(w.certificate, w.key, func() time.Time { return w.now }, slog.New(slog.NewTextHandler(&w.log, nil)))
}

func (w *fixture) mustLoad() *Files {
	w.Helper()
	f, err := w.load()
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func (w *fixture) write(path string, data []byte) {
	w.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		w.Fatal(err)
	}
}

// issue returns a self-signed certificate for a name, valid for an hour, and its key.
func (w *fixture) issue(name string) pair {
	w.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}

	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		w.Fatal(err)
	}

	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.Fatal(err)
	}
	return pair{
		certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}
}

func (w *fixture) install(p pair) {
	w.Helper()
	w.write(w.certificate, p.certificate)
	w.write(w.key, p.key)
}

// handshake performs a TLS handshake over a loopback connection, and returns the client's connection state.
func handshake(t *testing.T, f *Files, client *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // the test is over

	go func() {
		conn, err := tls.NewListener(listener, f.Config()).Accept()
		if err == nil {
			conn.(*tls.Conn).Handshake() //nolint:errcheck // the client reports a failure
			conn.Close()                 //nolint:errcheck // nothing was sent
		}
	}()

	client.InsecureSkipVerify = true // the tests compare the certificates themselves
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	return conn.ConnectionState(), nil
}

func (w *fixture) wantName(f *Files, name string) {
	w.Helper()
	state, err := handshake(w.T, f, &tls.Config{})
	if err != nil {
		w.Fatal(err)
	}
	if got := state.PeerCertificates[0].Subject.CommonName; got != name {
		w.Errorf("the certificate's name is %q; want %q", got, name)
	}
}

// Ensures that a renewed certificate is used for connections that start after the reload interval, and not before.
func TestFiles_Renewed(t *testing.T) {
	w := newFixture(t)
	w.install(w.issue("old"))
	f := w.mustLoad()
	w.wantName(f, "old")

	w.install(w.issue("new"))
	w.now = w.now.Add(reloadInterval - 1)
	w.wantName(f, "old")
	w.now = w.now.Add(1)
	w.wantName(f, "new")

	if got := w.log.String(); strings.Count(got, "certificate reloaded") != 1 {
		t.Errorf("the log has %q", got)
	}
}

// Ensures that an expired or expiring certificate is logged when it is loaded and when it is reloaded, and that its
// expiry is reported.
func TestFiles_Expiring(t *testing.T) {
	w := newFixture(t)
	w.install(w.issue("short"))
	expires := w.mustLoad().Expires()
	if left := time.Until(expires); left > time.Hour || left < 50*time.Minute {
		t.Errorf("it expires at %v", expires)
	}

	for now, want := range map[time.Time]string{
		expires.Add(-expiryWarning - 1): "",
		expires.Add(-expiryWarning + 1): "WARN msg=\"certificate expires soon\"",
		expires:                         "WARN msg=\"certificate expired\"",
	} {
		w.now = now
		w.log.Reset()
		w.mustLoad()
		if got := w.log.String(); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%v before its expiry, the log has %q", expires.Sub(now), got)
		}
	}

	w.log.Reset()
	w.now = time.Now()
	f := w.mustLoad()
	w.install(w.issue("short again"))
	w.now = w.now.Add(reloadInterval)
	if renewed := f.Expires(); renewed.Before(expires) {
		t.Errorf("the new one expires at %v, and the old one at %v", renewed, expires)
	}
	if got := strings.Count(w.log.String(), "expires soon"); got != 2 {
		t.Errorf("logged %d times; want 2:\n%s", got, w.log.String())
	}
}

// Ensures that an invalid or incomplete pair leaves the current one in use, is logged once, and is used when it is
// complete.
func TestFiles_Broken(t *testing.T) {
	w := newFixture(t)
	w.install(w.issue("old"))
	f, renewed := w.mustLoad(), w.issue("new")
	wantReloaded := func(name string) {
		t.Helper()
		w.now = w.now.Add(reloadInterval)
		w.wantName(f, name)
	}

	w.write(w.certificate, renewed.certificate)
	wantReloaded("old")
	wantReloaded("old")
	if got := strings.Count(w.log.String(), "keeping the current certificate"); got != 1 {
		t.Errorf("logged %d times; want once:\n%s", got, w.log.String())
	}

	w.write(w.certificate, []byte("hunter2"))
	wantReloaded("old")
	if err := os.Remove(w.certificate); err != nil {
		t.Fatal(err)
	}
	wantReloaded("old")

	w.install(renewed)
	wantReloaded("new")
	if strings.Contains(w.log.String(), "hunter2") {
		t.Error("the log quotes the content of a file")
	}
}

// Ensures that files that are not a pair are refused by an error that names them and quotes nothing of them.
func TestLoad_NotAPair(t *testing.T) {
	w := newFixture(t)
	one, other := w.issue("one"), w.issue("other")
	for want, p := range map[string]pair{
		"private key does not match": {one.certificate, other.key},
		"PEM data in key":            {one.certificate, []byte("hunter2")},
		"PEM data in certificate":    {[]byte("hunter2"), one.key},
	} {
		w.install(p)
		_, err := w.load()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), w.key) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v; want %q", err, want)
		}
	}

	for _, path := range []string{w.key, w.certificate} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, err := w.load(); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v; want an error that names %s", err, path)
		}
	}
}

// Ensures that TLS 1.1 is refused, TLS 1.2 and 1.3 are accepted, and HTTP/2 is offered.
func TestFiles_Protocols(t *testing.T) {
	w := newFixture(t)
	w.install(w.issue("server"))
	f := w.mustLoad()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		state, err := handshake(t, f, &tls.Config{MaxVersion: version, NextProtos: []string{"h2"}})
		if err != nil || state.Version != version || state.NegotiatedProtocol != "h2" {
			t.Errorf("%x: %+v, %v", version, state, err)
		}
	}
	if _, err := handshake(t, f, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
}

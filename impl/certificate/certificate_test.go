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

// world is a certificate in two files, with a time that tests move by hand.
type world struct {
	*testing.T
	certificate, key string
	now              time.Time
	log              bytes.Buffer
}

func newWorld(t *testing.T) *world {
	folder := t.TempDir()
	return &world{T: t, certificate: filepath.Join(folder, "tls.crt"), key: filepath.Join(folder, "tls.key"), now: time.Now()}
}

func (w *world) load() (*Files, error) {
	return Load(w.certificate, w.key, func() time.Time { return w.now }, slog.New(slog.NewTextHandler(&w.log, nil)))
}

func (w *world) mustLoad() *Files {
	w.Helper()
	f, err := w.load()
	if err != nil {
		w.Fatal(err)
	}
	return f
}

func (w *world) write(path string, data []byte) {
	w.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		w.Fatal(err)
	}
}

// issue makes a pair for a name.
func (w *world) issue(name string) pair {
	w.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		w.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		w.Fatal(err)
	}
	return pair{
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
	}
}

func (w *world) install(p pair) {
	w.Helper()
	w.write(w.certificate, p.certificate)
	w.write(w.key, p.key)
}

// handshake connects over a loopback connection, and returns the state that the client sees.
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
			conn.(*tls.Conn).Handshake() //nolint:errcheck // the client tells
			conn.Close()                 //nolint:errcheck // nothing was sent
		}
	}()
	client.InsecureSkipVerify = true // which certificate it is, is what the tests look at
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	return conn.ConnectionState(), nil
}

func (w *world) wantName(f *Files, name string) {
	w.Helper()
	state, err := handshake(w.T, f, &tls.Config{})
	if err != nil {
		w.Fatal(err)
	}
	if got := state.PeerCertificates[0].Subject.CommonName; got != name {
		w.Errorf("the certificate is that of %q; want %q", got, name)
	}
}

// Ensures that a renewed certificate is used by connections that begin some seconds later, and looked for no more often.
func TestFiles_Renewed(t *testing.T) {
	w := newWorld(t)
	w.install(w.issue("old"))
	f := w.mustLoad()
	w.wantName(f, "old")
	w.install(w.issue("new"))
	w.now = w.now.Add(interval - 1)
	w.wantName(f, "old")
	w.now = w.now.Add(1)
	w.wantName(f, "new")
	if got := w.log.String(); strings.Count(got, "took a new certificate") != 1 {
		t.Errorf("the log has %q", got)
	}
}

// Ensures that a certificate that has expired or is about to is told of, at the start and when it is taken anew; and that one can
// ask when it ends.
func TestFiles_Expiring(t *testing.T) {
	w := newWorld(t)
	w.install(w.issue("short")) // it lives for an hour
	ends := w.mustLoad().Expires()
	if left := time.Until(ends); left > time.Hour || left < 50*time.Minute {
		t.Errorf("it ends at %v", ends)
	}
	for now, want := range map[time.Time]string{
		ends.Add(-soon - 1): "", ends.Add(-soon + 1): "WARN msg=\"the certificate expires soon\"", ends: "WARN msg=\"the certificate has expired\"",
	} {
		w.now = now
		w.log.Reset()
		w.mustLoad()
		if got := w.log.String(); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%v before its end, the log has %q", ends.Sub(now), got)
		}
	}
	w.log.Reset()
	w.now = time.Now()
	f := w.mustLoad()
	w.install(w.issue("short again"))
	w.now = w.now.Add(interval)
	if renewed := f.Expires(); renewed.Before(ends) {
		t.Errorf("the new one ends at %v, and the old one at %v", renewed, ends)
	}
	if got := strings.Count(w.log.String(), "expires soon"); got != 2 {
		t.Errorf("it is told %d times:\n%s", got, w.log.String())
	}
}

// Ensures that a pair that is broken, or half there, leaves the old one in use, is told once, and is taken when it is whole.
func TestFiles_Broken(t *testing.T) {
	w := newWorld(t)
	w.install(w.issue("old"))
	f, renewed := w.mustLoad(), w.issue("new")
	look := func(name string) {
		t.Helper()
		w.now = w.now.Add(interval)
		w.wantName(f, name)
	}
	w.write(w.certificate, renewed.certificate)
	look("old")
	look("old")
	if got := strings.Count(w.log.String(), "the old one stays in use"); got != 1 {
		t.Errorf("it is told %d times:\n%s", got, w.log.String())
	}
	w.write(w.certificate, []byte("hunter2"))
	look("old")
	if err := os.Remove(w.certificate); err != nil {
		t.Fatal(err)
	}
	look("old")
	w.install(renewed)
	look("new")
	if strings.Contains(w.log.String(), "hunter2") {
		t.Error("the log shows what is in a file")
	}
}

// Ensures that files that are no pair are refused at the start, with their names and nothing of what they hold.
func TestLoad_Refused(t *testing.T) {
	w := newWorld(t)
	one, other := w.issue("one"), w.issue("other")
	for want, p := range map[string]pair{
		"private key does not match": {one.certificate, other.key},
		"PEM data in key":            {one.certificate, []byte("hunter2")},
		"PEM data in certificate":    {[]byte("hunter2"), one.key},
	} {
		w.install(p)
		_, err := w.load()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), w.key) || strings.Contains(err.Error(), "hunter2") {
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

// Ensures that TLS 1.1 is refused, 1.2 and 1.3 are spoken, and HTTP/2 is offered.
func TestFiles_Protocols(t *testing.T) {
	w := newWorld(t)
	w.install(w.issue("server"))
	f := w.mustLoad()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		state, err := handshake(t, f, &tls.Config{MaxVersion: version, NextProtos: []string{"h2"}})
		if err != nil || state.Version != version || state.NegotiatedProtocol != "h2" {
			t.Errorf("%x: %+v, %v", version, state, err)
		}
	}
	if _, err := handshake(t, f, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

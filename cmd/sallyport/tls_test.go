package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// issue writes a certificate for 127.0.0.1 and its key into files, and returns a pool that trusts it.
func issue(t *testing.T, folder string) (certificate, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key, pool = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"), x509.NewCertPool()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	writeFile(t, certificate, string(text))
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
	pool.AppendCertsFromPEM(text)
	return certificate, key, pool
}

// Ensures that a server with a certificate serves HTTPS only, including HTTP/2, and drains.
func TestServe_TLS(t *testing.T) {
	t.Parallel()
	certificate, key, pool := issue(t, t.TempDir())
	s := serveStore(t, newStore(t), "SALLYPORT_TLS_CERTIFICATE="+certificate, "SALLYPORT_TLS_KEY="+key,
		"SALLYPORT_ADMIN_LISTEN=127.0.0.1:0")
	if r := s.adminListener().want(http.StatusOK, http.MethodGet, "/metrics", "", ""); !strings.Contains(r.body,
		"\nsallyport_tls_certificate_expiry_seconds ") {
		t.Error("no metric has the expiry of the certificate")
	}
	// The certificate is valid for an hour.
	if !strings.Contains(s.output.String(), `"level":"WARN","msg":"certificate expires soon"`) {
		t.Error("it does not warn")
	}
	if !regexp.MustCompile(`"msg":"serving",.*"schema":[1-9]\d*,"version":"[^"]+"`).MatchString(s.output.String()) {
		t.Error("it does not say what it is")
	}
	if !strings.HasPrefix(s.url, "https://") {
		t.Fatalf("it serves at %s", s.url)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+authPath+"/methods", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close() //nolint:errcheck // not read
	if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
		t.Errorf("answered with %s by %s", response.Status, response.Proto)
	}
	if response.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
		t.Errorf("the header of the answer is %v", response.Header)
	}
	request.URL.Scheme = "http"
	if r := do(t, request); r.status != http.StatusBadRequest {
		t.Errorf("plain HTTP is answered with %d", r.status)
	}
	s.stop()
}

// Ensures that an unusable certificate stops the start, before any file is created.
func TestServe_TLSRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, key, _ := issue(t, t.TempDir())
	args := []string{"serve", "--listen", "127.0.0.1:0"}
	for _, each := range []struct{ certificate, key, saying string }{
		{certificate, certificate, "found a certificate rather than a key"},
		{filepath.Join(dir, "missing.crt"), key, "missing.crt: no such file"},
	} {
		o := run(t, invocation{args: append(args, "--tls.certificate", each.certificate, "--tls.key="+each.key), dir: dir})
		wantMistake(t, o, each.saying)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("it left behind %v, %v", entries, err)
	}
}

// Ensures that without TLS other machines are served only if plain_http is set.
func TestServe_PlainHTTP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := []string{"serve", "--listen", "0.0.0.0:0", "--store", "none"}
	wantMistake(t, run(t, invocation{args: args, dir: dir}), "set tls.certificate and tls.key; or plain_http to true")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("it left behind %v, %v", entries, err)
	}
	s := start(t, invocation{args: append(args, "--plain_http", "true"), env: []string{"SALLYPORT_LOG_FORMAT=json"}},
		servingAt)
	if !strings.Contains(s.output.String(), "passwords and keys are unencrypted") {
		t.Error("it does not warn")
	}
	s.stop()

	certificate, key, _ := issue(t, t.TempDir())
	args = append(args, "--tls.certificate", certificate, "--tls.key", key)
	start(t, invocation{args: args, env: []string{"SALLYPORT_LOG_FORMAT=json"}}, servingAt).stop()
}

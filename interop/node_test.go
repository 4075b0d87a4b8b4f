package interop

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// needNode returns the path of the program that runs the identity provider.
func needNode(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("saml/node_modules/saml-idp"); err != nil {
		lack(t, "the identity provider is not installed (make interop does that)")
	}
	return need(t, "node")
}

// need returns the path of the first existing program.
func need(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lack(t, names[0]+" is not installed")
	return ""
}

// lack skips a test for a missing program, except in CI, where everything must be tested.
func lack(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// writeKeys writes a key, its certificate and its public half.
func writeKeys(t *testing.T, folder, name string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string]*pem.Block{
		".key": {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)},
		".crt": {Type: "CERTIFICATE", Bytes: certificate},
		".pub": {Type: "PUBLIC KEY", Bytes: public},
	}
	for ending, block := range blocks {
		if err := os.WriteFile(filepath.Join(folder, name+ending), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

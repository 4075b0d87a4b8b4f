package saml

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// keys are made once: that takes its time.
var keys = sync.OnceValue(func() map[string][]byte {
	files := map[string][]byte{
		"partners.xml": []byte("<EntityDescriptor/>"), "text.pem": []byte("hunter2"), "empty.pem": {},
		"large.pem": make([]byte, maxFile+1),
	}
	write := func(name, kind string, der []byte, err error) {
		if err != nil {
			panic(err)
		}
		files[name] = pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	certify := func(name string, key *rsa.PrivateKey) {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		write(name, "CERTIFICATE", der, err)
	}
	for name, bits := range map[string]int{"signing": 2048, "encryption": 2048, "weak": 1024} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		write(name+".key", "PRIVATE KEY", der, err)
		write(name+".pkcs1.key", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), nil)
		write(name+".encrypted.key", "ENCRYPTED PRIVATE KEY", []byte("hunter2"), nil)
		write(name+".garbled.key", "PRIVATE KEY", []byte("hunter2"), nil)
		certify(name+".pem", key)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	write("ecdsa.key", "PRIVATE KEY", der, err)
	write("garbled.pem", "CERTIFICATE", []byte("hunter2"), nil)
	files["two.pem"] = append(append([]byte{}, files["signing.pem"]...), files["encryption.pem"]...)
	return files
})

// write makes a folder with the file of realms and the keys, and returns the file's name.
func write(t testing.TB, text string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range keys() {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(folder, "realms.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

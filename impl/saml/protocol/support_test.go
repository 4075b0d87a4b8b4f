package protocol

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// identity is a key with its certificate.
type identity struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

// RSA keys are slow to generate, so all tests share them.
var (
	rsaIdentity = sync.OnceValue(func() identity {
		return certify(newRSA(2048), noon.AddDate(-1, 0, 0),
			noon.AddDate(1, 0, 0))
	})
	otherIdentity = sync.OnceValue(func() identity {
		return certify(newRSA(2048), noon.AddDate(-1, 0, 0),
			noon.AddDate(1, 0, 0))
	})
	ecIdentity = sync.OnceValue(func() identity {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		return certify(key, noon.AddDate(-1, 0, 0), noon.AddDate(1, 0, 0))
	})
)

func newRSA(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

func certify(key crypto.Signer, from, to time.Time) identity {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(from.Unix()),
		Subject:      pkix.Name{CommonName: "idp"},
		NotBefore:    from,
		NotAfter:     to,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}

	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}

	return identity{key, certificate}
}

func (i identity) rsa() *rsa.PrivateKey {
	key, _ := i.key.(*rsa.PrivateKey)
	return key
}

func (i identity) base64() string { return base64.StdEncoding.EncodeToString(i.certificate.Raw) }

// sign signs a text as an identity provider does: ECDSA as r followed by s.
func (i identity) sign(t testing.TB, text string, hash crypto.Hash) []byte {
	t.Helper()
	h := hash.New()
	h.Write([]byte(text))
	signature, err := i.key.Sign(rand.Reader, h.Sum(nil), hash)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := i.key.(*ecdsa.PrivateKey); !ok {
		return signature
	}

	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &pair); err != nil {
		t.Fatal(err)
	}

	return append(pair.R.FillBytes(make([]byte, 32)), pair.S.FillBytes(make([]byte, 32))...)
}

// squeeze deflates and encodes a message, independently of the code under test.
func squeeze(document string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	_, _ = io.WriteString(w, document)
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// signed appends an algorithm and a signature to a query.
func (i identity) signed(t testing.TB, query, algorithm string, hash crypto.Hash) string {
	t.Helper()
	query += "&SigAlg=" + url.QueryEscape(algorithm)
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(i.sign(t, query, hash)))
}

func wantRefusal(t *testing.T, err error, reason string) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Reason != reason {
		t.Errorf("%v, not %q", err, reason)
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("%v, not %q", err, part)
	}
}

func encode(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// cut is squeeze with a truncated stream.
func cut(document string) string {
	data, _ := base64.StdEncoding.DecodeString(squeeze(document))
	return encode(data[:len(data)-9])
}

// squeezed is squeeze with data after the stream.
func squeezed(document, after string) string {
	data, _ := base64.StdEncoding.DecodeString(squeeze(document))
	return encode(append(data, after...))
}

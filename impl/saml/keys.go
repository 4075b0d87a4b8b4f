package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/impl/platform/strictyaml"
)

// minKeyBits is the least that is safe today (NIST SP 800-131A).
const minKeyBits = 2048

// maxFile bounds what is read of a file, in bytes.
const maxFile = 1 << 20

// file returns the place of a file that is named relatively to the realms' own.
func (l *loader) file(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.folder, name)
}

// readFile returns the content of a small file. Its errors do not have the name, which may be a key that was pasted
// there by mistake.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, unnamed(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unnamed(err)
	}
	if len(content) > maxFile {
		return nil, errors.New("it is larger than 1 MiB")
	}
	return content, nil
}

func unnamed(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// pair reads the members key and certificate of a section.
func (l *loader) pair(s strictyaml.Section) KeyPair {
	key, keyErr := readPEM(l, s, "key", parseKey)
	certificate, certificateErr := readPEM(l, s, "certificate", parseCertificate)
	if keyErr != nil || certificateErr != nil {
		return KeyPair{}
	}
	if !key.PublicKey.Equal(certificate.PublicKey) {
		s.Bad("certificate", "this is the certificate of another key")
	}
	return KeyPair{Key: key, Certificate: certificate, File: l.file(s.Required("key"))}
}

var errNoted = errors.New("saml: the problem is noted")

// readPEM reads the file that a member names.
func readPEM[T any](l *loader, s strictyaml.Section, name string, parse func(*pem.Block) (T, error)) (T, error) {
	var none T
	path := s.Required(name)
	if path == "" {
		return none, errNoted
	}
	content, err := readFile(l.file(path))
	if err != nil {
		s.Bad(name, "the file cannot be read: %s", err)
		return none, errNoted
	}
	block, rest := pem.Decode(content)
	if block == nil {
		s.Bad(name, "the file is not in PEM form")
		return none, errNoted
	}
	if another, _ := pem.Decode(rest); another != nil {
		s.Bad(name, "the file must hold one PEM block, not several")
		return none, errNoted
	}
	value, err := parse(block)
	if err != nil {
		s.Bad(name, "%s", err)
		return none, errNoted
	}
	return value, nil
}

func parseKey(block *pem.Block) (*rsa.PrivateKey, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, errors.New("the file holds no private key, or one that is encrypted")
	}
	pair, isRSA := key.(*rsa.PrivateKey)
	switch {
	case err != nil:
		return nil, errors.New("the private key cannot be read, or is encrypted")
	case !isRSA || pair.N.BitLen() < minKeyBits:
		return nil, errors.New("the private key must be an RSA key of 2048 bits or more")
	}
	return pair, nil
}

func parseCertificate(block *pem.Block) (*x509.Certificate, error) {
	if block.Type != "CERTIFICATE" {
		return nil, errors.New("the file holds no certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("the certificate cannot be read")
	}
	return certificate, nil
}

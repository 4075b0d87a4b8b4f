package protocol

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
)

// MaxRelayState is the size limit of RelayState in bytes (SAML Bindings 3.4.3).
const MaxRelayState = 80

// Parameters of the redirect binding (SAML Bindings 3.4.4.1).
const (
	requestParameter    = "SAMLRequest"
	responseParameter   = "SAMLResponse"
	relayStateParameter = "RelayState"
	algorithmParameter  = "SigAlg"
	signatureParameter  = "Signature"
)

// maxInflated bounds an inflated message in bytes. Logout messages are many times smaller.
const maxInflated = 64 << 10

// redirect is a message to be sent in the query of a URL.
type redirect struct {
	location string
	// parameter is requestParameter or responseParameter.
	parameter string
	// message is marshalled by encoding/xml.
	message    any
	relayState string
	// key signs the query. Nil: not signed.
	key *rsa.PrivateKey
}

// redirectURL encodes and signs a message (SAML Bindings 3.4.4.1).
func redirectURL(r redirect) (string, error) {
	target, err := parseEndpoint(r.location)
	if err != nil {
		return "", fmt.Errorf("saml: invalid destination: %w", err)
	}
	if len(r.relayState) > MaxRelayState {
		return "", fmt.Errorf("saml: the relay state is longer than %d bytes", MaxRelayState)
	}

	document, err := xml.Marshal(r.message)
	if err != nil {
		return "", err
	}

	query := r.parameter + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflate(document)))
	if r.relayState != "" {
		query += "&" + relayStateParameter + "=" + url.QueryEscape(r.relayState)
	}

	if r.key != nil {
		if query, err = signQuery(query, r.key); err != nil {
			return "", err
		}
	}

	// Parameters of the provider's own address are kept.
	if target.RawQuery != "" {
		query = target.RawQuery + "&" + query
	}

	target.RawQuery = query
	return target.String(), nil
}

// signQuery appends the algorithm and then the signature over the text before it.
func signQuery(query string, key *rsa.PrivateKey) (string, error) {
	query += "&" + algorithmParameter + "=" + url.QueryEscape(rsaSHA256)
	digest := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}

	return query + "&" + signatureParameter + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), nil
}

// parseEndpoint parses the URL of a service that browsers are sent to. Only absolute http and https URLs are
// accepted, so that no "javascript:" URL passes.
func parseEndpoint(location string) (*url.URL, error) {
	u, err := url.Parse(location)
	switch {
	case err != nil:
		return nil, errors.New("it is not a URL")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.User != nil, u.Fragment != "", u.Opaque != "":
		return nil, errors.New("it is not an absolute http or https URL without user and fragment")
	}

	return u, nil
}

// deflaters reuses compressors: a new one takes most of a megabyte, and unauthenticated callers can start a sign-in.
var deflaters = sync.Pool{New: func() any {
	// NewWriter fails only for unknown levels.
	w, _ := flate.NewWriter(nil, flate.BestCompression)
	return w
}}

// deflate compresses a message.
func deflate(data []byte) []byte {
	var b bytes.Buffer
	w, _ := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	// Writing to a buffer never fails.
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// inflate decompresses one whole stream of at most maxInflated bytes, with nothing after it.
func inflate(data []byte) ([]byte, error) {
	source := bytes.NewReader(data)
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(source), maxInflated+1))
	switch {
	case len(plain) > maxInflated:
		return nil, refuse(reasonQueryBomb)
	case err != nil || source.Len() > 0:
		return nil, refuse(reasonQueryDeflate)
	}

	return plain, nil
}

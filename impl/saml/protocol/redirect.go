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

// MaxRelayState is the longest RelayState in bytes (SAML Bindings 3.4.3).
const MaxRelayState = 80

// Parameters of the redirect binding (SAML Bindings 3.4.4.1).
const (
	requestParameter    = "SAMLRequest"
	responseParameter   = "SAMLResponse"
	relayStateParameter = "RelayState"
	algorithmParameter  = "SigAlg"
	signatureParameter  = "Signature"
)

const maxInflated = 64 << 10 // bytes: many times what a logout message has

// redirect is a message on its way through a browser's address line.
type redirect struct {
	location   string
	parameter  string // requestParameter or responseParameter
	message    any    // for encoding/xml
	relayState string
	key        *rsa.PrivateKey // nil: not signed
}

// redirectURL encodes and signs a message as SAML Bindings 3.4.4.1 says.
func redirectURL(r redirect) (string, error) {
	target, err := endpoint(r.location)
	if err != nil {
		return "", fmt.Errorf("saml: the destination: %w", err)
	}
	if len(r.relayState) > MaxRelayState {
		return "", fmt.Errorf("saml: the relay state has more than %d bytes", MaxRelayState)
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
	if target.RawQuery != "" { // the provider's own parameters stay
		query = target.RawQuery + "&" + query
	}
	target.RawQuery = query
	return target.String(), nil
}

// signQuery appends the algorithm and then the signature over exactly the text before it.
func signQuery(query string, key *rsa.PrivateKey) (string, error) {
	query += "&" + algorithmParameter + "=" + url.QueryEscape(rsaSHA256)
	digest := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return query + "&" + signatureParameter + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature)), nil
}

// endpoint reads the address of a service that browsers are sent to. "javascript:" and its like are no addresses.
func endpoint(location string) (*url.URL, error) {
	u, err := url.Parse(location)
	switch {
	case err != nil:
		return nil, errors.New("it is no URL")
	case u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "", u.User != nil, u.Fragment != "", u.Opaque != "":
		return nil, errors.New("it is no absolute http or https URL without user and fragment")
	}
	return u, nil
}

// deflaters are reused: a new one takes most of a megabyte, and anybody can begin a sign-in.
var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestCompression) // fails for unknown levels only
	return w
}}

func deflate(data []byte) []byte {
	var b bytes.Buffer
	w, _ := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// inflate reverses deflate up to maxInflated bytes, and takes one whole stream with nothing after it.
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

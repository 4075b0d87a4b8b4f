package protocol

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

const maxQuery = 64 << 10 // bytes: longer ones do not pass through browsers and proxies

// signedQuery is a query string of the redirect binding, each value as it was received. A signature is over that text, and
// encoding a value anew need not give the same one (SAML Bindings 3.4.4.1).
type signedQuery struct{ raw map[string]string }

// readQuery splits a query string. Parameters of others are ignored, but none of the binding's may occur twice or hide
// behind another spelling.
func readQuery(rawQuery string) (signedQuery, error) {
	if len(rawQuery) > maxQuery {
		return signedQuery{}, refuse(reasonQueryTooLarge)
	}
	q := signedQuery{map[string]string{}}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			return signedQuery{}, refuse(reasonQueryEncoding)
		}
		if !ofBinding(plain) {
			continue
		}
		if _, twice := q.raw[plain]; twice || name != plain {
			return signedQuery{}, refuse(reasonQueryTwice)
		}
		q.raw[plain] = value
	}
	return q, nil
}

func ofBinding(name string) bool {
	switch name {
	case requestParameter, responseParameter, relayStateParameter, algorithmParameter, signatureParameter:
		return true
	}
	return false
}

// plain returns a parameter's decoded value.
func (q signedQuery) plain(name string) (string, error) {
	value, err := url.QueryUnescape(q.raw[name])
	if err != nil {
		return "", refuse(reasonQueryEncoding)
	}
	return value, nil
}

// decoded returns the bytes of a parameter in base64.
func (q signedQuery) decoded(name string) ([]byte, error) {
	value, err := q.plain(name)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(data) == 0 {
		return nil, refuse(reasonQueryBase64)
	}
	return data, nil
}

// signedText is what a signature has to be over: the parameters in the binding's order, whatever order they came in.
func (q signedQuery) signedText(parameter string) string {
	text := parameter + "=" + q.raw[parameter]
	if relayState, ok := q.raw[relayStateParameter]; ok {
		text += "&" + relayStateParameter + "=" + relayState
	}
	return text + "&" + algorithmParameter + "=" + q.raw[algorithmParameter]
}

// verify checks that the query has one message, of the wanted kind, signed with one of the provider's certificates.
func (q signedQuery) verify(parameter string, p Provider, now time.Time) error {
	other := requestParameter
	if parameter == requestParameter {
		other = responseParameter
	}
	if _, both := q.raw[other]; both {
		return refuse(reasonQueryKind)
	}
	if _, ok := q.raw[parameter]; !ok {
		return refuse(reasonQueryMissing)
	}
	for _, name := range []string{algorithmParameter, signatureParameter} {
		if _, ok := q.raw[name]; !ok {
			return refuse(reasonQueryUnsigned)
		}
	}
	algorithm, err := q.plain(algorithmParameter)
	if err != nil {
		return err
	}
	signature, err := q.decoded(signatureParameter)
	if err != nil {
		return err
	}
	return verifyText(q.signedText(parameter), signature, algorithm, p.certificatesAt(now))
}

// openQuery verifies a query and returns its message and its RelayState. Nothing is inflated or parsed before the
// signature over it holds.
func openQuery(rawQuery, parameter string, p Provider, now time.Time) (message *element, relayState string, err error) {
	q, err := readQuery(rawQuery)
	if err != nil {
		return nil, "", err
	}
	if err := q.verify(parameter, p, now); err != nil {
		return nil, "", err
	}
	if relayState, err = q.plain(relayStateParameter); err != nil {
		return nil, "", err
	}
	if len(relayState) > MaxRelayState {
		return nil, "", refuse(reasonQueryRelayState)
	}
	deflated, err := q.decoded(parameter)
	if err != nil {
		return nil, "", err
	}
	message, err = readDeflated(deflated)
	return message, relayState, err
}

var messageBounds = bounds{bytes: maxInflated, depth: 16, elements: 1000}

func readDeflated(deflated []byte) (*element, error) {
	document, err := inflate(deflated)
	if err != nil {
		return nil, err
	}
	message, err := readXML(document, messageBounds)
	if err != nil {
		return nil, refuse(reasonQueryXML)
	}
	return message, nil
}

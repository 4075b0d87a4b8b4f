package protocol

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

// maxQueryBytes bounds a query string. Browsers and proxies do not pass longer ones.
const maxQueryBytes = 64 << 10

// signedQuery holds the binding's parameters of a query string as received. The signature covers that text, and
// encoding a value again need not reproduce it (SAML Bindings 3.4.4.1).
type signedQuery struct{ raw map[string]string }

// readQuery splits a query string. Unrelated parameters are ignored, but a parameter of the binding must not be
// repeated or have a percent-encoded name.
func readQuery(rawQuery string) (signedQuery, error) {
	if len(rawQuery) > maxQueryBytes {
		return signedQuery{}, refuse(reasonQueryTooLarge)
	}

	q := signedQuery{map[string]string{}}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			return signedQuery{}, refuse(reasonQueryEncoding)
		}
		if !isBindingParameter(plain) {
			continue
		}
		if _, twice := q.raw[plain]; twice || name != plain {
			return signedQuery{}, refuse(reasonQueryTwice)
		}

		q.raw[plain] = value
	}

	return q, nil
}

// isBindingParameter reports whether the redirect binding defines a parameter.
func isBindingParameter(name string) bool {
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

// signedContent returns the text that the signature covers: the parameters in the order of the binding, whatever
// their order in the query.
func (q signedQuery) signedContent(parameter string) string {
	text := parameter + "=" + q.raw[parameter]
	if relayState, ok := q.raw[relayStateParameter]; ok {
		text += "&" + relayStateParameter + "=" + relayState
	}
	return text + "&" + algorithmParameter + "=" + q.raw[algorithmParameter]
}

// verify checks that the query has exactly one message, of the expected kind, signed with a key of the provider.
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

	return verifyText(q.signedContent(parameter), signature, algorithm, p.certificatesAt(now))
}

// openQuery verifies a query and returns its message and its RelayState. Nothing is inflated or parsed before the
// signature is verified.
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

	message, err = readDeflatedMessage(deflated)
	return message, relayState, err
}

var messageBounds = bounds{bytes: maxInflated, depth: 16, elements: 1000}

// readDeflatedMessage inflates and parses a message.
func readDeflatedMessage(deflated []byte) (*element, error) {
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

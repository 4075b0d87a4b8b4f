package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Masked stands for a secret.
const Masked = "[masked]"

// secretWords are parts of the names of members, parameters and headers with secrets, in lower case.
var secretWords = []string{
	"password", "token", "secret", "ticket", "authorization", "cookie", "client_authentication", "saml", "relaystate",
}

// secretTexts are names, in lower case, of which a text is a secret, and an object is not: the state of a SAML sign-in,
// messages of identity providers, and the credential of an API key that is cloned.
var secretTexts = []string{"api_key", "content", "query_string", "querystring", "state"}

// secretName reports whether what has the name is a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return true
		}
	}
	return slices.Contains(secretTexts, name)
}

// schemes are the schemes of credentials, as they are usually written.
var schemes = []string{"Basic", "Bearer", "ApiKey"}

// maskHeader returns a copy of a header. Of credentials it has the scheme.
func maskHeader(header http.Header) http.Header {
	masked := header.Clone()
	for name, values := range masked {
		if !secretName(name) {
			continue
		}
		for i, value := range values {
			values[i] = Masked
			if scheme, _, _ := strings.Cut(value, " "); slices.Contains(schemes, scheme) {
				values[i] = scheme + " " + Masked
			}
		}
	}
	return masked
}

// maskValues returns a copy of the parameters of a query or form.
func maskValues(values url.Values) url.Values {
	masked := maps.Clone(values)
	for name, each := range masked {
		if secretName(name) {
			masked[name] = []string{Masked}
		} else {
			masked[name] = each
		}
	}
	return masked
}

// maskBody returns a body without its secrets, and Masked if it may have some that cannot be found.
func maskBody(header http.Header, body []byte, cut bool) string {
	if cut || header.Get("Content-Encoding") != "" {
		return Masked
	}
	if media, _, _ := mime.ParseMediaType(header.Get("Content-Type")); media == "application/x-www-form-urlencoded" {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return Masked
		}
		return maskValues(values).Encode()
	}
	masked, err := maskJSON(body)
	if err != nil {
		return Masked
	}
	return masked
}

// maskJSON returns a JSON object or array without its secrets, and in the order of its names. It returns an error for
// other texts.
func maskJSON(text []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // numbers keep their digits
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) || !structured(value) {
		return "", errOtherText
	}
	var masked strings.Builder
	encoder := json.NewEncoder(&masked)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(maskValue(value))
	return strings.TrimSuffix(masked.String(), "\n"), err
}

var errOtherText = errors.New("control: the text is not one JSON object or array")

// structured reports whether a decoded JSON value is an object or an array.
func structured(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// maskValue replaces the secrets in a decoded JSON value.
func maskValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, each := range v {
			_, isObject := each.(map[string]any)
			if secretName(name) && each != nil && (!isObject || !slices.Contains(secretTexts, strings.ToLower(name))) {
				v[name] = Masked
			} else {
				v[name] = maskValue(each)
			}
		}
	case []any:
		for i, each := range v {
			v[i] = maskValue(each)
		}
	}
	return value
}

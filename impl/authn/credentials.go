package authn

import (
	"encoding/base64"
	"strings"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/outcome"
)

// credentials holds the content of an Authorization header.
type credentials struct {
	method identity.Method
	// name and password are set for Basic.
	name, password string
	// token is the text after the scheme, for the other methods.
	token string
}

// parseAuthorization parses the values of the Authorization header (RFC 9110 section 11.6.2). The case of the scheme
// does not matter. It returns fault.CredentialsInvalid unless there is exactly one value, which is well-formed and has
// a known scheme.
func parseAuthorization(values []string) (credentials, error) {
	if len(values) == 0 {
		return credentials{}, invalid("no credentials",
			"there are no credentials; send Basic, ApiKey or Bearer in the Authorization header")
	}
	if len(values) > 1 {
		return credentials{}, malformed("there is more than one Authorization header")
	}

	scheme, rest, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	rest = strings.TrimLeft(rest, " ")
	if rest == "" {
		return credentials{}, malformed("the Authorization header must be a scheme, a blank and the credentials")
	}

	switch strings.ToLower(scheme) {
	case "basic":
		return parseBasic(rest)
	case "apikey":
		return credentials{method: identity.APIKey, token: rest}, nil
	case "bearer":
		return credentials{method: identity.Session, token: rest}, nil
	}
	return credentials{}, invalid("unknown scheme",
		"the scheme of the Authorization header must be Basic, ApiKey or Bearer")
}

// parseBasic parses the credentials of the Basic scheme (RFC 7617): the name ends at the first colon.
func parseBasic(encoded string) (credentials, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return credentials{}, malformed("the Basic credentials are not base64")
	}
	name, password, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return credentials{}, malformed("the Basic credentials have no colon between name and password")
	}
	return credentials{method: identity.Basic, name: name, password: password}, nil
}

func malformed(message string) error { return invalid("malformed credentials", message) }

// invalid returns fault.CredentialsInvalid, which names the header. The reason is for the log.
func invalid(reason, message string) error {
	cause := &outcome.RefusalError{Result: outcome.Refused, Reason: reason}
	return fault.Wrap(fault.CredentialsInvalid, cause, message, "Authorization")
}

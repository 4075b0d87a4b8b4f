package protocol

import "time"

// Claims are unverified statements of a response about itself.
type Claims struct {
	// Issuer and IssueInstant are the claimed sender and time of issue, empty and zero if missing.
	Issuer       string
	IssueInstant time.Time
}

// Peek returns the unverified claims of a response, for display to administrators. It returns the zero Claims if the
// text is not a response.
func Peek(response []byte) Claims {
	root, err := parseResponse(response)
	if err != nil {
		return Claims{}
	}

	var c Claims
	if issuer := onlyChild(root, nsAssertion, "Issuer"); issuer != nil {
		c.Issuer, _ = text(issuer)
	}

	c.IssueInstant, _ = readInstant(root, "IssueInstant")
	return c
}

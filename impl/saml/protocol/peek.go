package protocol

import "time"

// Claims are what a response says of itself. Nothing of it is verified.
type Claims struct {
	// Issuer is whom the response says it is from, and IssueInstant when it says it was made: empty and zero if it does not.
	Issuer       string
	IssueInstant time.Time
}

// Peek returns what a response says of itself, for administrators to read; the zero Claims for what is no response.
func Peek(response []byte) Claims {
	root, err := parseResponse(response)
	if err != nil {
		return Claims{}
	}
	var c Claims
	if issuer := one(root, nsAssertion, "Issuer"); issuer != nil {
		c.Issuer, _ = text(issuer)
	}
	c.IssueInstant, _ = instant(root, "IssueInstant")
	return c
}

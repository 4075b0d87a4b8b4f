// Package identity says who calls and what they may do.
package identity

import "time"

// Method is how a caller proved who they are.
type Method string

// The ways to authenticate a request.
const (
	Basic   Method = "basic"
	APIKey  Method = "api_key"
	Session Method = "session"
)

// Principal is an authenticated caller.
type Principal struct {
	// User is the user's name, which is also the user's id.
	User  string
	Roles []Role
	// Builtin users come with the server; they own no API keys.
	Builtin bool
	Method  Method
	// SessionID and TokenID are set for Method Session only.
	SessionID string
	TokenID   string
	// AuthenticatedAt is when the password was proved; zero for Method APIKey, which proves none.
	AuthenticatedAt time.Time
	// HasTOTP tells whether the user has a confirmed second factor.
	HasTOTP bool
	// ElevatedUntil is when the caller's elevation ends; zero for a caller who is not elevated.
	ElevatedUntil time.Time
	// Expires is when the credentials stop working; zero if they do not expire.
	Expires time.Time
}

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
	// RunAs is no way to authenticate: somebody who did acts as another user.
	RunAs Method = "run_as"
)

// Principal is an authenticated caller.
type Principal struct {
	// User is the user's name, which is also the user's id.
	User  string
	Roles []Role
	// Builtin users come with the server; they own no API keys.
	Builtin bool
	// Promotions is how often the user had been promoted when the caller was authenticated (Tenure).
	Promotions int64
	// SAMLRealm is the id of the SAML realm that the user comes from; empty for a user of this server.
	SAMLRealm string
	Method    Method
	// Key is set for Method APIKey only.
	Key Key
	// SessionID and TokenID are set for Method Session only.
	SessionID string
	TokenID   string
	// AuthenticatedAt is when the password was proved; zero for Method APIKey, which proves none.
	AuthenticatedAt time.Time
	// PasswordID tells the password that was proved from the user's others, without telling anything else of it. It is set
	// for Method Basic only.
	PasswordID string
	// HasTOTP tells whether the user has a confirmed second factor.
	HasTOTP bool
	// ElevatedUntil is when the caller's elevation ends; zero for a caller who is not elevated.
	ElevatedUntil time.Time
	// Expires is when the credentials stop working; zero if they do not expire.
	Expires time.Time
}

// Key is the API key that a caller came with.
type Key struct {
	ID, Name string
	// Assigned and LimitedBy name the documents with the role descriptors that were assigned to the key, and with its
	// owner's as they were last kept. Assigned is empty for a key that is to do what its owner may.
	Assigned, LimitedBy string
}

// Realm is where users come from.
type Realm struct{ Name, Type string }

// The realms there are, called as Elasticsearch's by default.
var (
	// Native users are kept by this server.
	Native = Realm{"default_native", "native"}
	// Reserved users come with it.
	Reserved = Realm{"reserved", "reserved"}
	// KeyRealm is that of API keys as callers.
	KeyRealm = Realm{"_es_api_key", "_es_api_key"}
)

// SAMLRealmType is the type of the realms whose users an identity provider keeps.
const SAMLRealmType = "saml"

// RealmOf returns the realm of a user who is, or is not, built in, and who comes from that SAML realm, or from none.
func RealmOf(builtin bool, samlRealm string) Realm {
	switch {
	case builtin:
		return Reserved
	case samlRealm != "":
		return Realm{samlRealm, SAMLRealmType}
	}
	return Native
}

// HomeRealm is where the caller's user comes from.
func (p Principal) HomeRealm() Realm { return RealmOf(p.Builtin, p.SAMLRealm) }

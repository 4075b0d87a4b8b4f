// Package identity defines authenticated callers, their roles, and the permissions that the roles grant.
package identity

import "time"

// Method is the authentication method of a caller.
type Method string

// Authentication methods.
const (
	Basic   Method = "basic"
	APIKey  Method = "api_key"
	Session Method = "session"
	// ServiceToken is the method of a service account, which is no user: it has no roles, and owns nothing.
	ServiceToken Method = "service_token"
	// RunAs is the method of a principal as which an authenticated caller acts.
	RunAs Method = "run_as"
)

// Principal is an authenticated caller.
type Principal struct {
	// User is the user's name, which is also its id.
	User  string
	Roles []Role
	// Builtin marks a user that is built into the server. Such users own no API keys.
	Builtin bool
	// Promotions is the number of the user's promotions at authentication (Tenure).
	Promotions int64
	// SAMLRealm is the id of the user's SAML realm; empty for a local user.
	SAMLRealm string
	Method    Method
	// Key is set for Method APIKey only.
	Key Key
	// SessionID and TokenID are set for Method Session only.
	SessionID string
	TokenID   string
	// Token is set for Method ServiceToken only. User is the name of the account then, which no user can have, because
	// it has a slash.
	Token Token
	// OnBehalf is set for a session that another caller began for the user, and so knows the token of.
	OnBehalf bool
	// AuthenticatedAt is the time when the password was verified; zero for Method APIKey.
	AuthenticatedAt time.Time
	// PasswordID distinguishes the verified password from the user's other passwords, and reveals nothing else about
	// it. It is set for Method Basic only.
	PasswordID string
	// HasTOTP reports whether the user has a confirmed second factor.
	HasTOTP bool
	// ElevatedUntil is the time when the caller's elevation expires; zero for a caller that is not elevated.
	ElevatedUntil time.Time
	// Expires is the time when the credentials expire; zero if they do not.
	Expires time.Time
}

// Key identifies the API key that a caller authenticated with.
type Key struct {
	ID, Name string
	// Assigned and LimitedBy are the ids of the documents with the role descriptors assigned to the key, and with the
	// last snapshot of its owner's. Assigned is empty for a key with all privileges of its owner.
	Assigned, LimitedBy string
}

// Realm is the source of users in Elasticsearch's terms.
type Realm struct{ Name, Type string }

// The built-in realms, with Elasticsearch's default names.
var (
	// Native is the realm of users in this server's store.
	Native = Realm{"default_native", "native"}
	// Reserved is the realm of built-in users.
	Reserved = Realm{"reserved", "reserved"}
	// KeyRealm is the realm of API keys as callers.
	KeyRealm = Realm{"_es_api_key", "_es_api_key"}
	// ServiceRealm is the realm of service accounts.
	ServiceRealm = Realm{"_service_account", "_service_account"}
)

// Token identifies the token of a service account.
type Token struct {
	Name string
	// Digest is that of the token's secret, and distinguishes it from others that had the name.
	Digest string
}

// SAMLRealmType is the type of realms with users of a SAML identity provider.
const SAMLRealmType = "saml"

// RealmOf returns the realm of a user that is built in, comes from a SAML realm, or is local (samlRealm is "").
func RealmOf(builtin bool, samlRealm string) Realm {
	switch {
	case builtin:
		return Reserved
	case samlRealm != "":
		return Realm{samlRealm, SAMLRealmType}
	}
	return Native
}

// HomeRealm returns the realm of the caller's user.
func (p Principal) HomeRealm() Realm {
	if p.Method == ServiceToken {
		return ServiceRealm
	}
	return RealmOf(p.Builtin, p.SAMLRealm)
}

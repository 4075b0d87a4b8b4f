// Package saml lets users sign in through SAML 2.0 identity providers (the Web Browser SSO profile): it knows the
// realms, which are identity providers as configured, and makes users of what these say.
package saml

import (
	"crypto/rsa"
	"crypto/x509"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

// Endpoints holds patterns (path.Match) of the paths at which this server accepts messages of identity providers. The
// first pattern of each list is a path.
type Endpoints struct{ Callback, SingleLogout []string }

// Formats of name identifiers (SAML Core 8.3).
const (
	formatTransient   = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
	formatPersistent  = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
	formatUnspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
)

var nameIDFormats = []string{
	formatUnspecified,
	"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName",
	"urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos",
	"urn:oasis:names:tc:SAML:2.0:nameid-format:entity",
	formatPersistent,
	formatTransient,
}

// Bounds and defaults of what an operator may leave out.
const (
	defaultSkew    = time.Minute
	maxSkew        = 5 * time.Minute
	defaultRefresh = time.Hour
	minRefresh     = time.Second
	maxRefresh     = 7 * 24 * time.Hour
)

// Realm is the configuration of an identity provider, of this server as its service provider, and of its users' roles.
type Realm struct {
	// ID is part of what users are known by, and is shown with them. It must never change.
	ID string
	// Name is for people.
	Name    string
	Order   int
	Enabled bool

	IDP IdentityProvider
	SP  ServiceProvider
	// Attributes are the names of the attributes that are read; empty for those that are not.
	Attributes Attributes
	// GroupsDelimiter separates groups that come in one value; empty if each value is one group.
	GroupsDelimiter string
	// NameIDFormat is the one to ask for; empty for whatever the identity provider likes.
	NameIDFormat string
	RoleMappings RoleMappings
	// ForceAuthn asks that users authenticate for each sign-in, and refuses answers of which the user did so before.
	ForceAuthn bool
	// RequestedAuthnContext are the classes of authentication of which the identity provider is asked for one, and without
	// which its answers are refused; empty for any.
	RequestedAuthnContext []string

	// Signing is nil if nothing is signed here.
	Signing *KeyPair
	// OtherSigning are in the metadata beside Signing, and sign nothing here: the next ones, then those that were
	// replaced.
	OtherSigning []KeyPair
	// SignRequests reports whether AuthnRequests are signed too, not only logout messages.
	SignRequests bool
	// Encryption are the keys that assertions may be encrypted to, the current one first, then those that it replaced.
	Encryption []KeyPair

	// ClockSkew is how far the identity provider's clock may differ from ours.
	ClockSkew time.Duration
	// AllowIDPInitiated accepts responses without a request.
	AllowIDPInitiated bool
	// BrowserBinding takes a response only from the browser that asked for it.
	BrowserBinding bool
	// MetadataRefresh is the interval at which metadata is fetched again.
	MetadataRefresh time.Duration
}

// IdentityProvider is what is configured of an identity provider; the rest is in its metadata.
type IdentityProvider struct {
	EntityID string
	// Metadata is a URL, or the absolute or relative name of a file.
	Metadata string
	// UseSingleLogout ends the user's session there too when it ends here.
	UseSingleLogout bool
}

// MetadataIsURL reports whether the metadata is fetched.
func (p IdentityProvider) MetadataIsURL() bool { return isURL(p.Metadata) }

func isURL(text string) bool { return strings.Contains(text, "://") }

// ServiceProvider is this server as an identity provider knows it.
type ServiceProvider struct {
	EntityID string
	// ACS is the URL that responses are posted to, and Logout the one that logout messages are sent to; the latter may be
	// empty.
	ACS, Logout string
}

// Attributes names attributes of assertions.
type Attributes struct{ Principal, Groups, Name, Mail, DN string }

// What Attributes.Principal can be besides the name of an attribute: the NameID of any format, or of the persistent one
// only.
const (
	principalNameID     = "nameid"
	principalPersistent = "nameid:persistent"
)

// principalIsNameID reports whether the principal is the NameID, and not an attribute.
func (a Attributes) principalIsNameID() bool {
	return a.Principal == "" || a.Principal == principalNameID || a.Principal == principalPersistent
}

// RoleMappings says which roles users get, each time they sign in.
type RoleMappings struct {
	// Default are the roles of every user.
	Default []identity.Role
	Rules   []Rule
}

// RuleType is what a rule looks at.
type RuleType string

// The types of rules.
const (
	// ByUsername looks at the user's name; * stands for any text in the rule's value.
	ByUsername RuleType = "username"
	// ByGroups looks for a group that is the value.
	ByGroups RuleType = "groups"
	// ByDN looks at the user's distinguished name: it is the value, or ends in the rest of a value that begins with "*,".
	ByDN RuleType = "dn"
)

// Rule gives roles to users.
type Rule struct {
	Type  RuleType
	Value string
	Roles []identity.Role
}

// KeyPair is a private key and its certificate.
type KeyPair struct {
	Key         *rsa.PrivateKey
	Certificate *x509.Certificate
	// File is where the key was read from.
	File string
}

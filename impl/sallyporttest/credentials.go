package sallyporttest

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/elevation/totp"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/authz/access"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
)

// User is a user with its password.
type User struct {
	Name     string
	Password string
	Roles    []string
}

// Authorization returns the value of the Authorization header for Basic authentication.
func (u User) Authorization() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(u.Name+":"+u.Password))
}

// User adds a user with a random password. The roles are those of ECE, such as ece_deployment_viewer, and names of
// Elasticsearch's roles; at least one is required.
func (s *Server) User(name string, roles ...string) User {
	s.t.Helper()
	u := User{Name: name, Password: s.control.Random().Of("passwords").Text(18), Roles: roles}
	s.do("User", func(ctx context.Context, a *app.App) error {
		_, err := a.Users.Add(ctx, user.New{Name: name, Password: u.Password, Roles: roles})
		return err
	})
	return u
}

// Key is an API key with its secret.
type Key struct {
	ID   string
	Name string
	// Secret is what Elasticsearch's API calls api_key.
	Secret string
	// Encoded is the id and the secret, as in the Authorization header.
	Encoded string
	// Expires is the zero time if the key does not expire.
	Expires time.Time
}

// Authorization returns the value of the Authorization header for the key.
func (k Key) Authorization() string { return "ApiKey " + k.Encoded }

// KeyOption changes the key that [Server.Key] creates.
type KeyOption struct {
	apply func(*apikey.Creation) error
}

// Named sets the name of the key, which is its description in ECE's API. By default it is "test".
func Named(name string) KeyOption {
	return KeyOption{func(c *apikey.Creation) error { c.Name = name; return nil }}
}

// ExpiresIn sets the time to live of the key, in whole seconds. By default the key does not expire.
func ExpiresIn(d time.Duration) KeyOption {
	return KeyOption{func(c *apikey.Creation) error { c.Lifetime = &d; return nil }}
}

// RoleDescriptors sets the key's own role descriptors, as the JSON text of role_descriptors in Elasticsearch's API. By
// default the key has its owner's privileges.
func RoleDescriptors(text string) KeyOption {
	return KeyOption{func(c *apikey.Creation) error {
		value, err := strictjson.Decode([]byte(text))
		if err != nil {
			return err
		}
		options := roledescriptor.Options{AllowRestriction: true, AllowDataSources: true}
		return roledescriptor.Field(&c.Assigned, options)(value)
	}}
}

// Key creates an API key of a user.
func (s *Server) Key(owner User, options ...KeyOption) Key {
	s.t.Helper()
	creation := apikey.Creation{Name: "test"}
	var key Key
	s.do("Key", func(ctx context.Context, a *app.App) error {
		for _, o := range options {
			if err := o.apply(&creation); err != nil {
				return err
			}
		}
		if problems := creation.Problems(privilege.Names{}); len(problems) > 0 {
			return errors.New(strings.Join(problems, "; "))
		}
		u, err := a.Users.Get(ctx, owner.Name)
		if err != nil {
			return err
		}
		caller := access.Subject{Principal: identity.Principal{User: u.Name, Builtin: u.Builtin}}
		created, credential, err := a.Keys.Create(ctx, caller, creation)
		key = Key{
			ID:      created.ID,
			Name:    creation.Name,
			Secret:  credential.Secret,
			Encoded: credential.Encoded(),
			Expires: created.ExpiresAt,
		}
		return err
	})
	return key
}

// TOTP is the second factor of a user.
type TOTP struct {
	// Secret is in base32.
	Secret string
	// URI is the content of the QR code for authenticators.
	URI string
	// RecoveryCodes each work once in place of a code.
	RecoveryCodes []string

	clock Clock
}

// TOTP gives a user a confirmed second factor, in place of any other.
func (s *Server) TOTP(owner User) TOTP {
	s.t.Helper()
	factor := TOTP{clock: s.Clock}
	s.do("TOTP", func(ctx context.Context, a *app.App) error {
		enrolled, codes, err := a.Elevation.Provision(ctx, owner.Name)
		factor.Secret, factor.URI, factor.RecoveryCodes = enrolled.Secret, enrolled.URI, codes
		return err
	})
	return factor
}

// Code returns the one-time code for the server's time. A code works once; there is another one after
// Clock.Advance(30*time.Second).
func (f TOTP) Code() string {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(f.Secret)
	if err != nil {
		f.clock.t.Fatalf("sallyporttest: Code: the secret is not base32: %v", err)
	}
	return totp.DefaultSettings.Code(key, f.clock.Now())
}

// Credentials authenticate requests: a [User] or a [Key].
type Credentials interface {
	// Authorization returns the value of the Authorization header.
	Authorization() string
}

// Client returns a client that sends credentials to the server, and to no other host, with requests that have none.
func (s *Server) Client(c Credentials) *http.Client {
	return &http.Client{Transport: transport{s.URL, c}}
}

// transport adds credentials to requests.
type transport struct {
	url         string
	credentials Credentials
}

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme+"://"+r.URL.Host == t.url && r.Header.Get("Authorization") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", t.credentials.Authorization())
	}
	return http.DefaultTransport.RoundTrip(r)
}

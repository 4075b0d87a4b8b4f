// Package authn authenticates callers, and lets users sign in, refresh their sessions and sign out.
package authn

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/elevation"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/servicetoken"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/outcome"
	"github.com/sallyport/sallyport/impl/store"
)

// Service authenticates callers by passwords, API keys, session tokens and tokens of service accounts.
type Service struct {
	store    *store.Store
	users    *user.Service
	keys     *apikey.Service
	sessions *session.Service
	factors  *elevation.Service
	services *servicetoken.Service
	now      func() time.Time
	outcomes outcomes
}

// outcomes counts how credentials are checked, for their holders and for other services, and how sign-ins with a
// password end.
type outcomes struct {
	introspection                              outcome.Counter
	none, basic, apiKey, session, serviceToken outcome.Counter
	password, passwordAndCode                  outcome.Counter
}

// Authentications returns the counters of checked credentials, by method: none for requests without well-formed ones.
func (s *Service) Authentications() map[string]*outcome.Counter {
	return map[string]*outcome.Counter{
		"none":                        &s.outcomes.none,
		string(identity.Basic):        &s.outcomes.basic,
		string(identity.APIKey):       &s.outcomes.apiKey,
		string(identity.Session):      &s.outcomes.session,
		string(identity.ServiceToken): &s.outcomes.serviceToken,
	}
}

// Introspections returns the counter of credentials that other services asked about.
func (s *Service) Introspections() *outcome.Counter { return &s.outcomes.introspection }

// SignIns returns the counters of sign-ins, by method.
func (s *Service) SignIns() map[string]*outcome.Counter {
	return map[string]*outcome.Counter{"password": &s.outcomes.password, "password_and_code": &s.outcomes.passwordAndCode}
}

// NewService returns a service on a store, and on the services of the four kinds of credentials and of second factors.
func NewService(
	st *store.Store, users *user.Service, keys *apikey.Service, sessions *session.Service, factors *elevation.Service,
	services *servicetoken.Service, now func() time.Time,
) *Service {
	return &Service{
		store:    st,
		users:    users,
		keys:     keys,
		sessions: sessions,
		factors:  factors,
		services: services,
		now:      now,
	}
}

// Authenticate returns the caller with the credentials in the values of a request's Authorization header. It returns
// fault.CredentialsInvalid for invalid credentials, fault.StoreUnavailable if they cannot be
// checked, and fault.ServerBusy.
func (s *Service) Authenticate(ctx context.Context, authorization []string) (identity.Principal, error) {
	c, err := parseAuthorization(authorization)
	if err != nil {
		s.outcomes.none.Count(err)
		return identity.Principal{}, err
	}
	return s.authenticate(ctx, c)
}

func (s *Service) authenticate(ctx context.Context, c credentials) (p identity.Principal, err error) {
	var counter *outcome.Counter
	switch {
	case c.method == identity.Basic:
		counter = &s.outcomes.basic
		p, err = s.basic(ctx, c)
	case c.method == identity.APIKey:
		counter = &s.outcomes.apiKey
		p, _, err = s.apiKey(ctx, c.token)
	case servicetoken.Is(c.token):
		counter = &s.outcomes.serviceToken
		p, err = s.serviceAccount(ctx, c.token)
	default:
		counter = &s.outcomes.session
		p, _, err = s.session(ctx, c.token)
	}
	counter.Count(err)
	return p, err
}

func (s *Service) serviceAccount(ctx context.Context, bearer string) (identity.Principal, error) {
	token, err := s.services.Verify(ctx, bearer)
	if err != nil {
		return identity.Principal{}, err
	}
	return identity.Principal{
		User:   token.Account,
		Method: identity.ServiceToken,
		Token:  identity.Token{Name: token.Name, Digest: token.SecretDigest},
	}, nil
}

func (s *Service) basic(ctx context.Context, c credentials) (identity.Principal, error) {
	u, err := s.users.CheckPassword(ctx, c.name, c.password)
	if fault.Has(err, fault.LoginFailed) {
		return identity.Principal{}, fault.Wrap(fault.CredentialsInvalid, err, "the user name or the password is wrong",
			"Authorization")
	}

	p := principal(u, identity.Basic)
	p.AuthenticatedAt, p.PasswordID = s.now(), passwordID(u)
	return p, err
}

// apiKey also returns when the key was created.
func (s *Service) apiKey(ctx context.Context, credential string) (identity.Principal, time.Time, error) {
	key, owner, err := s.keys.Verify(ctx, credential)
	if err != nil {
		return identity.Principal{}, time.Time{}, err
	}
	if !owner.Enabled {
		return identity.Principal{}, time.Time{},
			disabled(owner, "the API key is not valid, or no longer")
	}

	p := principal(owner, identity.APIKey)
	p.Expires = key.ExpiresAt
	p.Key = identity.Key{ID: key.ID, Name: key.Description, Assigned: key.Assigned, LimitedBy: key.LimitedBy}
	return p, key.CreatedAt, nil
}

// session also returns the claims of the token.
func (s *Service) session(ctx context.Context, token string) (identity.Principal, session.Claims, error) {
	live, err := s.sessions.Verify(ctx, token)
	if err != nil {
		return identity.Principal{}, session.Claims{}, err
	}
	if !live.User.Enabled {
		return identity.Principal{}, session.Claims{},
			disabled(live.User, "the session token is not valid, or no longer")
	}

	p := principal(live.User, identity.Session)
	p.SessionID, p.TokenID, p.Expires = live.Session.ID, live.Token.ID, live.Token.ExpiresAt
	p.OnBehalf = live.Session.OnBehalf
	p.AuthenticatedAt, p.ElevatedUntil = live.Session.CreatedAt, live.Token.ElevatedUntil
	return p, live.Claims, nil
}

// disabled returns fault.CredentialsInvalid for a credential of a disabled user.
func disabled(u store.User, message string) error {
	cause := &outcome.RefusalError{Result: outcome.Refused, Reason: "disabled user", User: u.Name}
	return fault.Wrap(fault.CredentialsInvalid, cause, message)
}

func principal(u store.User, method identity.Method) identity.Principal {
	return identity.Principal{
		User:       u.Name,
		Roles:      u.Roles,
		Promotions: u.Tenure.Promotions,
		Builtin:    u.Builtin,
		SAMLRealm:  u.Realm,
		Method:     method,
		HasTOTP:    u.HasTOTP,
	}
}

// Login verifies a password and begins a session. It returns fault.LoginFailed for all reasons not to sign a user in,
// fault.TooManyFailures, fault.StoreUnavailable and fault.ServerBusy. If second factors are asked
// for at sign-in, it verifies a one-time code, too, and returns fault.SignInCodeNeeded if that is missing or invalid;
// otherwise it returns fault.InvalidData for a code.
func (s *Service) Login(ctx context.Context, name, password, code string) (session.Token, error) {
	if code == "" {
		grant, err := s.signIn(ctx, name, password, "", nil, s.issueToken)
		return grant.Access, err
	}
	if !s.factors.AtSignIn() {
		return session.Token{}, fault.New(fault.InvalidData,
			"token: this server takes a one-time code to elevate a session, and not to begin one", "token")
	}
	grant, err := s.signIn(ctx, name, password, code, audit.Details{"second_factor": true}, s.issueElevated)
	return grant.Access, err
}

// Refresh exchanges the principal's session token for a new one. It returns fault.CredentialsInvalid for a principal
// without a session, or if the session has ended.
func (s *Service) Refresh(ctx context.Context, p identity.Principal) (session.Token, error) {
	if p.Method != identity.Session {
		return session.Token{}, fault.New(fault.CredentialsInvalid,
			"only a session can be refreshed; send its token as Bearer in the Authorization header", "Authorization")
	}
	return store.Write(ctx, s.store,
		func(tx *store.Tx) (session.Token, error) { return s.sessions.Refresh(tx, p.TokenID) })
}

// Logout ends the principal's session. It does nothing for a principal without one.
func (s *Service) Logout(ctx context.Context, p identity.Principal) error {
	if p.Method != identity.Session {
		return nil
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		ended, err := s.sessions.End(tx, p.SessionID)
		if err != nil || !ended {
			return err
		}
		return audit.Record(ctx, tx, audit.SessionEnded, p.User, nil)
	})
}

// KeySet returns the public keys that verify session tokens. It reads memory only.
func (s *Service) KeySet() *session.KeySet { return s.sessions.KeySet() }

// CheckReturnPath returns fault.InvalidData unless a path, to which a browser returns after a sign-in, leads to this
// server in every browser. It must begin with exactly one slash, and contain no backslash and no control character:
// browsers read these as a slash or ignore them.
func CheckReturnPath(path string) error {
	local := strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") &&
		!strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '\\' || r >= 0x7f && r <= 0x9f })
	if !local {
		return fault.New(fault.InvalidData,
			"login_state.path: this must be a local absolute path, such as /deployments", "login_state.path")
	}
	return nil
}

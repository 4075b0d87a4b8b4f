// Package authn finds out who calls, and lets users sign in, stay signed in and sign out.
package authn

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/authn/user"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Service authenticates.
type Service struct {
	store    *store.Store
	users    *user.Service
	keys     *apikey.Service
	sessions *session.Service
	now      func() time.Time
}

// NewService returns a service on a store and on those who know the three kinds of credentials.
func NewService(st *store.Store, users *user.Service, keys *apikey.Service, sessions *session.Service, now func() time.Time) *Service {
	return &Service{st, users, keys, sessions, now}
}

// Authenticate returns who the values of a request's Authorization header stand for. It returns fault.CredentialsInvalid for
// whatever is not good, fault.StoreMissing and fault.StoreUnavailable when that cannot be known,
// and fault.ServerBusy.
func (s *Service) Authenticate(ctx context.Context, authorization []string) (identity.Principal, error) {
	c, err := parseAuthorization(authorization)
	if err != nil {
		return identity.Principal{}, err
	}
	return s.authenticate(ctx, c)
}

func (s *Service) authenticate(ctx context.Context, c credentials) (identity.Principal, error) {
	switch c.method {
	case identity.Basic:
		return s.basic(ctx, c)
	case identity.APIKey:
		return s.apiKey(ctx, c)
	default:
		return s.session(ctx, c)
	}
}

func (s *Service) basic(ctx context.Context, c credentials) (identity.Principal, error) {
	u, err := s.users.CheckPassword(ctx, c.name, c.password)
	if fault.Has(err, fault.LoginFailed) {
		return identity.Principal{}, fault.New(fault.CredentialsInvalid, "the user name or the password is wrong", "Authorization")
	}
	p := principal(u, identity.Basic)
	p.AuthenticatedAt, p.PasswordID = s.now(), passwordID(u)
	return p, err
}

func (s *Service) apiKey(ctx context.Context, c credentials) (identity.Principal, error) {
	key, owner, err := s.keys.Verify(ctx, c.token)
	if err != nil {
		return identity.Principal{}, err
	}
	if !owner.Enabled {
		return identity.Principal{}, fault.New(fault.CredentialsInvalid, "the API key is not valid, or no longer")
	}
	p := principal(owner, identity.APIKey)
	p.Expires = key.ExpiresAt
	p.Key = identity.Key{ID: key.ID, Name: key.Description, Assigned: key.Assigned, LimitedBy: key.LimitedBy}
	return p, nil
}

func (s *Service) session(ctx context.Context, c credentials) (identity.Principal, error) {
	live, err := s.sessions.Verify(ctx, c.token)
	if err != nil {
		return identity.Principal{}, err
	}
	if !live.User.Enabled {
		return identity.Principal{}, fault.New(fault.CredentialsInvalid, "the session token is not valid, or no longer")
	}
	p := principal(live.User, identity.Session)
	p.SessionID, p.TokenID, p.Expires = live.Session.ID, live.Token.ID, live.Token.ExpiresAt
	p.AuthenticatedAt, p.ElevatedUntil = live.Session.CreatedAt, live.Token.ElevatedUntil
	return p, nil
}

func principal(u store.User, method identity.Method) identity.Principal {
	return identity.Principal{
		User: u.Name, Roles: u.Roles, Promotions: u.Tenure.Promotions, Builtin: u.Builtin, SAMLRealm: u.Realm, Method: method, HasTOTP: u.HasTOTP,
	}
}

// Login begins a session. It returns fault.LoginFailed, whatever the reason, fault.StoreMissing,
// fault.StoreUnavailable and fault.ServerBusy.
func (s *Service) Login(ctx context.Context, name, password string) (session.Token, error) {
	grant, err := s.signIn(ctx, name, password, nil, s.issueToken)
	return grant.Access, err
}

// Refresh exchanges the token that the principal came with for a new one. It returns fault.CredentialsInvalid for a principal
// without a session, or whose session has ended.
func (s *Service) Refresh(ctx context.Context, p identity.Principal) (session.Token, error) {
	if p.Method != identity.Session {
		return session.Token{}, fault.New(fault.CredentialsInvalid,
			"only a session can be refreshed; send its token as Bearer in the Authorization header", "Authorization")
	}
	return store.Write(ctx, s.store, func(tx *store.Tx) (session.Token, error) { return s.sessions.Refresh(tx, p.TokenID) })
}

// Logout ends the principal's session; one without a session has nothing to end.
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

// PasswordLogin tells whether users can sign in with a password.
func (s *Service) PasswordLogin() bool { return s.store.Configured() }

// CheckReturnPath refuses a path to return to after a sign-in unless it leads to this very server in every browser's
// eyes: it must begin with one slash, not two, and hold no backslash and no control character, which browsers read as a
// slash or not at all. It returns fault.InvalidData.
func CheckReturnPath(path string) error {
	local := strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") &&
		!strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '\\' || r >= 0x7f && r <= 0x9f })
	if !local {
		return fault.New(fault.InvalidData,
			"login_state.path: this must be a local absolute path, such as /deployments", "login_state.path")
	}
	return nil
}

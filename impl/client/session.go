package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	gen "github.com/sallyport/sallyport/gen/client"
)

// token is a token of a session. The zero value is none.
type token struct {
	value   string
	expires time.Time
	// refreshAt is the time from which to refresh the token; zero for never.
	refreshAt time.Time
	// elevation is the number of the elevation that the token has; 0 for none. The server decides when it ends.
	elevation int
}

// session keeps the token of a client valid. All changes of the token are made one at a time, for all requests that
// wait for it. It is safe for concurrent use.
type session struct {
	transport *transport
	codes     Codes
	user      string

	mu       sync.Mutex
	password string // empty for a client that was given a token
	token    token
	flight   *flight
	// elevations counts the elevations of the client.
	elevations int
	// refused is the last sign-in's refusal, which is not tried again before retryAt. refusals counts them.
	refused  *Error
	refusals int
	retryAt  time.Time
}

func newSession(t *transport, s settings) *session {
	own := &session{transport: t, codes: s.codes, user: s.user, password: s.password, token: s.token}
	own.token.refreshAt = refreshTime(s.token.expires, t.clock.now())
	return own
}

// refreshTime returns the middle of a token's remaining time to live. It is never for a token without a known expiry,
// and for one that seems to have expired, as the clocks of client and server differ then.
func refreshTime(expires, now time.Time) time.Time {
	if !expires.After(now) {
		return time.Time{}
	}
	return now.Add(expires.Sub(now) / 2)
}

// due reports whether the token should be refreshed.
func (t token) due(now time.Time) bool { return !t.refreshAt.IsZero() && !now.Before(t.refreshAt) }

func (s *session) get() token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// current returns a token for a request. It signs in if there is none, and refreshes one that is due: if that fails,
// the token is used as it is, because it may still be valid.
func (s *session) current(ctx context.Context) (token, error) {
	now := s.transport.clock.now()
	used := s.get()
	if used.value != "" && !used.due(now) {
		return used, nil
	}

	without := used.value == ""
	err := s.change(ctx, refreshing, func(t token) bool { return t.value == "" || t.due(now) }, s.refreshOrSignIn)
	if err != nil && (without || ctx.Err() != nil) {
		return token{}, err
	}
	if current := s.get(); current.value != "" {
		return current, nil
	}
	return used, nil // another request has signed out meanwhile
}

// canRenew reports whether another token may help a request that failed.
func (s *session) canRenew(c *call, e *Error) bool {
	if e.needsRecentPassword() {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.password != ""
	}
	return e.Status == http.StatusUnauthorized && !c.traits.credentials
}

// renew replaces a token that was refused.
func (s *session) renew(ctx context.Context, used token) error {
	replace := s.signIn
	if s.user == "" {
		replace = s.refresh
	}
	return s.change(ctx, renewing, func(t token) bool { return t.value == used.value }, replace)
}

// elevate replaces a token by an elevated one, unless that was done since a request used it.
func (s *session) elevate(ctx context.Context, used token) error {
	needed := func(t token) bool { return t.elevation == 0 || t.elevation == used.elevation }
	return s.change(ctx, elevating, needed, s.elevateWithCode)
}

// end signs out.
func (s *session) end(ctx context.Context) error {
	signedIn := func(t token) bool { return t.value != "" }
	return s.change(ctx, ending, signedIn, func(ctx context.Context, t token) (token, error) {
		r, err := gen.NewLogoutRequest(s.transport.address.server())
		if err != nil {
			return t, err
		}
		// A token that is refused belongs to no session, perhaps because an attempt before has ended it.
		_, err = s.send(ctx, r, t)
		if err != nil && !IsUnauthenticated(err) {
			return t, err
		}
		return token{}, nil
	})
}

// replacePassword is called after the user's password was changed, which ends all sessions.
func (s *session) replacePassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.password != "" {
		s.password, s.token = password, token{}
		s.refused, s.refusals = nil, 0
	}
}

// refreshOrSignIn refreshes the token, if there is one, and signs in if it is refused.
func (s *session) refreshOrSignIn(ctx context.Context, t token) (token, error) {
	if t.value == "" {
		return s.signIn(ctx, t)
	}
	next, err := s.refresh(ctx, t)
	if IsUnauthenticated(err) && s.user != "" {
		return s.signIn(ctx, t)
	}
	if err != nil { // it is tried again in the middle of the rest of the time
		t.refreshAt = refreshTime(t.expires, s.transport.clock.now())
		return t, err
	}
	return next, nil
}

func (s *session) refresh(ctx context.Context, t token) (token, error) {
	r, err := gen.NewRefreshTokenRequest(s.transport.address.server())
	if err != nil {
		return t, err
	}
	next, err := s.exchange(ctx, r, t)
	if err != nil {
		return t, err
	}
	next.elevation = t.elevation
	if !next.expires.After(t.expires) {
		next.refreshAt = time.Time{} // the session itself ends then
	}
	return next, nil
}

// elevateWithCode exchanges the token for an elevated one. It is not repeated, because a code works once.
func (s *session) elevateWithCode(ctx context.Context, t token) (token, error) {
	code, err := s.codes(ctx)
	if err != nil {
		return t, &Error{Message: "no one-time code to take elevated permissions", cause: err}
	}
	r, err := gen.NewEnableElevatedPermissionsRequest(s.transport.address.server(),
		gen.ElevatePermissionsRequest{Token: &code})
	if err != nil {
		return t, err
	}
	next, err := s.exchange(ctx, r, t)
	if err != nil {
		return t, err
	}
	s.elevations++ // there is one change at a time
	next.elevation = s.elevations
	return next, nil
}

const (
	firstRefusal = time.Minute
	maxRefusal   = time.Hour
)

// signIn begins a session. A password that was refused is not sent again for a while.
func (s *session) signIn(ctx context.Context, t token) (token, error) {
	if s.user == "" {
		return t, &Error{Message: "the session has ended, and there is no password to begin another one"}
	}
	s.mu.Lock()
	password, refused, retryAt := s.password, s.refused, s.retryAt
	s.mu.Unlock()
	if refused != nil && s.transport.clock.now().Before(retryAt) {
		return t, refused
	}

	r, err := gen.NewLoginRequest(s.transport.address.server(), gen.LoginRequest{Username: s.user, Password: password})
	if err != nil {
		return t, err
	}
	next, err := s.exchange(ctx, r, token{})
	if needsCode(err) && s.codes != nil {
		return s.signInWithCode(ctx, t, password)
	}
	s.recordSignIn(password, err)
	return next, err
}

// signInWithCode begins a session where one-time codes are asked for at sign-in. It is not repeated, because a code
// works once.
func (s *session) signInWithCode(ctx context.Context, t token, password string) (token, error) {
	code, err := s.codes(ctx)
	if err != nil {
		return t, &Error{Message: "no one-time code to sign in", cause: err}
	}
	r, err := gen.NewLoginRequest(s.transport.address.server(),
		gen.LoginRequest{Username: s.user, Password: password, Token: &code})
	if err != nil {
		return t, err
	}
	next, err := s.exchange(ctx, r, token{})
	s.recordSignIn(password, err)
	return next, err
}

// recordSignIn records the outcome of a sign-in with a password, unless the password was changed meanwhile.
func (s *session) recordSignIn(password string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if password != s.password {
		return
	}
	if !IsUnauthenticated(err) {
		if err == nil {
			s.refused, s.refusals = nil, 0
		}
		return
	}
	s.refused, _ = errors.AsType[*Error](err)
	s.retryAt = s.transport.clock.now().Add(min(maxRefusal, firstRefusal<<min(s.refusals, 6)))
	s.refusals++
}

// exchange sends a request that is answered with a token.
func (s *session) exchange(ctx context.Context, r *http.Request, t token) (token, error) {
	body, err := s.send(ctx, r, t)
	if err != nil {
		return t, err
	}
	var read gen.TokenResponse
	if err := json.Unmarshal(body, &read); err != nil {
		return t, asError(err)
	}
	if !headerText(read.Token) {
		return t, &Error{Method: r.Method, Path: r.URL.Path, Message: "the answer has no token"}
	}
	expires := read.SessionExpirationTime
	refreshAt := refreshTime(expires, s.transport.clock.now())
	return token{value: read.Token, expires: expires, refreshAt: refreshAt}, nil
}

// send sends a request of the session itself, and returns the body of the answer.
func (s *session) send(ctx context.Context, r *http.Request, t token) ([]byte, error) {
	c, err := s.transport.newCall(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	authorization := ""
	if t.value != "" {
		authorization = "Bearer " + t.value
	}
	answer, failed := s.transport.repeat(c, authorization)
	if failed != nil {
		return nil, failed
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, c.failed("the answer is not the expected one", nil)
	}
	var body bytes.Buffer
	_, err = body.ReadFrom(answer.Body)
	return body.Bytes(), err
}

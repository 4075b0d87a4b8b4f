// Package session manages sessions and their tokens. A token is a signed JWT that refers to a row in the store:
// deleting the row revokes the token on every replica.
package session

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/background"
	"github.com/sallyport/sallyport/impl/platform/outcome"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Settings holds session lifetimes.
type Settings struct {
	// Idle is the time to live of a token that is not refreshed.
	Idle time.Duration
	// Absolute is the time to live of a session, even if it is refreshed.
	Absolute time.Duration
	// Grace is the time until a refreshed token expires, for requests in progress.
	Grace time.Duration
	// KeyRotation is the age at which the signing key is rotated; 0 disables rotation.
	KeyRotation time.Duration
	// Issuers and Audiences are the values of the claims iss and aud that a token may have, for this installation alone.
	// New tokens have the first of each; the others are those from before a change. DefaultName replaces an empty list.
	Issuers, Audiences []string
}

// DefaultName is the issuer and the audience of an installation that configures none.
const DefaultName = "sallyport"

// DefaultSettings are suitable for interactive use.
var DefaultSettings = Settings{
	Idle: 30 * time.Minute, Absolute: 12 * time.Hour, Grace: 10 * time.Second, KeyRotation: 30 * 24 * time.Hour,
	Issuers: []string{DefaultName}, Audiences: []string{DefaultName},
}

// Token is an issued session token.
type Token struct {
	// Value is the credential of the Bearer scheme.
	Value     string
	ExpiresAt time.Time
}

// Live is a valid session, its user, and the token that was verified.
type Live struct {
	Session store.Session
	// Token has a zero ElevatedUntil if its elevation has expired.
	Token store.SessionToken
	User  store.User
	// Claims are those of the token.
	Claims Claims
}

// Service creates, verifies, refreshes and deletes sessions. It is safe for concurrent use.
type Service struct {
	store    *store.Store
	keys     *keyring
	settings Settings
	// verified caches the claims of tokens with a verified signature, by the hash of the token. A verified signature
	// stays valid as long as its key exists; the validity of the token itself is checked separately.
	verified *lru.Cache[[sha256.Size]byte, claims]
	// unaddressedUntil is the time until which tokens without an audience are accepted.
	unaddressedUntil time.Time
	// live caches sessions by token id.
	live *store.Cache[string, *Live]
	// maintenance is the background maintenance of keys.
	maintenance *background.Loop
}

// maxVerified limits the size of Service.verified, to about 2 MiB.
const maxVerified = 8192

// maxLive limits the size of Service.live, to about 8 MiB.
const maxLive = 8192

// maxSessions is the maximum number of sessions per user; the oldest are deleted for new ones. All sessions of a user
// are deleted in one transaction when the user is disabled or deleted, or its password changes. With more sessions than
// one transaction can delete, a user could not be locked out.
const maxSessions = 10_000

// maxToken is the maximum length of a token in bytes. Longer ones are not parsed.
const maxToken = 8192

// New returns a service on a store. The sealer encrypts the signing keys.
func New(ctx context.Context, st *store.Store, sealer *secret.Sealer, settings Settings) (*Service, error) {
	verified, err := lru.New[[sha256.Size]byte, claims](maxVerified)
	if err != nil {
		return nil, err
	}

	live, err := store.NewCache[string, *Live](st, maxLive)
	if err != nil {
		return nil, err
	}

	keys, err := openKeyring(ctx, st, sealer)
	if err != nil {
		return nil, err
	}
	for _, names := range []*[]string{&settings.Issuers, &settings.Audiences} {
		if len(*names) == 0 {
			*names = []string{DefaultName}
		}
	}
	return &Service{
		store:    st,
		keys:     keys,
		settings: settings,
		verified: verified,
		live:     live,

		unaddressedUntil: st.Now().Add(unaddressedPeriod),
	}, nil
}

// Begin creates a session for a user and returns its first token.
func (s *Service) Begin(ctx context.Context, tx *store.Tx, userName string) (Token, error) {
	_, token, err := s.BeginUntil(ctx, tx, userName, time.Time{})
	return token, err
}

// BeginElevated is like Begin, for a session that is elevated until it expires.
func (s *Service) BeginElevated(ctx context.Context, tx *store.Tx, userName string) (Token, error) {
	end := tx.Now.Add(s.settings.Absolute)
	_, token, err := s.begin(ctx, tx, store.Session{UserName: userName, ExpiresAt: end}, s.settings.Idle, end)
	return token, err
}

// BeginUntil is like Begin, for a session that expires at end at the latest, unless end is zero. It also returns the
// session.
func (s *Service) BeginUntil(
	ctx context.Context, tx *store.Tx, userName string, end time.Time,
) (store.Session, Token, error) {
	session := store.Session{UserName: userName, ExpiresAt: s.expiry(tx, end)}
	return s.begin(ctx, tx, session, s.settings.Idle, time.Time{})
}

// expiry returns when a new session expires: at end, unless that is zero or too late.
func (s *Service) expiry(tx *store.Tx, end time.Time) time.Time {
	latest := tx.Now.Add(s.settings.Absolute)
	if end.IsZero() || end.After(latest) {
		return latest
	}
	return end
}

// begin stores a session, and returns it with its first token, which is elevated until the given time.
func (s *Service) begin(
	ctx context.Context, tx *store.Tx, session store.Session, lifetime time.Duration, elevatedUntil time.Time,
) (store.Session, Token, error) {
	session.ID = tx.Random.Text(16)
	if err := tx.Sessions.Sweep(); err != nil {
		return session, Token{}, err
	}
	if err := s.deleteOldest(ctx, tx, session.UserName); err != nil {
		return session, Token{}, err
	}
	if err := tx.Sessions.Insert(session); err != nil {
		return session, Token{}, err
	}
	token, err := s.issue(tx, session, lifetime, elevatedUntil)
	return session, token, err
}

// deleteOldest deletes the oldest sessions of a user that has reached maxSessions.
func (s *Service) deleteOldest(ctx context.Context, tx *store.Tx, userName string) error {
	ended, err := tx.Sessions.EvictOldest(userName, maxSessions)
	if err != nil || ended == 0 {
		return err
	}
	return audit.Record(ctx, tx, audit.SessionEnded, userName, audit.Details{"sessions": ended, "by": "too many"})
}

// Refresh returns a new token of a token's session, and lets the old one expire after the grace time. Any valid token
// can be refreshed, including an old one within its grace time, so that concurrent refreshes all succeed. The new token
// has the elevation of the old one with the same expiry. Refresh returns fault.CredentialsInvalid if the token is not
// valid.
func (s *Service) Refresh(tx *store.Tx, tokenID string) (Token, error) {
	old, session, err := s.exchange(tx, tokenID)
	if err != nil {
		return Token{}, err
	}
	return s.issue(tx, session, s.settings.Idle, old.ElevatedUntil)
}

// Elevate is like Refresh, and elevates the new token until the given time.
func (s *Service) Elevate(tx *store.Tx, tokenID string, until time.Time) (Token, error) {
	_, session, err := s.exchange(tx, tokenID)
	if err != nil {
		return Token{}, err
	}
	return s.issue(tx, session, s.settings.Idle, until)
}

// Lower ends the elevation of all tokens of a token's session, and returns a new token like Refresh. It reports whether
// a token was elevated.
func (s *Service) Lower(tx *store.Tx, tokenID string) (Token, bool, error) {
	_, session, err := s.exchange(tx, tokenID)
	if err != nil {
		return Token{}, false, err
	}
	lowered, err := tx.Sessions.Lower(session.ID)
	if err != nil {
		return Token{}, false, err
	}
	token, err := s.issue(tx, session, s.settings.Idle, time.Time{})
	return token, lowered, err
}

// exchange shortens the time to live of a token to the grace time, and returns it with its session.
func (s *Service) exchange(tx *store.Tx, tokenID string) (store.SessionToken, store.Session, error) {
	old, session, _, err := tx.Sessions.FindByToken(tokenID)
	if errors.Is(err, store.ErrNotFound) {
		return old, session, unauthorized()
	}
	if err != nil {
		return old, session, err
	}
	if err := tx.Sessions.SweepTokens(session.ID); err != nil {
		return old, session, err
	}
	return old, session, tx.Sessions.ShortenToken(old.ID, tx.Now.Add(s.settings.Grace))
}

// End deletes a session with all its tokens, and reports whether it existed.
func (s *Service) End(tx *store.Tx, sessionID string) (bool, error) {
	return tx.Sessions.Delete(sessionID)
}

// Verify verifies a token and returns its session. It returns fault.CredentialsInvalid if this server did not issue the
// token, the token has expired, or the session has expired or was deleted. It does not check whether the user is
// enabled.
func (s *Service) Verify(ctx context.Context, value string) (Live, error) {
	c, err := s.verifySignature(ctx, value)
	if err != nil {
		return Live{}, err
	}

	read, err := s.live.Read(ctx, c.tokenID, func(tx *store.Tx) (*Live, error) {
		var live Live
		var err error
		live.Token, live.Session, live.User, err = tx.Sessions.FindByToken(c.tokenID)
		if errors.Is(err, store.ErrNotFound) {
			err = refused(outcome.Unknown, "unknown session", "")
		}
		return &live, err
	})
	if err != nil {
		return Live{}, err
	}
	live, err := read.at(s.store.Now())
	live.Claims = c.Claims
	return live, err
}

// at returns a session that was read earlier as of now, or fault.CredentialsInvalid if it has expired.
func (l *Live) at(now time.Time) (Live, error) {
	if !l.Token.ExpiresAt.After(now) || !l.Session.ExpiresAt.After(now) {
		return Live{}, refused(outcome.Expired, "expired session", l.User.Name)
	}
	live := *l
	if !live.Token.ElevatedUntil.After(now) {
		live.Token.ElevatedUntil = time.Time{}
	}
	return live, nil
}

// CacheCounts returns the numbers of hits and misses of the session cache.
func (s *Service) CacheCounts() (hits, misses uint64) { return s.live.Counts() }

// verifySignature verifies a token's signature, issuer and audience, and returns its claims. It must not be called in a
// transaction, because it may need one of its own.
func (s *Service) verifySignature(ctx context.Context, value string) (claims, error) {
	if len(value) > maxToken {
		return claims{}, unauthorized()
	}

	hash := sha256.Sum256([]byte(value))
	if c, ok := s.verified.Get(hash); ok && s.keys.has(c.keyID) {
		return c, s.checkAddressed(c)
	}

	// The times in the token are informational; the store's are checked instead.
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithoutClaimsValidation(),
		jwt.WithStrictDecoding())
	var registered jwt.RegisteredClaims
	var keyID string
	var failed error
	_, err := parser.ParseWithClaims(value, &registered, func(token *jwt.Token) (any, error) {
		keyID, _ = token.Header["kid"].(string)
		var key ed25519.PublicKey
		key, failed = s.keys.public(ctx, keyID)
		return key, failed
	})
	if failed != nil && !errors.Is(failed, errUnknownKey) {
		return claims{}, failed
	}
	if err != nil {
		return claims{}, unauthorized()
	}

	c, ok := s.claimsOf(&registered)
	if !ok {
		return claims{}, unauthorized()
	}
	c.keyID = keyID
	s.verified.Add(hash, c)
	return c, s.checkAddressed(c)
}

// issue creates a token of a session. It expires at the latest with the session and with the key that signs it.
func (s *Service) issue(
	tx *store.Tx, session store.Session, lifetime time.Duration, elevatedUntil time.Time,
) (Token, error) {
	key, err := s.keys.signer(tx)
	if err != nil {
		return Token{}, err
	}

	end := tx.Now.Add(lifetime)
	for _, latest := range []time.Time{session.ExpiresAt, key.VerifiesUntil} {
		if !latest.IsZero() && end.After(latest) {
			end = latest
		}
	}
	id := tx.Random.Text(16)
	token := store.SessionToken{ID: id, SessionID: session.ID, ExpiresAt: end, ElevatedUntil: elevatedUntil}
	if err := tx.Sessions.InsertToken(token); err != nil {
		return Token{}, err
	}

	value, err := s.keys.sign(key, jwt.RegisteredClaims{
		Issuer: s.settings.Issuers[0], Audience: s.settings.Audiences[:1], Subject: session.UserName, ID: token.ID,
		IssuedAt: jwt.NewNumericDate(tx.Now), ExpiresAt: jwt.NewNumericDate(end),
	})
	return Token{Value: value, ExpiresAt: end}, err
}

const invalidToken = "the session token is not valid, or no longer"

// refused returns fault.CredentialsInvalid. The reason, and the session's user if it is known, are for the log.
func refused(result outcome.Result, reason, userName string) error {
	cause := &outcome.RefusalError{Result: result, Reason: reason, User: userName}
	return fault.Wrap(fault.CredentialsInvalid, cause, invalidToken)
}

func unauthorized() error { return refused(outcome.Refused, "invalid session token", "") }

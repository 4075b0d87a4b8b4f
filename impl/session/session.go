// Package session keeps sessions and the tokens that stand for them. A token is a JWT for its bearer, and for the server
// a handle to a row: when the row is gone, so is the token, at once and on every replica.
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
	"github.com/sallyport/sallyport/impl/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// Settings are the lengths of things.
type Settings struct {
	// Idle is how long a token lives without a refresh.
	Idle time.Duration
	// Absolute is how long a session lives, however often it is refreshed.
	Absolute time.Duration
	// Grace is how long a token stays good after it was refreshed, for requests that are under way.
	Grace time.Duration
	// KeyRotation is how old the key that signs tokens gets before another takes over; 0 is for ever.
	KeyRotation time.Duration
}

// DefaultSettings are for people at a console.
var DefaultSettings = Settings{Idle: 30 * time.Minute, Absolute: 12 * time.Hour, Grace: 10 * time.Second, KeyRotation: 30 * 24 * time.Hour}

// Token is what a caller gets.
type Token struct {
	// Value follows "Bearer ".
	Value     string
	ExpiresAt time.Time
}

// Live is a session that a token proved to be alive.
type Live struct {
	Session store.Session
	// Token's ElevatedUntil is zero once the time has come.
	Token store.SessionToken
	User  store.User
}

// Service begins, proves, prolongs and ends sessions.
type Service struct {
	store    *store.Store
	keys     *keyring
	settings Settings
	// proven remembers the claims of tokens whose signatures were verified, by the tokens' hashes. A signature once
	// good stays good while there is its key; whether the token is alive is asked of the store each time.
	proven *lru.Cache[[sha256.Size]byte, claims]
	// alive remembers what tokens stand for, by the tokens' ids.
	alive *store.Cache[*Live]
	// stop ends what goes on in the background, if anything does.
	stop func()
}

// provenTokens bounds the memory that proven takes, to about 2 MiB.
const provenTokens = 8192

// aliveTokens bounds the memory that alive takes, to about 8 MiB.
const aliveTokens = 8192

// maxSessions is how many sessions a user has at most; the oldest make room. All of a user's sessions end in one transaction
// when the user is disabled, deleted or gets another password, and whoever could make more of them than a transaction may delete
// could not be kept out any more.
const maxSessions = 10_000

// maxToken bounds what is parsed at all, in bytes.
const maxToken = 8192

// New returns a service on a store, whose signing keys are sealed by sealer. Without a store there are no sessions, and
// every call returns fault.NoAuthenticationCluster.
func New(ctx context.Context, st *store.Store, sealer *secret.Sealer, settings Settings) (*Service, error) {
	proven, err := lru.New[[sha256.Size]byte, claims](provenTokens)
	if err != nil {
		return nil, err
	}
	alive, err := store.NewCache[*Live](st, aliveTokens)
	if err != nil {
		return nil, err
	}
	s := &Service{store: st, settings: settings, proven: proven, alive: alive, stop: func() {}}
	if st.Configured() {
		s.keys, err = openKeyring(ctx, st, sealer)
	}
	return s, err
}

// Begin starts a session for a user and returns its first token.
func (s *Service) Begin(ctx context.Context, tx *store.Tx, userName string) (Token, error) {
	_, token, err := s.BeginUntil(ctx, tx, userName, time.Time{})
	return token, err
}

// BeginUntil is Begin of a session that ends at a time at the latest, unless that is zero. It returns the session, too.
func (s *Service) BeginUntil(ctx context.Context, tx *store.Tx, userName string, end time.Time) (store.Session, Token, error) {
	latest := tx.Now.Add(s.settings.Absolute)
	if end.IsZero() || end.After(latest) {
		end = latest
	}
	session := store.Session{ID: secret.Text(16), UserName: userName, ExpiresAt: end}
	if err := tx.SweepSessions(); err != nil {
		return session, Token{}, err
	}
	if err := s.makeRoom(ctx, tx, userName); err != nil {
		return session, Token{}, err
	}
	if err := tx.InsertSession(session); err != nil {
		return session, Token{}, err
	}
	token, err := s.issue(tx, session, time.Time{})
	return session, token, err
}

// makeRoom ends the oldest sessions of a user who has too many.
func (s *Service) makeRoom(ctx context.Context, tx *store.Tx, userName string) error {
	ended, err := tx.CrowdSessions(userName, maxSessions)
	if err != nil || ended == 0 {
		return err
	}
	return audit.Record(ctx, tx, audit.SessionEnded, userName, audit.Details{"sessions": ended, "by": "too many"})
}

// Refresh returns a new token of the session that a token stands for, and lets the old one live for the grace time. Any
// live token can be refreshed, an old one within its grace too, so that overlapping refreshes all succeed. An elevated
// token's elevation goes over to the new one, and ends when it would have ended. It returns fault.Unauthorized if the token
// is dead.
func (s *Service) Refresh(tx *store.Tx, tokenID string) (Token, error) {
	old, session, err := s.exchange(tx, tokenID)
	if err != nil {
		return Token{}, err
	}
	return s.issue(tx, session, old.ElevatedUntil)
}

// Elevate is Refresh with a new token that is elevated until a time.
func (s *Service) Elevate(tx *store.Tx, tokenID string, until time.Time) (Token, error) {
	_, session, err := s.exchange(tx, tokenID)
	if err != nil {
		return Token{}, err
	}
	return s.issue(tx, session, until)
}

// Lower makes all tokens of a token's session plain, and is Refresh then. It tells whether any was elevated.
func (s *Service) Lower(tx *store.Tx, tokenID string) (Token, bool, error) {
	_, session, err := s.exchange(tx, tokenID)
	if err != nil {
		return Token{}, false, err
	}
	lowered, err := tx.LowerSession(session.ID)
	if err != nil {
		return Token{}, false, err
	}
	token, err := s.issue(tx, session, time.Time{})
	return token, lowered, err
}

// exchange lets a token live for the grace time only, and returns it with its session.
func (s *Service) exchange(tx *store.Tx, tokenID string) (store.SessionToken, store.Session, error) {
	old, session, _, err := tx.LiveSession(tokenID)
	if errors.Is(err, store.ErrNotFound) {
		return old, session, dead()
	}
	if err != nil {
		return old, session, err
	}
	if err := tx.SweepSessionTokens(session.ID); err != nil {
		return old, session, err
	}
	return old, session, tx.ShortenSessionToken(old.ID, tx.Now.Add(s.settings.Grace))
}

// End ends a session with all its tokens, and tells whether there was one.
func (s *Service) End(tx *store.Tx, sessionID string) (bool, error) {
	return tx.DeleteSession(sessionID)
}

// Verify returns the session that a token stands for, or fault.Unauthorized if the token is not one of ours, has
// expired, or its session has ended. It does not look at whether the user is enabled.
func (s *Service) Verify(ctx context.Context, value string) (Live, error) {
	c, err := s.prove(ctx, value)
	if err != nil {
		return Live{}, err
	}
	read, err := s.alive.Read(ctx, c.tokenID, func(tx *store.Tx) (*Live, error) {
		var live Live
		var err error
		live.Token, live.Session, live.User, err = tx.LiveSession(c.tokenID)
		if errors.Is(err, store.ErrNotFound) {
			err = dead()
		}
		return &live, err
	})
	if err != nil {
		return Live{}, err
	}
	return read.at(s.store.Now())
}

// at returns what a session is that was read lately.
func (l *Live) at(now time.Time) (Live, error) {
	if !l.Token.ExpiresAt.After(now) || !l.Session.ExpiresAt.After(now) {
		return Live{}, dead()
	}
	live := *l
	if !live.Token.ElevatedUntil.After(now) {
		live.Token.ElevatedUntil = time.Time{}
	}
	return live, nil
}

// Remembered returns how often a token was found in memory, and how often it might have been and was not.
func (s *Service) Remembered() (hits, misses uint64) { return s.alive.Counts() }

// claims is what the server needs of a token.
type claims struct{ tokenID, keyID string }

// prove checks a token's signature. It must not be called in a transaction: it may need one of its own.
func (s *Service) prove(ctx context.Context, value string) (claims, error) {
	if err := s.store.Require(); err != nil {
		return claims{}, err
	}
	if len(value) > maxToken {
		return claims{}, dead()
	}
	hash := sha256.Sum256([]byte(value))
	if c, ok := s.proven.Get(hash); ok && s.keys.knows(c.keyID) {
		return c, nil
	}
	// Times in the token are for its bearer; the store knows better.
	parser := jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
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
		return claims{}, fault.Wrap(fault.Unauthorized, err, deadMessage)
	}
	c := claims{tokenID: registered.ID, keyID: keyID}
	s.proven.Add(hash, c)
	return c, nil
}

func (s *Service) issue(tx *store.Tx, session store.Session, elevatedUntil time.Time) (Token, error) {
	key, err := s.keys.signer(tx)
	if err != nil {
		return Token{}, err
	}
	end := tx.Now.Add(s.settings.Idle)
	for _, latest := range []time.Time{session.ExpiresAt, key.VerifiesUntil} {
		if !latest.IsZero() && end.After(latest) {
			end = latest
		}
	}
	token := store.SessionToken{ID: secret.Text(16), SessionID: session.ID, ExpiresAt: end, ElevatedUntil: elevatedUntil}
	if err := tx.InsertSessionToken(token); err != nil {
		return Token{}, err
	}
	value, err := s.keys.sign(key, jwt.RegisteredClaims{
		Issuer: "sallyport", Subject: session.UserName, ID: token.ID,
		IssuedAt: jwt.NewNumericDate(tx.Now), ExpiresAt: jwt.NewNumericDate(end),
	})
	return Token{Value: value, ExpiresAt: end}, err
}

const deadMessage = "the session token is not valid, or no longer"

func dead() error { return fault.New(fault.Unauthorized, deadMessage) }

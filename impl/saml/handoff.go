package saml

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/audit"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// CodeTime is the time to live of a code.
const CodeTime = time.Minute

// codeBytes is the number of random bytes of a code.
const codeBytes = 24

// Return says where a sign-in ends in place of the sign-in page. The zero value is the sign-in page.
type Return struct {
	// URL is one of the configured return URLs.
	URL string
	// Challenge is the SHA-256 of a verifier that the browser's tab keeps, in base64url without padding (RFC 7636,
	// section 4.2, method S256). It binds the code to that tab: no other can exchange it, and the tab exchanges no code of
	// a sign-in that it did not begin.
	Challenge string
}

// checkReturn returns fault.InvalidData for a URL that is not configured, and for a URL or a challenge alone.
func (s *Service) checkReturn(r Return) error {
	switch {
	case r == Return{}:
		return nil
	case r.URL == "":
		return fault.New(fault.InvalidData, "a code_challenge needs a return_url", "return_url")
	case !slices.Contains(s.returnURLs, r.URL):
		return fault.New(fault.InvalidData, "this is none of the addresses in sso.return_urls", "return_url")
	case r.Challenge == "":
		return fault.New(fault.InvalidData, "a return_url needs a code_challenge", "code_challenge")
	}
	return nil
}

// issueCode stores a code for the session of a verified sign-in, and returns it.
func issueCode(tx *store.Tx, a *attempt, userName string) (string, error) {
	code := tx.Random.Text(codeBytes)
	return code, tx.SAML.InsertCode(store.SSOCode{
		Digest:        secret.Digest(code),
		UserName:      userName,
		Challenge:     a.pending.Return.Challenge,
		ReturnURL:     a.pending.Return.URL,
		Known:         a.known(),
		SessionEndsAt: a.verified.SessionNotOnOrAfter,
		ExpiresAt:     tx.Now.Add(CodeTime),
	})
}

// Redemption is what a front end exchanges for a session.
type Redemption struct {
	Code string
	// Verifier is the text that the challenge is the SHA-256 of.
	Verifier  string
	ReturnURL string
}

// redeemed is the outcome of a redemption.
type redeemed struct {
	token session.Token
	// realm is empty if the code is unknown.
	realm string
	// reason is why the code is not accepted; empty if it is.
	reason string
}

// Redeem begins the session of a sign-in that ended at a return URL. It returns the same fault.LoginFailed for every
// code that it refuses; the reason is in the log and in Refusals. It returns fault.TooManyFailures to an address with
// too many failed attempts. A code is used up by the first redemption, even if that is refused.
func (s *Service) Redeem(ctx context.Context, r Redemption) (session.Token, error) {
	if err := s.guesses.CheckAddress(ctx); err != nil {
		return session.Token{}, err
	}
	outcome, err := s.exchange(ctx, r)
	if err != nil || outcome.reason == "" {
		return outcome.token, err
	}

	s.guesses.RecordAddressFailure(ctx)
	s.recordRefusal(ctx, attempt{realm: Realm{ID: outcome.realm}}, "code: "+outcome.reason)
	return session.Token{}, fault.New(fault.LoginFailed,
		"the code is not accepted: begin the sign-in again; an administrator can see why")
}

const reasonNoCode = "there is no such code, it was used, or the user's sessions were ended since"

// exchange redeems a code. Unknown codes, which any client can send, are refused before the write lock is taken. A
// refusal is no error of the transaction, which must use up the code.
func (s *Service) exchange(ctx context.Context, r Redemption) (redeemed, error) {
	known, err := store.Read(ctx, s.store, func(tx *store.Tx) (bool, error) {
		return tx.SAML.HasCode(secret.Digest(r.Code))
	})
	if err != nil || !known {
		return redeemed{reason: reasonNoCode}, err
	}
	return store.Write(ctx, s.store, func(tx *store.Tx) (redeemed, error) { return s.redeem(ctx, tx, r) })
}

func (s *Service) redeem(ctx context.Context, tx *store.Tx, r Redemption) (redeemed, error) {
	code, err := tx.SAML.ConsumeCode(secret.Digest(r.Code))
	if errors.Is(err, store.ErrNotFound) {
		return redeemed{reason: reasonNoCode}, nil
	}
	if err != nil {
		return redeemed{}, err
	}
	outcome := redeemed{realm: code.Known.Realm}
	if outcome.reason, err = s.refuseCode(tx, code, r); err != nil || outcome.reason != "" {
		return outcome, err
	}

	origin := audit.OriginOf(ctx)
	origin.Actor = code.UserName
	ctx = audit.WithOrigin(ctx, origin)
	outcome.token, err = s.beginSession(ctx, tx, code.UserName, code.Known, code.SessionEndsAt)
	return outcome, err
}

// refuseCode returns why a code is not accepted; empty if it is.
func (s *Service) refuseCode(tx *store.Tx, code store.SSOCode, r Redemption) (string, error) {
	switch {
	case !secret.Equal(challengeOf(r.Verifier), code.Challenge):
		return "the verifier is not that of the sign-in", nil
	case r.ReturnURL != code.ReturnURL:
		return "the return URL is not that of the sign-in", nil
	case !tx.Now.Before(code.ExpiresAt):
		return "it has expired", nil
	case over(code.SessionEndsAt, tx.Now):
		return reasonOver, nil
	}
	if _, err := s.realm(code.Known.Realm); err != nil {
		return "the realm is gone", nil //nolint:nilerr // the reason says it
	}

	revoked, err := tx.SAML.CodeRevoked(code)
	if err != nil || revoked {
		return "the user's sessions were ended since", err
	}
	u, err := tx.Users.Find(code.UserName)
	if err != nil || u.Enabled {
		return "", err
	}
	return "the user " + u.Name + " is disabled", nil
}

// challengeOf returns the challenge of a verifier (RFC 7636, section 4.6).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

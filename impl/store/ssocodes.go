package store

import (
	"errors"
	"time"
)

// SSOCode is a sign-in at an identity provider that waits for a front end to exchange its code for a session.
type SSOCode struct {
	// Digest is the secret.Digest of the code.
	Digest   string
	UserName string
	// Challenge is the SHA-256 of the front end's verifier, in base64url.
	Challenge, ReturnURL string
	// Known is the identity provider's identification of the session; SessionID is empty.
	Known SAMLSession
	// SessionEndsAt is when the session ends at the identity provider; zero if it is unknown.
	SessionEndsAt time.Time
	ExpiresAt     time.Time

	epoch int64
}

const ssoCodeColumns = `digest, user_name, epoch, challenge, return_url, realm, name_id, name_id_format,
	name_qualifier, sp_name_qualifier, session_index, session_ends_at, expires_at`

func ssoCodeFields(c *SSOCode) []any {
	k := &c.Known
	return []any{&c.Digest, &c.UserName, &c.epoch, &c.Challenge, &c.ReturnURL, &k.Realm, &k.NameID, &k.NameIDFormat,
		&k.NameQualifier, &k.SPNameQualifier, &k.SessionIndex, (*milliseconds)(&c.SessionEndsAt),
		(*milliseconds)(&c.ExpiresAt)}
}

// The statements on these records.
var (
	insertSSOCode = prepare(`INSERT INTO sso_codes (` + ssoCodeColumns + `)
		SELECT $1, name, session_epoch, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM users WHERE name = $2`)
	selectSSOCode  = prepare(`SELECT ` + ssoCodeColumns + ` FROM sso_codes WHERE digest = $1`)
	selectSSOCodes = prepare(`SELECT ` + ssoCodeColumns + ` FROM sso_codes WHERE realm = $1 AND name_id = $2
		ORDER BY digest`)
	deleteSSOCode      = prepare(`DELETE FROM sso_codes WHERE digest = $1 RETURNING ` + ssoCodeColumns)
	deleteUserSSOCodes = prepare(`DELETE FROM sso_codes WHERE user_name = $1`)
	sweepSSOCodes      = prepare(`DELETE FROM sso_codes WHERE digest IN
		(SELECT digest FROM sso_codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`)
)

// InsertCode adds a code of an existing user.
func (t SAML) InsertCode(c SSOCode) error {
	k := c.Known
	return t.tx.do(insertSSOCode, c.Digest, c.UserName, c.Challenge, c.ReturnURL, k.Realm, k.NameID, k.NameIDFormat,
		k.NameQualifier, k.SPNameQualifier, k.SessionIndex, millis(c.SessionEndsAt), millis(c.ExpiresAt))
}

// HasCode reports whether there is a code, also if it has expired.
func (t SAML) HasCode(digest string) (bool, error) {
	_, err := one(t.tx, ssoCodeFields, selectSSOCode, digest)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ConsumeCode removes a code and returns it, also if it has expired, or returns ErrNotFound. Of several concurrent uses
// of a code, one gets it.
func (t SAML) ConsumeCode(digest string) (SSOCode, error) {
	return one(t.tx, ssoCodeFields, deleteSSOCode, digest)
}

// Codes returns the codes of the users with a NameID in a realm.
func (t SAML) Codes(realm, nameID string) ([]SSOCode, error) {
	return all(t.tx, ssoCodeFields, selectSSOCodes, realm, nameID)
}

// CodeRevoked reports whether the sessions of a code's user were ended, or the user was deleted, since the code was
// issued.
func (t SAML) CodeRevoked(c SSOCode) (bool, error) {
	e, err := t.tx.epochs(c.UserName)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return e.deleted || e.session != c.epoch, err
}

package store

import (
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/impl/platform/admission"
)

// SAMLSession is the identity provider's identification of a session.
type SAMLSession struct {
	SessionID, Realm                                     string
	NameID, NameIDFormat, NameQualifier, SPNameQualifier string
	SessionIndex                                         string
}

// SAMLRefusal is a sign-in at an identity provider that was refused.
type SAMLRefusal struct {
	ID string
	// Realm and Issuer are empty if they are unknown.
	Realm, Issuer      string
	Reason             string
	Address, RequestID string
	// IssuedAt is the time that the response states; zero if it is unknown.
	IssuedAt time.Time
	At       time.Time
}

// The maximum numbers of stored refusals: with a realm in all and from one network (admission.Network), so that one
// client cannot replace the refusals of others, and without a realm, which any client can cause.
const (
	keptSAMLRefusals        = 200
	keptAddressSAMLRefusals = 50
	keptStraySAMLRefusals   = 100
)

const samlSessionColumns = `session_id, realm, name_id, name_id_format, name_qualifier, sp_name_qualifier,
	session_index`

func samlSessionFields(s *SAMLSession) []any {
	return []any{&s.SessionID, &s.Realm, &s.NameID, &s.NameIDFormat, &s.NameQualifier, &s.SPNameQualifier,
		&s.SessionIndex}
}

// The statements on these records.
var (
	insertSAMLSession = prepare(`INSERT INTO saml_sessions (` + samlSessionColumns +
		`) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	selectSAMLSession  = prepare(`SELECT ` + samlSessionColumns + ` FROM saml_sessions WHERE session_id = $1`)
	selectSAMLSessions = prepare(`SELECT ` + samlSessionColumns + ` FROM saml_sessions WHERE realm = $1
		AND name_id = $2 ORDER BY session_id`)
	insertSAMLRefusal = prepare(`INSERT INTO saml_refusals (id, realm, issuer, reason, address, request_id,
		issued_at, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	selectSAMLRefusals = prepare(`SELECT id, realm, issuer, reason, address, request_id, issued_at, at
		FROM saml_refusals ORDER BY at DESC, id DESC`)
	trimSAMLRefusals = prepare(`DELETE FROM saml_refusals WHERE realm <> '' AND id NOT IN
		(SELECT id FROM saml_refusals WHERE realm <> '' ORDER BY at DESC, id DESC LIMIT $1)`)
	selectSAMLRefusalAddresses = prepare(`SELECT id, address FROM saml_refusals WHERE realm <> ''
		ORDER BY at DESC, id DESC`)
	deleteSAMLRefusal     = prepare(`DELETE FROM saml_refusals WHERE id = $1`)
	trimStraySAMLRefusals = prepare(`DELETE FROM saml_refusals WHERE realm = '' AND id NOT IN
		(SELECT id FROM saml_refusals WHERE realm = '' ORDER BY at DESC, id DESC LIMIT $1)`)
)

// InsertSession stores the identity provider's identification of a session.
func (t SAML) InsertSession(s SAMLSession) error {
	return t.tx.do(insertSAMLSession,
		s.SessionID, s.Realm, s.NameID, s.NameIDFormat, s.NameQualifier, s.SPNameQualifier, s.SessionIndex)
}

// Session returns the identity provider's identification of a session, or ErrNotFound if it began without one.
func (t SAML) Session(sessionID string) (SAMLSession, error) {
	return one(t.tx, samlSessionFields, selectSAMLSession, sessionID)
}

// Sessions returns the sessions of the users with a NameID in a realm.
func (t SAML) Sessions(realm, nameID string) ([]SAMLSession, error) {
	return all(t.tx, samlSessionFields, selectSAMLSessions, realm, nameID)
}

// InsertRefusal adds a refusal, at the transaction's time, and deletes the oldest of its kind above the limits.
func (t SAML) InsertRefusal(r SAMLRefusal) error {
	err := t.tx.do(insertSAMLRefusal, r.ID, r.Realm, storable(r.Issuer), storable(r.Reason),
		storable(r.Address), storable(r.RequestID), millis(r.IssuedAt), millis(t.tx.Now))
	if err != nil {
		return err
	}
	if r.Realm == "" {
		return t.tx.do(trimStraySAMLRefusals, keptStraySAMLRefusals)
	}
	if err := t.trimAddressRefusals(admission.Network(storable(r.Address))); err != nil {
		return err
	}
	return t.tx.do(trimSAMLRefusals, keptSAMLRefusals)
}

// trimAddressRefusals deletes the oldest refusals of a network above the limit. It reads all stored addresses, which
// are few, because SQL does not know the networks.
func (t SAML) trimAddressRefusals(network netip.Addr) error {
	list, err := all(t.tx, func(r *SAMLRefusal) []any { return []any{&r.ID, &r.Address} },
		selectSAMLRefusalAddresses)
	if err != nil {
		return err
	}

	ofNetwork := 0
	for _, r := range list {
		if admission.Network(r.Address) != network {
			continue
		}
		if ofNetwork++; ofNetwork <= keptAddressSAMLRefusals {
			continue
		}
		if err := t.tx.do(deleteSAMLRefusal, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// Refusals returns the stored refusals, newest first.
func (t SAML) Refusals() ([]SAMLRefusal, error) {
	return all(t.tx, func(r *SAMLRefusal) []any {
		return []any{&r.ID, &r.Realm, &r.Issuer, &r.Reason, &r.Address, &r.RequestID,
			(*milliseconds)(&r.IssuedAt), (*milliseconds)(&r.At)}
	}, selectSAMLRefusals)
}

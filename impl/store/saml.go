package store

import "time"

// SAMLRequest is a sign-in at an identity provider that waits for its answer.
type SAMLRequest struct {
	// ID is that of the AuthnRequest.
	ID    string
	Realm string
	// RelayDigest is secret.Digest of the RelayState, and BrowserDigest of the cookie that binds the sign-in to a browser;
	// empty if nothing does.
	RelayDigest   string
	BrowserDigest string
	// State is the caller's own, for after the sign-in.
	State     string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// The statements on these records.
var (
	insertSAMLRequest = prepare(`INSERT INTO saml_requests (id, realm, relay_digest, browser_digest, state, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	selectSAMLRequest = prepare(`SELECT id, realm, relay_digest, browser_digest, state, created_at, expires_at FROM saml_requests
		WHERE id = $1 AND expires_at > $2`)
	deleteSAMLRequest   = prepare(`DELETE FROM saml_requests WHERE id = $1 AND expires_at > $2`)
	countSAMLRequests   = prepare(`SELECT COUNT(*) FROM saml_requests`)
	dropSAMLRequests    = prepare(`DELETE FROM saml_requests WHERE id IN (SELECT id FROM saml_requests ORDER BY expires_at, id LIMIT $1)`)
	sweepSAMLRequests   = prepare(`DELETE FROM saml_requests WHERE expires_at <= $1`)
	insertSAMLAssertion = prepare(`INSERT INTO saml_assertions (issuer, id, expires_at) VALUES ($1, $2, $3) ON CONFLICT (issuer, id) DO NOTHING`)
	sweepSAMLAssertions = prepare(`DELETE FROM saml_assertions WHERE expires_at <= $1`)
	selectSAMLMetadata  = prepare(`SELECT body, fetched_at FROM saml_metadata WHERE realm = $1`)
	replaceSAMLMetadata = prepare(`INSERT INTO saml_metadata (realm, body, fetched_at) VALUES ($1, $2, $3)
		ON CONFLICT (realm) DO UPDATE SET body = excluded.body, fetched_at = excluded.fetched_at`)
)

// InsertSAMLRequest adds a sign-in, at the transaction's time.
func (tx *Tx) InsertSAMLRequest(r SAMLRequest) error {
	_, err := tx.exec(insertSAMLRequest, r.ID, r.Realm, r.RelayDigest, r.BrowserDigest, r.State, millis(tx.Now), millis(r.ExpiresAt))
	return err
}

// SAMLRequest returns a sign-in that waits still, or ErrNotFound.
func (tx *Tx) SAMLRequest(id string) (SAMLRequest, error) {
	return one(tx, func(row scanner) (r SAMLRequest, err error) {
		var created, expires int64
		err = row.Scan(&r.ID, &r.Realm, &r.RelayDigest, &r.BrowserDigest, &r.State, &created, &expires)
		r.CreatedAt, r.ExpiresAt = at(created), at(expires)
		return r, err
	}, selectSAMLRequest, id, millis(tx.Now))
}

// ConsumeSAMLRequest removes a sign-in that waits still, and tells whether there was one: of many answers to it, one is
// told so.
func (tx *Tx) ConsumeSAMLRequest(id string) (bool, error) {
	n, err := tx.exec(deleteSAMLRequest, id, millis(tx.Now))
	return n > 0, err
}

// CountSAMLRequests returns how many sign-ins wait, or waited and were not swept yet.
func (tx *Tx) CountSAMLRequests() (int, error) {
	return one(tx, func(row scanner) (n int, err error) {
		err = row.Scan(&n)
		return n, err
	}, countSAMLRequests)
}

// DropSAMLRequests removes so many sign-ins, those that expire first.
func (tx *Tx) DropSAMLRequests(n int) error {
	_, err := tx.exec(dropSAMLRequests, n)
	return err
}

// UseSAMLAssertion remembers until a time that an assertion was used, and tells whether it was not before.
func (tx *Tx) UseSAMLAssertion(issuer, id string, until time.Time) (bool, error) {
	n, err := tx.exec(insertSAMLAssertion, issuer, id, millis(until))
	return n > 0, err
}

// SweepSAML removes sign-ins and assertions whose time is over.
func (tx *Tx) SweepSAML() error {
	if _, err := tx.exec(sweepSAMLRequests, millis(tx.Now)); err != nil {
		return err
	}
	_, err := tx.exec(sweepSAMLAssertions, millis(tx.Now))
	return err
}

// SAMLMetadata returns the last good metadata of a realm's identity provider, and when it was fetched, or ErrNotFound.
func (tx *Tx) SAMLMetadata(realm string) (body []byte, fetched time.Time, err error) {
	body, err = one(tx, func(row scanner) (body []byte, err error) {
		var when int64
		err = row.Scan(&body, &when)
		fetched = at(when)
		return body, err
	}, selectSAMLMetadata, realm)
	return body, fetched, err
}

// ReplaceSAMLMetadata keeps metadata, fetched at the transaction's time.
func (tx *Tx) ReplaceSAMLMetadata(realm string, body []byte) error {
	_, err := tx.exec(replaceSAMLMetadata, realm, string(body), millis(tx.Now))
	return err
}

package store

import "time"

// The statements on these records.
var (
	sweepSAMLRequests = prepare(`DELETE FROM saml_requests WHERE id IN
		(SELECT id FROM saml_requests WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`)
	insertSAMLAssertion = prepare(`INSERT INTO saml_assertions (issuer, id, expires_at) VALUES ($1, $2, $3)
		ON CONFLICT (issuer, id) DO NOTHING`)
	sweepSAMLAssertions = prepare(`DELETE FROM saml_assertions WHERE (issuer, id) IN
		(SELECT issuer, id FROM saml_assertions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`)
	selectSAMLMetadata  = prepare(`SELECT body, fetched_at FROM saml_metadata WHERE realm = $1`)
	replaceSAMLMetadata = prepare(`INSERT INTO saml_metadata (realm, body, fetched_at) VALUES ($1, $2, $3)
		ON CONFLICT (realm) DO UPDATE SET body = excluded.body, fetched_at = excluded.fetched_at`)
)

// UseAssertion records until a time that a message was used, and reports whether this is its first use. Messages are
// assertions and logouts of an issuer, and, with no issuer, answered sign-ins of this server.
func (t SAML) UseAssertion(issuer, id string, until time.Time) (bool, error) {
	return t.tx.changes(insertSAMLAssertion, issuer, id, millis(until))
}

// Sweep removes records of used messages and codes that have expired, and pending sign-ins, which releases before this
// one kept in the store, a bounded number of each per call.
func (t SAML) Sweep() error {
	for _, sweep := range []statement{sweepSAMLRequests, sweepSAMLAssertions, sweepSSOCodes} {
		if err := t.tx.do(sweep, millis(t.tx.Now), sweepMost); err != nil {
			return err
		}
	}
	return nil
}

// Metadata returns the last valid metadata of a realm's identity provider, and when it was fetched, or ErrNotFound.
func (t SAML) Metadata(realm string) (body []byte, fetched time.Time, err error) {
	body, err = one(t.tx, func(body *[]byte) []any { return []any{body, (*milliseconds)(&fetched)} },
		selectSAMLMetadata, realm)
	return body, fetched, err
}

// ReplaceMetadata stores metadata, fetched at the transaction's time.
func (t SAML) ReplaceMetadata(realm string, body []byte) error {
	return t.tx.do(replaceSAMLMetadata, realm, string(body), millis(t.tx.Now))
}

package saml

import (
	"cmp"
	"time"

	"github.com/sallyport/sallyport/impl/platform/secret"
	"github.com/sallyport/sallyport/impl/store"
)

// ownIssuer stands for this server where used messages are kept by their issuers. No identity provider has it: entity
// IDs are not empty.
const ownIssuer = ""

// use uses up the sign-in that waited, and the assertion.
func (a *attempt) use(tx *store.Tx) error {
	if a.pending.ID != "" {
		if !tx.Now.Before(a.pending.expiresAt()) {
			return refuse(reasonLate)
		}
		// Only a verified answer comes this far, so callers cannot fill the table with sign-ins that they only begin.
		if first, err := useOnce(tx, ownIssuer, secret.Digest(a.pending.ID), a.pending.expiresAt()); err != nil || !first {
			return cmp.Or(err, refuse("the sign-in was answered already"))
		}
	}
	if first, err := useOnce(tx, a.verified.Issuer, a.verified.ID, a.verified.ExpiresAt); err != nil || !first {
		return cmp.Or(err, refuse("the assertion was used before"))
	}
	return nil
}

// replayMargin is how much longer than a message is valid the record of its use is kept. Time passes between
// verification and use, and the clocks of servers differ: without the margin a message could be used again after the
// record is deleted.
const replayMargin = 10 * time.Minute

// useOnce records the use of a message that holds until a time, and reports whether it is the first use.
func useOnce(tx *store.Tx, issuer, id string, until time.Time) (bool, error) {
	if err := tx.SAML.Sweep(); err != nil { // nothing else does
		return false, err
	}
	return tx.SAML.UseAssertion(issuer, id, until.Add(replayMargin))
}

package saml

import (
	"time"

	"github.com/sallyport/sallyport/impl/store"
)

// use uses up the sign-in that waited, and the assertion.
func (a *attempt) use(tx *store.Tx) error {
	if a.pending.ID != "" {
		if waited, err := tx.ConsumeSAMLRequest(a.pending.ID); err != nil || !waited {
			return orElse(err, refuse("the sign-in was answered already"))
		}
	}
	if first, err := useOnce(tx, a.verified.Issuer, a.verified.ID, a.verified.ExpiresAt); err != nil || !first {
		return orElse(err, refuse("the assertion was used before"))
	}
	return nil
}

// rememberLonger is for how much longer than it holds a message is remembered: time passes between its verification and
// its use, and the clocks of several servers differ. One that is forgotten in between could be used again.
const rememberLonger = 10 * time.Minute

// useOnce remembers a message that held until a time, and tells whether it was not used before.
func useOnce(tx *store.Tx, issuer, id string, until time.Time) (bool, error) {
	if err := tx.SweepSAML(); err != nil { // where nobody begins a sign-in here, nothing else does
		return false, err
	}
	return tx.UseSAMLAssertion(issuer, id, until.Add(rememberLonger))
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

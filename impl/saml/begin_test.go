package saml

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/hostile"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that whoever begins as many sign-ins as may wait keeps nobody out: the oldest make room, and no more than may are
// kept.
func TestBegin_Full(t *testing.T) {
	f := newFlow(t, time.Now, func(idp *hostile.IdP) []Realm { return []Realm{staff(t, idp)} })
	update(t, f.store, func(tx *store.Tx) error {
		for i := range maxPending {
			r := store.SAMLRequest{ID: fmt.Sprintf("_%05d", i), Realm: "staff", ExpiresAt: tx.Now.Add(PendingTime - time.Minute + time.Duration(i)*time.Millisecond)}
			if err := tx.InsertSAMLRequest(r); err != nil {
				return err
			}
		}
		return nil
	})
	f.signIn("staff")
	f.begin("staff")
	if err := f.store.View(t.Context(), func(tx *store.Tx) error {
		count, err := tx.CountSAMLRequests()
		_, oldest := tx.SAMLRequest("_00000")
		_, second := tx.SAMLRequest("_00001")
		if count != maxPending || oldest == nil || second != nil {
			t.Errorf("%d wait; the oldest: %v, the next one: %v", count, oldest, second)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

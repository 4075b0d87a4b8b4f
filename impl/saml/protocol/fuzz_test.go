package protocol_test

import (
	"testing"

	"github.com/sallyport/sallyport/impl/saml/hostile"
	"github.com/sallyport/sallyport/impl/saml/protocol"
)

// Ensures that no response breaks the verification, that every error is a refusal, and that nobody but the users whom the
// identity provider has named signs in.
func FuzzVerify(f *testing.F) {
	fixture := newFixture()
	for _, c := range hostile.Cases() {
		if data, err := protocol.DecodeResponse(c.Make(fixture.idp, fixture.request)); err == nil && len(data) < 20_000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, peekError := protocol.PeekInResponseTo(data)
		assertion, err := protocol.Verify(data, fixture.expectation)
		switch {
		case reason(t, err) != "":
		case peekError != nil:
			t.Errorf("verified, but %v", peekError)
		case assertion.NameID != "alice@example.com" || assertion.Issuer != fixture.idp.EntityID:
			t.Errorf("signed in as %q", assertion.NameID)
		}
	})
}

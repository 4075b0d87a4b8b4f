package protocol_test

import (
	"testing"

	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// Ensures that no change of a message, valid or not, and no other text panics, that every error is a refusal, and
// that only the user named by the identity provider signs in.
func FuzzVerify(f *testing.F) {
	// Messages are made and changed in the process that verifies them, since each process has its own keys.
	fixture := newFixture()
	messages := [][]byte{nil}
	for _, c := range samltest.Cases() {
		if data, err := protocol.DecodeResponse(c.Make(fixture.idp, fixture.request)); err == nil && len(data) < 20_000 {
			f.Add(uint8(len(messages)), uint16(0), uint16(0), []byte(nil))
			f.Add(uint8(len(messages)), uint16(len(data)/2), uint16(9), []byte("<saml:x/>"))
			messages = append(messages, data)
		}
	}

	f.Add(uint8(0), uint16(0), uint16(0), []byte(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>`))
	f.Fuzz(func(t *testing.T, which uint8, at, cut uint16, insert []byte) {
		data := splice(messages[int(which)%len(messages)], int(at), int(cut), insert)
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

// splice puts a text in place of a part of another.
func splice(data []byte, at, cut int, insert []byte) []byte {
	at = min(at, len(data))
	end := min(at+cut, len(data))
	return append(append(append([]byte(nil), data[:at]...), insert...), data[end:]...)
}

package saml

import (
	"crypto/rand"
	"crypto/rsa"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/saml/samltest"
	"github.com/sallyport/sallyport/impl/store"
)

// withLogout is a realm that takes logouts.
func withLogout(t *testing.T, idp *samltest.IdP, id string) Realm {
	realm := staff(t, idp)
	realm.ID, realm.SP.Logout = id, "https://sp.example"+singleLogoutPath
	realm.Signing = &KeyPair{Key: idp.Attacker.Signer.(*rsa.PrivateKey), Certificate: idp.Attacker.Certificate}
	return realm
}

// logoutQuery is a logout that the identity provider asks for, as the query of its redirect.
func (f flow) logoutQuery(name protocol.NameID) string {
	f.t.Helper()
	return f.signedBy(f.idp.RSA, name)
}

// signedLogout is a logout that a key signed.
func (f flow) signedLogout(key *samltest.Key) string {
	f.t.Helper()
	return f.signedBy(key, protocol.NameID{Value: "staff@example.com", Format: emailFormat})
}

func (f flow) signedBy(key *samltest.Key, name protocol.NameID) string {
	f.t.Helper()
	request := protocol.LogoutRequest{
		ID: protocol.NewID(rand.Reader), Issuer: f.idp.EntityID, Destination: "https://sp.example" + singleLogoutPath,
		IssueInstant: f.providers.now(), NameID: name,
	}
	location, err := request.RedirectURL(key.Signer.(*rsa.PrivateKey))
	if err != nil {
		f.t.Fatal(err)
	}
	u, err := url.Parse(location)
	if err != nil {
		f.t.Fatal(err)
	}
	return u.RawQuery
}

func (f flow) signIn(realm string) {
	f.t.Helper()
	request, answer := f.begin(realm)
	request.NameID = realm + "@example.com"
	answer.Response = f.idp.Answer(request)
	if _, err := f.Finish(f.t.Context(), answer); err != nil {
		f.t.Fatal(err)
	}
}

func (f flow) sessions(realm string) int {
	f.t.Helper()
	var found []store.SAMLSession
	if err := f.store.View(f.t.Context(), func(tx *store.Tx) (err error) {
		found, err = tx.SAML.Sessions(realm, realm+"@example.com")
		return err
	}); err != nil {
		f.t.Fatal(err)
	}
	return len(found)
}

const emailFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"

// Ensures that a realm without metadata of its identity provider does not keep the others from ending sessions.
func TestSingleLogout_AnotherRealmUnknown(t *testing.T) {
	f := newFlow(t, time.Now, func(idp *samltest.IdP) []Realm {
		unknown := withLogout(t, idp, "unknown")
		unknown.IDP.Metadata += "x"
		return []Realm{unknown, withLogout(t, idp, "staff")}
	})
	f.signIn("staff")
	answer, err := f.SingleLogout(t.Context(),
		f.logoutQuery(protocol.NameID{Value: "staff@example.com", Format: emailFormat}))
	if err != nil || answer == "" || f.sessions("staff") != 0 {
		t.Errorf("%q, %v; %d sessions", answer, err, f.sessions("staff"))
	}
}

// Ensures that realms that share an identity provider all end their sessions.
func TestSingleLogout_SharedProvider(t *testing.T) {
	f := newFlow(t, time.Now, func(idp *samltest.IdP) []Realm {
		return []Realm{withLogout(t, idp, "first"), withLogout(t, idp, "second")}
	})
	f.signIn("second")
	_, err := f.SingleLogout(t.Context(), f.logoutQuery(protocol.NameID{Value: "second@example.com", Format: emailFormat}))
	if err != nil || f.sessions("second") != 0 {
		t.Errorf("%v; %d sessions", err, f.sessions("second"))
	}
}

// Ensures that a logout ends the sessions that live also where another one of the same person has expired.
func TestSingleLogout_Expired(t *testing.T) {
	var c clock
	f := newFlow(t, c.now, func(idp *samltest.IdP) []Realm { return []Realm{withLogout(t, idp, "staff")} })
	f.signIn("staff")
	c.wait(session.DefaultSettings.Absolute + time.Second)
	_, err := f.SingleLogout(t.Context(), f.logoutQuery(protocol.NameID{Value: "staff@example.com", Format: emailFormat}))
	if err != nil {
		t.Error(err)
	}
}

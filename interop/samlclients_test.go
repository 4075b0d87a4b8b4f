package interop

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Ensures that each client begins and ends sign-ins at an external identity provider, as a front end does.
func TestSAML_Clients(t *testing.T) {
	t.Parallel()
	f := newFederation(t, "plain")
	for i, c := range clients {
		// One after the other, because the identity provider knows one user at a time.
		t.Run(c.name, func(t *testing.T) {
			d := newDialog(t, i)
			frontEnd := connection{url: f.url, user: "admin", password: served.password}
			d.operations = d.connect(frontEnd)
			f.prepareAndLogOut(d)
			f.prepareAndInvalidate(d)
			f.refuse(d)
		})
	}
}

// prepareAndLogOut signs a user in, and out at the identity provider.
func (f federation) prepareAndLogOut(d dialog) {
	d.Helper()
	user := identity{d.name("kim"), "Kim", "kim@example.org", "staff"}
	v := newVisitor(d.T)
	token := f.authenticate(d, v, user)

	ended := d.logoutSAML(`{"token": "`+token.text("access_token")+`", "refresh_token": "`+
		token.text("refresh_token")+`"}`).want(200, `{}`)
	f.connect(d, token).authenticate().wantFailure(401, "security_exception")
	d.logoutSAML(`{"token": "`+token.text("access_token")+`"}`).wantFailure(400, "illegal_argument_exception")
	if said := v.get(ended.text("redirect")).message("SAMLResponse"); !strings.Contains(said, `status:Success"`) {
		d.Errorf("the identity provider answers the logout with %s", said)
	}
}

// prepareAndInvalidate signs a user in, whom the identity provider signs out.
func (f federation) prepareAndInvalidate(d dialog) {
	d.Helper()
	user := identity{d.name("lou"), "Lou", "lou@example.org", "staff"}
	token := f.authenticate(d, newVisitor(d.T), user)

	body := `{"realm": "plain", "query_string": "` + f.logoutQuery(d.T, "plain", user.name) + `"}`
	redirect := d.invalidateSAML(body).want(200, `{"realm": "plain", "invalidated": 1}`).text("redirect")
	if !strings.Contains(redirect, "SAMLResponse=") {
		d.Errorf("the identity provider is answered at %s", redirect)
	}
	f.connect(d, token).authenticate().wantFailure(401, "security_exception")
	d.invalidateSAML(body).wantFailure(401, "security_exception")
}

// refuse ensures that each client reads refusals, and the metadata.
func (f federation) refuse(d dialog) {
	d.Helper()
	d.prepareSAML(`{"realm": "unknown"}`).wantFailure(404, "resource_not_found_exception")
	d.authenticateSAML(`{"content": "eA==", "ids": ["_1"]}`).wantFailure(401, "security_exception")
	metadata := d.metadataSAML("plain").want(200, `{}`).text("metadata")
	for _, part := range []string{`entityID="` + f.entityID("plain") + `"`, f.url + callbackPath, f.url + singleLogoutPath} {
		if !strings.Contains(metadata, part) {
			d.Errorf("the metadata lacks %s:\n%s", part, metadata)
		}
	}
	d.metadataSAML("unknown").wantFailure(404, "resource_not_found_exception")
}

// authenticate exchanges the identity provider's response for a token, which works.
func (f federation) authenticate(d dialog, v visitor, user identity) answer {
	d.Helper()
	begun := d.prepareSAML(`{"acs": "`+f.url+callbackPath+`", "relay_state": "/home"}`).want(200, `{"realm": "plain"}`)
	page := f.identify(v, "plain", begun.text("redirect"), user)
	if state := page.field("RelayState"); state != "/home" {
		d.Errorf("the relay state is %q", state)
	}
	body := `{"content": "` + page.field("SAMLResponse") + `", "ids": ["_another", "` + begun.text("id") +
		`"], "realm": "plain"}`
	token := d.authenticateSAML(body).want(200, `{"username": %q, "realm": "plain", "expires_in": 1200}`, user.name)
	d.authenticateSAML(body).wantFailure(401, "security_exception")

	f.connect(d, token).authenticate().want(200, `{"username": %q, "full_name": %q, "email": %q,
		"authentication_type": "token", "authentication_realm": {"name": "plain", "type": "saml"}}`,
		user.name, user.fullName, user.mail)
	return token
}

// connect returns a client with a token that was granted.
func (f federation) connect(d dialog, granted answer) operations {
	d.Helper()
	return d.connect(connection{url: f.url, token: granted.text("access_token")})
}

// logoutQuery returns the query of a logout in the HTTP-Redirect binding, signed with the identity provider's key: the
// identity provider itself sends its logouts as forms only.
func (f federation) logoutQuery(t *testing.T, realm, user string) string {
	t.Helper()
	block, _ := pem.Decode(read(t, filepath.Join(f.folder, "idp.key")))
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	request := fmt.Sprintf(`<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
	xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_%s" Version="2.0" IssueInstant="%s" Destination="%s">
	<saml:Issuer>urn:example:idp:%s</saml:Issuer><saml:NameID Format="%s">%s</saml:NameID></samlp:LogoutRequest>`,
		rand.Text(), time.Now().UTC().Format(time.RFC3339), f.url+singleLogoutPath, realm, persistent, user)

	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(request))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes())) +
		"&SigAlg=" + url.QueryEscape("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
	digest := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}

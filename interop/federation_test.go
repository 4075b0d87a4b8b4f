package interop

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	callbackPath     = "/api/v1/users/auth/saml/_callback"
	singleLogoutPath = "/api/v1/users/auth/saml/_single_logout"
)

// federation is a server and the identity providers that it trusts, one per realm.
type federation struct {
	url    string
	folder string
	// providers are the addresses of the identity providers, by realm.
	providers map[string]string
	// frontEnd is an unused address at which sign-ins may end.
	frontEnd string
}

// sealed is the realm with an identity provider that encrypts its assertions.
const sealed = "sealed"

// newFederation starts the server and the identity providers, and stops them with the test.
func newFederation(t *testing.T, realms ...string) federation {
	t.Helper()
	node := needNode(t)
	address := freeAddress(t)
	f := federation{
		url:       "http://" + address,
		folder:    t.TempDir(),
		providers: map[string]string{},
		frontEnd:  "http://" + freeAddress(t) + "/signed-in",
	}
	writeKeys(t, f.folder, "idp")
	writeKeys(t, f.folder, "sp")
	described := "realms:\n"
	for _, realm := range realms {
		f.providers[realm] = f.startProvider(t, node, realm)
		described += f.realm(realm)
	}
	f.serve(t, address, described)
	return f
}

// freeAddress returns an unused address on this machine.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nothing was said
	return listener.Addr().String()
}

// entityID returns this server's entity ID at the identity provider of a realm.
func (f federation) entityID(realm string) string { return "urn:example:sallyport:" + realm }

// startProvider starts the identity provider of a realm, and returns its address.
func (f federation) startProvider(t *testing.T, node, realm string) string {
	t.Helper()
	identities, err := filepath.Abs("saml/identities.js")
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(f.folder, name) }
	arguments := []string{
		"saml/node_modules/saml-idp/bin/run.js", "--host", "127.0.0.1", "--port", "0", "--issuer", "urn:example:idp:" + realm,
		"--acsUrl", f.url + callbackPath, "--sloUrl", f.url + singleLogoutPath, "--audience", f.entityID(realm),
		"--configFile", identities,
		"--key", in("idp.key"), "--cert", in("idp.crt"),
	}
	if realm == sealed {
		arguments = append(arguments, "--encryptAssertion", "--encryptionCert", in("sp.crt"), "--encryptionPublicKey",
			in("sp.pub"))
	}
	p := newProcess([]string{"HOST=", "PORT=", "FORCE_COLOR=0"}, node, arguments...)
	found, err := p.start(p.out.listen(`http://localhost:(\d+)/metadata\s`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		<-p.ended //nolint:errcheck // it was killed
		if t.Failed() {
			t.Logf("the identity provider wrote:\n%s\n%s", &p.out, &p.log)
		}
	})
	address := "http://127.0.0.1:" + found[1]
	// Its default encryption is not authenticated.
	set := newVisitor(t).post(address+"/settings",
		url.Values{"encryptionAlgorithm": {"http://www.w3.org/2009/xmlenc11#aes256-gcm"}})
	if set.status != http.StatusFound {
		t.Fatalf("the identity provider's settings: %d %s", set.status, set.body)
	}
	return address
}

// serve starts the server.
func (f federation) serve(t *testing.T, address, described string) {
	t.Helper()
	realms := filepath.Join(f.folder, "realms.yaml")
	if err := os.WriteFile(realms, []byte(described), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := []string{"SALLYPORT_ADMIN_LISTEN=", "SALLYPORT_SAML_REALMS=" + realms,
		"SALLYPORT_SSO_RETURN_URLS=" + f.frontEnd,
		"SALLYPORT_ADMIN_PASSWORD=" + served.password, "SALLYPORT_READONLY_PASSWORD=" + served.password}
	p := newServer(environment, "serve", "--listen", address, "--store", "sqlite:"+filepath.Join(f.folder, "sallyport.db"))
	if _, err := p.start(p.log.listen(`msg=serving `)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the server wrote:\n%s", &p.log)
		}
	})
}

// realm returns the configuration of a realm.
func (f federation) realm(id string) string {
	return fmt.Sprintf(`
- id: %[1]s
  name: "Realm %[1]s"
  idp: {entity_id: "urn:example:idp:%[1]s", metadata: "%[2]s/metadata", use_single_logout: true}
  sp: {entity_id: "%[3]s", acs: "%[4]s", logout: "%[5]s"}
  attributes: {principal: nameid, groups: groups, name: displayName, mail: email}
  nameid_format: %[6]s
  signing: {key: sp.key, certificate: sp.crt}
  encryption: {key: sp.key, certificate: sp.crt}
  role_mappings:
    rules:
    - {type: groups, value: staff, roles: [ece_deployment_viewer]}
    - {type: groups, value: viewers, roles: [ece_platform_viewer]}
`, id, f.providers[id], f.entityID(id), f.url+callbackPath, f.url+singleLogoutPath, persistent)
}

// signedIn is the result of a sign-in.
type signedIn struct {
	token   string
	visitor visitor
	// form is the form in the identity provider's page.
	form url.Values
}

// signIn signs a user in as a browser without JavaScript would.
func (f federation) signIn(t *testing.T, realm string, u identity) signedIn {
	t.Helper()
	v := newVisitor(t)
	begun := v.get(f.initURL(realm))
	page := f.identify(v, realm, begun.location, u)
	form := url.Values{"SAMLResponse": {page.field("SAMLResponse")}, "RelayState": {page.field("RelayState")}}
	if encrypts := strings.Contains(page.message("SAMLResponse"), "EncryptedAssertion"); encrypts != (realm == sealed) {
		t.Fatalf("the identity provider of the realm %s encrypts: %t", realm, encrypts)
	}
	landed := v.post(page.action(), form)
	return signedIn{f.token(t, landed.location), v, form}
}

// identify signs a user in at the identity provider, and returns its page with the response for the server.
func (f federation) identify(v visitor, realm, request string, u identity) page {
	v.t.Helper()
	asked := v.get(request)
	form := u.form()
	form.Set("_authnRequest", asked.field("_authnRequest"))
	return v.post(f.providers[realm]+"/signin", form)
}

// state is the caller's state, which comes back with the token.
const state = "/there?a=b&c=%25#d"

func (f federation) initURL(realm string) string {
	return f.url + "/api/v1/users/auth/saml/_init?" + url.Values{"realm": {realm}, "state": {state}}.Encode()
}

// token returns the token in the address at which a sign-in ends.
func (f federation) token(t *testing.T, location string) string {
	t.Helper()
	token, given, _ := strings.Cut(strings.TrimPrefix(location, "/sso/token#"), "?state=")
	if returned, err := url.PathUnescape(given); token == "" || token == location || err != nil || returned != state {
		t.Fatalf("the browser is sent to %q", location)
	}
	return token
}

// request sends a request to the server, with a token if there is one.
func (f federation) request(t *testing.T, method, path, token string) page {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, f.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return newVisitor(t).do(request)
}

func (f federation) ask(t *testing.T, method, path, token string) answer {
	t.Helper()
	p := f.request(t, method, path, token)
	return answer{t, p.status, p.body}
}

package http_test

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/saml"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

const (
	samlPath     = "/api/v1/users/auth/saml/"
	callbackPath = samlPath + "_callback"
	ourEntityID  = "https://us.example.com/saml"
	ourACS       = "https://us.example.com" + callbackPath
	ourLogout    = "https://us.example.com" + samlPath + "_single_logout"
	binding      = "__Host-sallyport-saml-"
	// otherEntityID is of an identity provider that has other keys, with its metadata in other.xml.
	otherEntityID = "https://other.example.com/metadata"
)

// ourKeys are the files that realms sign and decrypt with, and another pair for rollovers. They are made once, since it
// takes long.
var ourKeys = sync.OnceValue(func() map[string][]byte {
	files := map[string][]byte{}
	for _, name := range []string{"our", "next"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0),
		}
		certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		if err != nil {
			panic(err)
		}
		files[name+".key"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
		files[name+".pem"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	}
	return files
})

// realm describes a realm of the identity provider of the tests, with settings of its own, a line each.
func realm(id string, own ...string) string {
	lines := append([]string{
		"id: " + id,
		"idp: {entity_id: 'https://idp.example.com/metadata', metadata: idp.xml, use_single_logout: true}",
		"sp: {entity_id: '" + ourEntityID + "', acs: '" + ourACS + "', logout: '" + ourLogout + "'}",
		"attributes: {groups: groups, name: name, mail: mail}",
		"signing: {key: our.key, certificate: our.pem}",
		"encryption: {key: our.key, certificate: our.pem}",
	}, own...)
	return "  - " + strings.Join(lines, "\n    ") + "\n"
}

// viewers gives every user of a realm the same role.
const viewers = "role_mappings: {default_roles: [ece_deployment_viewer]}"

// realms loads what realm describes, as the server does when it starts.
func realms(tb testing.TB, idp *samltest.IdP, described ...string) []saml.Realm {
	tb.Helper()
	folder := tb.TempDir()
	other := *idp
	other.EntityID, other.RSA, other.Rollover, other.EC = otherEntityID, idp.Attacker, idp.Attacker, idp.Attacker
	files := map[string][]byte{
		"idp.xml": idp.Metadata(), "other.xml": other.Metadata(),
		"realms.yaml": []byte("realms:\n" + strings.Join(described, "")),
	}
	maps.Copy(files, ourKeys())
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	loaded, err := saml.Load(filepath.Join(folder, "realms.yaml"),
		saml.Endpoints{Callback: api.SAMLCallback, SingleLogout: api.SAMLSingleLogout})
	if err != nil {
		tb.Fatal(err)
	}
	return loaded
}

// samlWorld is a world with an identity provider.
type samlWorld struct {
	*world
	idp *samltest.IdP
}

func newSAMLWorld(t *testing.T, described ...string) samlWorld {
	t.Helper()
	idp := samltest.New(noon)
	return newSAMLWorldOf(t, idp, realms(t, idp, described...))
}

func newSAMLWorldOf(t *testing.T, idp *samltest.IdP, known []saml.Realm) samlWorld {
	t.Helper()
	w := openTuned(t, func(s *app.Settings) { s.Realms, s.ReturnURLs = known, returnURLs })
	w.addUsers()
	return samlWorld{w, idp}
}

// waiting is a sign-in that waits for its answer, as the browser and the identity provider know it: the cookie with its
// name, as in the Cookie header.
type waiting struct{ id, relay, cookie string }

var idOfRequest = regexp.MustCompile(` ID="([^"]+)"`)

// begin begins a sign-in. The time between two is enough for the limit of an address.
func (w samlWorld) begin(query string) waiting {
	w.Helper()
	w.clock.advance(2 * time.Second)
	response, body := w.do(http.MethodGet, samlPath+"_init?"+query, "")
	if response.StatusCode != http.StatusFound {
		w.Fatalf("_init?%s: %d %s", query, response.StatusCode, body)
	}
	return w.begunBy(response)
}

// begunBy reads what a response to _init has for the browser and the identity provider.
func (w samlWorld) begunBy(response *http.Response) waiting {
	w.Helper()
	address, err := url.Parse(response.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(address.String(), w.idp.SSOURL+"?") {
		w.Fatalf("the Location %s is not the identity provider's (%v)", address, err)
	}
	begun := waiting{relay: address.Query().Get("RelayState")}
	if id := idOfRequest.FindStringSubmatch(w.inflated(address.Query().Get("SAMLRequest"))); id != nil {
		begun.id = id[1]
	}
	for _, cookie := range response.Cookies() {
		begun.cookie = cookie.Name + "=" + cookie.Value
	}
	return begun
}

// inflated decodes a message of the redirect binding.
func (w samlWorld) inflated(message string) string {
	w.Helper()
	deflated, err := base64.StdEncoding.DecodeString(message)
	if err != nil {
		w.Fatal(err)
	}
	xml, err := io.ReadAll(flate.NewReader(bytes.NewReader(deflated)))
	if err != nil {
		w.Fatal(err)
	}
	return string(xml)
}

// request is what the identity provider is to answer now.
func (w samlWorld) request(begun waiting) samltest.Request { return requestOf(begun, w.clock.Now()) }

func requestOf(begun waiting, now time.Time) samltest.Request {
	block, _ := pem.Decode(ourKeys()["our.pem"])
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return samltest.Request{ID: begun.id, ACS: ourACS, EntityID: ourEntityID, Now: now, Encryption: certificate}
}

// post brings an answer, as the browser does that began the sign-in.
func (w samlWorld) post(begun waiting, answer string) (*http.Response, string) {
	w.Helper()
	form := url.Values{"SAMLResponse": {answer}}
	if begun.relay != "" {
		form.Set("RelayState", begun.relay)
	}
	return w.do(http.MethodPost, callbackPath, form.Encode(), asForm, bringing(begun.cookie))
}

func asForm(_ context.Context, r *http.Request) error {
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return nil
}

// bringing sends the cookies that bind sign-ins to a browser, if there are any.
func bringing(cookies string) func(context.Context, *http.Request) error {
	return func(_ context.Context, r *http.Request) error {
		if cookies != "" {
			r.Header.Set("Cookie", cookies)
		}
		return nil
	}
}

// token returns the token and the state that an answer leads to; none if it leads nowhere.
func token(response *http.Response) (token, state string) {
	fragment, ok := strings.CutPrefix(response.Header.Get("Location"), "/sso/token#")
	token, state, found := strings.Cut(fragment, "?state=")
	if response.StatusCode != http.StatusFound || !ok || !found {
		return "", ""
	}
	return token, state
}

// signIn signs a user in, and returns the token.
func (w samlWorld) signIn(query, nameID string, attributes map[string][]string) string {
	w.Helper()
	begun := w.begin(query)
	r := w.request(begun)
	r.NameID, r.Attributes = nameID, attributes
	response, body := w.post(begun, w.idp.Answer(r))
	session, _ := token(response)
	if session == "" {
		w.Fatalf("%s is not signed in: %d %s %+v", nameID, response.StatusCode, body, w.refusals()[:1])
	}
	return session
}

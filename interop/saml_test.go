package interop

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// identity is the identity provider's description of a user.
type identity struct{ name, fullName, mail, groups string }

func (i identity) form() url.Values {
	return url.Values{
		"userName": {i.name}, "nameIdFormat": {persistent}, "displayName": {i.fullName}, "email": {i.mail},
		"groups": {i.groups},
	}
}

const persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"

// Ensures that users sign in at an external identity provider, with and without encryption, that they get the roles
// of their groups at that time, and that a response is valid once.
func TestSAML(t *testing.T) {
	t.Parallel()
	realms := []string{"plain", sealed}
	f := newFederation(t, realms...)
	for _, realm := range realms {
		t.Run(realm, func(t *testing.T) {
			user := identity{"ada-" + realm, "Ada Łącka & Söhne", "ada@example.org", "staff,viewers"}
			wantUser := func(token, roles string) {
				f.ask(t, http.MethodGet, "/api/v1/user", token).want(200, `{"user_name": %q, "full_name": %q, "email": %q,
					"security": {"roles": `+roles+`, "security_realm": {"id": %q, "type": "saml"}}}`, user.name, user.fullName, user.mail, realm)
			}
			first := f.signIn(t, realm, user)
			wantUser(first.token, `["ece_deployment_viewer", "ece_platform_viewer"]`)

			user.groups, user.fullName = "staff", "Ada Other"
			second := f.signIn(t, realm, user)
			wantUser(second.token, `["ece_deployment_viewer"]`)

			again := first.visitor.post(f.url+callbackPath, first.form)
			answer{t, again.status, again.body}.want(401, `{"errors": [{"code": "root.unauthenticated"}]}`)
		})
	}
	f.ask(t, http.MethodGet, "/api/v1/users/auth/methods", "").want(200,
		`{"sso_methods": [{"name": "Realm plain"}, {"name": "Realm sealed"}]}`)
}

// Ensures that a logout redirects to the identity provider, which understands it and confirms it to this server.
func TestSAML_Logout(t *testing.T) {
	t.Parallel()
	f := newFederation(t, "plain")
	user := f.signIn(t, "plain", identity{"eve", "Eve", "eve@example.org", "staff"})
	left := f.request(t, http.MethodPost, "/api/v1/users/auth/_logout", user.token)
	link, rest, _ := strings.Cut(strings.TrimPrefix(left.header.Get("Link"), "<"), ">")
	if left.status != 200 || rest == "" {
		t.Fatalf("status %d, Link %q", left.status, left.header.Get("Link"))
	}
	f.ask(t, http.MethodGet, "/api/v1/user", user.token).want(401, `{}`)

	asked := user.visitor.get(link)
	said := asked.message("SAMLResponse")
	for _, part := range []string{"LogoutResponse", `Destination="` + f.url + singleLogoutPath + `"`, `status:Success"`} {
		if !strings.Contains(said, part) {
			t.Errorf("the identity provider answers the logout without %s:\n%s", part, said)
		}
	}
}

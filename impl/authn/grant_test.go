package authn_test

import (
	"slices"
	"testing"

	"github.com/sallyport/sallyport/impl/authn"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/session"
	"github.com/sallyport/sallyport/impl/fault"
)

// Ensures that credentials have exactly the members of their type.
func TestProxy_Problems(t *testing.T) {
	empty, text, password, token := "", "x", "password", "access_token"
	for name, test := range map[string]struct {
		proxy authn.Proxy
		want  []string
	}{
		"no type":        {authn.Proxy{UserName: &text}, []string{"[grant_type] is required"}},
		"unknown type":   {authn.Proxy{Type: &text}, []string{"grant_type [x] is not supported"}},
		"password":       {authn.Proxy{Type: &password, UserName: &text, Password: &text}, nil},
		"empty password": {authn.Proxy{Type: &password, UserName: &text, Password: &empty}, nil},
		"access token":   {authn.Proxy{Type: &token, AccessToken: &text}, nil},
		"empty access token": {authn.Proxy{Type: &token, AccessToken: &empty},
			[]string{"[access_token] is required for grant_type [access_token]"}},
		"password without members": {authn.Proxy{Type: &password, UserName: &empty}, []string{
			"[username] is required for grant_type [password]",
			"[password] is required for grant_type [password]",
		}},
		"password with token": {authn.Proxy{Type: &password, UserName: &text, Password: &text, AccessToken: &text}, []string{
			"[access_token] is not supported for grant_type [password]",
		}},
		"access token with password": {authn.Proxy{Type: &token, UserName: &text, Password: &text, AccessToken: &text},
			[]string{
				"[username] is not supported for grant_type [access_token]",
				"[password] is not supported for grant_type [access_token]",
			}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.proxy.Problems(); !slices.Equal(got, test.want) {
				t.Errorf("%q; want %q", got, test.want)
			}
		})
	}
}

// Ensures that another user's credentials are authenticated, and that invalid ones are refused.
func TestRepresented(t *testing.T) {
	w := newWorld(t, session.DefaultSettings)
	bearer := w.grant("alice").Access.Value
	alice, right, wrong, password, token := "alice", passphrase, "wrong", "password", "access_token"
	for name, test := range map[string]struct {
		proxy authn.Proxy
		want  identity.Method
		fault fault.Code
	}{
		"password":       {authn.Proxy{Type: &password, UserName: &alice, Password: &right}, identity.Basic, fault.Code{}},
		"access token":   {authn.Proxy{Type: &token, AccessToken: &bearer}, identity.Session, fault.Code{}},
		"wrong password": {authn.Proxy{Type: &password, UserName: &alice, Password: &wrong}, "", fault.RepresentedInvalid},
		"invalid token":  {authn.Proxy{Type: &token, AccessToken: &wrong}, "", fault.RepresentedInvalid},
		"client authentication": {
			authn.Proxy{Type: &token, AccessToken: &bearer, ClientAuthentication: true}, "", fault.CredentialsUnsupported,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := w.Represented(t.Context(), test.proxy)
			if test.fault != (fault.Code{}) {
				if !fault.Has(err, test.fault) || p.User != "" {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			if err != nil || p.User != "alice" || p.Method != test.want {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
}

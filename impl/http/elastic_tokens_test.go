package http_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

const tokenPath = "POST /_security/oauth2/token"

// Ensures a token's life by the typed client: granted for a password, used, refreshed once, invalidated, dead.
func TestSecurityTokens(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	ctx := t.Context()
	granted, err := w.client.SecurityGetTokenWithResponse(ctx, client.GetTokenRequest{
		GrantType: "password",
		Username:  new("alice"),
		Password:  new(alicePassword),
	}, bob)
	if err != nil || granted.JSON200 == nil || granted.JSON200.Type != "Bearer" || granted.JSON200.ExpiresIn != 1200 ||
		granted.JSON200.RefreshToken == nil {
		t.Fatalf("%v %s", err, granted.Body)
	}
	if a := granted.JSON200.Authentication; a.Username != "alice" ||
		a.AuthenticationType != client.AuthenticationTypeToken {
		t.Errorf("token owner: %s", asJSON(a))
	}

	token := bearer(granted.JSON200.AccessToken)
	if !w.alive(token) {
		t.Error("the token is not good in ECE's operations")
	}
	if got := w.es(token, "GET /_security/_authenticate", "").ok(); got["username"] != "alice" ||
		got["authentication_type"] != "token" {
		t.Errorf("the caller is %v", got)
	}

	refresh := `{"grant_type":"refresh_token","refresh_token":"` + *granted.JSON200.RefreshToken + `"}`
	next := w.es(bob, tokenPath, refresh).ok()
	spent := w.es(bob, tokenPath, refresh)
	if spent.response.StatusCode != http.StatusBadRequest || object(t, spent.body)["error"] != "invalid_grant" {
		t.Errorf("a refresh token that was used: %s", spent.body)
	}

	second, _ := next["access_token"].(string)
	ended, err := w.client.SecurityInvalidateTokenWithResponse(ctx, client.InvalidateTokenRequest{Token: &second}, bob)
	if err != nil || ended.JSON200 == nil || ended.JSON200.InvalidatedTokens != 1 || ended.JSON200.ErrorCount != 0 {
		t.Fatalf("%v %s", err, ended.Body)
	}

	w.es(bearer(second), "GET /", "").fails(http.StatusUnauthorized, securityDenied,
		"unable to authenticate with provided credentials…")
	w.es(bob, "DELETE /_security/oauth2/token", `{"token":"nosuch"}`).is(http.StatusNotFound,
		`{"invalidated_tokens":0,"previously_invalidated_tokens":0,"error_count":0}`)
}

// Ensures that a token of the caller's own has no refresh token and expires on time, and that all tokens of a user can
// be invalidated at once.
func TestSecurityTokens_Own(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	granted := w.es(bob, tokenPath, `{"grant_type":"client_credentials"}`).ok()
	access, _ := granted["access_token"].(string)
	if _, given := granted["refresh_token"]; given || !w.alive(bearer(access)) {
		t.Errorf("granted is %v", granted)
	}

	w.es(bearer(access), tokenPath, `{"grant_type":"client_credentials"}`).fails(http.StatusForbidden, securityDenied,
		"the grant type [client_credentials] is for callers that…")
	key := w.esKey(bob, `{"name":"x"}`)
	w.es(key.editor(), tokenPath, `{"grant_type":"client_credentials"}`).fails(http.StatusForbidden, securityDenied,
		"the grant type [client_credentials] is for callers that…")
	w.es(bob, "DELETE /_security/oauth2/token", `{"username":"bob"}`).is(http.StatusOK,
		`{"invalidated_tokens":1,"previously_invalidated_tokens":0,"error_count":0}`)
	if w.alive(bearer(access)) || !w.alive(bob) {
		t.Error("the token lives, or bob does not")
	}

	w.es(bob, tokenPath, `{"grant_type":"password","username":"alice","password":"`+alicePassword+`"}`).ok()
	w.es(bob, "DELETE /_security/oauth2/token", `{"username":"alice"}`).is(http.StatusOK,
		`{"invalidated_tokens":2,"previously_invalidated_tokens":0,"error_count":0}`)

	short, _ := w.es(bob, tokenPath, `{"grant_type":"client_credentials"}`).ok()["access_token"].(string)
	w.clock.advance(20*time.Minute - time.Second)
	if !w.alive(bearer(short)) {
		t.Error("the token expires early")
	}
	w.clock.advance(time.Second)
	if w.alive(bearer(short)) {
		t.Error("the token does not expire")
	}
}

// Ensures that a request that makes no sense is refused with all its problems, and that tokens need the
// privilege and the right password.
func TestSecurityTokens_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for body, want := range map[string][]string{
		`{"grant_type":"password"}`: {"username is missing", "password is missing"},
		`{"grant_type":"refresh_token","username":"a"}`: {"refresh_token is missing",
			"username is not supported with the refresh_token grant_type"},
		`{"grant_type":"client_credentials","password":"a"}`: {"password is not supported with the client_credentials " +
			"grant_type"},
		`{"grant_type":"_kerberos","kerberos_ticket":"x"}`: {"grant_type only supports the values: [password, " +
			"refresh_token, client_credentials]"},
	} {
		w.es(bob, tokenPath, body).fails(http.StatusBadRequest, requestInvalid, invalid(want...))
	}

	w.es(bob, tokenPath, `{}`).fails(http.StatusBadRequest, illegalArgument, "Required [grant_type]")
	w.es(bob, tokenPath, `{"grant_type":"password","username":"alice","password":"wrong"}`).fails(http.StatusUnauthorized,
		securityDenied, "…")
	for request, body := range map[string]string{
		"token/create] is":  `{"grant_type":"password","username":"alice","password":"` + alicePassword + `"}`,
		"token/refresh] is": `{"grant_type":"refresh_token","refresh_token":"x"}`,
	} {
		w.es(alice, tokenPath, body).fails(http.StatusForbidden, securityDenied,
			"action [cluster:admin/xpack/security/"+request+
				" unauthorized for user [alice] with effective roles [ece_deployment_viewer], this action is granted by the "+
				"cluster privileges [manage_token,…")
	}

	w.es(bob, "DELETE /_security/oauth2/token", `{}`).fails(http.StatusBadRequest, requestInvalid,
		"Validation Failed: 1: …")
}

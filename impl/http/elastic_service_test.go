package http_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

const fleetTokens = "/_security/service/elastic/fleet-server/credential/token"

// serviceToken creates a token of elastic/fleet-server, and returns the editor that sends it.
func (w *world) serviceToken(caller client.RequestEditorFn, name string) client.RequestEditorFn {
	w.Helper()
	made := w.es(caller, "POST "+fleetTokens+"/"+name, "").ok()
	token, _ := made["token"].(map[string]any)
	value, _ := token["value"].(string)
	if made["created"] != true || token["name"] != name || value == "" {
		w.Fatalf("%v", made)
	}
	return bearer(value)
}

// Ensures that service accounts are listed with what they may do.
func TestServiceAccounts_Listed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	names := func(path string) string {
		t.Helper()
		var found []string
		for _, name := range []string{"elastic/auto-ops", "elastic/fleet-server", "elastic/fleet-server-remote"} {
			if _, ok := w.es(bob, "GET "+path, "").ok()[name]; ok {
				found = append(found, strings.TrimPrefix(name, "elastic/"))
			}
		}
		return strings.Join(found, " ")
	}
	for path, want := range map[string]string{
		"/_security/service":                      "auto-ops fleet-server fleet-server-remote",
		"/_security/service/elastic":              "auto-ops fleet-server fleet-server-remote",
		"/_security/service/elastic/fleet-server": "fleet-server",
		"/_security/service/elastic/nothing":      "",
		"/_security/service/other":                "",
	} {
		if got := names(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	w.es(bob, "GET /_security/service/elastic/auto-ops", "").is(http.StatusOK, `{"elastic/auto-ops":{"role_descriptor":{
		"cluster":["monitor","read_ilm","read_slm"],"indices":[{"names":["*"],"privileges":["monitor","view_index_metadata"],
		"allow_restricted_indices":true}],"applications":[],"run_as":[],"metadata":{},
		"transient_metadata":{"enabled":true}}}}`)
}

// Ensures that a token authenticates its account with the account's privileges, and nothing of the platform.
func TestServiceTokens_Used(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	fleet := w.serviceToken(bob, "token-1")
	for range 2 { // from the caches, too
		w.es(fleet, "GET /_security/_authenticate", "").is(http.StatusOK, `{"username":"elastic/fleet-server","roles":[],
			"full_name":"Service account - elastic/fleet-server","email":null,"metadata":{"_elastic_service_account":true},
			"enabled":true,"authentication_realm":{"name":"_service_account","type":"_service_account"},
			"lookup_realm":{"name":"_service_account","type":"_service_account"},"authentication_type":"token",
			"token":{"name":"token-1","type":"_service_account_index"}}`)
		w.es(fleet, "POST /_security/user/_has_privileges", `{"cluster":["monitor","manage_security"],
			"index":[{"names":["logs-a"],"privileges":["write","read"]}]}`).is(http.StatusOK,
			`{"username":"elastic/fleet-server","has_all_requested":false,
			"cluster":{"monitor":true,"manage_security":false},"index":{"logs-a":{"write":true,"read":false}},
			"application":{}}`)
	}
	w.es(fleet, "GET /", "").ok()
	w.es(fleet, "GET /_security/role", "").fails(http.StatusForbidden, securityDenied,
		"action [cluster:admin/xpack/security/role/get] is unauthorized for service account [elastic/fleet-server], "+
			"this action is granted by the cluster privileges [read_security,manage_security,all]")
	w.es(fleet, "GET /_security/_authenticate", "", runAs("alice")).fails(http.StatusForbidden, securityDenied,
		"action [cluster:admin/xpack/security/user/authenticate] is unauthorized for service account "+
			"[elastic/fleet-server], because service account [elastic/fleet-server] is unauthorized to run as [alice]")

	t.Run("owns no API keys", func(t *testing.T) {
		w.es(fleet, "POST /_security/api_key", `{"name":"k"}`).fails(http.StatusBadRequest, illegalArgument,
			"the service account \"elastic/fleet-server\" cannot own API keys on this server; create them as a user")
		w.es(fleet, "PUT /_security/api_key/x", `{}`).fails(http.StatusBadRequest, illegalArgument,
			"the service account \"elastic/fleet-server\" cannot own API keys on this server; create them as a user")
		w.es(fleet, "GET /_security/api_key?owner=true", "").is(http.StatusOK, `{"api_keys":[]}`)
		w.es(fleet, "DELETE /_security/api_key", `{"owner":true}`).is(http.StatusOK,
			`{"invalidated_api_keys":[],"previously_invalidated_api_keys":[],"error_count":0}`)
	})
	t.Run("reaches no operation of ECE's", func(t *testing.T) {
		for _, item := range contract.Paths.Map() {
			for _, op := range item.Operations() {
				r := routes()[op.OperationID]
				if r.elasticsearch() || op.Security != nil && len(*op.Security) == 0 {
					continue
				}
				if response, body := w.do(r.method, r.path, r.body, fleet); response.StatusCode != http.StatusForbidden {
					t.Errorf("%s: %d %s", op.OperationID, response.StatusCode, body)
				}
			}
		}
	})
	t.Run("changes no user", func(t *testing.T) {
		for _, at := range []string{"user/_password", "user/elastic%2Ffleet-server/_password"} {
			if r := w.es(fleet, "PUT /_security/"+at, `{"password":"a passphrase of the account"}`); r.response.StatusCode <
				http.StatusBadRequest {
				t.Errorf("%s: %s", at, r.body)
			}
		}
		if r := w.es(bob, "PUT /_security/user/elastic%2Ffleet-server",
			`{"password":"a passphrase of the account","roles":[]}`); r.response.StatusCode < http.StatusBadRequest {
			t.Errorf("a user can have the name of a service account: %s", r.body)
		}
		w.es(fleet, "POST /_security/oauth2/token", `{"grant_type":"client_credentials"}`).fails(http.StatusForbidden,
			securityDenied, "action [cluster:admin/xpack/security/token/create] is unauthorized for service account "+
				"[elastic/fleet-server], this action is granted by the cluster privileges [manage_token,manage_security,all]")
	})
}

// Ensures that tokens that this server has not issued, or no longer has, are refused, and that names and secrets of one
// do not work with those of another.
func TestServiceTokens_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	made := w.es(bob, "PUT "+fleetTokens+"/a", "").ok()["token"].(map[string]any)["value"].(string)
	w.serviceToken(bob, "b")
	decoded, err := base64.RawStdEncoding.DecodeString(made)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(decoded), ":")
	token := func(content string) client.RequestEditorFn {
		return bearer(base64.RawStdEncoding.EncodeToString([]byte("\x00\x01\x00\x01" + content)))
	}
	w.es(token("elastic/fleet-server/a:"+text), "GET /_security/_authenticate", "").ok()
	for name, content := range map[string]string{
		"of another token":   "elastic/fleet-server/b:" + text,
		"of another account": "elastic/auto-ops/a:" + text,
		"wrong secret":       "elastic/fleet-server/a:" + text[1:],
		"no secret":          "elastic/fleet-server/a:",
		"unknown account":    "elastic/kibana/a:" + text,
	} {
		t.Run(name, func(t *testing.T) {
			parts := strings.Split(strings.SplitN(content, ":", 2)[0], "/")
			w.es(token(content), "GET /_security/_authenticate", "").fails(http.StatusUnauthorized, securityDenied,
				fmt.Sprintf("failed to authenticate service account [%s/%s] with token name [%s]", parts[0], parts[1], parts[2]))
		})
	}
	for name, content := range map[string]string{
		"no colon":     "elastic/fleet-server/a",
		"two parts":    "elastic/a:" + text,
		"four parts":   "elastic/fleet-server/a/b:" + text,
		"control":      "elastic/fleet-server\n/a:" + text,
		"bad name":     "elastic/fleet-server/_a:" + text,
		"empty":        "",
		"a null":       "elastic/fleet-server/a\x00:" + text,
		"no UTF-8":     "elastic/fleet\xff/a:" + text,
		"a huge token": "elastic/fleet-server/a:" + strings.Repeat("x", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			w.es(token(content), "GET /_security/_authenticate", "").fails(http.StatusUnauthorized, securityDenied,
				"unable to authenticate with provided credentials and anonymous access is not allowed for this request")
		})
	}
	t.Run("as an API key", func(t *testing.T) {
		if r := w.es(apiKey(made), "GET /_security/_authenticate", ""); r.response.StatusCode !=
			http.StatusUnauthorized {
			t.Error(r.body)
		}
	})
	t.Run("as the access token of a grant", func(t *testing.T) {
		if r := w.es(bob, grantPath, `{"grant_type":"access_token","access_token":"`+made+
			`","api_key":{"name":"k"}}`); r.response.StatusCode < 400 {
			t.Error(r.body)
		}
	})
}

// Ensures that tokens are named as in Elasticsearch, listed and deleted.
func TestServiceTokens_Managed(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	first := w.serviceToken(bob, "a")
	w.es(bob, "POST "+fleetTokens+"/a", "").fails(http.StatusConflict, "version_conflict_engine_exception",
		"[service_account_token-elastic/fleet-server/a]: version conflict, document already exists (current version [1])")
	w.es(bob, "PUT "+fleetTokens+"/a", "").fails(http.StatusConflict, "version_conflict_engine_exception",
		"[service_account_token-elastic/fleet-server/a]: version conflict, document already exists (current version [1])")
	w.es(bob, "POST /_security/service/elastic/kibana/credential/token/a", "").fails(http.StatusBadRequest,
		illegalArgument, "service account [elastic/kibana] does not exist")
	for _, name := range []string{"_a", "a.b", strings.Repeat("a", 257), "a%20b", "%C3%A4"} {
		r := w.es(bob, "POST "+fleetTokens+"/"+name, "")
		if r.response.StatusCode != http.StatusBadRequest || !strings.Contains(r.body, "invalid service token name [") {
			t.Errorf("%s: %d %s", name, r.response.StatusCode, r.body)
		}
	}
	made := w.es(bob, "POST "+fleetTokens, "").ok()["token"].(map[string]any)["name"].(string)
	if !strings.HasPrefix(made, "token-") {
		t.Errorf("the name is %q", made)
	}
	w.es(bob, "GET /_security/service/elastic/fleet-server/credential", "").is(http.StatusOK, `{
		"service_account":"elastic/fleet-server","count":2,"tokens":{"a":{},"`+made+`":{}},
		"nodes_credentials":{"_nodes":{"total":1,"successful":1,"failed":0},"file_tokens":{}}}`)
	w.es(bob, "POST "+fleetTokens+"/a,b/_clear_cache", "").ok()

	w.es(bob, "DELETE "+fleetTokens+"/a", "").is(http.StatusOK, `{"found":true}`)
	w.es(bob, "DELETE "+fleetTokens+"/a", "").is(http.StatusNotFound, `{"found":false}`)
	w.es(first, "GET /_security/_authenticate", "").fails(http.StatusUnauthorized, securityDenied,
		"failed to authenticate service account [elastic/fleet-server] with token name [a]")
	second := w.serviceToken(bob, "a")
	w.es(second, "GET /_security/_authenticate", "").ok()
	if r := w.es(first, "GET /_security/_authenticate", ""); r.response.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old secret works with the new token: %s", r.body)
	}
	if n := w.count("SELECT COUNT(*) FROM audit_log WHERE event LIKE 'service_token.%' AND subject = $1 AND actor = $2",
		"elastic/fleet-server/a", "bob"); n != 3 {
		t.Errorf("%d entries of the audit trail, want 3", n)
	}

	t.Run("callers", func(t *testing.T) {
		w.role("services", `{"cluster":["manage_service_account"]}`)
		w.role("keys", `{"cluster":["manage_api_key"]}`)
		w.es(w.native("sam", "services"), "POST "+fleetTokens+"/c", "").ok()
		w.es(w.native("kim", "keys"), "POST "+fleetTokens+"/d", "").fails(http.StatusForbidden, securityDenied,
			"action [cluster:admin/xpack/security/service_account/token/create] is unauthorized for user [kim] with "+
				"effective roles [keys], this action is granted by the cluster privileges "+
				"[manage_service_account,manage_security,all]")
		w.es(second, "POST "+fleetTokens+"/e", "").fails(http.StatusForbidden, securityDenied,
			"action [cluster:admin/xpack/security/service_account/token/create] is unauthorized for service account "+
				"[elastic/fleet-server], this action is granted by the cluster privileges "+
				"[manage_service_account,manage_security,all]")
	})
}

// Ensures that a deleted token stops working on all replicas at once, although they cache it.
func TestServiceTokens_Replicas(t *testing.T) {
	t.Parallel()

	first := newWorld(t)
	second := open(t, first.dsn)
	token := first.serviceToken(bob, "a")
	for _, w := range []*world{first, second} {
		for range 2 {
			w.es(token, "GET /_security/_authenticate", "").ok()
		}
	}
	second.es(bob, "DELETE "+fleetTokens+"/a", "").is(http.StatusOK, `{"found":true}`)
	for _, w := range []*world{second, first} {
		if r := w.es(token, "GET /_security/_authenticate", ""); r.response.StatusCode != http.StatusUnauthorized {
			t.Errorf("the token works: %s", r.body)
		}
	}
}

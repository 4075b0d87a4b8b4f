package http_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/gen/client"
)

func (w *world) trustAll() bool {
	w.Helper()
	r, err := w.client.GetCurrentAccountWithResponse(w.Context(), alice)
	if err != nil || r.JSON200 == nil {
		w.Fatalf("GET account: %v %v", r, err)
	}
	if r.JSON200.ID == "" {
		w.Error("the account has no id")
	}
	return r.JSON200.Trust.TrustAll
}

// Ensures that a setting that PUT leaves out takes its default, and that the answer is what is read afterwards.
func TestAccount_Put(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	if !w.trustAll() {
		t.Error("a new account does not trust all")
	}

	put := func(trust *client.AccountTrustSettings) {
		r, err := w.client.UpdateCurrentAccountWithResponse(t.Context(), client.AccountUpdateRequest{Trust: trust}, admin)
		if err != nil || r.JSON200 == nil {
			t.Fatalf("PUT account: %v %v", r, err)
		}
		if got := w.trustAll(); got != r.JSON200.Trust.TrustAll {
			t.Errorf("PUT answers %t, GET %t", !got, got)
		}
	}

	put(&client.AccountTrustSettings{TrustAll: false})
	if w.trustAll() {
		t.Error("trust_all is still true")
	}

	put(nil)
	if !w.trustAll() {
		t.Error("trust_all is not back at its default")
	}
}

// Ensures that a merge patch works in both wire forms: what it leaves out stays, null restores the default.
func TestAccount_Patch(t *testing.T) {
	t.Parallel()

	for _, c := range []struct {
		name, patch   string
		before, after bool
	}{
		{"set", `{"trust":{"trust_all":false}}`, true, false},
		{"nothing", `{}`, false, false},
		{"nothing of trust", `{"trust":{}}`, false, false},
		{"null setting", `{"trust":{"trust_all":null}}`, false, true},
		{"null group", `{"trust":null}`, false, true},
	} {
		for _, form := range []string{"object", "string"} {
			t.Run(c.name+" as "+form, func(t *testing.T) {
				w := newWorld(t)
				if !c.before {
					w.do(http.MethodPut, "/api/v1/account", `{"trust":{"trust_all":false}}`, admin)
				}

				body := []byte(c.patch)
				if form == "string" {
					body, _ = json.Marshal(c.patch)
				}

				r, err := w.client.PatchCurrentAccountWithResponse(t.Context(), body, admin)
				if err != nil || r.JSON200 == nil {
					t.Fatalf("PATCH account: %v %v", r, err)
				}
				if w.trustAll() != c.after || r.JSON200.Trust.TrustAll != c.after {
					t.Errorf("trust_all is not %t", c.after)
				}
			})
		}
	}
}

// Ensures that a patch that does not fit is refused by the name of what is wrong, in both forms, and changes nothing.
func TestAccount_PatchRefused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, c := range []struct{ name, body, code, field string }{
		{"wrong type", `{"trust":{"trust_all":"no"}}`, "root.invalid_data", "trust.trust_all"},
		{"wrong group", `{"trust":false}`, "root.invalid_data", "trust"},
		{"unknown", `{"trust":{"trust_all":false,"x":1}}`, "root.invalid_data", "trust.x"},
		{"unknown at the root", `{"id":"mine"}`, "root.invalid_data", "id"},
		{"other case", `{"Trust":{"trust_all":false}}`, "root.invalid_data", "Trust"},
		{"twice", `{"trust":{"trust_all":true,"trust_all":false}}`, "root.invalid_json_request", "trust.trust_all"},
		{"array", `[]`, "root.invalid_data", "body"},
		{"null", `null`, "root.invalid_data", "body"},
		{"number", `1`, "root.invalid_data", "body"},
		{"not JSON", `{`, "root.invalid_json_request", "body"},
	} {
		response, body := w.do(http.MethodPatch, "/api/v1/account", c.body, admin)
		w.refused(response, body, http.StatusBadRequest, c.code, c.field)
		text, _ := json.Marshal(c.body)
		response, body = w.do(http.MethodPatch, "/api/v1/account", string(text), admin)
		w.refused(response, body, http.StatusBadRequest, c.code, c.field)
	}

	response, body := w.do(http.MethodPatch, "/api/v1/account", `"\"{}\""`, admin)
	w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "body")
	if !w.trustAll() {
		t.Error("a refused patch changed the account")
	}
}

// Ensures that an account that is gone is said to be, by each operation.
func TestAccount_NotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sql("DELETE FROM accounts")
	for method, body := range map[string]string{http.MethodGet: "", http.MethodPut: "{}", http.MethodPatch: "{}"} {
		response, text := w.do(method, "/api/v1/account", body, admin)
		w.refused(response, text, http.StatusNotFound, "accounts.not_found")
	}
}

// Ensures that every path answers below a region as well, with parameters that need escapes too.
func TestRegions(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for path, status := range map[string]int{
		"/api/v1/regions/ece-region/account":                     http.StatusOK,
		"/api/v1/regions/a%2Fb/account":                          http.StatusOK,
		"/api/v1/regions/x/users/auth/keys/_all":                 http.StatusOK,
		"/api/v1/regions/x/users/al%69ce/auth/keys":              http.StatusOK,
		"/api/v1/regions/x/users/no%2Fbody/auth/keys":            http.StatusNotFound,
		"/api/v1/regions//account":                               http.StatusNotFound,
		"/api/v1/regions/x":                                      http.StatusNotFound,
		"/api/v1/regions/x/regions/y/account":                    http.StatusNotFound,
		"/api/v1/regions/x/../../users/auth/keys/_all/%2e%2e/no": http.StatusNotFound,
	} {
		response, body := w.do(http.MethodGet, path, "", bob)
		if response.StatusCode != status {
			t.Errorf("GET %s answers %d %s, want %d", path, response.StatusCode, body, status)
		}
	}

	response, body := w.do(http.MethodGet, "/api/v1/regions/x/users/no%2Fbody/auth/keys", "", bob)
	w.refused(response, body, http.StatusNotFound, "api_keys.user_not_found", "user_id")
}

// Ensures that each operation of the contract of ECE's family answers at each of the contract's servers, also in a
// region, as it does below /api/v1.
func TestContract_Region(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/api-docs/swagger.json", nil)
	w.app.Handler.ServeHTTP(recorder, request)
	family, err := openapi3.NewLoader().LoadFromData(recorder.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(family.Servers) != 2 {
		t.Fatalf("the contract has %d servers", len(family.Servers))
	}
	below, inRegion := family.Servers[0].URL, strings.ReplaceAll(family.Servers[1].URL, "{region_id}", "ece-region")
	answer := func(method, path string) string {
		response, _ := w.do(method, path, "")
		return response.Status + " " + response.Header.Get("x-cloud-error-codes")
	}
	unknown := answer(http.MethodGet, inRegion+"/unknown")
	for path, item := range family.Paths.Map() {
		for method, op := range item.Operations() {
			want, got := answer(method, below+path), answer(method, inRegion+path)
			if got != want || got == unknown {
				t.Errorf("%s: %s in a region, %s below /api/v1", op.OperationID, got, want)
			}
		}
	}
}

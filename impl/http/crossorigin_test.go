package http_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// fromPage makes a request one that a page makes a browser send.
func fromPage(headers map[string]string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		return nil
	}
}

// otherSites are what browsers say of pages of other sites: those of today, and older ones.
var otherSites = []map[string]string{
	{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
	{"Sec-Fetch-Site": "same-site", "Origin": "https://other.sallyport.example"},
	{"Origin": "https://evil.example"},
	{"Origin": "null"},
}

// Ensures that no page of another site changes anything in the name of a browser's user, whatever it knows of the
// password.
func TestOtherSites_EveryOperation(t *testing.T) {
	w := newWorld(t)
	for path, item := range contract.Paths.Map() {
		for method, op := range item.Operations() {
			if method == http.MethodGet || method == http.MethodHead || op.Security != nil && len(*op.Security) == 0 {
				continue
			}
			path := strings.NewReplacer("{user_id}", "alice", "{api_key_id}", "x").Replace(path)
			for _, site := range otherSites {
				if response, body := w.do(method, path, "", bob, fromPage(site)); response.StatusCode != http.StatusForbidden ||
					!strings.Contains(body, "another site") {
					t.Errorf("%s from %v: %d %s", op.OperationID, site, response.StatusCode, body)
				}
			}
		}
	}
}

// Ensures that pages of this server, typed addresses and programs are not restricted, and that reading and signing in
// work from any page.
func TestOtherSites_OwnPages(t *testing.T) {
	w := newWorld(t)
	const unlock = "/api/v1/users/alice/_unlock"
	for name, site := range map[string]map[string]string{
		"a program": nil,
		"this page": {
			"Sec-Fetch-Site": "same-origin",
			"Origin":         w.url,
		},
		"typed":                          {"Sec-Fetch-Site": "none"},
		"this page, of an older browser": {"Origin": w.url},
		"behind a proxy":                 {"Sec-Fetch-Site": "same-origin", "Origin": "https://sallyport.example"},
	} {
		if response, body := w.do(http.MethodPost, unlock, "", bob, fromPage(site)); response.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", name, response.StatusCode, body)
		}
	}

	for _, site := range otherSites {
		if response, body := w.do(http.MethodGet, "/api/v1/account", "", bob,
			fromPage(site)); response.StatusCode != http.StatusOK {
			t.Errorf("reading from %v: %d %s", site, response.StatusCode, body)
		}
		if response, body := w.do(http.MethodPost, loginPath, `{"username":"alice","password":"`+alicePassword+`"}`,
			fromPage(site)); response.StatusCode != http.StatusOK {
			t.Errorf("signing in from %v: %d %s", site, response.StatusCode, body)
		}
	}
}

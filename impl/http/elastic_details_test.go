package http_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/http/compatibility"
)

// Ensures that an empty full name or e-mail address is shown as one, and none as none, whatever changes it.
func TestSecurityUsers_EmptyTexts(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	shown := func() string {
		t.Helper()
		carol, _ := w.es(bob, "GET /_security/user/carol", "").ok()["carol"].(map[string]any)
		return asJSON([]any{carol["full_name"], carol["email"]})
	}
	for _, c := range []struct{ name, texts, want string }{
		{"both empty", `"full_name":"","email":""`, `["",""]`},
		{"one empty", `"full_name":"","email":"c@example.com"`, `["","c@example.com"]`},
		{"none", `"full_name":null`, `[null,null]`},
		{"the other empty", `"email":""`, `[null,""]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.es(bob, "PUT /_security/user/carol", `{"password":"`+passwordOf("carol")+`","roles":[],`+c.texts+`}`).ok()
			if got := shown(); got != c.want {
				t.Errorf("shown as %s, want %s", got, c.want)
			}
		})
	}

	me := w.es(as("carol", passwordOf("carol")), "GET /_security/_authenticate", "").ok()
	if asJSON([]any{me["full_name"], me["email"]}) != `[null,""]` {
		t.Errorf("authenticated as %s", asJSON(me))
	}
	found := w.es(bob, "POST /_security/_query/user", `{"query":{"term":{"username":"carol"}}}`).ok()
	if !strings.Contains(asJSON(found["users"]), `"email":""`) {
		t.Errorf("found %s", asJSON(found))
	}

	// What ECE's operation replaces is no longer the empty text that was given.
	w.es(admin, "PUT /_security/user/carol",
		`{"password":"another passphrase","roles":["ece_platform_viewer"],"email":""}`).ok()
	for _, email := range []string{`"c@example.com"`, `null`} {
		if r, text := w.do(http.MethodPatch, "/api/v1/users/carol", `{"email":`+email+`}`, admin); r.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", r.StatusCode, text)
		}
	}
	if got := shown(); got != `[null,null]` {
		t.Errorf("after ECE's changes shown as %s", got)
	}
}

// Ensures that a role and a key stay as they are if only the spelling of a number in their metadata differs.
func TestDescriptors_NumbersCompareByValue(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const first, same, other = `{"metadata":{"n":1.10}}`, `{"metadata":{"n":1.1}}`, `{"metadata":{"n":1.2}}`
	w.role("r", first)
	for body, want := range map[string]string{same: `["r"]`, first: `["r"]`} {
		if got := w.es(bob, "POST /_security/role", `{"roles":{"r":`+body+`}}`).ok(); asJSON(got["noop"]) != want {
			t.Errorf("%s: %s", body, asJSON(got))
		}
	}
	if got := w.es(bob, "POST /_security/role", `{"roles":{"r":`+other+`}}`).ok(); asJSON(got["updated"]) != `["r"]` {
		t.Errorf("another number: %s", asJSON(got))
	}

	key := w.esKey(alice, `{"name":"k","role_descriptors":{"r":`+first+`}}`)
	for _, c := range []struct{ body, want string }{{same, "false"}, {first, "false"}, {other, "true"}, {same, "true"}} {
		got := w.es(alice, "PUT /_security/api_key/"+key.id, `{"role_descriptors":{"r":`+c.body+`}}`).ok()
		if asJSON(got["updated"]) != c.want {
			t.Errorf("%s: updated is %s, want %s", c.body, asJSON(got["updated"]), c.want)
		}
	}
	if got := asJSON(w.shownKey(bob, key.id, "")["role_descriptors"]); !strings.Contains(got, `"n":1.1}`) {
		t.Errorf("the key has %s", got)
	}
}

// Ensures that the operations that Elasticsearch lets do so take their body from the query string, if there is none,
// and that no other operation does.
func TestSource(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("reader", `{"cluster":["monitor"]}`)
	of := func(path, source, contentType string) string {
		return path + "?" + url.Values{"source": {source}, "source_content_type": {contentType}}.Encode()
	}
	const check, json = `{"cluster":["monitor"]}`, "application/json"
	for _, request := range []string{"GET", "POST"} {
		got := w.es(bob, request+" "+of("/_security/user/_has_privileges", check, json), "").ok()
		if asJSON(got["cluster"]) != `{"monitor":true}` {
			t.Errorf("%s: %s", request, asJSON(got))
		}
	}
	for path, list := range map[string]string{"role": "roles", "user": "users", "api_key": "api_keys"} {
		for _, contentType := range []string{json, "application/vnd.elasticsearch+json;compatible-with=9"} {
			got := w.es(bob, "GET "+of("/_security/_query/"+path, `{"size":0}`, contentType), "").ok()
			if asJSON(got[list]) != "[]" {
				t.Errorf("%s: %s", path, asJSON(got))
			}
		}
	}

	const path = "/_security/user/_has_privileges"
	for _, c := range []struct{ name, request, body, kind, reason string }{
		{"no type", "GET " + path + "?source=%7B%7D", "", illegalArgument,
			"source and source_content_type parameters are required"},
		{"only a type", "GET " + path + "?source_content_type=application/json", "", illegalArgument,
			"source and source_content_type parameters are required"},
		{"another type", "GET " + of(path, check, "application/yaml"), "", illegalArgument,
			"Unknown value for source_content_type [application/yaml]"},
		{"no JSON", "GET " + of(path, `{"cluster":`, json), "", xcontentParse, "…"},
		{"beside a body", "POST " + of(path, check, json), check, illegalArgument,
			"request [" + path + "] contains unrecognized parameters: [source], [source_content_type]…"},
		{"an operation without", "PUT " + of("/_security/role/x", `{}`, json), "", illegalArgument,
			"request [/_security/role/x] contains unrecognized parameters: [source], [source_content_type]…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			w.es(bob, c.request, c.body).fails(http.StatusBadRequest, c.kind, c.reason)
		})
	}
}

// Ensures that statistics and settings answer as where there are no documents and no indices, by privilege, and that
// what 8.19 lacks is unknown there.
func TestSecurityStatistics(t *testing.T) {
	t.Parallel()

	dsn := newDSN(t)
	w := open(t, dsn)
	w.addUsers()
	stats := w.es(bob, "GET /_security/stats", "").ok()
	if !strings.Contains(asJSON(stats["nodes"]), `{"roles":{"dls":{"bit_set_cache":{"count":0,"evictions":0,`) {
		t.Errorf("the statistics are %s", asJSON(stats))
	}
	const settings = `{"security":{},"security-profile":{},"security-tokens":{}}`
	w.es(bob, "GET /_security/settings?master_timeout=30s", "").is(http.StatusOK, settings)

	w.role("watcher", `{"cluster":["monitor"]}`)
	w.role("auditor", `{"cluster":["read_security"]}`)
	watcher, auditor := w.native("watcher", "watcher"), w.native("auditor", "auditor")
	w.es(watcher, "GET /_security/stats", "").ok()
	w.es(watcher, "GET /_security/settings", "").fails(http.StatusForbidden, securityDenied, "…")
	w.es(auditor, "GET /_security/settings", "").is(http.StatusOK, settings)
	w.es(auditor, "GET /_security/stats", "").fails(http.StatusForbidden, securityDenied, "…")

	plain := w.es(bob, "GET /_security/role/watcher", "").body
	if got := w.es(bob, "GET /_security/role/watcher?include_implicit", "").body; got != plain {
		t.Errorf("with what is implied the role is %s", got)
	}

	version, err := compatibility.FindElasticsearch("8.19")
	if err != nil {
		t.Fatal(err)
	}
	older := openWith(t, dsn, io.Discard, func(s *app.Settings) { s.Compatibility.Elasticsearch = version })
	if r := older.es(bob, "GET /_security/stats", ""); r.response.StatusCode != http.StatusBadRequest {
		t.Errorf("8.19 has statistics: %d %s", r.response.StatusCode, r.body)
	}
	older.es(bob, "GET /_security/role/watcher?include_implicit=true", "").fails(http.StatusBadRequest, illegalArgument,
		"request [/_security/role/watcher] contains unrecognized parameter: [include_implicit]…")
	older.es(bob, "GET /_security/settings", "").is(http.StatusOK, settings)
}

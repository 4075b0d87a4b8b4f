package http_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/http/compatibility"
)

// speaking returns a world that speaks a version of Elasticsearch's API.
func speaking(t *testing.T, elasticsearch string) (*world, compatibility.Elasticsearch) {
	t.Helper()
	version, err := compatibility.FindElasticsearch(elasticsearch)
	if err != nil {
		t.Fatal(err)
	}
	w := openTuned(t, func(s *app.Settings) { s.Compatibility.Elasticsearch = version })
	w.addUsers()
	return w, version
}

// Ensures that clients learn the version that is spoken, and that media types can ask for compatibility with its two
// majors only.
func TestElasticsearchVersion_Announced(t *testing.T) {
	t.Parallel()

	want := map[string]struct {
		number, lucene, wire, index string
		refused                     string
	}{
		"8.19": {"8.19.0", "9.12.2", "7.17.0", "7.0.0", "9"},
		"9.5":  {"9.5.0", "10.5.0", "8.19.0", "8.0.0", "7"},
	}
	if got := compatibility.ElasticsearchVersions(); len(got) != len(want) {
		t.Fatalf("the versions are %v", got)
	}

	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			w, version := speaking(t, name)
			info, err := w.client.InfoWithResponse(t.Context(), alice)
			if err != nil || info.JSON200 == nil {
				t.Fatalf("%v %s", err, info.Body)
			}
			got := info.JSON200.Version
			if got.Number != want.number || got.LuceneVersion != want.lucene ||
				got.MinimumWireCompatibilityVersion != want.wire || got.MinimumIndexCompatibilityVersion != want.index {
				t.Errorf("%+v", got)
			}
			if product := info.HTTPResponse.Header.Get("X-Elastic-Product"); product != "Elasticsearch" {
				t.Errorf("the product is %q", product)
			}

			const vendor = "application/vnd.elasticsearch+json;compatible-with="
			for _, major := range version.MediaTypes {
				r := w.es(alice, "GET /_security/_authenticate", "", header("Accept", vendor+major))
				if r.ok(); r.response.Header.Get("Content-Type") != vendor+major {
					t.Errorf("%s: the type is %q", major, r.response.Header.Get("Content-Type"))
				}
			}
			w.es(alice, "GET /_security/_authenticate", "", header("Accept", vendor+want.refused)).fails(
				http.StatusBadRequest, "media_type_header_exception", "the Accept header asks for compatibility with…")
			w.es(alice, "PUT /_security/api_key", `{"name":"x"}`, header("Content-Type", vendor+want.refused)).fails(
				http.StatusBadRequest, "media_type_header_exception", "the Content-Type header asks for compatibility with…")
		})
	}
}

// Ensures that each privilege that a version lacks is unknown in it wherever a request names one, and known in the
// others.
func TestElasticsearchVersion_Privileges(t *testing.T) {
	t.Parallel()

	older, lacks := speaking(t, "8.19")
	newer, has := speaking(t, "9.5")
	if has.ClusterPrivileges != nil || has.IndexPrivileges != nil || has.GlobalPrivileges != nil {
		t.Fatalf("the latest version lacks privileges: %+v", has)
	}

	listed := func(w *world) (cluster, index []string) {
		r, err := w.client.SecurityGetBuiltinPrivilegesWithResponse(t.Context(), bob)
		if err != nil || r.JSON200 == nil {
			t.Fatalf("%v %s", err, r.Body)
		}
		return r.JSON200.Cluster, r.JSON200.Index
	}
	olderCluster, olderIndex := listed(older)
	newerCluster, newerIndex := listed(newer)
	check := func(kind, name, descriptor, checked string, olderNames, newerNames []string) {
		t.Helper()
		if slices.Contains(olderNames, name) || !slices.Contains(newerNames, name) {
			t.Errorf("%s: listed as of 8.19: %t, as of 9.5: %t", name, slices.Contains(olderNames, name),
				slices.Contains(newerNames, name))
		}
		const invalid, role = "action_request_validation_exception", "PUT /_security/role/r"
		unknown := "unknown " + kind + " privilege [" + name + "]. a privilege must be…"
		older.es(bob, role, descriptor).fails(http.StatusBadRequest, invalid, "Validation Failed: 1: "+unknown)
		older.es(bob, "PUT /_security/api_key", `{"name":"k","role_descriptors":{"r":`+descriptor+`}}`).fails(
			http.StatusBadRequest, invalid, "Validation Failed: 1: "+unknown)
		older.es(bob, "POST /_security/user/_has_privileges", checked).fails(
			http.StatusBadRequest, "illegal_argument_exception", unknown)

		newer.es(bob, role, descriptor).ok()
		newer.es(bob, "PUT /_security/api_key", `{"name":"k","role_descriptors":{"r":`+descriptor+`}}`).ok()
		newer.es(bob, "POST /_security/user/_has_privileges", checked).ok()
	}

	for _, name := range lacks.ClusterPrivileges {
		document := `{"cluster":["` + name + `"]}`
		check("cluster", name, document, document, olderCluster, newerCluster)
	}
	for _, name := range lacks.IndexPrivileges {
		entry := `[{"names":["a"],"privileges":["` + name + `"]}]`
		check("index", name, `{"indices":`+entry+`}`, `{"index":`+entry+`}`, olderIndex, newerIndex)
	}

	for _, name := range lacks.GlobalPrivileges {
		global := `{"global":{"` + name + `":[{"names":["a"],"privileges":["read"]}]}}`
		for request, body := range map[string]string{
			"PUT /_security/role/g":  global,
			"POST /_security/role":   `{"roles":{"many":` + global + `}}`,
			"PUT /_security/api_key": `{"name":"g","role_descriptors":{"g":` + global + `}}`,
		} {
			if r := older.es(bob, request, body); r.response.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d %s", request, r.response.StatusCode, r.body)
			}
			newer.es(bob, request, body).ok()
		}
	}
}

// Ensures that a role with a privilege of a later version stays what it is when an earlier version is spoken, and that
// its holders are not locked out.
func TestElasticsearchVersion_StoredPrivilege(t *testing.T) {
	t.Parallel()

	dsn := newDSN(t)
	w := open(t, dsn)
	w.addUsers()
	w.es(bob, "PUT /_security/role/reindexer", `{"cluster":["manage_reindex","monitor"]}`).ok()
	carol := w.native("carol", "reindexer")

	version, err := compatibility.FindElasticsearch("8.19")
	if err != nil {
		t.Fatal(err)
	}
	older := openWith(t, dsn, io.Discard, func(s *app.Settings) { s.Compatibility.Elasticsearch = version })
	older.es(carol, "GET /", "").ok()
	older.es(carol, "GET /_security/role/reindexer", "").fails(http.StatusForbidden, securityDenied, "…")
	if r := older.es(bob, "GET /_security/role/reindexer", ""); r.response.StatusCode != http.StatusOK {
		t.Errorf("%d %s", r.response.StatusCode, r.body)
	}
}

// speakingECE returns a world that speaks a version of Elastic Cloud Enterprise's API.
func speakingECE(t *testing.T, version string) *world {
	t.Helper()
	spoken, err := compatibility.FindECE(version)
	if err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	w := openWith(t, newDSN(t), &log, func(s *app.Settings) { s.Compatibility.ECE = spoken })
	w.addUsers()

	const line = `msg="elevation not served: users with a second factor send a one-time code when they sign in" ` +
		"compatibility.ece="
	text := log.taken()
	if said := strings.Contains(text, line+version); said != spoken.CodeAtSignIn {
		t.Errorf("the start logs that elevation is not served: %t\n%s", said, text)
	}
	return w
}

// eachECE runs a test for each version: those where a one-time code is asked for at sign-in, or the others.
func eachECE(t *testing.T, codeAtSignIn bool, test func(w *world)) {
	t.Helper()
	t.Parallel()
	for _, version := range compatibility.ECEVersions() {
		spoken, err := compatibility.FindECE(version)
		if err != nil {
			t.Fatal(err)
		}
		if spoken.CodeAtSignIn != codeAtSignIn {
			continue
		}
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			test(speakingECE(t, version))
		})
	}
}

const (
	keysPath = "/api/v1/users/auth/keys"
	newKey   = `{"description":"x"}`
	// codeNeeded is the code of a sign-in that needs a one-time code.
	codeNeeded = "root.unauthenticated.second_factor_required"
)

// declines fails the test unless a request is answered with a status and an error code, and with the path of what to do
// first unless that is empty.
func (w *world) declines(status int, code, next, method, path, body string, editors ...client.RequestEditorFn) {
	w.Helper()
	r, text := w.do(method, path, body, editors...)
	if r.StatusCode != status || r.Header.Get("X-Cloud-Error-Codes") != code {
		w.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, r.StatusCode, text, status, code)
	}
	if link := r.Header.Get("Link"); next != "" && !strings.HasPrefix(link, "<"+next+">;") {
		w.Errorf("%s %s: the link is %q, want %s", method, path, link, next)
	}
}

func signInBody(user, password, code string) string {
	body := `{"username":"` + user + `","password":"` + password + `"`
	if code != "" {
		body += `,"token":"` + code + `"`
	}
	return body + "}"
}

// Ensures that a version without elevation does not have its operations, and grants no permission to call them.
func TestECEVersion_Operations(t *testing.T) {
	t.Parallel()

	for _, version := range compatibility.ECEVersions() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()

			w := speakingECE(t, version)
			spoken, err := compatibility.FindECE(version)
			if err != nil {
				t.Fatal(err)
			}
			w.enroll(alice)
			for method, operation := range map[string]string{
				http.MethodPost:   "enable-elevated-permissions",
				http.MethodDelete: "disable-elevated-permissions",
			} {
				lacks := slices.Contains(spoken.Operations, operation)
				for _, path := range []string{elevatePath, strings.Replace(elevatePath, "/v1/", "/v1/regions/r/", 1)} {
					r, text := w.do(method, path, "", alice)
					if missing := r.StatusCode == http.StatusNotFound; missing != lacks {
						t.Errorf("%s %s: %d %s", method, path, r.StatusCode, text)
					}
				}
				me, err := w.client.GetCurrentUserWithResponse(t.Context(), alice)
				if err != nil || me.JSON200 == nil {
					t.Fatalf("%v %s", err, me.Body)
				}
				if has := slices.Contains(*me.JSON200.Security.Permissions, operation); has && lacks {
					t.Errorf("alice may call %s, which there is not", operation)
				}
			}
			if spoken.Operations != nil {
				w.declines(http.StatusNotFound, "root.resource_not_found", "", http.MethodPost, elevatePath, "")
			}
		})
	}
}

// Ensures that a user with a second factor signs in with a one-time code, which works once, and has no need of
// elevation then.
func TestECEVersion_CodeAtSignIn(t *testing.T) {
	eachECE(t, true, func(w *world) {
		d := w.enroll(alice)
		signIn := func(code string) string { return signInBody("alice", alicePassword, code) }
		w.declines(http.StatusUnauthorized, codeNeeded, "", http.MethodPost, loginPath, signIn(""))
		w.declines(http.StatusUnauthorized, codeNeeded, "", http.MethodPost, loginPath, signIn("000000"))
		w.declines(http.StatusUnauthorized, "root.unauthenticated", "", http.MethodPost, loginPath,
			signInBody("alice", "a wrong passphrase", d.code()))

		code := d.code()
		token := w.signedIn(signIn(code))
		w.declines(http.StatusUnauthorized, codeNeeded, "", http.MethodPost, loginPath, signIn(code))
		if !w.elevated(token).IsZero() {
			w.Error("elevated permissions are shown")
		}
		w.creates(bearer(token))

		// A session keeps what it was begun with, and each of its tokens.
		for range 30 {
			w.clock.advance(20 * time.Minute)
			token = w.refresh(token).JSON200.Token
		}
		w.creates(bearer(token))

		w.signedIn(signIn(d.recovery[0]))
		w.declines(http.StatusUnauthorized, codeNeeded, "", http.MethodPost, loginPath, signIn(d.recovery[0]))

		redirected := `{"username":"alice","password":"` + alicePassword + `","login_state":{"path":"/x"},"token":"` +
			d.code() + `"}`
		if r, text := w.do(http.MethodPost, loginPath, redirected); r.StatusCode != http.StatusFound {
			w.Errorf("with a path: %d %s", r.StatusCode, text)
		}
	})
}

// signedIn returns the token of a sign-in that must succeed.
func (w *world) signedIn(body string) string {
	w.Helper()
	r, text := w.do(http.MethodPost, loginPath, body)
	token, _ := object(w.T, text)["token"].(string)
	if r.StatusCode != http.StatusOK || token == "" {
		w.Fatalf("sign-in: %d %s", r.StatusCode, text)
	}
	return token
}

// creates fails the test unless a caller can create an API key.
func (w *world) creates(caller client.RequestEditorFn) {
	w.Helper()
	if r, text := w.do(http.MethodPost, keysPath, newKey, caller); r.StatusCode != http.StatusCreated {
		w.Errorf("creating a key: %d %s", r.StatusCode, text)
	}
}

// Ensures that nothing is a way around the code at sign-in: neither Basic nor a token of Elasticsearch's operations.
func TestECEVersion_NoWayAround(t *testing.T) {
	eachECE(t, true, func(w *world) {
		before := w.login("alice", alicePassword)
		d := w.enroll(alice)

		const rbac = "root.unauthorized.rbac"
		for _, caller := range []client.RequestEditorFn{alice, bearer(before)} {
			w.declines(http.StatusForbidden, rbac, loginPath, http.MethodPost, keysPath, newKey, caller)
			w.es(caller, "PUT /_security/api_key", `{"name":"x"}`).fails(http.StatusForbidden, securityDenied,
				"this operation needs a session that was begun with a one-time code: sign in at "+loginPath)
			w.declines(http.StatusForbidden, "root.unauthorized.second_factor_required", loginPath,
				http.MethodDelete, "/api/v1/users/auth/totp", "", caller)
			if r, text := w.do(http.MethodGet, "/api/v1/account", "", caller); r.StatusCode != http.StatusOK {
				w.Errorf("reading: %d %s", r.StatusCode, text)
			}
		}
		const needed = "this user has a second factor, and signs in with a one-time code, too"
		w.es(bob, "POST /_security/oauth2/token",
			`{"grant_type":"password","username":"alice","password":"`+alicePassword+`"}`).fails(
			http.StatusUnauthorized, securityDenied, needed)
		bobsDevice := w.enroll(bob)
		w.es(bob, "POST /_security/oauth2/token", `{"grant_type":"client_credentials"}`).fails(
			http.StatusUnauthorized, securityDenied, needed)
		w.creates(bearer(w.signedIn(signInBody("bob", bobPassword, bobsDevice.code()))))

		// A session that was begun with a code can remove the second factor; a sign-in needs no code then.
		token := w.signedIn(signInBody("alice", alicePassword, d.code()))
		if r, text := w.do(http.MethodDelete, "/api/v1/users/auth/totp", "", bearer(token)); r.StatusCode != http.StatusOK {
			w.Errorf("removing the device: %d %s", r.StatusCode, text)
		}
		w.creates(bearer(w.login("alice", alicePassword)))
		w.declines(http.StatusUnauthorized, codeNeeded, "", http.MethodPost, loginPath,
			signInBody("alice", alicePassword, "123456"))
	})
}

// Ensures that wrong codes at sign-in count together with wrong passwords, and that the right password does not clear
// them.
func TestECEVersion_CodeGuessed(t *testing.T) {
	eachECE(t, true, func(w *world) {
		d := w.enroll(alice)
		for range 10 {
			w.declines(http.StatusUnauthorized, codeNeeded, "", http.MethodPost, loginPath,
				signInBody("alice", alicePassword, "000000"))
		}
		w.declines(http.StatusUnauthorized, "root.unauthenticated", "", http.MethodPost, loginPath,
			signInBody("alice", alicePassword, d.code()))
		w.clock.advance(time.Minute)
		w.signedIn(signInBody("alice", alicePassword, d.code()))
	})
}

// Ensures that the default keeps elevation, and takes no code at sign-in that it would ignore.
func TestECEVersion_CodeToElevate(t *testing.T) {
	eachECE(t, false, func(w *world) {
		d := w.enroll(alice)
		w.declines(http.StatusBadRequest, "root.invalid_data", "", http.MethodPost, loginPath,
			signInBody("alice", alicePassword, d.code()))
		token := w.login("alice", alicePassword)
		for _, caller := range []client.RequestEditorFn{alice, bearer(token)} {
			w.declines(449, "root.unauthorized.rbac.elevated_permissions_required", elevatePath,
				http.MethodPost, keysPath, newKey, caller)
		}
		w.creates(bearer(w.mustElevate(token, d.code())))
	})
}

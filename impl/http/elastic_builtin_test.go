package http_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/http/compatibility"
	"github.com/sallyport/sallyport/impl/store"
)

// stored changes the records as a server of an earlier version could.
func (w *world) stored(change func(*store.Tx) error) {
	w.Helper()
	st, err := store.Open(w.Context(), w.dsn, w.clock.Now)
	if err != nil {
		w.Fatal(err)
	}
	if err := st.Update(w.Context(), change); err != nil {
		w.Error(err)
	}
	if err := st.Close(); err != nil {
		w.Error(err)
	}
}

// Ensures that the holders of built-in roles have their privileges, which never include ECE's, and that keys get them.
func TestBuiltinRoles_Effect(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const question = `{"cluster":["monitor","manage_own_api_key","manage_security","grant_api_key"],
		"index":[{"names":["logs-1"],"privileges":["read","write"]},{"names":[".security"],"privileges":["read"]}],
		"application":[{"application":"kibana-.kibana","privileges":["read"],"resources":["*"]}]}`
	w.es(bob, "PUT /_security/privilege", `{"kibana-.kibana":{"read":{"actions":["ui:read"]},"all":{"actions":["ui:*"]}}}`).ok()
	for role, want := range map[string]string{
		"viewer": `cluster:{"grant_api_key":false,"manage_own_api_key":false,"manage_security":false,"monitor":false} ` +
			`index:{".security":{"read":false},"logs-1":{"read":true,"write":false}} app:{"*":{"read":true}}`,
		"kibana_system": `cluster:{"grant_api_key":true,"manage_own_api_key":true,"manage_security":false,"monitor":true} ` +
			`index:{".security":{"read":false},"logs-1":{"read":false,"write":false}} app:{"*":{"read":false}}`,
	} {
		t.Run(role, func(t *testing.T) {
			holder := w.native(strings.ReplaceAll(role, "_", "-")+"-holder", role)
			answer := w.es(holder, "POST /_security/user/_has_privileges", question).ok()
			applications, _ := answer["application"].(map[string]any)
			got := "cluster:" + asJSON(answer["cluster"]) + " index:" + asJSON(answer["index"]) +
				" app:" + asJSON(applications["kibana-.kibana"])
			if got != want {
				t.Errorf("%s may %s, want %s", role, got, want)
			}

			if r, text := w.do(http.MethodGet, "/api/v1/users", "", holder); r.StatusCode != http.StatusForbidden {
				t.Errorf("%s lists ECE's users: %d %s", role, r.StatusCode, text)
			}
			w.es(holder, "PUT /_security/user/mallory",
				`{"password":"a long passphrase","roles":["ece_platform_admin"]}`).fails(http.StatusForbidden, securityDenied, "…")
		})
	}

	system := w.native("system", "kibana_system")
	key := w.esKey(system, `{"name":"k"}`)
	limit := asJSON(w.shownKey(bob, key.id, "&with_limited_by=true")["limited_by"])
	if !strings.Contains(limit, `"kibana_system":{`) || strings.Contains(limit, "description") {
		t.Errorf("the key is limited by %s", limit)
	}
	w.es(key.editor(), "GET /_security/_authenticate", "").ok()
}

// Ensures that built-in roles are listed and found, and neither changed nor deleted, alone or with others.
func TestBuiltinRoles_Reserved(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	viewer, _ := w.es(bob, "GET /_security/role/viewer", "").ok()["viewer"].(map[string]any)
	if asJSON(viewer["metadata"]) != `{"_reserved":true}` || !strings.Contains(asJSON(viewer["indices"]), "ilm-history") {
		t.Errorf("viewer is %s", asJSON(viewer))
	}
	old, _ := w.es(bob, "GET /_security/role/kibana_user", "").ok()["kibana_user"].(map[string]any)
	if metadata, _ := old["metadata"].(map[string]any); metadata["_deprecated"] != true || metadata["_reserved"] != true {
		t.Errorf("kibana_user is %s", asJSON(old))
	}
	found := w.es(bob, "POST /_security/_query/role", `{"query":{"prefix":{"name":"kibana_"}},"sort":["name"]}`).ok()
	if asJSON(found["total"]) != "3" || !strings.Contains(asJSON(found["roles"]), `"name":"kibana_system"`) {
		t.Errorf("found %s", asJSON(found))
	}

	w.es(bob, "PUT /_security/role/viewer", `{"cluster":["all"]}`).fails(http.StatusBadRequest, requestInvalid,
		invalid("Role [viewer] is reserved and may not be used."))
	w.es(bob, "DELETE /_security/role/viewer", "").fails(http.StatusBadRequest, illegalArgument,
		"role [viewer] is reserved and cannot be deleted")
	many := w.es(bob, "POST /_security/role", `{"roles":{"editor":{"cluster":["all"]},"mine":{}}}`).ok()
	if asJSON(many["created"]) != `["mine"]` || !strings.Contains(asJSON(many["errors"]), "Role [editor] is reserved") {
		t.Errorf("put %s", asJSON(many))
	}
	gone := w.es(bob, "DELETE /_security/role", `{"names":["editor","mine"]}`).ok()
	if asJSON(gone["deleted"]) != `["mine"]` || !strings.Contains(asJSON(gone["errors"]), "role [editor] is reserved") {
		t.Errorf("deleted %s", asJSON(gone))
	}
}

// Ensures that new users cannot have the names of Elasticsearch's built-in users, whichever operation adds them.
func TestBuiltinUsers_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, name := range []string{"elastic", "kibana", "kibana_system", "logstash_system", "beats_system", "apm_system",
		"remote_monitoring_user"} {
		w.es(bob, "PUT /_security/user/"+name, `{"password":"a long passphrase","roles":[]}`).fails(http.StatusBadRequest,
			requestInvalid, invalid("user ["+name+"] is reserved and only the password can be changed"))
	}
	w.declines(http.StatusBadRequest, "user.user_name.invalid", "", http.MethodPost, "/api/v1/users",
		`{"user_name":"elastic","security":{"password":"a long passphrase","roles":["ece_platform_viewer"]}}`, admin)
	w.es(bob, "PUT /_security/user/elastica", `{"password":"a long passphrase","roles":[]}`).ok()
}

// Ensures that roles and users that an earlier version stored under reserved names stay what they are, that the start
// logs them, and that the deletion of such a role brings the built-in one.
func TestBuiltinRoles_Upgrade(t *testing.T) {
	t.Parallel()

	dsn := newDSN(t)
	w := open(t, dsn)
	w.addUsers()
	carol := w.native("carol", "viewer")
	const question = `{"cluster":["monitor"],"index":[{"names":["a"],"privileges":["read"]}]}`
	may := func(w *world) string {
		answer := w.es(carol, "POST /_security/user/_has_privileges", question).ok()
		return asJSON(answer["cluster"]) + asJSON(answer["index"])
	}
	const builtIn, replaced = `{"monitor":false}{"a":{"read":true}}`, `{"monitor":true}{"a":{"read":false}}`
	if got := may(w); got != builtIn {
		t.Fatalf("the holder of the built-in role may %s", got)
	}

	// A server of an earlier version beside this one defines the role, and adds a user.
	w.stored(func(tx *store.Tx) error {
		carol, err := tx.Users.Find("carol")
		if err != nil {
			return err
		}
		carol.Name, carol.Roles = "elastic", nil
		if err := tx.Users.Insert(carol); err != nil {
			return err
		}
		_, err = tx.Roles.Put(store.Role{Name: "viewer", Descriptor: `{"viewer":{"cluster":["monitor"]}}`})
		return err
	})
	var log lockedBuffer
	w = openWith(t, dsn, &log, func(*app.Settings) {})
	text := log.taken()
	for _, line := range []string{
		`msg="stored roles in effect in place of built-in ones: delete them to use the built-in roles" roles=[viewer]`,
		`msg="users with reserved names: they stay as they are, and cannot be created again" users=[elastic]`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the start did not log %s\n%s", line, text)
		}
	}
	if got := may(w); got != replaced {
		t.Errorf("after the start the holder of the stored role may %s", got)
	}
	shown, _ := w.es(bob, "GET /_security/role/viewer", "").ok()["viewer"].(map[string]any)
	if asJSON(shown["metadata"]) != "{}" {
		t.Errorf("the stored role is %s", asJSON(shown))
	}
	w.es(as("elastic", passwordOf("carol")), "GET /_security/_authenticate", "").ok()
	w.es(bob, "PUT /_security/user/elastic", `{"roles":["viewer"],"full_name":"E"}`).ok()

	w.es(bob, "DELETE /_security/role/viewer", "").is(http.StatusOK, `{"found":true}`)
	if got := may(w); got != builtIn {
		t.Errorf("after the deletion the holder may %s", got)
	}
}

// Ensures that the versions differ in built-in roles as their table says: an earlier version's roles are unknown to the
// latest one, where their names can be used, and the latest grants more by the narrower ones.
func TestElasticsearchVersion_Roles(t *testing.T) {
	t.Parallel()

	dsn := newDSN(t)
	newer := open(t, dsn)
	newer.addUsers()
	version, err := compatibility.FindElasticsearch("8.19")
	if err != nil {
		t.Fatal(err)
	}
	older := openWith(t, dsn, io.Discard, func(s *app.Settings) { s.Compatibility.Elasticsearch = version })
	if latest := compatibility.Default.Elasticsearch; latest.EarlierRoles != nil || latest.NarrowerRoles != nil {
		t.Fatalf("the latest version is behind: %+v", latest)
	}

	for _, name := range version.EarlierRoles {
		older.es(bob, "GET /_security/role/"+name, "").ok()
		older.es(bob, "PUT /_security/role/"+name, "{}").fails(http.StatusBadRequest, requestInvalid,
			invalid("Role ["+name+"] is reserved and may not be used."))
		newer.es(bob, "GET /_security/role/"+name, "").is(http.StatusNotFound, "{}")
		newer.es(bob, "PUT /_security/role/"+name, "{}").ok()
	}
	for _, name := range version.NarrowerRoles {
		request := "GET /_security/role/" + name
		before, after := older.es(bob, request, "").body, newer.es(bob, request, "").body
		if len(before) >= len(after) {
			t.Errorf("%s has %s and then %s", name, before, after)
		}
	}

	viewer := newer.native("reader", "viewer")
	for w, want := range map[*world]string{older: `{"monitor_inference":false}`, newer: `{"monitor_inference":true}`} {
		answer := w.es(viewer, "POST /_security/user/_has_privileges", `{"cluster":["monitor_inference"]}`).ok()
		if got := asJSON(answer["cluster"]); got != want {
			t.Errorf("the viewer may %s, want %s", got, want)
		}
	}
}

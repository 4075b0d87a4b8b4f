package http_test

import (
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

// foothold is everything by which a user is signed in.
type foothold struct {
	session, elevated, access, refresh string
	device                             device
}

// footholdOf signs a user in, by a session and a grant, with a second factor. The user has permission to get access
// tokens from bob.
func (w *world) footholdOf(name, password string) foothold {
	w.Helper()
	f := foothold{device: w.enroll(as(name, password))}
	f.session = w.login(name, password)
	f.elevated = w.mustElevate(w.login(name, password), f.device.code())
	granted := w.es(bob, tokenPath, `{"grant_type":"password","username":"`+name+`","password":"`+password+`"}`).ok()
	f.access, _ = granted["access_token"].(string)
	f.refresh, _ = granted["refresh_token"].(string)
	return f
}

// gone fails the test unless nothing is left of a foothold, and the user's second factor is removed with its codes.
func (f foothold) gone(w *world, name string) {
	w.Helper()

	for kind, token := range map[string]string{
		"session":          f.session,
		"elevated session": f.elevated,
		"access token":     f.access,
	} {
		if w.alive(bearer(token)) {
			w.Errorf("the %s of before the promotion works", kind)
		}
	}

	if r := w.es(bob, tokenPath,
		`{"grant_type":"refresh_token","refresh_token":"`+f.refresh+`"}`); r.response.StatusCode != http.StatusBadRequest {
		w.Errorf("the refresh token of before the promotion: %d", r.response.StatusCode)
	}
	if left := w.count("SELECT (SELECT COUNT(*) FROM totp_devices WHERE user_name = $1) + (SELECT COUNT(*) FROM "+
		"recovery_codes WHERE user_name = $1)", name); left != 0 {
		w.Errorf("%d records of the second factor are left", left)
	}
}

// promotions are the routes by which an existing native user gets a role of ECE's, each with the members of a new
// password.
var promotions = map[string]func(w *world, name, role, password string) reply{
	"ECE PATCH": func(w *world, name, role, password string) reply {
		return w.es(bob, "PATCH /api/v1/users/"+name, `{"security":{"roles":["`+role+`"]`+password+`}}`)
	},
	"ECE PATCH as a string": func(w *world, name, role, password string) reply {
		return w.es(bob, "PATCH /api/v1/users/"+name,
			forms(`{"security":{"roles":["` + role + `"]` + password + `}}`)["string"])
	},
	"Elasticsearch PUT": func(w *world, name, role, password string) reply {
		return w.es(bob, "PUT /_security/user/"+name, `{"roles":["`+role+`"]`+password+`}`)
	},
	"Elasticsearch POST": func(w *world, name, role, password string) reply {
		return w.es(bob, "POST /_security/user/"+name, `{"roles":["`+role+`","watcher"]`+password+`}`)
	},
}

// Ensures that each route by which a user gains a role of ECE's ends what the user was signed in by, and keeps the
// password.
func TestPromotion_EndsFootholds(t *testing.T) {
	t.Parallel()

	for route, promote := range promotions {
		for _, c := range []struct{ name, before, after string }{
			{"from none", "watcher", "ece_platform_admin"},
			{"from none to the least", "watcher", "ece_deployment_viewer"},
			{"from a viewer", "ece_platform_viewer", "ece_platform_admin"},
			{"aside", "ece_deployment_manager", "ece_platform_viewer"},
		} {
			t.Run(route+" "+c.name, func(t *testing.T) {
				t.Parallel()

				w := newWorld(t)
				al := w.native("al", c.before)
				held := w.footholdOf("al", passwordOf("al"))
				promote(w, "al", c.after, "").ok()
				held.gone(w, "al")
				if !w.alive(al) {
					t.Error("the user's own password does not work")
				}
				if got := w.count("SELECT COUNT(*) FROM audit_log WHERE event = 'user.promoted' AND subject = 'al' AND actor = " +
					"'bob'"); got != 1 {
					t.Errorf("%d promotions are recorded", got)
				}
			})
		}
	}
}

// Ensures that a change that gives a user nothing new of ECE's is no promotion: neither a lesser role, nor one of
// Elasticsearch's, nor another name.
func TestPromotion_NotByLess(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.native("al", "ece_platform_admin")
	w.es(bob, "POST /_security/user/al/_password", `{"password":"an administrator's choice"}`).ok()
	al := as("al", "an administrator's choice")
	session := bearer(w.login("al", "an administrator's choice"))
	for _, body := range []string{
		`{"roles":["ece_platform_admin","watcher"]}`, `{"roles":["ece_platform_admin"],"full_name":"Al"}`,
		`{"roles":["ece_platform_viewer"]}`,
		`{"roles":["ece_deployment_viewer"]}`, `{"roles":["superuser"]}`,
	} {
		w.es(bob, "PUT /_security/user/al", body).ok()
		if !w.alive(session) || !w.alive(al) {
			t.Fatalf("%s ended the session", body)
		}
	}
}

// Ensures that a password that another user set keeps its user from being promoted, by each route, until a new one
// comes with the promotion or from the user.
func TestPromotion_SharedPassword(t *testing.T) {
	t.Parallel()

	const chosen, reason = "chosen by another user",
		`another user set the password of "al", which was not changed since: ` +
			`the user can be given a platform role only together with a new password`
	setters := map[string]func(w *world){
		"by Elasticsearch's superuser": func(w *world) {
			w.es(w.native("eve", "superuser"), "POST /_security/user/al/_password", `{"password":"`+chosen+`"}`).ok()
		},
		"by its hash": func(w *world) {
			eve := w.native("eve", "superuser")
			w.es(eve, "POST /_security/user/eve2", `{"password":"`+chosen+`","roles":[]}`).ok()
			hash := w.rows("SELECT password_hash FROM users WHERE name = 'eve2'")
			w.es(eve, "PUT /_security/user/al/_password", `{"password_hash":"`+hash+`"}`).ok()
		},
		"by a server of an earlier version": func(w *world) {
			w.es(w.native("eve", "superuser"), "POST /_security/user/eve2", `{"password":"`+chosen+`","roles":[]}`).ok()
			hash := w.rows("SELECT password_hash FROM users WHERE name = 'eve2'")
			w.sql(`UPDATE users SET enabled = TRUE, roles = '["watcher"]', full_name = '', email = '', metadata = '', password_hash = '` + hash + `',
				updated_at = 1, updated_by = 'eve' WHERE name = 'al'`)
		},
		"by a caller that replaces the user": func(w *world) {
			w.es(w.native("eve", "superuser"), "PUT /_security/user/al", `{"password":"`+chosen+`","roles":["watcher"]}`).ok()
		},
		"by a caller that acts as another": func(w *world) {
			w.role("runner", `{"run_as":["sam"]}`)
			w.native("sam", "superuser")
			w.es(runningAs(w.native("eve", "runner"), "sam"), "POST /_security/user/al/_password",
				`{"password":"`+chosen+`"}`).ok()
		},
		"by a platform admin": func(w *world) {
			w.patchUser("/api/v1/users/al", `{"security":{"password":"`+chosen+`"}}`, bob)
		},
		"by a key of a platform admin": func(w *world) {
			key := w.esKey(bob, `{"name":"k"}`)
			w.es(key.editor(), "POST /_security/user/al/_password", `{"password":"`+chosen+`"}`).ok()
		},
		"when the user was made": func(w *world) {
			w.es(bob, "DELETE /_security/user/al", "").ok()
			w.es(w.native("eve", "superuser"), "PUT /_security/user/al", `{"password":"`+chosen+`","roles":["watcher"]}`).ok()
		},
	}

	for setter, set := range setters {
		for route, promote := range promotions {
			t.Run(setter+", "+route, func(t *testing.T) {
				t.Parallel()

				w := newWorld(t)
				w.native("al", "watcher")
				set(w)
				refused := promote(w, "al", "ece_platform_viewer", "")
				if route == "ECE PATCH" || route == "ECE PATCH as a string" {
					w.refused(refused.response, refused.body, http.StatusBadRequest, "user.roles.forbidden", "security.password")
				} else {
					refused.fails(http.StatusBadRequest, illegalArgument, reason)
				}

				if !w.alive(as("al", chosen)) ||
					w.count("SELECT COUNT(*) FROM users WHERE name = 'al' AND roles LIKE '%ece_%'") > 0 {
					t.Error("what was refused was done")
				}

				promote(w, "al", "ece_platform_viewer", `,"password":"and a new one with it"`).ok()
				if w.alive(as("al", chosen)) || !w.alive(as("al", "and a new one with it")) {
					t.Error("the old password works, or the new one does not")
				}

				w.patchUser(ownPath, `{"security":{"password":"al's very own"}}`, as("al", "and a new one with it"))
				promote(w, "al", "ece_platform_admin", "").ok()
			})
		}
	}
}

// Ensures that a user whom a platform admin makes with a role and a password has both.
func TestPromotion_AtCreation(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, made := range []reply{
		w.es(bob, "POST /api/v1/users",
			`{"user_name":"ann","security":{"password":"a first passphrase","roles":["ece_platform_admin"]}}`),
		w.es(bob, "PUT /_security/user/amy", `{"password":"a first passphrase","roles":["ece_platform_admin"]}`),
	} {
		made.ok()
	}

	for _, name := range []string{"ann", "amy"} {
		if !w.reaches(as(name, "a first passphrase")) {
			t.Errorf("%s is no administrator", name)
		}
	}
}

// Ensures that a user to whom the rules of a SAML realm give a role of ECE's at a sign-in keeps only the session of
// that sign-in.
func TestPromotion_SAMLRules(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", byGroups))
	const name = "carol@example.com"
	before := w.signIn("", name, inGroups("viewers"))
	d := w.enroll(bearer(before))
	elevated := w.mustElevate(w.signIn("", name, inGroups("viewers")), d.code())
	if !w.alive(bearer(before)) || !w.alive(bearer(elevated)) {
		t.Fatal("a sign-in without other roles ended a session")
	}

	after := w.signIn("", name, inGroups("admins"))
	if w.alive(bearer(before)) || w.alive(bearer(elevated)) || !w.reaches(bearer(after)) {
		t.Error("a session of before the promotion works, or that of the sign-in does not")
	}
	if left := w.count("SELECT (SELECT COUNT(*) FROM totp_devices WHERE user_name = $1) + (SELECT COUNT(*) FROM "+
		"recovery_codes WHERE user_name = $1)", name); left != 0 {
		t.Errorf("%d records of the second factor are left", left)
	}
}

// Ensures that a request that was under way at a promotion leaves nothing behind that has gained by it: what it was
// authenticated with is of before.
func TestPromotion_RequestUnderWay(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.native("al", "ece_deployment_viewer")
	stale := identity.Principal{
		User:            "al",
		Roles:           []identity.Role{identity.DeploymentViewer},
		Method:          identity.Session,
		AuthenticatedAt: noon,
		TokenID:         "t",
		SessionID:       "s",
	}
	w.patchUser("/api/v1/users/al", `{"security":{"roles":["ece_platform_admin"]}}`, bob)
	if _, _, err := w.app.Keys.CreatePlain(t.Context(), stale, "left behind", nil); err == nil {
		t.Error("a key was made")
	}
	if _, err := w.app.Elevation.Enroll(t.Context(), stale); err == nil {
		t.Error("a second factor was enrolled")
	}

	patch := map[string]any{"security": map[string]any{"password": "left behind"}}
	if _, err := w.app.Users.Patch(t.Context(), stale, "al", patch, user.Proof{RecentPassword: true}); err == nil {
		t.Error("the password was changed")
	}

	given := "left behind"
	if err := w.app.Users.ChangePasswordNative(t.Context(), stale, "al", user.Secret{Password: &given},
		user.Proof{RecentPassword: true}); err == nil {
		t.Error("the password was changed by Elasticsearch's operation")
	}
}

// Ensures that neither family creates a user with a name that resembles a built-in user's, and that an existing one
// still works.
func TestUserNames_Lookalikes(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, name := range []string{"Admin", "ADMIN", "adm1n", "admln", "adm%7Cn", "adrnin", "ReadOnly", "readon1y",
		"read0nly", "reaclonly", "readonIy"} {
		w.es(bob, "PUT /_security/user/"+name, `{"password":"a first passphrase","roles":[]}`).fails(http.StatusBadRequest,
			illegalArgument, "the user name reads as that of the built-in user …")
	}

	response, body := w.do(http.MethodPost, usersPath,
		`{"user_name":"Admin","security":{"password":"a first passphrase","roles":["ece_deployment_viewer"]}}`, bob)
	w.refused(response, body, http.StatusBadRequest, "user.user_name.invalid", "user_name")
	for _, name := range []string{"administrator", "admin2", "read-only", "madmin"} {
		w.native(name)
	}

	w.native("old")
	w.sql("UPDATE users SET name = 'Admin' WHERE name = 'old'")
	w.es(bob, "PUT /_security/user/Admin", `{"roles":["watcher"]}`).ok()
	if !w.alive(as("Admin", passwordOf("old"))) {
		t.Error("an existing user cannot sign in")
	}
}

package http_test

import (
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// delegation is a world with two users: frank may manage his own keys by a role of Elasticsearch's, and mallory may act
// as frank.
type delegation struct {
	*world
	frank, mallory client.RequestEditorFn
}

func newDelegation(t *testing.T) delegation {
	t.Helper()
	w := newWorld(t)
	w.role("keeper", `{"cluster":["manage_own_api_key"]}`)
	w.role("runner", `{"cluster":["grant_api_key","manage_own_api_key"],"run_as":["frank"]}`)
	return delegation{w, w.native("frank", "keeper"), w.native("mallory", "runner")}
}

// own is a key that frank makes in person.
func (d delegation) own(t *testing.T) credential {
	t.Helper()
	return d.esKey(d.frank, `{"name":"own"}`)
}

// planted is a key of frank's that mallory makes, acting as frank.
func (d delegation) planted(t *testing.T) credential {
	t.Helper()
	return d.esKey(runningAs(d.mallory, "frank"), `{"name":"planted"}`)
}

// granted is a key of frank's that mallory makes with frank's password.
func (d delegation) granted(t *testing.T) credential {
	t.Helper()
	return created(d.es(d.mallory, "POST /_security/api_key/grant",
		`{"grant_type":"password","username":"frank","password":"`+passwordOf("frank")+
			`","api_key":{"name":"granted"}}`).ok())
}

func (d delegation) give(role string) {
	d.Helper()
	d.patchUser("/api/v1/users/frank", `{"security":{"roles":["`+role+`"]}}`, bob)
}

// Ensures that only a key that its owner in person made, or changed last, gains anything by the owner's promotion.
func TestDelegation_Promotion(t *testing.T) {
	t.Parallel()

	for _, c := range []struct {
		name  string
		make  func(*testing.T, delegation) credential
		gains bool
	}{
		{"made by the owner", func(t *testing.T, d delegation) credential { return d.own(t) }, true},
		{"made by a key of the owner's", func(t *testing.T, d delegation) credential {
			d.give("ece_deployment_viewer")
			return encodedKey(d.newKey(d.own(t).editor(), "second", ""))
		}, true},
		{"updated by a runner, acting as the owner", func(t *testing.T, d delegation) credential {
			key := d.planted(t)
			d.es(runningAs(d.mallory, "frank"), "PUT /_security/api_key/"+key.id, "").ok()
			d.es(runningAs(d.mallory, "frank"), "PUT /_security/api_key/"+key.id, `{"metadata":{"a":1}}`).is(http.StatusOK,
				`{"updated":true}`)
			return key
		}, false},
		{"updated in bulk by a runner", func(t *testing.T, d delegation) credential {
			key := d.planted(t)
			d.es(runningAs(d.mallory, "frank"), "POST /_security/api_key/_bulk_update",
				`{"ids":["`+key.id+`"],"metadata":{"a":1}}`).ok()
			return key
		}, false},
		{"the owner's own, updated by a runner", func(t *testing.T, d delegation) credential {
			key := d.own(t)
			d.es(runningAs(d.mallory, "frank"), "PUT /_security/api_key/"+key.id, `{"metadata":{"a":1}}`).is(http.StatusOK,
				`{"updated":true}`)
			return key
		}, false},
		{"the owner's own, looked at by a runner that changes nothing", func(t *testing.T, d delegation) credential {
			key := d.own(t)
			d.es(runningAs(d.mallory, "frank"), "PUT /_security/api_key/"+key.id, "").is(http.StatusOK, `{"updated":false}`)
			return key
		}, true},
		{"granted", func(t *testing.T, d delegation) credential { return d.granted(t) }, false},
		{"made by a granted key", func(t *testing.T, d delegation) credential {
			d.give("ece_deployment_viewer")
			return encodedKey(d.newKey(d.granted(t).editor(), "second", ""))
		}, false},
		{"made by a key of a granted key", func(t *testing.T, d delegation) credential {
			d.give("ece_deployment_viewer")
			second := encodedKey(d.newKey(d.granted(t).editor(), "second", ""))
			return encodedKey(d.newKey(second.editor(), "third", ""))
		}, false},
		{"planted, and taken by the owner", func(t *testing.T, d delegation) credential {
			key := d.planted(t)
			d.es(d.frank, "PUT /_security/api_key/"+key.id, "").is(http.StatusOK, `{"updated":true}`)
			return key
		}, true},
		{"planted, taken by the owner with a session, and changed by the runner",
			func(t *testing.T, d delegation) credential {
				key := d.planted(t)
				d.es(bearer(d.login("frank", passwordOf("frank"))), "PUT /_security/api_key/"+key.id, "").is(http.StatusOK,
					`{"updated":true}`)
				d.es(runningAs(d.mallory, "frank"), "PUT /_security/api_key/"+key.id, `{"expiration":"90d"}`).is(http.StatusOK,
					`{"updated":true}`)
				return key
			}, false},
		{"planted when the owner had the role, which the owner lost since", func(t *testing.T, d delegation) credential {
			d.give("ece_platform_admin")
			key := d.esKey(runningAs(bob, "frank"), `{"name":"planted"}`)
			if !d.reaches(key.editor()) {
				t.Error("the key lacks what its owner had")
			}
			d.give("ece_deployment_viewer")
			return key
		}, false},
		{"made with a password that another user set", func(t *testing.T, d delegation) credential {
			d.native("eve", "superuser")
			d.es(as("eve", passwordOf("eve")), "POST /_security/user/frank/_password", `{"password":"eve knows it well"}`).ok()
			key := d.esKey(as("frank", "eve knows it well"), `{"name":"stolen"}`)
			d.es(as("frank", "eve knows it well"), "PUT /_security/api_key/"+key.id, `{"metadata":{"a":1}}`).ok()
			d.es(bob, "POST /_security/user/frank/_password", `{"password":"an administrator's choice"}`).ok()
			d.es(as("frank", "an administrator's choice"), "POST /_security/user/_password",
				`{"password":"his own choice at last"}`).ok()
			return key
		}, false},
		{"made with a password that a platform admin chose, demoted since", func(t *testing.T, d delegation) credential {
			boss := d.native("boss", "ece_platform_admin")
			d.es(boss, "POST /_security/user/frank/_password", `{"password":"boss knows it well"}`).ok()
			d.es(bob, "PUT /_security/user/boss", `{"roles":["watcher"]}`).ok()
			key := d.esKey(as("frank", "boss knows it well"), `{"name":"stolen"}`)
			d.es(bob, "POST /_security/user/frank/_password", `{"password":"an administrator's choice"}`).ok()
			d.es(as("frank", "an administrator's choice"), "POST /_security/user/_password",
				`{"password":"his own choice at last"}`).ok()
			return key
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()

			d := newDelegation(t)
			key := c.make(t, d)
			before := d.reaches(key.editor())
			d.give("ece_platform_admin")
			if gains := d.reaches(key.editor()); before || gains != c.gains {
				t.Errorf("before the promotion the key reaches an administrator's operation: %t, then: %t", before, gains)
			}
			if !d.alive(key.editor()) {
				t.Error("the key does not work any more")
			}
		})
	}
}

// Ensures that a bound key keeps exactly what it had, also where its owner's new role includes the old one, and that
// nothing comes back with a role that the owner lost.
func TestDelegation_KeepsWhatItHad(t *testing.T) {
	t.Parallel()

	d := newDelegation(t)
	d.give("ece_platform_viewer")
	key := d.esKey(runningAs(bob, "frank"), `{"name":"planted"}`)
	lists := func() bool {
		response, _ := d.do(http.MethodGet, "/api/v1/users", "", key.editor())
		return response.StatusCode == http.StatusOK
	}

	for _, step := range []struct {
		role  string
		lists bool
	}{
		{"ece_platform_viewer", true},
		{"ece_platform_admin", true},
		{"ece_platform_viewer", true},
		{"ece_deployment_viewer", false},
		{"ece_platform_viewer", false},
		{"ece_platform_admin", false},
	} {
		d.give(step.role)
		if got := lists(); got != step.lists || d.reaches(key.editor()) {
			t.Errorf("as %s the key lists users: %t, and is an administrator's: %t", step.role, got, d.reaches(key.editor()))
		}
	}
}

// Ensures that a bound key gains nothing either when another than its owner changes it after the promotion, and acts as
// the owner.
func TestDelegation_ChangedAfterPromotion(t *testing.T) {
	t.Parallel()

	d := newDelegation(t)
	planted, own := d.planted(t), d.own(t)
	d.give("ece_platform_admin")
	d.es(runningAs(bob, "frank"), "POST /_security/api_key/_bulk_update",
		`{"ids":["`+planted.id+`","`+own.id+`"],"metadata":{"a":1}}`).ok()
	if d.reaches(planted.editor()) || !d.reaches(own.editor()) {
		t.Errorf("the planted key is an administrator's: %t, the owner's own: %t", d.reaches(planted.editor()),
			d.reaches(own.editor()))
	}

	d.es(d.frank, "PUT /_security/api_key/"+planted.id, "").is(http.StatusOK, `{"updated":true}`)
	if !d.reaches(planted.editor()) {
		t.Error("the key is not its owner's after the owner's update")
	}
}

// Ensures that a key keeps nothing in Elasticsearch's operations of a platform role that its owner has lost, and all of
// Elasticsearch's own roles.
func TestDelegation_Demotion(t *testing.T) {
	t.Parallel()

	d := newDelegation(t)
	may := func(key credential, privilege string) bool {
		return d.es(key.editor(), "POST /_security/user/_has_privileges",
			`{"cluster":["`+privilege+`"]}`).ok()["has_all_requested"] == true
	}
	ordinary := d.own(t)
	d.give("ece_platform_admin")
	platform := d.own(t)
	if !may(platform, "all") || !may(ordinary, "manage_own_api_key") || may(ordinary, "monitor") {
		t.Error("the keys are not what their owner was")
	}

	d.give("ece_platform_viewer")
	d.es(bob, "PUT /_security/user/frank", `{"roles":["ece_platform_viewer"]}`).ok()
	if may(platform, "all") || !may(platform, "read_security") {
		t.Error("a demoted administrator's key is not a viewer's")
	}
	if !may(ordinary, "manage_own_api_key") {
		t.Error("a key lost what it keeps of a role of Elasticsearch's")
	}
}

// Ensures that Elasticsearch's superuser does not invalidate keys of users with roles of ECE, one by one or with
// others, and that a platform admin and the owner do.
func TestDelegation_InvalidatePlatformKeys(t *testing.T) {
	t.Parallel()

	d := newDelegation(t)
	eve := d.native("eve", "superuser")
	his, own := d.esKey(bob, `{"name":"k-bob"}`), d.own(t)
	const reason = "user [eve] may not invalidate API keys of users with platform roles: holders of the role " +
		"[ece_platform_admin] and the owners may"
	for _, body := range []string{`{"ids":["` + his.id + `"]}`, `{"ids":["` + own.id + `","` + his.id + `"]}`,
		`{"username":"bob"}`, `{"username":"bob","realm_name":"default_native"}`} {
		d.es(eve, "DELETE /_security/api_key", body).fails(http.StatusForbidden, securityDenied, reason)
	}

	for _, body := range []string{`{"name":"k-bob"}`, `{"name":"k-*"}`} {
		d.es(eve, "DELETE /_security/api_key", body).is(http.StatusOK,
			`{"invalidated_api_keys":[],"previously_invalidated_api_keys":[],"error_count":0}`)
	}

	d.es(eve, "DELETE /_security/api_key", `{"realm_name":"default_native"}`).is(http.StatusOK,
		`{"invalidated_api_keys":["`+own.id+`"],"previously_invalidated_api_keys":[],"error_count":0}`)
	if !d.alive(his.editor()) || d.alive(own.editor()) {
		t.Error("another key was invalidated")
	}

	second := d.esKey(bob, `{"name":"second"}`)
	d.es(bob, "DELETE /_security/api_key", `{"owner":true,"name":"second"}`).ok()
	d.es(admin, "DELETE /_security/api_key", `{"ids":["`+his.id+`"]}`).ok()
	if d.alive(his.editor()) || d.alive(second.editor()) {
		t.Error("an administrator or the owner could not invalidate a key")
	}
}

func encodedKey(key client.APIKeyResponse) credential { return credential{key.ID, *key.Key} }

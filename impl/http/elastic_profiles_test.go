package http_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

const (
	profilePath     = "/_security/profile/"
	documentMissing = "document_missing_exception"
)

// activation is the body that activates the profile of a user with a password.
func activation(name, password string) string {
	return fmt.Sprintf(`{"grant_type":"password","username":%q,"password":%q}`, name, password)
}

// profile activates the profile of a user with a password, and returns its id.
func (w *world) profile(name, password string) (uid string) {
	w.Helper()
	uid, _ = w.es(bob, "POST "+profilePath+"_activate", activation(name, password)).ok()["uid"].(string)
	if uid == "" {
		w.Fatal("there is no uid")
	}
	return uid
}

// Ensures a profile's life: activated by either kind of credentials, read with its user as it is now, activated again
// without effect for a while, and gone with its user. A new user of that name gets another id.
func TestProfiles_Life(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	carol := w.native("carol", "reader")
	begin := w.clock.Now().UnixMilli()
	shown := func(uid, user string, enabled bool, synchronized int64, version int) string {
		return fmt.Sprintf(`{"uid":%q,"enabled":%t,"last_synchronized":%d,"user":%s,"labels":{},"data":{},`+
			`"_doc":{"_primary_term":1,"_seq_no":%d}}`, uid, enabled, synchronized, user, version)
	}
	const first = `{"username":"carol","roles":["reader"],"realm_name":"default_native"}`
	activated := w.es(bob, "POST "+profilePath+"_activate", activation("carol", passwordOf("carol")))
	uid, _ := activated.ok()["uid"].(string)
	if !strings.HasPrefix(uid, "u_") || !strings.HasSuffix(uid, "_0") || len(uid) != 47 {
		t.Errorf("the uid is %s", uid)
	}
	activated.is(http.StatusOK, shown(uid, first, true, begin, 0))

	w.clock.advance(10 * time.Second)
	token := w.login("carol", passwordOf("carol"))
	byToken := `{"grant_type":"access_token","access_token":"` + token + `"}`
	w.es(bob, "POST "+profilePath+"_activate", byToken).is(http.StatusOK, shown(uid, first, true, begin, 0))

	w.es(bob, "PUT /_security/user/carol", `{"roles":["writer"],"full_name":"Carol C.","email":"c@example.org"}`).ok()
	const second = `{"username":"carol","roles":["writer"],"realm_name":"default_native","email":"c@example.org",` +
		`"full_name":"Carol C."}`
	w.es(bob, "GET "+profilePath+uid, "").is(http.StatusOK,
		`{"profiles":[`+shown(uid, second, true, begin, 0)+`]}`)

	for _, method := range []string{"PUT", "POST"} {
		w.es(bob, method+" "+profilePath+uid+"/_disable", "").is(http.StatusOK, `{"acknowledged":true}`)
	}
	w.es(bob, "GET "+profilePath+uid, "").is(http.StatusOK,
		`{"profiles":[`+shown(uid, second, false, begin, 1)+`]}`)
	w.es(bob, "POST "+profilePath+"_activate", byToken).is(http.StatusOK,
		shown(uid, second, true, begin+10_000, 2))
	w.clock.advance(time.Minute)
	w.es(bob, "POST "+profilePath+"_activate", activation("carol", passwordOf("carol"))).is(http.StatusOK,
		shown(uid, second, true, begin+70_000, 3))
	w.es(bob, "POST "+profilePath+uid+"/_disable", "").ok()
	w.es(bob, "PUT "+profilePath+uid+"/_enable?refresh=wait_for", "").is(http.StatusOK, `{"acknowledged":true}`)

	const events = "[user.created by (system) profile.activated by bob session.started by carol " +
		"user.roles_changed by bob user.updated by bob profile.disabled by bob profile.activated by bob profile.activated by bob " +
		"profile.disabled by bob profile.enabled by bob]"
	if got := fmt.Sprint(w.trail("carol")); got != events {
		t.Errorf("the trail is %s", got)
	}

	w.es(bob, "DELETE /_security/user/carol", "").ok()
	w.es(bob, "GET "+profilePath+uid, "").is(http.StatusOK, `{"profiles":[],"errors":{"count":1,"details":{"`+uid+
		`":{"type":"resource_not_found_exception","reason":"profile document not found"}}}}`)
	w.es(carol, "GET /_security/_authenticate", "").fails(http.StatusUnauthorized, securityDenied, "…")
	w.native("carol")
	if again := w.profile("carol", passwordOf("carol")); again == uid {
		t.Error("the new user has the old profile")
	}
}

// Ensures that only the user's own credentials activate a profile, and that nothing is stored otherwise.
func TestProfiles_Activate_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.native("carol")
	service, _, _ := strings.Cut(w.es(bob, "POST "+fleetTokens+"/a", "").body, `"}}`)
	_, service, _ = strings.Cut(service, `"value":"`)
	for name, c := range map[string]struct {
		body         string
		status       int
		kind, reason string
	}{
		"wrong password": {activation("carol", "wrong"), http.StatusUnauthorized, securityDenied,
			"unable to authenticate user [carol]"},
		"unknown user": {activation("missing", "wrong"), http.StatusUnauthorized, securityDenied,
			"unable to authenticate user [missing]"},
		"wrong token": {`{"grant_type":"access_token","access_token":"x"}`, http.StatusUnauthorized, securityDenied,
			"unable to authenticate with the access token"},
		"service account": {`{"grant_type":"access_token","access_token":"` + service + `"}`, http.StatusBadRequest,
			illegalArgument, "profile is supported for user only, but subject is a [service_account]"},
		"no type": {`{}`, http.StatusBadRequest, requestInvalid, invalid("[grant_type] is required")},
		"another type": {`{"grant_type":"api_key"}`, http.StatusBadRequest, requestInvalid,
			invalid("grant_type [api_key] is not supported")},
		"no password": {`{"grant_type":"password","username":"carol"}`, http.StatusBadRequest, requestInvalid,
			invalid("[password] is required for grant_type [password]")},
		"another member": {`{"grant_type":"password","api_key":"x"}`, http.StatusBadRequest, xcontentParse,
			"[1:26] [activate_profile_request] unknown field [api_key]"},
	} {
		t.Run(name, func(t *testing.T) {
			w.in(t).es(bob, "POST "+profilePath+"_activate", c.body).fails(c.status, c.kind, c.reason)
		})
	}
	if got := w.suggested(`{}`); got != "" {
		t.Errorf("there are the profiles of %s", got)
	}
}

// suggested returns the names of the users that are suggested, in order.
func (w *world) suggested(body string) string {
	w.Helper()
	answer := w.es(bob, "POST "+profilePath+"_suggest", body).ok()
	var names []string
	profiles, _ := answer["profiles"].([]any)
	for _, each := range profiles {
		profile, _ := each.(map[string]any)
		user, _ := profile["user"].(map[string]any)
		names = append(names, fmt.Sprint(user["username"]))
	}
	return strings.Join(names, " ")
}

// Ensures that labels and data are merged, shown as far as they are asked for, and compared by their version.
func TestProfiles_Data(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.native("carol")
	uid := w.profile("carol", passwordOf("carol"))
	data := profilePath + uid + "/_data"
	change := func(query, body string) reply { return w.es(bob, "PUT "+data+query, body) }
	change("", `{"labels":{"direction":"north"},"data":{"app1":{"a":1.50,"b":{"c":null}},"app2":"x"}}`).is(http.StatusOK,
		`{"acknowledged":true}`)
	w.es(bob, "POST "+data+"?refresh=false", `{"data":{"app1":{"b":{"d":[1,2]}}}}`).ok()
	change("", `{"data":{"app1":{"b":{"d":[1,2]}}}}`).ok() // changes nothing

	for query, want := range map[string]string{
		"":                   `{}`,
		"?data=*":            `{"app1":{"a":1.50,"b":{"c":null,"d":[1,2]}},"app2":"x"}`,
		"?data=app1.b.d":     `{"app1":{"b":{"d":[1,2]}}}`,
		"?data=app2,app1.a":  `{"app1":{"a":1.50},"app2":"x"}`,
		"?data=ap*.b.c,none": `{"app1":{"b":{"c":null}}}`,
		"?data=-app1":        `{}`,
	} {
		t.Run("show"+query, func(t *testing.T) {
			profiles, _ := w.in(t).es(bob, "GET "+profilePath+uid+query, "").ok()["profiles"].([]any)
			profile, _ := profiles[0].(map[string]any)
			got := asJSON([]any{profile["labels"], profile["data"], profile["_doc"]})
			if want := spelledList(t, `[{"direction":"north"},`+want+`,{"_primary_term":1,"_seq_no":2}]`); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}

	change("?if_seq_no=1&if_primary_term=1", `{"data":{"app2":"y"}}`).fails(http.StatusConflict,
		"version_conflict_engine_exception", "[profile_"+uid+"]: version conflict, required seqNo [1], primary term [1]. "+
			"current document has seqNo [2] and primary term [1]")
	change("?if_seq_no=2&if_primary_term=1", `{"data":{"app2":"y"}}`).ok()

	for name, c := range map[string]struct {
		request, body string
		status        int
		kind, reason  string
	}{
		"unknown": {profilePath + "u_x_0/_data", `{"data":{"a":1}}`, http.StatusNotFound, documentMissing,
			"[profile_u_x_0]: document missing"},
		"empty": {data, `{"data":{},"labels":{}}`, http.StatusBadRequest, requestInvalid, invalid("update request is empty")},
		"names": {data, `{"data":{"a.b":1,"_c":1},"labels":{"":1}}`, http.StatusBadRequest, requestInvalid, invalid(
			"application name must not contain dot, but found [a.b]",
			"application name must not start with underscore, but found [_c]",
			"application name must have 1 to 256 bytes, but found []")},
		"half a version": {data + "?if_seq_no=1", `{"data":{"a":1}}`, http.StatusBadRequest, requestInvalid,
			invalid("ifSeqNo is set, but primary term is [0]")},
		"other half": {data + "?if_primary_term=1", `{"data":{"a":1}}`, http.StatusBadRequest, requestInvalid,
			invalid("ifSeqNo is unassigned, but primary term is [1]")},
		"no number": {data + "?if_seq_no=x&if_primary_term=1", `{"data":{"a":1}}`, http.StatusBadRequest, illegalArgument,
			"…"},
		"another member": {data, `{"access":{}}`, http.StatusBadRequest, xcontentParse,
			"[1:2] [update_profile_data_request_payload] unknown field [access]"},
		"too large": {data, `{"data":{"a":"` + strings.Repeat("x", 64<<10) + `"}}`, http.StatusBadRequest, illegalArgument,
			"the labels and data of the profile would have…"},
		"too many": {data, `{"labels":{` + numbered(101) + `}}`, http.StatusBadRequest, requestInvalid,
			invalid("update request has [101] applications, and at most [100] are accepted")},
		"too many with others": {data, `{"labels":{` + numbered(100) + `}}`, http.StatusBadRequest, illegalArgument,
			"the labels of the profile would have 101 applications, and at most 100 are accepted"},
	} {
		t.Run("refused/"+name, func(t *testing.T) {
			w.in(t).es(bob, "PUT "+c.request, c.body).fails(c.status, c.kind, c.reason)
		})
	}
	w.es(bob, "PUT "+profilePath+"u_x_0/_disable", "").fails(http.StatusNotFound, documentMissing,
		"[profile_u_x_0]: document missing")
}

// Ensures that the audit trail has a few names of the applications that an update is about, and how many there are.
func TestProfiles_AuditedNames(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.native("carol")
	uid := w.profile("carol", passwordOf("carol"))
	w.es(bob, "PUT "+profilePath+uid+"/_data", `{"data":{`+numbered(100)+`}}`).ok()
	details := texts(w, w.behind, "SELECT details FROM audit_log WHERE event = 'profile.updated'")
	want := `{"applications":["a0","a1","a10","a11","a12"],"count":100,"uid":"` + uid + `"}`
	if len(details) != 1 || spelled(t, details[0]) != want {
		t.Errorf("the trail has %s, want %s", details, want)
	}
}

// numbered are n members of an object.
func numbered(n int) string {
	var members []string
	for i := range n {
		members = append(members, fmt.Sprintf(`"a%d":1`, i))
	}
	return strings.Join(members, ",")
}

// spelledList is the one spelling of a JSON array.
func spelledList(t *testing.T, text string) string {
	t.Helper()
	return asJSON(object(t, `{"list":`+text+`}`)["list"])
}

// Ensures the privileges of each operation: reading needs read_security, changing manage_user_profile, and a global
// privilege permits to write the data of its applications, also to an API key.
func TestProfiles_Privileges(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("reading", `{"cluster":["read_security"]}`)
	w.role("managing", `{"cluster":["manage_user_profile","manage_own_api_key"]}`)
	w.role("writing", `{"cluster":["manage_own_api_key"],"global":{"profile":{"write":{"applications":["app-*","one"]}}}}`)
	callers := map[string]client.RequestEditorFn{
		"reader":    w.native("reader", "reading"),
		"manager":   w.native("manager", "managing"),
		"writer":    w.native("writer", "writing"),
		"powerless": w.native("powerless"),
	}
	callers["key of writer"] = w.esKey(callers["writer"], `{"name":"k"}`).editor()
	callers["key with less"] = w.esKey(callers["writer"], `{"name":"k","role_descriptors":{"a":{"global":{"profile":
		{"write":{"applications":["one"]}}}}}}`).editor()
	callers["key of manager"] = w.esKey(callers["manager"], `{"name":"k"}`).editor()
	uid := w.profile("powerless", passwordOf("powerless"))

	for request, c := range map[string]struct{ body, allowed string }{
		"GET " + profilePath + uid:                             {"", "key of manager manager reader"},
		"POST " + profilePath + "_suggest":                     {`{}`, "key of manager manager reader"},
		"POST " + profilePath + "_has_privileges":              {`{"uids":["x"],"privileges":{"cluster":["monitor"]}}`, "key of manager manager reader"},
		"POST " + profilePath + "_activate":                    {activation("powerless", passwordOf("powerless")), "key of manager manager"},
		"PUT " + profilePath + uid + "/_enable":                {"", "key of manager manager"},
		"PUT " + profilePath + uid + "/_disable":               {"", "key of manager manager"},
		"PUT " + profilePath + uid + "/_data":                  {`{"data":{"one":1},"labels":{"app-2":1}}`, "key of manager key of writer manager writer"},
		"PUT " + profilePath + uid + "/_data?refresh=true":     {`{"data":{"one":1}}`, "key of manager key of writer key with less manager writer"},
		"PUT " + profilePath + uid + "/_data?refresh=wait_for": {`{"data":{"other":1,"one":1}}`, "key of manager manager"},
	} {
		t.Run(strings.ReplaceAll(request, uid, "uid"), func(t *testing.T) {
			w := w.in(t)
			var allowed []string
			for _, name := range []string{
				"key of manager", "key of writer", "key with less", "manager", "powerless", "reader", "writer",
			} {
				r := w.es(callers[name], request, c.body)
				switch r.response.StatusCode {
				case http.StatusOK:
					allowed = append(allowed, name)
				case http.StatusForbidden:
				default:
					t.Errorf("%s: %d %s", name, r.response.StatusCode, r.body)
				}
			}
			if got := strings.Join(allowed, " "); got != c.allowed {
				t.Errorf("allowed are %s, want %s", got, c.allowed)
			}
		})
	}
}

// Ensures that suggestions are found by words and their beginnings, that hints come first, and that disabled profiles
// are not suggested.
func TestProfiles_Suggest(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	uids := map[string]string{}
	for name, more := range map[string]string{
		"jack.nich": `"full_name":"Jack Nicholson","email":"jacknich@example.org"`,
		"jill":      `"full_name":"Jill Ärmel"`,
		"mary-jack": `"email":"m@example.net"`,
	} {
		w.es(bob, "PUT /_security/user/"+name, `{"password":"`+passwordOf(name)+`","roles":[],`+more+`}`).ok()
	}
	for _, name := range []string{"jack.nich", "jill", "mary-jack"} {
		uids[name] = w.profile(name, passwordOf(name))
		w.clock.advance(time.Second)
	}
	w.es(bob, "PUT "+profilePath+uids["jill"]+"/_data",
		`{"labels":{"app":{"team":["a","b"]},"n":5},"data":{"app":{"x":1}}}`).ok()

	for body, want := range map[string]string{
		``:                        "mary-jack jill jack.nich",
		`{}`:                      "mary-jack jill jack.nich",
		`{"size":1}`:              "mary-jack",
		`{"size":"2"}`:            "mary-jack jill",
		`{"size":0}`:              "",
		`{"name":"jack"}`:         "mary-jack jack.nich",
		`{"name":"JACK nich"}`:    "jack.nich mary-jack",
		`{"name":"nich jack"}`:    "jack.nich mary-jack",
		`{"name":"ärm"}`:          "jill",
		`{"name":"ärm jack"}`:     "mary-jack jack.nich",
		`{"name":"example.org"}`:  "jack.nich mary-jack",
		`{"name":"missing"}`:      "",
		`{"name":"!"}`:            "",
		`{"name":" "}`:            "mary-jack jill jack.nich",
		`{"hint":{"uids":["u"]}}`: "mary-jack jill jack.nich",
		`{"hint":{"uids":["` + uids["jack.nich"] + `"]}}`:                             "jack.nich mary-jack jill",
		`{"hint":{"uids":"` + uids["jill"] + `"},"name":"jack"}`:                      "mary-jack jack.nich",
		`{"hint":{"labels":{"app.team":"b"}}}`:                                        "jill mary-jack jack.nich",
		`{"hint":{"labels":{"n":["4","5"]}}}`:                                         "jill mary-jack jack.nich",
		`{"hint":{"labels":{"app":"b"}}}`:                                             "mary-jack jill jack.nich",
		`{"hint":{"labels":{"app.team":["c"]},"uids":["` + uids["mary-jack"] + `"]}}`: "mary-jack jill jack.nich",
	} {
		t.Run(strings.ReplaceAll(body, "\"", ""), func(t *testing.T) {
			if got := w.in(t).suggested(body); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}

	const jill = `"user":{"username":"jill","roles":[],"realm_name":"default_native","full_name":"Jill Ärmel"},` +
		`"labels":{"app":{"team":["a","b"]},"n":5}`
	w.es(bob, "GET "+profilePath+"_suggest?data=app", `{"name":"jill"}`).is(http.StatusOK,
		`{"took":0,"total":{"value":1,"relation":"eq"},"profiles":[{"uid":"`+uids["jill"]+`",`+jill+
			`,"data":{"app":{"x":1}}}]}`)
	w.es(bob, "POST "+profilePath+"_suggest", `{"name":"jill","data":"other"}`).is(http.StatusOK,
		`{"took":0,"total":{"value":1,"relation":"eq"},"profiles":[{"uid":"`+uids["jill"]+`",`+jill+`,"data":{}}]}`)
	w.es(bob, "PUT "+profilePath+uids["jill"]+"/_disable", "").ok()
	if got := w.suggested(`{}`); got != "mary-jack jack.nich" {
		t.Errorf("without the disabled one: %s", got)
	}

	for body, want := range map[string]struct{ kind, reason string }{
		`{"size":-1}`:                                  {requestInvalid, invalid("[size] parameter cannot be negative but was [-1]")},
		`{"size":1001}`:                                {requestInvalid, "…"},
		`{"size":1.5}`:                                 {xcontentParse, "…"},
		`{"hint":{}}`:                                  {requestInvalid, invalid("[hint] parameter cannot be empty")},
		`{"hint":{"uids":[]}}`:                         {requestInvalid, invalid("[uids] hint cannot be empty")},
		`{"hint":{"labels":{}}}`:                       {requestInvalid, invalid("[labels] hint supports a single key, got []")},
		`{"hint":{"labels":{"a":"b","c":[]}}}`:         {requestInvalid, invalid("[labels] hint supports a single key, got [a,c]")},
		`{"hint":{"labels":{"a*":"b"}}}`:               {requestInvalid, invalid("[labels] hint key cannot contain wildcard")},
		`{"hint":{"labels":{"a":[]}}}`:                 {requestInvalid, invalid("[labels] hint value cannot be empty")},
		`{"hint":{"labels":{"a":1}}}`:                  {xcontentParse, "…"},
		`{"name":"` + strings.Repeat("x", 1025) + `"}`: {requestInvalid, invalid("[name] must have at most [1024] bytes")},
	} {
		t.Run("refused/"+strings.ReplaceAll(body[:min(len(body), 40)], "\"", ""), func(t *testing.T) {
			w.in(t).es(bob, "POST "+profilePath+"_suggest", body).fails(http.StatusBadRequest, want.kind, want.reason)
		})
	}
	w.es(bob, "POST "+profilePath+"_suggest?data=a", `{"data":"b"}`).fails(http.StatusBadRequest, illegalArgument,
		"The [data] parameter must be specified in either request body or as query parameter, but not both")
}

// Ensures that privileges are asked of enabled profiles' users as they are now, and of all ids at once.
func TestProfiles_HasPrivileges(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("monitors", `{"cluster":["monitor"]}`)
	uids := map[string]string{}
	for name, role := range map[string]string{
		"one": "monitors", "two": "monitors", "three": "nothing", "four": "monitors",
	} {
		w.native(name, role)
		uids[name] = w.profile(name, passwordOf(name))
	}
	w.es(bob, "PUT "+profilePath+uids["four"]+"/_disable", "").ok()
	body := func(privileges string) string {
		return asJSON(map[string]any{"uids": []string{uids["two"], uids["three"], "u_x_0", uids["one"], uids["four"]},
			"privileges": object(t, privileges)})
	}
	const missing = `"errors":{"count":1,"details":{"u_x_0":{"type":"resource_not_found_exception",` +
		`"reason":"profile document not found"}}}`
	for _, method := range []string{"GET ", "POST "} {
		w.es(bob, method+profilePath+"_has_privileges", body(`{"cluster":["monitor"]}`)).is(http.StatusOK,
			`{"has_privilege_uids":["`+uids["two"]+`","`+uids["one"]+`"],`+missing+`}`)
	}
	w.es(bob, "PUT /_security/user/two", `{"roles":[]}`).ok()
	w.es(bob, "POST "+profilePath+"_has_privileges", body(`{"cluster":["monitor"]}`)).is(http.StatusOK,
		`{"has_privilege_uids":["`+uids["one"]+`"],`+missing+`}`)
	w.es(bob, "POST "+profilePath+"_has_privileges", body(`{"cluster":["monitor","all"]}`)).is(http.StatusOK,
		`{"has_privilege_uids":[],`+missing+`}`)

	for body, want := range map[string]struct{ kind, reason string }{
		`{"uids":[],"privileges":{"cluster":["monitor"]}}`: {requestInvalid, invalid("profile uids list must not be empty")},
		`{"uids":["a"],"privileges":{"cluster":[]}}`:       {xcontentParse, "…"},
		`{"uids":["a"]}`: {illegalArgument, "…"},
		`{"uids":["` + strings.Repeat(`x","`, 1000) + `x"],"privileges":{"cluster":["monitor"]}}`: {illegalArgument,
			"[uid] names 1001 user profiles, and at most 1000 are accepted"},
	} {
		t.Run("refused/"+strconv.Itoa(len(body)), func(t *testing.T) {
			w.in(t).es(bob, "POST "+profilePath+"_has_privileges", body).fails(http.StatusBadRequest, want.kind, want.reason)
		})
	}
}

// Ensures that users and API keys are shown with the profiles of the users, if these are asked for.
func TestProfiles_OfUsersAndKeys(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("keeping", `{"cluster":["manage_own_api_key"]}`)
	carol, dave := w.native("carol", "keeping"), w.native("dave", "keeping")
	uid := w.profile("carol", passwordOf("carol"))
	key, other := w.esKey(carol, `{"name":"k"}`), w.esKey(dave, `{"name":"k"}`)
	found := func(request, list, name, value string) any {
		t.Helper()
		all, _ := w.es(bob, request, "").ok()[list].([]any)
		for _, each := range all {
			if members, _ := each.(map[string]any); members[name] == value {
				return members["profile_uid"]
			}
		}
		t.Errorf("%s: there is no %s", request, value)
		return nil
	}
	for request, c := range map[string][4]string{
		"GET /_security/api_key?":                   {"api_keys", "id", key.id, other.id},
		"GET /_security/api_key?id=" + key.id + "&": {"api_keys", "id", key.id},
		"POST /_security/_query/api_key?":           {"api_keys", "id", key.id, other.id},
		"GET /_security/_query/user?":               {"users", "username", "carol", "dave"},
	} {
		if got := found(request, c[0], c[1], c[2]); got != nil {
			t.Errorf("%s: %v without the parameter", request, got)
		}
		if got := found(request+"with_profile_uid=true", c[0], c[1], c[2]); got != uid {
			t.Errorf("%s: %v, want %s", request, got, uid)
		}
		if c[3] == "" {
			continue
		}
		if got := found(request+"with_profile_uid", c[0], c[1], c[3]); got != nil {
			t.Errorf("%s: %v without a profile", request, got)
		}
	}
	for _, path := range []string{"/_security/user", "/_security/user/carol,dave"} {
		users := w.es(bob, "GET "+path+"?with_profile_uid=true", "").ok()
		one, _ := users["carol"].(map[string]any)
		two, _ := users["dave"].(map[string]any)
		if one["profile_uid"] != uid || two["profile_uid"] != nil {
			t.Errorf("%s: %v", path, users)
		}
	}
}

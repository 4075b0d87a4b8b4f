package http_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/impl/app"
	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authn/user"
)

// sequences is how many sequences of requests TestDelegation_Sequences makes.
const sequences = "1000"

// A party authenticates requests: with a value of the Authorization header, perhaps acting as another user.
type party struct{ authorization, actsAs string }

func basicParty(name, password string) party {
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(name, password)
	return party{authorization: r.Header.Get("Authorization")}
}

func (p party) as(name string) party { return party{p.authorization, name} }

// estate is one server for all sequences; each sequence creates users of its own.
type estate struct {
	test    *testing.T
	handler http.Handler
	users   *user.Service
	count   int
	// gained and kept count the keys that gained by a promotion, and those of others that did not.
	gained, kept int
}

func newEstate(t *testing.T) *estate {
	t.Helper()

	a, err := app.Open(t.Context(), settings(newDSN(t), slog.New(slog.DiscardHandler), time.Now))
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})

	e := &estate{test: t, handler: a.Handler, users: a.Users}
	boss := e.add("boss", identity.PlatformAdmin)
	for name, descriptor := range map[string]string{
		"keeper":  `{"cluster":["manage_own_api_key"]}`,
		"runner":  `{"run_as":["owner-*"]}`,
		"grantor": `{"cluster":["grant_api_key"]}`,
	} {
		if status, body := e.send(boss, "PUT /_security/role/"+name, descriptor); status != http.StatusOK {
			t.Fatalf("the role %s: %d %s", name, status, body)
		}
	}

	e.add("runner", "runner")
	e.add("grantor", "grantor")
	e.add("setter", "superuser")
	return e
}

// add adds a user on the operator's word.
func (e *estate) add(name string, roles ...identity.Role) party {
	e.test.Helper()
	password := passwordOf(name)
	n := user.Native{Password: &password, Enabled: true, Roles: roleNames(roles)}
	founder := identity.Principal{Roles: []identity.Role{identity.PlatformAdmin}}
	if _, err := e.users.PutNative(e.test.Context(), founder, name, n, user.Proof{}); err != nil {
		e.test.Fatal(err)
	}
	return basicParty(name, password)
}

func roleNames(roles []identity.Role) []string {
	list := make([]string, len(roles))
	for i, role := range roles {
		list[i] = string(role)
	}
	return list
}

// send makes a request, which is written as method, blank and path.
func (e *estate) send(p party, request, body string) (int, string) {
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", p.authorization)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.actsAs != "" {
		r.Header.Set("es-security-runas-user", p.actsAs)
	}

	answer := httptest.NewRecorder()
	e.handler.ServeHTTP(answer, r)
	return answer.Code, answer.Body.String()
}

// A heldKey is an API key of the owner's.
type heldKey struct {
	id    string
	party party
	// foreign means that another than the owner made the key, or changed it last.
	foreign bool
	history []string
}

// sequence is an owner, and what others do with the owner's keys.
type sequence struct {
	*rapid.T
	*estate
	owner    string
	password string
	// shared is set if a user without platform_admin knows the owner's password, having set it.
	shared   bool
	roles    []identity.Role
	keys     []*heldKey
	sessions []party
	steps    int
}

var grantable = []identity.Role{identity.DeploymentViewer, identity.DeploymentManager, identity.PlatformViewer,
	identity.PlatformAdmin}

func (e *estate) begin(t *rapid.T) *sequence {
	e.count++
	s := &sequence{T: t, estate: e, owner: fmt.Sprintf("owner-%d", e.count)}
	s.roles = []identity.Role{"keeper"}
	if i := rapid.IntRange(-2, 2).Draw(t, "first role"); i >= 0 {
		s.roles = append(s.roles, grantable[i])
	}
	s.password = passwordOf(s.owner)
	e.add(s.owner, s.roles...)
	return s
}

func (s *sequence) self() party { return basicParty(s.owner, s.password) }

func (s *sequence) named(name string) party { return basicParty(name, passwordOf(name)) }

// inPerson is the owner with the password or with a session.
func (s *sequence) inPerson() party {
	if len(s.sessions) > 0 && rapid.Bool().Draw(s.T, "by session") {
		return s.sessions[len(s.sessions)-1]
	}
	return s.self()
}

// actors are the callers that can act for the owner, and whether each is another than the owner.
func (s *sequence) actor() (p party, name string, foreign bool) {
	switch name = rapid.SampledFrom([]string{"owner", "owner", "runner", "boss", "setter"}).Draw(s.T, "actor"); name {
	case "owner":
		return s.inPerson(), name, s.shared
	default:
		return s.named(name).as(s.owner), name, true
	}
}

func (s *sequence) hold(history string, foreign bool, status int, body string) {
	if status >= http.StatusMultipleChoices {
		return
	}
	var made struct{ ID, Encoded, Key string }
	if err := json.Unmarshal([]byte(body), &made); err != nil {
		s.Fatalf("%s: %s: %v", history, body, err)
	}
	s.keys = append(s.keys,
		&heldKey{made.ID, party{authorization: "ApiKey " + made.Encoded + made.Key}, foreign, []string{history}})
}

var descriptors = []string{``, `,"role_descriptors":{}`,
	`,"role_descriptors":{"r":{"cluster":["monitor","manage_security"]}}`, `,"role_descriptors":{"r":{}}`}

// create makes a key of the owner's, by one of Elasticsearch's operations.
func (s *sequence) create() {
	p, name, foreign := s.actor()
	body := `{"name":"k"` + rapid.SampledFrom(descriptors).Draw(s.T, "descriptors") + `}`
	status, answer := s.send(p, "POST /_security/api_key", body)
	s.hold("made by "+name+" as "+body, foreign, status, answer)
}

// createPlain makes a key by ECE's operation.
func (s *sequence) createPlain() {
	status, answer := s.send(s.inPerson(), "POST /api/v1/users/auth/keys", `{"description":"k"}`)
	s.hold("made by the owner", s.shared, status, answer)
}

// grant makes a key with the owner's password or access token.
func (s *sequence) grant() {
	credentials := `"grant_type":"password","username":"` + s.owner + `","password":"` + s.password + `"`
	if len(s.sessions) > 0 && rapid.Bool().Draw(s.T, "by token") {
		credentials = `"grant_type":"access_token","access_token":"` +
			strings.TrimPrefix(s.sessions[0].authorization, "Bearer ") + `"`
	}
	status, answer := s.send(s.named("grantor"), "POST /_security/api_key/grant",
		`{`+credentials+`,"api_key":{"name":"k"}}`)
	s.hold("granted", true, status, answer)
}

// derive makes a key with a key, by either family's operation.
func (s *sequence) derive() {
	maker := s.pick()
	if maker == nil {
		return
	}

	request, body := "POST /api/v1/users/auth/keys", `{"description":"k"}`
	if rapid.Bool().Draw(s.T, "Elasticsearch's") {
		request, body = "POST /_security/api_key", `{"name":"k","role_descriptors":{"r":{}}}`
	}

	status, answer := s.send(maker.party, request, body)
	s.hold(fmt.Sprintf("made by the key %q with %s", maker.history, request), maker.foreign, status, answer)
}

func (s *sequence) pick() *heldKey {
	if len(s.keys) == 0 {
		return nil
	}
	return s.keys[rapid.IntRange(0, len(s.keys)-1).Draw(s.T, "key")]
}

// update changes a key, by one of the two operations.
func (s *sequence) update() {
	key := s.pick()
	if key == nil {
		return
	}

	p, name, foreign := s.actor()
	s.steps++
	body := rapid.SampledFrom(append(slices.Clone(descriptors), "", fmt.Sprintf(`,"metadata":{"n":%d}`, s.steps),
		`,"expiration":"90d"`)).Draw(s.T, "update")
	if rapid.Bool().Draw(s.T, "in bulk") {
		_, answer := s.send(p, "POST /_security/api_key/_bulk_update", `{"ids":["`+key.id+`"]`+body+`}`)
		if strings.Contains(answer, `"updated":["`) {
			key.changed(name+" in bulk by "+body, foreign)
		}
		return
	}

	if _, answer := s.send(p, "PUT /_security/api_key/"+key.id,
		`{`+strings.TrimPrefix(body, ",")+`}`); strings.Contains(answer, `"updated":true`) {
		key.changed(name+" by "+body, foreign)
	}
}

func (k *heldKey) changed(how string, foreign bool) {
	k.foreign = foreign
	k.history = append(k.history, "changed by "+how)
}

// signIn begins a session of the owner's.
func (s *sequence) signIn() {
	status, answer := s.send(party{}, "POST /api/v1/users/auth/_login",
		`{"username":"`+s.owner+`","password":"`+s.password+`"}`)
	var begun struct{ Token string }
	if err := json.Unmarshal([]byte(answer), &begun); err != nil || status != http.StatusOK {
		s.Fatalf("sign in: %d %s", status, answer)
	}
	s.sessions = append(s.sessions, party{authorization: "Bearer " + begun.Token})
}

// setPassword has another user, or the owner, set the owner's password.
func (s *sequence) setPassword() {
	s.steps++
	next := fmt.Sprintf("passphrase number %d", s.steps)
	request, p, shared := "POST /_security/user/"+s.owner+"/_password", s.named("setter"), true
	if rapid.Bool().Draw(s.T, "by the owner") {
		request, p, shared = "POST /_security/user/_password", s.self(), false
	}
	if status, _ := s.send(p, request, `{"password":"`+next+`"}`); status == http.StatusOK {
		s.password, s.shared, s.sessions = next, shared, nil
	}
}

// give has an administrator give the owner other roles, by either family's operation, with a new password where it must
// be.
func (s *sequence) give(platform ...identity.Role) {
	request, roles := "PUT /_security/user/"+s.owner, append([]identity.Role{"keeper"}, platform...)
	body := func(password string) string { return `{"roles":` + asJSON(roleNames(roles)) + password + `}` }
	if len(platform) > 0 && rapid.Bool().Draw(s.T, "by ECE's operation") {
		request = "PATCH /api/v1/users/" + s.owner
		body = func(password string) string {
			return `{"security":{"roles":` + asJSON(roleNames(platform)) + password + `}}`
		}
	}

	status, answer := s.send(s.named("boss"), request, body(""))
	if status == http.StatusBadRequest {
		s.steps++
		s.password, s.shared = fmt.Sprintf("passphrase number %d", s.steps), false
		status, answer = s.send(s.named("boss"), request, body(`,"password":"`+s.password+`"`))
	}

	if status != http.StatusOK {
		s.Fatalf("%s: %d %s", request, status, answer)
	}

	s.roles, s.sessions = roles, nil
}

// change gives other roles in the middle of a sequence: a promotion, a demotion, or something beside.
func (s *sequence) change() {
	if i := rapid.IntRange(-1, len(grantable)-1).Draw(s.T, "role"); i >= 0 {
		s.give(grantable[i])
		return
	}
	s.give()
}

// permissions are what a credential may do, as answers show it.
func (s *sequence) permissions(p party) string {
	var shown strings.Builder
	for _, request := range []string{"GET /api/v1/users/nosuch", "GET /api/v1/users/auth/keys/nosuch",
		"GET /api/v1/users/nosuch/auth/keys"} {
		status, _ := s.send(p, request, "")
		fmt.Fprintf(&shown, "%s %d; ", request, status)
	}
	_, answer := s.send(p, "POST /_security/user/_has_privileges",
		`{"cluster":["all","manage_security","read_security","monitor","manage_own_api_key","grant_api_key"],"index":[{"names":["a"],"privileges":["read"]}]}`)
	_, body := s.send(p, "GET /api/v1/users/auth", "")
	return shown.String() + answer + body
}

// Ensures that whatever an owner, others for the owner, and keys have done with the owner's keys, a promotion of the
// owner gives nothing to those that another made or changed last, and ends every session.
func TestDelegation_Sequences(t *testing.T) {
	t.Parallel()

	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue && !onPostgres {
		if err := checks.Value.Set(sequences); err != nil {
			t.Fatal(err)
		}
	}

	e := newEstate(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := e.begin(rt)
		steps := []func(){s.create, s.create, s.createPlain, s.grant, s.derive, s.update, s.update, s.update, s.signIn,
			s.setPassword, s.change}
		for range rapid.IntRange(2, 9).Draw(rt, "steps") {
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")]()
		}
		s.promote()
	})
	if t.Logf("%d keys gained by a promotion, and %d did not that others had made or changed", e.gained,
		e.kept); e.gained == 0 || e.kept == 0 {
		t.Error("the sequences show nothing")
	}
}

// promote makes the owner a platform admin, or a little less, and compares.
func (s *sequence) promote() {
	to := rapid.SampledFrom([]identity.Role{identity.PlatformAdmin, identity.PlatformAdmin, identity.PlatformViewer,
		identity.DeploymentViewer}).Draw(s.T, "promotion")
	if slices.ContainsFunc(s.roles, func(role identity.Role) bool { return slices.Contains(grantable, role) }) {
		to = identity.PlatformAdmin // which includes whatever the owner has
	}

	promoted := !slices.Contains(s.roles, to)
	before := make([]string, len(s.keys))
	for i, key := range s.keys {
		before[i] = s.permissions(key.party)
	}

	sessions := s.sessions
	s.give(to)
	for i, key := range s.keys {
		after := s.permissions(key.party)
		if key.foreign && after != before[i] {
			s.Errorf("the owner's key %q was\n%s\nand is after the promotion to %s\n%s", key.history, before[i], to, after)
		}
		switch {
		case key.foreign && promoted:
			s.kept++
		case after != before[i]:
			s.gained++
		}
	}

	for _, session := range sessions {
		if status, _ := s.send(session, "GET /api/v1/user", ""); promoted && status != http.StatusUnauthorized {
			s.Errorf("a session of before the promotion is answered %d", status)
		}
	}
}

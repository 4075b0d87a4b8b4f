package http_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

const mappingPath = "/_security/role_mapping/"

// mapping puts a role mapping.
func (w *world) mapping(name, role, rules string) {
	w.Helper()
	w.es(bob, "PUT "+mappingPath+name, `{"enabled":true,"roles":["`+role+`"],"rules":`+rules+`}`).ok()
}

// Ensures a role mapping's life by the typed client: put by either method, replaced, read alone and with others,
// deleted.
func TestSecurityRoleMappings(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	ctx := t.Context()
	rules := client.FreeObject{"field": map[string]any{"groups": "operators"}}
	put, err := w.client.SecurityPutRoleMappingWithResponse(ctx, "operators", nil, client.PutRoleMappingRequest{
		Enabled: true, Roles: &client.TextOrTexts{"reader"}, Rules: rules,
	}, bob)
	if err != nil || put.JSON200 == nil || !put.JSON200.RoleMapping.Created {
		t.Fatalf("%v %s", err, put.Body)
	}
	again, err := w.client.SecurityPutRoleMappingPostWithResponse(ctx, "operators",
		&client.SecurityPutRoleMappingPostParams{}, client.PutRoleMappingRequest{
			Enabled: false, Roles: &client.TextOrTexts{"reader", "writer"}, Rules: rules,
			Metadata: &client.FreeObject{"version": 1},
		}, bob)
	if err != nil || again.JSON200 == nil || again.JSON200.RoleMapping.Created {
		t.Fatalf("%v %s", err, again.Body)
	}

	one, err := w.client.SecurityGetRoleMappingWithResponse(ctx, "operators", bob)
	if err != nil || one.JSON200 == nil || asJSON(one.JSON200) != `{"operators":{"enabled":false,"roles":["reader","writer"],`+
		`"rules":{"field":{"groups":"operators"}},"metadata":{"version":1}}}` {
		t.Fatalf("%v %s", err, one.Body)
	}
	all, err := w.client.SecurityGetRoleMappingsWithResponse(ctx, bob)
	if err != nil || all.JSON200 == nil || len(*all.JSON200) != 1 {
		t.Fatalf("%v %s", err, all.Body)
	}
	deleted, err := w.client.SecurityDeleteRoleMappingWithResponse(ctx, "operators", nil, bob)
	if err != nil || deleted.JSON200 == nil || !deleted.JSON200.Found {
		t.Fatalf("%v %s", err, deleted.Body)
	}

	w.es(bob, "DELETE "+mappingPath+"operators?refresh=wait_for", "").is(http.StatusNotFound, `{"found":false}`)
	w.es(bob, "GET "+mappingPath+"operators", "").is(http.StatusNotFound, `{}`)
	w.es(bob, "GET /_security/role_mapping", "").is(http.StatusOK, `{}`)
	const events = "[role_mapping.put by bob role_mapping.put by bob role_mapping.deleted by bob]"
	if got := fmt.Sprint(w.trail("operators")); got != events {
		t.Errorf("the trail is %s", got)
	}
}

// Ensures that several mappings are found by their names, and that rules and metadata come back as they were sent.
func TestSecurityRoleMappings_Form(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const rules = `{"all":[{"any":[{"field":{"username":["a*","/b.*/"]}},{"field":{"metadata.n":[1,true,null]}}]},` +
		`{"except":{"field":{"realm.name":"other"}}}]}`
	w.es(bob, "PUT "+mappingPath+"a", `{"enabled":true,"roles":"reader","role_templates":[],"rules":`+rules+
		`,"metadata":{"n":1.50}}`).is(http.StatusOK, `{"role_mapping":{"created":true}}`)
	w.mapping("b", "x", `{"field":{"dn":["one"]}}`)
	w.mapping("c", "x", `{"any":[]}`)
	w.es(bob, "GET "+mappingPath+"nosuch,a,b", "").is(http.StatusOK, `{
		"a":{"enabled":true,"roles":["reader"],"rules":`+rules+`,"metadata":{"n":1.50}},
		"b":{"enabled":true,"roles":["x"],"rules":{"field":{"dn":"one"}},"metadata":{}}}`)
	w.es(bob, "GET "+mappingPath+"nosuch,neither", "").is(http.StatusNotFound, `{}`)
}

// Ensures that invalid role mappings are refused with Elasticsearch's errors, and that none has a role of ECE's.
func TestSecurityRoleMappings_Refused(t *testing.T) {
	t.Parallel()

	const parsing = "parsing_exception"
	w := newWorld(t)
	rules := `"rules":{"field":{"username":"x"}}`
	for name, c := range map[string]struct{ path, body, kind, reason string }{
		"no roles": {"x", `{"enabled":true,` + rules + `}`, parsing, "failed to parse role-mapping [x]. missing field [roles]"},
		"no rules": {"x", `{"enabled":true,"roles":["a"]}`, parsing, "failed to parse role-mapping [x]. missing field [rules]"},
		"not said whether enabled": {"x", `{"roles":["a"],` + rules + `}`, parsing,
			"failed to parse role-mapping [x]. missing field [enabled]"},
		"an empty list of roles": {"x", `{"enabled":true,"roles":[],` + rules + `}`, requestInvalid,
			invalid("role-mapping roles are missing")},
		"reserved metadata": {"x", `{"enabled":true,"roles":["a"],` + rules + `,"metadata":{"_a":1}}`, requestInvalid,
			invalid("metadata keys may not start with [_]")},
		"a role of ECE's": {"x", `{"enabled":true,"roles":["a","ece_platform_admin"],` + rules + `}`, requestInvalid,
			invalid("the role [ece_platform_admin] is a platform role, which no role mapping gives")},
		"a role with another name": {"x", `{"enabled":true,"roles":["ä"],` + rules + `}`, requestInvalid, "Validation Failed: 1: the role [ä] must have 1 to 507 characters…"},
		"a name with a control character": {"x%00", `{"enabled":true,"roles":["a"],` + rules + `}`, requestInvalid,
			"Validation Failed: 1: the name of a role mapping must have 1 to 507 bytes…"},
		"an unknown member": {"x", `{"foo":1}`, xcontentParse, "[1:2] [role-mapping] unknown field [foo]"},
		"templates": {"x", `{"enabled":true,"role_templates":[{"template":{"source":"x"}}],` + rules + `}`, xcontentParse,
			"[1:17] [role-mapping] failed to parse field [role_templates]"},
		"rules that are none": {"x", `{"enabled":true,"roles":["a"],"rules":{"foo":1}}`, xcontentParse,
			"[1:31] [role-mapping] failed to parse field [rules]"},
		"rules of another type": {"x", `{"enabled":true,"roles":["a"],"rules":[]}`, xcontentParse,
			"[1:31] [role-mapping] rules doesn't support values of type: START_ARRAY"},
		"long metadata": {"x", `{"enabled":true,"roles":["a"],` + rules + `,"metadata":{"a":"` + strings.Repeat("x", 17<<10) +
			`"}}`, illegalArgument, "the metadata has 17416 bytes, and at most 16384 are accepted"},
		"costly rules": {"x", `{"enabled":true,"roles":["a"],"rules":{"any":[` +
			strings.Repeat(`{"any":[]},`, 50_000) + `{"any":[]}]}}`, illegalArgument, "the role mappings would count [50004] together…"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			w.es(bob, "PUT "+mappingPath+c.path, c.body).fails(http.StatusBadRequest, c.kind, c.reason)
		})
	}
	w.es(bob, "GET /_security/role_mapping", "").is(http.StatusOK, `{}`)
}

// Ensures that a mapping needs manage_security, and reading one read_security.
func TestSecurityRoleMappings_Callers(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("manager", `{"cluster":["manage_security"]}`)
	w.role("auditor", `{"cluster":["read_security"]}`)
	manager, auditor := w.native("mona", "manager"), w.native("anna", "auditor")
	const body = `{"enabled":true,"roles":["superuser"],"rules":{"field":{"username":"anna"}}}`
	w.es(manager, "PUT "+mappingPath+"x", body).ok()
	w.es(auditor, "GET "+mappingPath+"x", "").ok()
	w.es(auditor, "PUT "+mappingPath+"y", body).fails(http.StatusForbidden, securityDenied,
		"action [cluster:admin/xpack/security/role_mapping/put] is unauthorized…")
	w.es(auditor, "DELETE "+mappingPath+"x", "").fails(http.StatusForbidden, securityDenied,
		"action [cluster:admin/xpack/security/role_mapping/delete] is unauthorized…")
	w.es(manager, "DELETE "+mappingPath+"x", "").ok()
}

// rolesIn returns the roles of a caller in Elasticsearch.
func (w *world) rolesIn(caller client.RequestEditorFn) string {
	w.Helper()
	return asJSON(w.es(caller, "GET /_security/_authenticate", "").ok()["roles"])
}

// Ensures that users of SAML realms get the roles of the mappings that match them, beside those of the realm's rules,
// from sign-in to sign-in, and never one of ECE's.
func TestSAML_RoleMappings(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", byGroups), realm("other", byGroups))
	w.role("reader", `{"cluster":["monitor"]}`)
	w.mapping("operators", "reader", `{"field":{"groups":"OPERATORS"}}`)
	w.mapping("erin", "writer", `{"all":[{"field":{"username":"erin*"}},{"field":{"realm.name":"corporate"}}]}`)
	w.mapping("id", "known", `{"field":{"metadata.saml_nameid":"erin@example.com"}}`)
	w.mapping("team", "blue", `{"field":{"metadata.saml(team)":"blue"}}`)
	w.es(bob, "PUT "+mappingPath+"off", `{"enabled":false,"roles":["off"],"rules":{"all":[]}}`).ok()

	t.Run("beside the realm's own rules", func(t *testing.T) {
		w := w.on(t)
		session := bearer(w.signIn("realm=corporate", "erin@example.com",
			map[string][]string{"groups": {"viewers", "operators"}, "team": {"red", "blue"}}))
		if got := w.rolesIn(session); got != `["blue","ece_deployment_viewer","known","reader","writer"]` &&
			got != `["ece_deployment_viewer","blue","known","reader","writer"]` {
			t.Errorf("the roles are %s", got)
		}
		if u := w.readUser("erin@example.com"); asJSON(u.Security.Roles) != `["ece_deployment_viewer"]` {
			t.Errorf("in ECE the roles are %s", asJSON(u.Security.Roles))
		}
	})

	t.Run("by a mapping alone", func(t *testing.T) {
		w := w.on(t)
		session := bearer(w.signIn("realm=other", "olga@example.com", inGroups("operators")))
		if got := w.rolesIn(session); got != `["reader"]` {
			t.Errorf("the roles are %s", got)
		}
		w.es(session, "GET /_cluster/health", "").ok()
		w.es(session, "GET /_security/role", "").fails(http.StatusForbidden, securityDenied, "…")
		w.declines(http.StatusForbidden, "root.unauthorized.rbac", "", http.MethodGet, "/api/v1/users", "", session)
	})

	t.Run("until the next sign-in", func(t *testing.T) {
		w := w.on(t)
		session := bearer(w.signIn("realm=other", "oscar@example.com", inGroups("operators", "viewers")))
		w.es(bob, "DELETE "+mappingPath+"operators", "").ok()
		if got := w.rolesIn(session); got != `["ece_deployment_viewer","reader"]` {
			t.Errorf("the roles are %s", got)
		}
		w.signIn("realm=other", "oscar@example.com", inGroups("operators", "viewers"))
		if got := w.rolesIn(session); got != `["ece_deployment_viewer"]` {
			t.Errorf("after the next sign-in the roles are %s", got)
		}
		begun := w.begin("realm=other")
		r := w.request(begun)
		r.NameID, r.Attributes = "olga@example.com", inGroups("operators")
		w.refuses("a user without a role", begun, w.idp.Answer(r))
	})
}

// Ensures that a mapping that is stored with a role of ECE's, as by a future version, gives no such role.
func TestSAML_RoleMappings_NeverECE(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", byGroups))
	w.mapping("all", "reader", `{"all":[]}`)
	w.sql(`UPDATE role_mappings SET roles = '["ece_platform_admin","reader"]'`)
	session := bearer(w.signIn("", "erin@example.com", nil))
	if got := w.rolesIn(session); got != `["reader"]` {
		t.Errorf("the roles are %s", got)
	}
	w.declines(http.StatusForbidden, "root.unauthorized.rbac", "", http.MethodGet, "/api/v1/users", "", session)
}

// Ensures that a key of a user of a realm that another user made gets no role by a mapping that is added later.
func TestSAML_RoleMappings_PlantedKey(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", byGroups))
	w.role("keeper", `{"cluster":["manage_own_api_key"]}`)
	w.role("runner", `{"cluster":["manage_own_api_key"],"run_as":["erin@example.com"]}`)
	w.role("chief", `{"cluster":["all"]}`)
	w.mapping("keepers", "keeper", `{"field":{"groups":"staff"}}`)
	w.signIn("", "erin@example.com", inGroups("staff"))
	planted := w.esKey(runningAs(w.native("mallory", "runner"), "erin@example.com"), `{"name":"planted"}`)

	w.mapping("chiefs", "chief", `{"field":{"username":"erin@*"}}`)
	session := bearer(w.signIn("", "erin@example.com", inGroups("staff")))
	w.es(session, "GET /_security/role", "").ok()
	w.es(planted.editor(), "GET /_security/role", "").fails(http.StatusForbidden, securityDenied, "…")
}

// Ensures that a mapping that cannot be evaluated refuses the sign-in, and does not fall back to fewer rules: a rule
// with except would otherwise give more.
func TestSAML_RoleMappings_Unreadable(t *testing.T) {
	t.Parallel()

	w := newSAMLWorld(t, realm("corporate", viewers))
	w.mapping("broken", "reader", `{"all":[]}`)
	w.sql(`UPDATE role_mappings SET rules = '{"unknown":[]}'`)
	begun := w.begin("")
	r := w.request(begun)
	r.NameID = "erin@example.com"
	response, body := w.post(begun, w.idp.Answer(r))
	if response.StatusCode != http.StatusInternalServerError || strings.Contains(body, "unknown") {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}

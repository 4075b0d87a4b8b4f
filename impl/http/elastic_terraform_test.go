package http_test

import (
	"net/http"
	"reflect"
	"testing"
)

// Ensures that what Terraform's provider for Elasticsearch writes is read back as it was written, so that a second plan
// is empty, after it was created and after a change; and that what it destroys is gone.
func TestTerraform_RoundTrips(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("terraform", `{"cluster":["manage_security"]}`)
	terraform := w.native("terraform", "terraform")

	const indices = `[{"names":["logs-*"],"privileges":["read","view_index_metadata"],"allow_restricted_indices":false,
		"query":"{\"match\":{\"team\":\"a\"}}","field_security":{"grant":["*"],"except":["secret"]}}]`
	for name, resource := range map[string]struct {
		path            string
		created, change string
		// unread are the members that a read does not show.
		unread []string
	}{
		"role": {
			path: "/_security/role/tf_role",
			created: `{"description":"of a plan","cluster":["monitor"],"indices":` + indices + `,
				"applications":[{"application":"kibana-.kibana","privileges":["feature_discover.read"],"resources":["*"]}],
				"global":{"application":{"manage":{"applications":["kibana-*"]}}},"run_as":["other"],
				"remote_indices":[{"clusters":["c"],"names":["logs-*"],"privileges":["read"],
					"allow_restricted_indices":false,"field_security":{"grant":["a"]}}],
				"metadata":{"version":1,"nested":{"a":[1.50,null]}}}`,
			change: `{"description":"","cluster":["all"],"indices":[],"applications":[],"run_as":[],"metadata":{}}`,
		},
		"user": {
			path: "/_security/user/tf_user",
			created: `{"password":"of a plan, once","roles":["viewer_of_plans","terraform"],"full_name":"Of A Plan",
				"email":"plan@example.com","metadata":{"env":"testing","open":false,"number":49},"enabled":true}`,
			change: `{"roles":["terraform"],"full_name":"Other","email":"other@example.com","metadata":{},"enabled":false}`,
			unread: []string{"password"},
		},
		"role mapping": {
			path: "/_security/role_mapping/tf_mapping",
			created: `{"enabled":true,"roles":["terraform"],"metadata":{"version":1},"rules":{"any":[
				{"field":{"username":"esadmin"}},
				{"all":[{"field":{"groups":["cn=admins,dc=example,dc=com","cn=*"]}},
					{"except":{"field":{"realm.name":"okta"}}}]}]}}`,
			change: `{"enabled":false,"roles":["terraform"],"metadata":{},"rules":{"field":{"groups":"a"}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			for _, body := range []string{resource.created, resource.change} {
				w.es(terraform, "PUT "+resource.path, body).ok()
				want := object(t, body)
				for _, unread := range resource.unread {
					delete(want, unread)
				}
				for _, read := range w.es(terraform, "GET "+resource.path, "").ok() {
					wantMembers(t, read, want)
				}
			}
			w.es(terraform, "DELETE "+resource.path, "").is(http.StatusOK, `{"found":true}`)
			if r := w.es(terraform, "GET "+resource.path, ""); r.response.StatusCode != http.StatusNotFound {
				t.Errorf("after its deletion: %d %s", r.response.StatusCode, r.body)
			}
		})
	}

	t.Run("API key", func(t *testing.T) {
		w := w.in(t)
		const descriptors = `{"tf":{"cluster":["monitor"],"indices":` + indices + `,
			"restriction":{"workflows":["search_application_query"]}}}`
		key := w.esKey(terraform, `{"name":"tf key","expiration":"1d","metadata":{"a":{"b":1.5}},
			"role_descriptors":`+descriptors+`}`)
		read := w.shownKey(terraform, key.id, "")
		wantMembers(t, read, object(t, `{"name":"tf key","type":"rest","invalidated":false,"metadata":{"a":{"b":1.5}},
			"role_descriptors":`+descriptors+`}`))

		w.es(terraform, "PUT /_security/api_key/"+key.id, `{"metadata":{"c":2},"role_descriptors":{"tf":{}}}`).ok()
		wantMembers(t, w.shownKey(terraform, key.id, ""), object(t, `{"metadata":{"c":2},"role_descriptors":{"tf":{}}}`))

		w.es(terraform, "DELETE /_security/api_key", `{"ids":["`+key.id+`"]}`).ok()
		wantMembers(t, w.shownKey(terraform, key.id, ""), map[string]any{"invalidated": true})
	})

	t.Run("cross-cluster API key", func(t *testing.T) {
		w := w.in(t)
		const access = `{"search":[{"names":["logs-*"],"allow_restricted_indices":false}],
			"replication":[{"names":["archive"],"allow_restricted_indices":true}]}`
		key := w.crossClusterKey(terraform, `{"name":"tf remote","metadata":{"a":1},"access":`+access+`}`)
		want := object(t, `{"type":"cross_cluster","metadata":{"a":1},"access":`+access+`}`)
		wantMembers(t, w.shownKey(terraform, key.id, ""), want)
	})
}

// wantMembers fails the test unless a value has each member of an object as it is there, or what it adds below is
// empty: Elasticsearch shows the default of what was not sent.
func wantMembers(t *testing.T, value any, want map[string]any) {
	t.Helper()
	members, _ := value.(map[string]any)
	for name, member := range want {
		if !written(members[name], member) {
			t.Errorf("%s reads %s, want %s", name, asJSON(members[name]), asJSON(member))
		}
	}
}

// written reports whether what was read is what was sent, but for empty lists, objects and texts that were not.
func written(read, sent any) bool {
	switch sent := sent.(type) {
	case map[string]any:
		members, ok := read.(map[string]any)
		if !ok {
			return false
		}
		for name, member := range members {
			if each, found := sent[name]; found && !written(member, each) || !found && !isDefault(member) {
				return false
			}
		}
		for name := range sent {
			if _, found := members[name]; !found {
				return false
			}
		}
		return true
	case []any:
		elements, ok := read.([]any)
		if !ok || len(elements) != len(sent) {
			return false
		}
		for i := range sent {
			if !written(elements[i], sent[i]) {
				return false
			}
		}
		return true
	case string:
		return read == sent || sent == "" && read == nil
	}
	return reflect.DeepEqual(read, sent)
}

// isDefault reports whether a value is what Elasticsearch shows of something that was not sent.
func isDefault(value any) bool {
	switch v := value.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		for name, member := range v {
			if enabled, ok := member.(bool); !isDefault(member) && (name != "enabled" || !ok || !enabled) {
				return false
			}
		}
		return true
	case bool:
		return !v
	}
	return value == nil
}

package http_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gen/client"
)

const crossCluster = "/_security/cross_cluster/api_key"

// crossClusterKey creates a cross-cluster key.
func (w *world) crossClusterKey(caller client.RequestEditorFn, body string) credential {
	w.Helper()
	return created(w.es(caller, "POST "+crossCluster, body).ok())
}

// crossClusterKeyShown returns a key with all that a list shows, but its time of creation.
func (w *world) crossClusterKeyShown(id string) map[string]any {
	w.Helper()
	key := w.shownKey(bob, id, "&with_limited_by=true")
	delete(key, "creation")
	return key
}

// Ensures that a cross-cluster key is shown with its access, and with the role descriptor that the access means.
func TestCrossClusterKeys_Created(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for name, test := range map[string]struct{ access, cluster, indices, shown string }{
		"search": {
			access:  `{"search":[{"names":"logs-*","query":{"match_all":{}},"field_security":{"grant":["a*"]}}]}`,
			cluster: `["cross_cluster_search","monitor_enrich"]`,
			indices: `[{"names":["logs-*"],"privileges":["read","read_cross_cluster","view_index_metadata"],
				"field_security":{"grant":["a*"]},"query":"{\"match_all\":{}}","allow_restricted_indices":false}]`,
			shown: `{"search":[{"names":["logs-*"],"field_security":{"grant":["a*"]},"query":"{\"match_all\":{}}",
				"allow_restricted_indices":false}]}`,
		},
		"replication": {
			access:  `{"replication":[{"names":["archive"],"allow_restricted_indices":true}]}`,
			cluster: `["cross_cluster_replication"]`,
			indices: `[{"names":["archive"],"privileges":["cross_cluster_replication","cross_cluster_replication_internal"],
				"allow_restricted_indices":true}]`,
			shown: `{"replication":[{"names":["archive"],"allow_restricted_indices":true}]}`,
		},
		"both": {
			access:  `{"search":[{"names":["logs"]}],"replication":[{"names":["archive"]}]}`,
			cluster: `["cross_cluster_search","monitor_enrich","cross_cluster_replication"]`,
			indices: `[{"names":["logs"],"privileges":["read","read_cross_cluster","view_index_metadata"],
					"allow_restricted_indices":false},
				{"names":["archive"],"privileges":["cross_cluster_replication","cross_cluster_replication_internal"],
					"allow_restricted_indices":false}]`,
			shown: `{"search":[{"names":["logs"],"allow_restricted_indices":false}],
				"replication":[{"names":["archive"],"allow_restricted_indices":false}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := w.crossClusterKey(bob, `{"name":"remote","access":`+test.access+`,"metadata":{"a":1},
				"certificate_identity":"CN=.*"}`)
			got := w.crossClusterKeyShown(key.id)
			want := `{"id":"` + key.id + `","name":"remote","type":"cross_cluster","invalidated":false,
				"username":"bob","realm":"default_native","realm_type":"native","metadata":{"a":1},
				"role_descriptors":{"cross_cluster":{"cluster":` + test.cluster + `,"indices":` + test.indices + `,
					"applications":[],"run_as":[],"metadata":{},"transient_metadata":{"enabled":true}}},
				"access":` + test.shown + `,"certificate_identity":"CN=.*"}`
			if asJSON(got) != spelled(t, want) {
				t.Errorf("got  %s\nwant %s", asJSON(got), spelled(t, want))
			}
		})
	}
}

// Ensures that a cross-cluster key authenticates no request of either family, and that only the holder of its secret
// learns why.
func TestCrossClusterKeys_NotForRequests(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	key := w.crossClusterKey(bob, `{"name":"remote","access":{"search":[{"names":["*"]}]},"expiration":"1d"}`)
	id := key.id
	reason := "authentication expected API key type of [rest], but API key [" + id + "] has type [cross_cluster]"

	withKey := key.editor()
	for range 2 { // from the cache, too
		w.es(withKey, "GET /_security/_authenticate", "").fails(http.StatusUnauthorized, securityDenied, reason)
	}
	w.es(withKey, "GET /_security/_authenticate", "", runAs("alice")).fails(
		http.StatusUnauthorized, securityDenied, reason)
	if response, body := w.do("GET", "/api/v1/users/auth/keys", "", withKey); response.StatusCode !=
		http.StatusUnauthorized || response.Header.Get("X-Cloud-Error-Codes") != "root.unauthorized" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if shown := w.crossClusterKeyShown(id); shown["last_used"] != nil {
		t.Errorf("a refused key counts as used: %v", shown)
	}

	wrong := apiKey(base64.StdEncoding.EncodeToString([]byte(id + ":wrong")))
	if r := w.es(wrong, "GET /_security/_authenticate", ""); strings.Contains(r.body, "cross_cluster") {
		t.Errorf("the answer without the secret names the type: %s", r.body)
	}

	t.Run("invalidated", func(t *testing.T) {
		w.es(bob, "DELETE /_security/api_key", `{"ids":["`+id+`"]}`).is(http.StatusOK,
			`{"invalidated_api_keys":["`+id+`"],"previously_invalidated_api_keys":[],"error_count":0}`)
		if r := w.es(withKey, "GET /_security/_authenticate", ""); !strings.Contains(r.body, "has been invalidated") {
			t.Error(r.body)
		}
	})
}

// Ensures that invalid requests for cross-cluster keys are refused in Elasticsearch's words.
func TestCrossClusterKeys_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const search = `"access":{"search":[{"names":["a"]}]}`
	for body, want := range map[string][2]string{
		`{"name":"k"}`:     {illegalArgument, "Required [access]"},
		`{` + search + `}`: {illegalArgument, "Required [name]"},
		`{"name":"k","access":{}}`: {illegalArgument,
			"must specify non-empty access for either [search] or [replication]"},
		`{"name":"k","access":{"search":[],"replication":[]}}`: {illegalArgument,
			"must specify non-empty access for either [search] or [replication]"},
		`{"name":"k","access":{"replication":[{"names":["a"],"query":"{}"}]}}`: {illegalArgument,
			"replication does not support document or field level security"},
		`{"name":"k","access":{"search":[{"names":["a"],"field_security":{"grant":["b"]}}],
			"replication":[{"names":["a"]}]}}`: {illegalArgument,
			"search does not support document or field level security if replication is assigned"},
		`{"name":"k","certificate_identity":"(",` + search + `}`: {illegalArgument,
			"Invalid certificate_identity format: [(]. Must be a valid regex."},
		`{"name":"k","certificate_identity":"` + strings.Repeat("a", 1001) + `",` + search + `}`: {illegalArgument,
			"certificate_identity may not be more than 1000 characters long"},
		`{"name":"_k",` + search + `}`: {requestInvalid, invalid("api key name may not begin with an underscore")},
		`{"name":"k","metadata":{"_a":1},` + search + `}`: {requestInvalid,
			invalid("API key metadata keys may not start with [_]")},
		`{"name":"k","role_descriptors":{},` + search + `}`: {xcontentParse,
			"[1:13] [cross_cluster_api_key_request_payload] unknown field [role_descriptors]"},
		`{"name":"k","access":{"search":[{"names":["a"],"privileges":["all"]}]}}`: {xcontentParse,
			"[1:13] [cross_cluster_api_key_request_payload] failed to parse field [access]"},
		`{"name":"k","access":{"search":[{"names":[]}]}}`: {xcontentParse,
			"[1:13] [cross_cluster_api_key_request_payload] failed to parse field [access]"},
		`{"name":"k","access":{"delete":[{"names":["a"]}]}}`: {xcontentParse,
			"[1:13] [cross_cluster_api_key_request_payload] failed to parse field [access]"},
	} {
		t.Run(body[:min(len(body), 80)], func(t *testing.T) {
			w.es(bob, "POST "+crossCluster, body).fails(http.StatusBadRequest, want[0], want[1])
		})
	}

	t.Run("without the privilege", func(t *testing.T) {
		w.role("keys", `{"cluster":["manage_api_key"]}`)
		w.es(w.native("kim", "keys"), "POST "+crossCluster, `{"name":"k",`+search+`}`).fails(http.StatusForbidden,
			securityDenied, "action [cluster:admin/xpack/security/cross_cluster/api_key/create] is unauthorized for user "+
				"[kim] with effective roles [keys], this action is granted by the cluster privileges [manage_security,all]")
	})
	t.Run("by an API key", func(t *testing.T) {
		key := w.esKey(bob, `{"name":"k"}`)
		w.es(key.editor(), "POST "+crossCluster, `{"name":"k",`+search+`}`).
			fails(http.StatusBadRequest, illegalArgument, "authentication via API key not supported: "+
				"An API key cannot be used to create a cross-cluster API key")
	})
	t.Run("by a built-in user", func(t *testing.T) {
		w.es(admin, "POST "+crossCluster, `{"name":"k",`+search+`}`).fails(http.StatusBadRequest, illegalArgument,
			"the built-in user \"admin\" cannot own API keys; create them as another user")
	})
}

// Ensures that each type of key is updated by its own operations only, and what an update changes.
func TestCrossClusterKeys_Updated(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	remote := w.crossClusterKey(bob, `{"name":"remote","access":{"search":[{"names":["a"]}]},
		"certificate_identity":"CN=a"}`).id
	plain := w.esKey(bob, `{"name":"plain"}`).id

	update := func(body string) reply { return w.es(bob, "PUT "+crossCluster+"/"+remote, body) }
	update(`{"access":{"search":[{"names":["a"]}]}}`).is(http.StatusOK, `{"updated":false}`)
	update(`{"certificate_identity":"CN=a"}`).is(http.StatusOK, `{"updated":false}`)
	update(`{"access":{"replication":[{"names":["b"]}]},"metadata":{"b":2}}`).is(http.StatusOK, `{"updated":true}`)
	shown := w.crossClusterKeyShown(remote)
	if got := asJSON(shown["access"]); got != `{"replication":[{"allow_restricted_indices":false,"names":["b"]}]}` ||
		shown["certificate_identity"] != "CN=a" || asJSON(shown["metadata"]) != `{"b":2}` || shown["limited_by"] != nil {
		t.Errorf("%v", shown)
	}
	update(`{"certificate_identity":null}`).is(http.StatusOK, `{"updated":true}`)
	if shown := w.crossClusterKeyShown(remote); shown["certificate_identity"] != nil {
		t.Errorf("%v", shown)
	}

	none := invalid("must update [access] or [metadata] or [certificate_identity] for cross-cluster API keys")
	update(`{}`).fails(http.StatusBadRequest, requestInvalid, none)
	update(`{"expiration":"1d"}`).fails(http.StatusBadRequest, requestInvalid, none)
	update(`{"access":{}}`).fails(http.StatusBadRequest, illegalArgument,
		"must specify non-empty access for either [search] or [replication]")

	t.Run("by the operations for others", func(t *testing.T) {
		const reason = "cannot update API key of type [cross_cluster] while expected type is [rest]"
		w.es(bob, "PUT /_security/api_key/"+remote, `{"metadata":{}}`).fails(http.StatusBadRequest, illegalArgument, reason)
		w.es(bob, "POST /_security/api_key/_bulk_update", `{"ids":["`+remote+`","`+plain+`"],"metadata":{"c":3}}`).is(
			http.StatusOK, `{"updated":["`+plain+`"],"noops":[],"errors":{"count":1,"details":{"`+remote+
				`":{"type":"illegal_argument_exception","reason":"`+reason+`"}}}}`)
		w.es(bob, "PUT "+crossCluster+"/"+plain, `{"metadata":{}}`).fails(http.StatusBadRequest, illegalArgument,
			"cannot update API key of type [rest] while expected type is [cross_cluster]")
	})
	t.Run("of another user", func(t *testing.T) {
		w.role("security", `{"cluster":["manage_security"]}`)
		w.es(w.native("sam", "security"), "PUT "+crossCluster+"/"+remote, `{"metadata":{}}`).fails(http.StatusNotFound,
			resourceNotFound, "no API key owned by requesting user found for ID ["+remote+"]")
	})
	t.Run("by an API key", func(t *testing.T) {
		key := w.esKey(bob, `{"name":"k"}`)
		w.es(key.editor(), "PUT "+crossCluster+"/"+remote, `{"metadata":{}}`).
			fails(http.StatusBadRequest, illegalArgument,
				"authentication via API key not supported: only the owner user can update an API key")
	})
	t.Run("expired", func(t *testing.T) {
		update(`{"metadata":{},"expiration":"1h"}`).is(http.StatusOK, `{"updated":true}`)
		w.clock.advance(time.Hour)
		update(`{"metadata":{"d":4}}`).fails(http.StatusBadRequest, illegalArgument,
			"cannot update expired API key ["+remote+"]")
	})
}

// Ensures that queries and aggregations tell the types of keys apart, in the database and in the program, whether or
// not there are cross-cluster keys.
func TestCrossClusterKeys_Queried(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	total := func(query string, want string) {
		t.Helper()
		found := w.es(bob, "POST /_security/_query/api_key", `{"query":`+query+`}`).ok()
		if got := asJSON(found["total"]); got != want {
			t.Errorf("%s: found %s, want %s", query, got, want)
		}
	}
	const other = `{"bool":{"filter":[{"term":{"type":"cross_cluster"}},{"term":{"metadata.a":"1"}}]}}`
	const byType = `{"size":0,"aggs":{"t":{"composite":{"sources":[{"type":{"terms":{"field":"type"}}}]}}}}`
	for _, name := range []string{"a", "b"} {
		w.es(bob, "POST /_security/api_key", `{"name":"`+name+`","metadata":{"a":"1"}}`).ok()
	}
	total(`{"term":{"type":"rest"}}`, "2")
	total(`{"term":{"type":"cross_cluster"}}`, "0")
	total(other, "0")
	w.es(bob, "POST /_security/_query/api_key", byType).is(http.StatusOK,
		`{"total":2,"count":0,"api_keys":[],"aggregations":{"t":{"after_key":{"type":"rest"},
			"buckets":[{"key":{"type":"rest"},"doc_count":2}]}}}`)

	w.crossClusterKey(bob, `{"name":"c","access":{"search":[{"names":["a"]}]},"metadata":{"a":"1"}}`)
	for query, want := range map[string]string{
		`{"term":{"type":"rest"}}`:                       "2",
		`{"term":{"type":"cross_cluster"}}`:              "1",
		`{"terms":{"type":["rest","cross_cluster"]}}`:    "3",
		`{"wildcard":{"type":"*cluster"}}`:               "1",
		`{"wildcard":{"type":"*e*"}}`:                    "3",
		`{"prefix":{"type":"re"}}`:                       "2",
		`{"range":{"type":{"lt":"d"}}}`:                  "1",
		`{"exists":{"field":"type"}}`:                    "3",
		`{"bool":{"must_not":{"term":{"type":"rest"}}}}`: "1",
		`{"term":{"type":"other"}}`:                      "0",
		other:                                            "1",
	} {
		total(query, want)
	}
	w.es(bob, "POST /_security/_query/api_key", byType).is(http.StatusOK,
		`{"total":3,"count":0,"api_keys":[],"aggregations":{"t":{"after_key":{"type":"rest"},
			"buckets":[{"key":{"type":"cross_cluster"},"doc_count":1},{"key":{"type":"rest"},"doc_count":2}]}}}`)

	sorted := func(body string) string { return names(w.es(bob, "POST /_security/_query/api_key", body).ok()) }
	if got := sorted(`{"sort":["type","name"]}`); got != "c a b" {
		t.Errorf("sorted by type: %s", got)
	}
	if got := sorted(`{"sort":[{"type":"desc"},"name"],"search_after":["rest","a"]}`); got != "b c" {
		t.Errorf("after the first: %s", got)
	}
}

// Ensures that 8.19 does not know certificate identities.
func TestElasticsearchVersion_CertificateIdentity(t *testing.T) {
	t.Parallel()

	w, _ := speaking(t, "8.19")
	const access = `"access":{"search":[{"names":["a"]}]}`
	w.es(bob, "POST "+crossCluster, `{"name":"k","certificate_identity":"a",`+access+`}`).fails(http.StatusBadRequest,
		xcontentParse, "[1:13] [cross_cluster_api_key_request_payload] unknown field [certificate_identity]")
	key := w.crossClusterKey(bob, `{"name":"k",`+access+`}`).id
	w.es(bob, "PUT "+crossCluster+"/"+key, `{"certificate_identity":null}`).fails(http.StatusBadRequest,
		xcontentParse, "[1:2] [update_cross_cluster_api_key_request_payload] unknown field [certificate_identity]")
	w.es(bob, "PUT "+crossCluster+"/"+key, `{}`).fails(http.StatusBadRequest, requestInvalid,
		invalid("must update either [access] or [metadata] for cross-cluster API keys"))
}

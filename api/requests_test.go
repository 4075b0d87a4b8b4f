package api_test

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

const (
	bulkUpdate = "POST /_security/api_key/_bulk_update"
	createKey  = "POST /_security/api_key"
	updateKey  = "PUT /_security/api_key/{id}"
	invalidate = "DELETE /_security/api_key"
	grantKey   = "POST /_security/api_key/grant"
	searchKeys = "GET /_security/_query/api_key"
	check      = "GET /_security/user/_has_privileges"
	putRole    = "PUT /_security/role/{name}"
	putUser    = "PUT /_security/user/{username}"
	putActions = "PUT /_security/privilege"
	getToken   = "POST /_security/oauth2/token"
)

// Ensures that the contract refuses nothing that Elasticsearch reads: where both refuse, Elasticsearch's reader words
// it, and has nothing to say about what it reads.
func TestRequests_Taken(t *testing.T) {
	document := load(t)
	for place, bodies := range map[string][]string{
		bulkUpdate: {
			`{"ids":"a"}`, `{"ids":[]}`, `{"ids":["a",1,1.5,-2e30,true,false,""]}`,
			`{"ids":["a"],"role_descriptors":{},"metadata":{},"expiration":""}`,
			`{"ids":["a"],"role_descriptors":{"x":{}},"metadata":{"a":[1.50,{"b":null}],"_b":1e400},"expiration":"-1"}`,
		},
		createKey: {`{"name":""}`,
			`{"name":"a","expiration":"1d","role_descriptors":{"x":{"restriction":{}}},"metadata":{}}`},
		updateKey: {``, `{}`, `{"role_descriptors":{"x":{"cluster":null}}}`},
		invalidate: {
			`{}`, `{"ids":"a"}`, `{"ids":["a",1]}`, `{"name":"a*"}`, `{"username":"u","realm_name":"r"}`,
			`{"owner":true}`, `{"owner":"true"}`, `{"owner":"false","ids":["a"]}`,
		},
		grantKey: {
			`{}`, `{"grant_type":"password","username":"u","password":"p","api_key":{"name":"k"},"run_as":"o"}`,
			`{"grant_type":"other","access_token":"t","api_key":{},"client_authentication":{"scheme":"s","value":"v"}}`,
		},
		searchKeys: {
			``, `{}`, `{"query":{"bool":{"must":[{"term":{"name":{"value":"a"}}}]}},"from":-1,"size":"0"}`,
			`{"sort":"name"}`, `{"sort":{"name":"asc"}}`,
			`{"sort":["name",{"creation":{"order":"desc","format":"strict_date_time"}}]}`,
			`{"search_after":["a",1,1.5,true,null]}`, `{"aggs":{"a":{"terms":{"field":"name"}}}}`, `{"aggregations":{}}`,
		},
		check: {
			`{}`, `{"cluster":null}`, `{"cluster":[],"index":[{"names":"a","privileges":["read"]}]}`,
			`{"index":[{"names":["a"],"privileges":["read"],"allow_restricted_indices":true}],"application":[{"application":"a","privileges":["p"],"resources":["*"]}]}`,
		},
		putRole: descriptors,
		putUser: {
			`{}`,
			`{"username":"u","password":"p","password_hash":"h","roles":[],"full_name":null,"email":null,"metadata":{"a":1},"enabled":false}`,
			`{"roles":"a,b"}`, `{"full_name":"F","email":"e"}`,
		},
		putActions: {`{}`, `{"a":{}}`,
			`{"a":{"p":{"actions":["x/y"],"metadata":{"a":1},"application":"a","name":"p"},"q":{}}}`},
		getToken: {`{"grant_type":"password","username":"u","password":"p","scope":"s"}`,
			`{"grant_type":"refresh_token","refresh_token":"r"}`},
	} {
		for _, body := range bodies {
			if err := validate(document, place, body); err != nil {
				t.Errorf("%s: %s is refused: %v", place, body, err)
			}
		}
	}
}

// descriptors are what a role may look like, each member in each of its forms.
var descriptors = []string{
	`{}`,
	`{"cluster":["all"],"run_as":["u"],"metadata":{"a":1},"transient_metadata":{"b":1},"metadata_flattened":{},"description":""}`,
	`{"cluster":null,"run_as":null,"type":null}`,
	`{"type":"role"}`, `{"type":1}`, `{"type":true}`,
	`{"indices":[]}`,
	`{"index":[{"names":"a","privileges":["read"],"query":"{}"}]}`,
	`{"indices":[{"names":["a","/b/"],"privileges":[],"query":null,"allow_restricted_indices":true,"transient_metadata":{}}]}`,
	`{"indices":[{"names":[],"privileges":["read"],"query":{"match_all":{}},"field_security":{"grant":["a"],"except":[]}}]}`,
	`{"indices":[{"names":"a","privileges":["read"],"query":""}]}`,
	`{"remote_indices":[{"clusters":"c","names":"a","privileges":["read"],"query":{"template":{"source":"x"}}},{"clusters":["c"],"names":["a"],"privileges":["read"]}]}`,
	`{"remote_cluster":[{"clusters":"c","privileges":["monitor_enrich"]},{"clusters":["c"],"privileges":["MONITOR_STATS"]}]}`,
	`{"application":[{"application":"a","privileges":["p"],"resources":["*"]}]}`,
	`{"applications":[]}`,
	`{"global":{}}`, `{"global":{"application":{},"profile":{},"role":{},"data_source":[]}}`,
	`{"global":{"application":{"manage":{"applications":["a*"]}},"profile":{"write":{"applications":[]}}}}`,
	`{"global":{"role":{"manage":{"indices":[{"names":["a"],"privileges":["read"]}]}},"data_source":[{"names":["a"],"privileges":["read"]}]}}`,
	`{"restriction":{"workflows":["w"]}}`,
}

// Ensures that what Elasticsearch refuses for its members or their types is refused by the contract too.
func TestRequests_Refused(t *testing.T) {
	document := load(t)
	for place, bodies := range map[string][]string{
		bulkUpdate: {
			``, `[]`, `{}`, `{"ids":null}`, `{"ids":1}`, `{"ids":[null]}`, `{"ids":[["a"]]}`, `{"ids":[{}]}`,
			`{"ids":["a"],"id":"a"}`,
			`{"ids":["a"],"role_descriptors":null}`, `{"ids":["a"],"role_descriptors":[]}`,
			`{"ids":["a"],"role_descriptors":{"x":null}}`,
			`{"ids":["a"],"metadata":null}`, `{"ids":["a"],"metadata":[]}`, `{"ids":["a"],"expiration":null}`,
			`{"ids":["a"],"expiration":1}`,
		},
		createKey:  {``, `{}`, `{"name":null}`, `{"name":1}`, `{"name":"a","id":"b"}`},
		updateKey:  {`{"ids":["a"]}`, `null`, `{"expiration":true}`},
		invalidate: {``, `{"id":"a"}`, `{"owner":1}`, `{"owner":"yes"}`, `{"name":null}`, `{"ids":null}`},
		grantKey:   {``, `{"api_key":null}`, `{"api_key":{"owner":"u"}}`, `{"client_authentication":{"kind":"s"}}`},
		searchKeys: {`null`, `{"query":[]}`, `{"from":["1"]}`, `{"size":1.5}`, `{"sort":1}`, `{"sort":[["name"]]}`,
			`{"search_after":"a"}`, `{"search_after":[{}]}`, `{"track_total_hits":true}`},
		check: {``, `{"indices":[]}`, `{"index":[{"names":"a","privileges":["read"],"query":"q"}]}`,
			`{"index":[{"names":"a"}]}`, `{"application":[{"application":"a","privileges":["p"]}]}`},
		putRole: {
			``, `{"foo":1}`, `{"cluster":"all"}`, `{"cluster":[1]}`, `{"cluster":[null]}`, `{"run_as":"u"}`, `{"metadata":null}`,
			`{"type":{}}`, `{"type":[]}`,
			`{"description":null}`, `{"indices":null}`, `{"index":{}}`, `{"indices":["a"]}`,
			`{"indices":[{"names":"a","privileges":["read"],"clusters":["c"]}]}`,
			`{"indices":[{"privileges":["read"]}]}`, `{"indices":[{"names":"a"}]}`,
			`{"indices":[{"names":null,"privileges":["read"]}]}`,
			`{"indices":[{"names":"a","privileges":"read"}]}`, `{"indices":[{"names":"a","privileges":["read"],"query":1}]}`,
			`{"indices":[{"names":"a","privileges":["read"],"query":[]}]}`,
			`{"indices":[{"names":"a","privileges":["read"],"allow_restricted_indices":"true"}]}`,
			`{"indices":[{"names":"a","privileges":["read"],"field_security":{}}]}`,
			`{"indices":[{"names":"a","privileges":["read"],"field_security":null}]}`,
			`{"indices":[{"names":"a","privileges":["read"],"field_security":{"except":["a"]}}]}`,
			`{"remote_indices":[{"names":"a","privileges":["read"]}]}`,
			`{"remote_cluster":[{}]}`, `{"global":[]}`, `{"global":null}`, `{"global":{"x":{}}}`,
			`{"global":{"application":{"manage":{}}}}`, `{"restriction":{"workflows":null}}`,
		},
		putUser: {``, `{"name":"u"}`, `{"roles":null}`, `{"roles":[1]}`, `{"enabled":null}`, `{"metadata":null}`,
			`{"password":null}`},
		putActions: {``, `{"a":[]}`, `{"a":{"p":["x"]}}`, `{"a":{"p":{"actions":"x"}}}`, `{"a":{"p":{"action":["x"]}}}`},
		getToken:   {``, `{}`, `{"grant_type":null}`, `{"grant_type":"password","user":"u"}`},
	} {
		for _, body := range bodies {
			if validate(document, place, body) == nil {
				t.Errorf("%s: %s is taken", place, body)
			}
		}
	}
}

// Ensures that each query parameter takes what clients send, and nothing else.
func TestRequests_Parameters(t *testing.T) {
	document := load(t)
	for _, c := range []struct {
		place, query string
		taken        bool
	}{
		{createKey, "", true},
		{createKey, "refresh", true},
		{createKey, "refresh=", true},
		{createKey, "refresh=true", true},
		{createKey, "refresh=false", true},
		{createKey, "refresh=wait_for", true},
		{createKey, "refresh=now", false},
		{bulkUpdate, "dry_run=true", true},
		{bulkUpdate, "dry_run=yes", false},
		{"GET /_security/api_key",
			"id=a&name=b*&owner=true&username=&realm_name=r&active_only=false&with_limited_by=true&with_profile_uid=true", true},
		{"GET /_security/api_key", "owner=yes", false},
		{searchKeys, "typed_keys=true&with_limited_by=false", true},
		{"GET /_cluster/health",
			"wait_for_status=yellow&timeout=30s&local=true&level=shards&wait_for_nodes=%3E%3D1&wait_for_no_relocating_shards=true", true},
		{"GET /_cluster/health", "wait_for_status=blue", false},
	} {
		body := "{}"
		if strings.HasPrefix(c.place, "POST /_security/api_key") {
			body = `{"name":"a"}`
		}
		if c.place == bulkUpdate {
			body = `{"ids":"a"}`
		}
		if err := validateQuery(document, c.place, c.query, body); (err == nil) != c.taken {
			t.Errorf("%s?%s: %v", c.place, c.query, err)
		}
	}
}

func validate(document *openapi3.T, place, body string) error {
	return validateQuery(document, place, "", body)
}

// validateQuery asks the validator that the server asks, in the same way.
func validateQuery(document *openapi3.T, place, query, body string) error {
	method, path, _ := strings.Cut(place, " ")
	op := *find(document, place)
	op.Security = &openapi3.SecurityRequirements{}
	request := httptest.NewRequest(method, path+"?"+query, strings.NewReader(body))
	if op.RequestBody != nil && body != "" {
		request.Header.Set("Content-Type", jsonBody)
	}
	params := map[string]string{}
	for _, p := range slices.Concat(document.Paths.Value(path).Parameters, op.Parameters) {
		if p.Value.In == "path" {
			params[p.Value.Name] = "x"
		}
	}
	route := &routers.Route{
		Spec: document, Path: path, PathItem: document.Paths.Value(path), Method: method, Operation: &op,
	}
	return openapi3filter.ValidateRequest(request.Context(), &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{SkipSettingDefaults: true},
	})
}

// Ensures that every example of a request is one that the server takes.
func TestRequests_Examples(t *testing.T) {
	document := load(t)
	for _, op := range operations(document) {
		media := op.bodies()[jsonBody]
		if media == nil || !op.elasticsearch() {
			continue
		}
		for _, example := range examples(media) {
			body, err := json.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate(document, op.place(), string(body)); err != nil {
				t.Errorf("%s: %v", op.place(), err)
			}
		}
	}
}

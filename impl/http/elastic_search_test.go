package http_test

import (
	"net/http"
	"strings"
	"testing"
)

// found returns the names of an answer's roles or users, with the total before them and the sort values after each.
func (r reply) found(list, name string) string {
	r.Helper()
	answer := r.ok()
	hits, _ := answer[list].([]any)
	parts := []string{asJSON(answer["total"])}
	for _, hit := range hits {
		members, _ := hit.(map[string]any)
		text, _ := members[name].(string)
		if sort, sorted := members["_sort"]; sorted {
			text += asJSON(sort)
		}
		parts = append(parts, text)
	}
	if asJSON(answer["count"]) != asJSON(len(hits)) {
		r.Errorf("%s: the count of %s is wrong", r.request, r.body)
	}
	return strings.Join(parts, " ")
}

// Ensures that roles are found by each of their fields, sorted and in pages.
func TestSecurityRoles_Query(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.role("reader", `{"cluster":["monitor"],"description":"reads all logs","metadata":{"team":"search","n":2}}`)
	w.role("seller", `{"metadata":{"team":"shop","n":10},"applications":[
		{"application":"shop","privileges":["sell","read"],"resources":["*"]},
		{"application":"till","privileges":["open"],"resources":["a","b"]}]}`)
	w.role("empty", `{}`)

	const path = "/_security/_query/role"
	const custom = `"bool":{"must_not":{"exists":{"field":"metadata._reserved"}}}`
	for _, c := range []struct{ name, body, want string }{
		{"all that are not reserved", `{"query":{` + custom + `}}`, "3 empty reader seller"},
		{"the reserved", `{"query":{"term":{"metadata._reserved":true}},"size":1,"sort":"name"}`,
			`33 apm_system["apm_system"]`},
		{"by name", `{"query":{"prefix":{"name":"rea"}}}`, "1 reader"},
		{"by id", `{"query":{"ids":{"values":["role-seller","reader"]}}}`, "1 seller"},
		{"by description", `{"query":{"wildcard":{"description":"*logs*"}}}`, "1 reader"},
		{"by application", `{"query":{"term":{"applications.application":"till"}}}`, "1 seller"},
		{"by one of several privileges", `{"query":{"terms":{"applications.privileges":["sell","nothing"]}}}`, "1 seller"},
		{"by resource", `{"query":{"match":{"applications.resources":"b"}}}`, "1 seller"},
		{"by metadata", `{"query":{"term":{"metadata.team":"search"}}}`, "1 reader"},
		{"by words", `{"query":{"simple_query_string":{"query":"se* rea*","fields":["name"],"default_operator":"or"}}}`,
			"2 reader seller"},
		{"sorted", `{"query":{` + custom + `},"sort":[{"name":"desc"}]}`, `3 seller["seller"] reader["reader"] empty["empty"]`},
		{"sorted by the greatest of several values", `{"query":{` + custom + `},"sort":[{"applications.privileges":"desc"}],"size":1}`,
			`3 seller["sell"]`},
		{"the second page", `{"query":{` + custom + `},"from":1,"size":1}`, "3 reader"},
		{"after a hit", `{"query":{` + custom + `},"sort":["name"],"search_after":["empty"],"size":1}`, `3 reader["reader"]`},
		{"after a hit in the order of the index", `{"query":{` + custom + `},"sort":["_doc"],"search_after":["0:role-reader"]}`,
			`3 seller["0:role-seller"]`},
		{"no page", `{"size":0}`, "36"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			if got := w.es(bob, "POST "+path, c.body).found("roles", "name"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}

	w.es(bob, "GET "+path, `{"query":{"term":{"name":"reader"}},"sort":"name"}`).is(http.StatusOK, `{"total":1,"count":1,
		"roles":[{"name":"reader","cluster":["monitor"],"indices":[],"applications":[],"run_as":[],
		"metadata":{"team":"search","n":2},"transient_metadata":{"enabled":true},"description":"reads all logs",
		"_sort":["reader"]}]}`)
	if got := w.es(bob, "GET "+path, "").found("roles", "name"); !strings.HasPrefix(got, "36 apm_system ") {
		t.Errorf("without a body: %s", got)
	}
}

// Ensures that users are found by each of their fields, sorted and in pages, without the built-in ones.
func TestSecurityUsers_Query(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const carol = `{"password":"carol's own passphrase","roles":["reader","seller"],"full_name":"Carol Doe",
		"email":"carol@example.com","enabled":false,"metadata":{"n":1.50}}`
	w.es(bob, "PUT /_security/user/carol", carol).ok()
	const path = "/_security/_query/user"
	for _, c := range []struct{ name, body, want string }{
		{"all", `{"sort":["username"]}`, `3 alice["alice"] bob["bob"] carol["carol"]`},
		{"by name", `{"query":{"terms":{"username":["carol","alice","admin"]}},"sort":{"username":"desc"}}`,
			`2 carol["carol"] alice["alice"]`},
		{"by id", `{"query":{"ids":{"values":"user-bob"}}}`, "1 bob"},
		{"by one of several roles", `{"query":{"term":{"roles":"seller"}}}`, "1 carol"},
		{"by full name", `{"query":{"match":{"full_name":"Carol Doe"}}}`, "1 carol"},
		{"by email", `{"query":{"wildcard":{"email":"*@example.com"}},"sort":"username","size":1,"from":0}`,
			`1 carol["carol"]`},
		{"disabled", `{"query":{"term":{"enabled":false}}}`, "1 carol"},
		{"sorted by state", `{"query":{"exists":{"field":"username"}},"sort":["enabled","username"],"size":2}`,
			`3 carol[false,"carol"] alice[true,"alice"]`},
		{"after a hit", `{"sort":["enabled","username"],"search_after":[true,"alice"]}`, `3 bob[true,"bob"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{T: t, url: w.url}
			if got := w.es(bob, "POST "+path+"?with_profile_uid=true", c.body).found("users", "username"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}

	w.es(bob, "GET "+path, `{"query":{"term":{"enabled":false}}}`).is(http.StatusOK, `{"total":1,"count":1,"users":[
		{"username":"carol","roles":["reader","seller"],"full_name":"Carol Doe","email":"carol@example.com",
		"metadata":{"n":1.50},"enabled":false}]}`)
}

// Ensures that queries for roles and users have strict fields and limits, and need a privilege.
func TestSecurityQueries_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const roles, users = "/_security/_query/role", "/_security/_query/user"
	for _, c := range []struct{ path, body, kind, reason string }{
		{roles, `{"query":{"term":{"cluster":"all"}}}`, illegalArgument,
			"Field [cluster] is not allowed for querying or aggregation"},
		{users, `{"query":{"term":{"metadata.n":1}}}`, illegalArgument,
			"Field [metadata.n] is not allowed for querying or aggregation"},
		{users, `{"query":{"term":{"password":"x"}}}`, illegalArgument,
			"Field [password] is not allowed for querying or aggregation"},
		{roles, `{"sort":"description"}`, illegalArgument, "sorting is not supported for field [description]"},
		{users, `{"sort":"email"}`, illegalArgument, "sorting is not supported for field [email]"},
		{roles, `{"aggs":{}}`, xcontentParse, "[1:2] [query_role_request_payload] unknown field [aggs]"},
		{users, `{"aggs":{}}`, xcontentParse, "[1:2] [query_user_request_payload] unknown field [aggs]"},
		{roles, `{"size":-1}`, requestInvalid, invalid("[size] parameter cannot be negative but was [-1]")},
		{users, `{"from":9999,"size":2}`, illegalArgument, "Result window is too large, …"},
		{roles, `{"sort":[],"search_after":["x"]}`, illegalArgument, "Sort must contain at least one field."},
		{users, `{"query":{"fuzzy":{"username":"x"}}}`, illegalArgument,
			"Query type [fuzzy] is not currently supported in this context"},
	} {
		w.es(bob, "POST "+c.path, c.body).fails(http.StatusBadRequest, c.kind, c.reason)
	}

	for path, name := range map[string]string{roles: "role", users: "user"} {
		w.es(alice, "POST "+path, "").fails(http.StatusForbidden, securityDenied,
			"action [cluster:admin/xpack/security/"+name+"/query] is unauthorized …")
	}
}

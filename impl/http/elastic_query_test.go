package http_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

const queryPath = "POST /_security/_query/api_key"

// Ensures that queries find what they mean, in order, page by page, by either method.
func TestSecurityQuery(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.keysOfTwo()
	w.esKey(bob, `{"name":"tagged","metadata":{"env":"prod","n":7}}`)
	for body, want := range map[string]string{
		``: "5:alice-1 alice-2 bob-1 bob-2 tagged",
		`{"query":{"term":{"username":"alice"}}}`:                                                   "2:alice-1 alice-2",
		`{"query":{"term":{"invalidated":true}}}`:                                                   "1:bob-2",
		`{"query":{"exists":{"field":"expiration"}}}`:                                               "1:alice-2",
		`{"query":{"range":{"expiration":{"lt":"now"}}}}`:                                           "1:alice-2",
		`{"query":{"term":{"metadata.n":"7"}}}`:                                                     "1:tagged",
		`{"query":{"simple_query_string":{"query":"prod"}}}`:                                        "1:tagged",
		`{"query":{"bool":{"must_not":{"prefix":{"name":"bob"}}}},"from":1,"size":1,"sort":"name"}`: "3:alice-2",
		`{"sort":[{"name":{"order":"desc"}}],"size":2}`:                                             "5:tagged bob-2",
		`{"sort":["name"],"search_after":["bob-1"]}`:                                                "5:bob-2 tagged",
		`{"size":0}`:                            "5:",
		`{"sort":"name","from":"1","size":"2"}`: "5:alice-2 bob-1",
	} {
		answer := w.es(bob, queryPath, body).ok()
		if got := fmt.Sprint(answer["total"]) + ":" + names(answer); got != want && (body != "" || len(got) != len(want)) {
			t.Errorf("%s finds %q, want %q", body, got, want)
		}
	}

	found, err := w.client.SecurityQueryAPIKeysGetWithResponse(t.Context(), &client.SecurityQueryAPIKeysGetParams{},
		client.QueryAPIKeysRequest{
			Query: &client.FreeObject{"term": map[string]any{"name": "bob-1"}}, Sort: []any{"creation"},
		}, bob)
	if err != nil || found.JSON200 == nil || found.JSON200.Total != 1 || len(found.JSON200.APIKeys) != 1 {
		t.Fatalf("%v %s", err, found.Body)
	}

	key := found.JSON200.APIKeys[0]
	if got, want := asJSON(key.SortValues), fmt.Sprintf("[%d]", key.Creation); got != want {
		t.Errorf("the key sorts by %s, want %s", got, want)
	}
}

// Ensures that aggregations count keys, with types before their names if asked for.
func TestSecurityQuery_Aggregations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keysOfTwo()
	const body = `{"size":0,"aggs":{"users":{"terms":{"field":"username"},"aggs":{"n":{"cardinality":{"field":"name"}}}},"all":{"filter":{"term":{"type":"rest"}}}}}`
	const buckets = `{"doc_count_error_upper_bound":0,"sum_other_doc_count":0,"buckets":[{"key":"alice","doc_count":2,"%[1]s":{"value":2}},{"key":"bob","doc_count":2,"%[1]s":{"value":2}}]}`
	w.es(bob, queryPath, body).is(http.StatusOK,
		`{"total":4,"count":0,"api_keys":[],"aggregations":{"all":{"doc_count":4},"users":`+fmt.Sprintf(buckets, "n")+`}}`)
	w.es(bob, queryPath+"?typed_keys=true", body).is(http.StatusOK,
		`{"total":4,"count":0,"api_keys":[],"aggregations":{"filter#all":{"doc_count":4},"sterms#users":`+
			fmt.Sprintf(buckets, "cardinality#n")+`}}`)
}

// Ensures that callers that may see only their own keys find no others, that an API key finds only itself, and that
// nothing reveals the rest.
func TestSecurityQuery_Authorization(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	hers, his := w.keysOfTwo()
	powerless := w.esKey(alice, `{"name":"alice-3","role_descriptors":{"r":{}}}`)
	const all = `{"sort":"name","aggs":{"n":{"value_count":{"field":"username"}}}}`
	for name, c := range map[string]struct {
		caller client.RequestEditorFn
		want   string
	}{
		"user":        {alice, "alice-1 alice-2 alice-3"},
		"key":         {hers.editor(), "alice-1"},
		"admin":       {bob, "alice-1 alice-2 alice-3 bob-1 bob-2"},
		"admin's key": {his.editor(), "alice-1 alice-2 alice-3 bob-1 bob-2"},
		"run as":      {runningAs(bob, "alice"), "alice-1 alice-2 alice-3"},
	} {
		answer := w.es(c.caller, queryPath, all).ok()
		count := len(strings.Fields(c.want))
		if got := names(answer); got != c.want ||
			asJSON(answer["aggregations"]) != fmt.Sprintf(`{"n":{"value":%d}}`, count) ||
			fmt.Sprint(answer["total"]) != fmt.Sprint(count) {
			t.Errorf("%s: %v", name, answer)
		}
	}

	if got := names(w.es(alice, queryPath, `{"query":{"ids":{"values":["`+his.id+`"]}}}`).ok()); got != "" {
		t.Errorf("alice finds %s", got)
	}

	w.es(alice, queryPath+"?with_limited_by=true", "").ok()
	const readers = "manage_own_api_key,read_security,manage_api_key,manage_security,all"
	w.es(powerless.editor(), queryPath, "").fails(http.StatusForbidden, securityDenied,
		denied("query", "API key id ["+powerless.id+"] of user [alice]", readers))
	w.es(w.native("roleless"), queryPath, "").fails(http.StatusForbidden, securityDenied,
		denied("query", "user [roleless] with effective roles []", readers))
	w.es(hers.editor(), queryPath+"?with_limited_by", "").fails(http.StatusForbidden, securityDenied,
		denied("query", "API key id ["+hers.id+"] of user [alice]", "read_security,manage_api_key,manage_security,all"))
}

// Ensures that what is no query is refused before anybody's privileges are looked at.
func TestSecurityQuery_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	carol := w.native("carol")
	for body, want := range map[string]string{
		`{"query":{"fuzzy":{"name":"x"}}}`:            "Query type [fuzzy] is not currently supported in this context",
		`{"query":{"term":{"secret":"x"}}}`:           "Field [secret] is not allowed for querying or aggregation",
		`{"aggs":{"n":{"avg":{"field":"creation"}}}}`: "Unsupported API Keys agg [n] of type [avg]",
	} {
		w.es(carol, queryPath, body).fails(http.StatusBadRequest, illegalArgument, want+"…")
	}

	w.es(carol, queryPath, `{"from":-1}`).fails(http.StatusBadRequest, requestInvalid,
		invalid("[from] parameter cannot be negative but was [-1]"))
	deep := strings.Repeat(`{"bool":{"must":`, 5000) + `{}` + strings.Repeat(`}}`, 5000)
	if r := w.es(bob, queryPath, `{"query":`+deep+`}`); r.response.StatusCode != http.StatusBadRequest {
		t.Errorf("a deep query: %d", r.response.StatusCode)
	}
}

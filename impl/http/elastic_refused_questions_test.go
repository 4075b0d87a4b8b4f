package http_test

import (
	"net/http"
	"testing"
)

// Ensures that searches for keys refuse what Elasticsearch does.
func TestRefused_Query(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"k"}`)
	notAllowed := func(field string) string {
		return iae("Field [" + field + "] is not allowed for querying or aggregation")
	}
	unsupported := func(query string) string {
		return "400 illegal_argument_exception: Query type [" + query +
			"] is not currently supported in this context | illegal_argument_exception"
	}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		w.refusesAll(method, queryURL, id, []refusedBody{
			{`[]`, xpe("…START_ARRAY")},
			{`null`, xpe("…null")},
			{`{"foo":1}`, xpe("…unknown field [foo]")},
			{`{"query":[]}`, "400 x_content_parse_exception: …START_ARRAY | x_content_parse_exception"},
			{`{"query":{"fuzzy":{"name":"k"}}}`, unsupported("fuzzy")},
			{`{"query":{"script":{}}}`, unsupported("script")},
			{`{"query":{"bool":{"must":[{"nested":{}}]}}}`, unsupported("nested")},
			{`{"query":{"bool":{"foo":[]}}}`,
				"400 x_content_parse_exception: … <- parse_exception: [bool] query does not support [foo] | parse_exception"},
			{`{"query":{"term":{"secret_digest":"x"}}}`, notAllowed("secret_digest")},
			{`{"query":{"term":{"api_key_hash":"x"}}}`, notAllowed("api_key_hash")},
			{`{"query":{"exists":{"field":"creator"}}}`, notAllowed("creator")},
			{`{"query":{"simple_query_string":{"query":"x","fields":["cre*tor"]}}}`,
				"400 illegal_argument_exception: Field name pattern [cre*tor] is not allowed … | illegal_argument_exception"},
			{`{"query":{"range":{"creation":{"gt":"x"}}}}`,
				"400 x_content_parse_exception: … <- parse_exception: failed to parse date field [x]… | parse_exception"},
			{`{"query":{"range":{"creation":{"gt":1,"relation":"within"}}}}`, iae("…relation…")},
			{`{"query":{"terms":{"name":{"index":"i","id":"1","path":"p"}}}}`, iae("…lookup…")},
			{`{"from":-1}`, "400 …[from] parameter cannot be negative but was [-1]…"},
			{`{"size":-1}`, "400 …[size] parameter cannot be negative…"},
			{`{"size":"-1"}`, "400 …[size] parameter cannot be negative…"},
			{`{"from":1,"size":10000}`, iae("…[10000]…[10001]")},
			{`{"size":"x"}`,
				"400 x_content_parse_exception: …[size] <- illegal_argument_exception: … | x_content_parse_exception"},
			{`{"sort":"role_descriptors"}`, notAllowed("role_descriptors")},
			{`{"sort":{"name":{"nested":{"path":"x"}}}}`, iae("nested sorting…")},
			{`{"sort":{"name":{"order":"up"}}}`, iae("…[up]")},
			{`{"search_after":["x"]}`, iae("Sort must…")},
			{`{"sort":["name"],"search_after":["x","y"]}`, iae("search_after has 2…")},
			{`{"sort":["name"],"search_after":["x"],"from":1}`, iae("…`from`…")},
			{`{"aggs":{"n":{"avg":{"field":"creation"}}}}`, iae("Unsupported API Keys agg [n] of type [avg]")},
			{`{"aggs":{"n":{"terms":{"field":"name"},"aggs":{"m":{"max":{"field":"creation"}}}}}}`,
				iae("Unsupported API Keys agg [m] of type [max]")},
			{`{"aggs":{"n":{"terms":{"field":"secret"}}}}`, notAllowed("secret")},
			{`{"aggs":{"n":{"terms":{"script":"1"}}}}`, iae("…script…[n]…")},
		}, bob)
		w.refuses(method, queryURL+"?foo=1", ``, iae("request ["+queryURL+"] contains unrecognized parameter: [foo]"), bob)
		w.refuses(method, queryURL+"?typed_keys=1", ``, "400 illegal_argument_exception: … | illegal_argument_exception", bob)
	}
}

// Ensures that questions about privileges are refused as in Elasticsearch.
func TestRefused_HasPrivileges(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const url = "/_security/user/_has_privileges"
	for _, c := range []refusedBody{
		{``, pe("request body is required")},
		{`[]`, pe("failed to parse privileges check [bob]. expected an object but found [START_ARRAY] instead")},
		{`{}`, pe("failed to parse privileges check [bob]. All privilege fields [cluster,index,applications] are missing")},
		{`{"cluster":null}`,
			pe("failed to parse privileges check [bob]. All privilege fields [cluster,index,applications] are missing")},
		{`{"cluster":[]}`, arv("must specify at least one privilege")},
		{`{"cluster":null,"index":[],"application":[]}`, arv("must specify at least one privilege")},
		{`{"indices":[]}`, pe("failed to parse privileges check [bob]. unexpected field [indices]")},
		{`{"foo":1}`, pe("failed to parse privileges check [bob]. unexpected field [foo]")},
		{`{"cluster":{}}`, refusal(parseException, parseException+": failed to parse role [bob]", parseException+
			": could not parse [cluster] field. expected a string array but found [START_OBJECT] value instead")},
		{`{"cluster":[1]}`, refusal(parseException, parseException+": failed to parse role [bob]", parseException+
			": could not parse [cluster] field. expected a string array but one of the value in the array is [VALUE_NUMBER]")},
		{`{"index":[{"names":1,"privileges":["read"]}]}`, pe("failed to parse indices privileges for role [bob]. " +
			"expected field [names] value to be a string or an array of strings, but found [VALUE_NUMBER] instead")},
		{`{"index":[{"names":"a","privileges":["read"],"field_security":{"grant":["f"]}}]}`,
			pe("Field [field_security] is not supported in a has_privileges request")},
		{`{"index":[{"names":"a","privileges":["read"],"query":"{}"}]}`,
			pe("Field [query] is not supported in a has_privileges request")},
		{`{"index":[{"names":"a"}]}`, pe("failed to parse indices privileges for role [bob]. missing required [privileges] field")},
		{`{"index":[{"privileges":["read"]}]}`, pe("failed to parse indices privileges for role [bob]. missing required [names] field")},
		{`{"index":{"names":"a","privileges":["read"]}}`, pe("failed to parse indices privileges for role [bob]. " +
			"expected field [index] value to be an array, but found [START_OBJECT] instead")},
		{`{"cluster":["no_such"]}`, "400 …unknown cluster privilege [no_such]… | …"},
		{`{"index":[{"names":"a","privileges":["no_such"]}]}`, "400 …unknown index privilege [no_such]… | …"},
		{`{"application":[{"application":"kib","privileges":["p"]}]}`,
			pe("failed to parse application privileges for role [bob]. missing required [resources] field")},
		{`{"application":[{"application":"kib","privileges":{},"resources":["*"]}]}`,
			xpe("[application] privileges doesn't support values of type: START_OBJECT")},
		{`{"application":[{"application":"kib*","privileges":["p"],"resources":["*"]}]}`,
			arv("[kib*] is not the name of an application…")},
	} {
		w.refuses(http.MethodPost, url, c.body, c.want, bob)
		w.refuses(http.MethodGet, url, c.body, c.want, bob)
	}

	w.refuses(http.MethodPost, "/_security/user/alice/_has_privileges", `{"cluster":["all"]}`,
		"400 illegal_argument_exception: …own account… | illegal_argument_exception", bob)
}

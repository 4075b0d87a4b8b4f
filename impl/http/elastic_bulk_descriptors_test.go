package http_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// descriptorsUnread are descriptors, each to be called x, that cannot be read, with how they are refused: pe for the
// type of the innermost failure, array for one that is the cause of another, xpe for one with a position, or iae.
var descriptorsUnread = []struct{ given, kind, reason string }{
	{`[]`, "pe", "failed to parse role [x]. expected an object but found [START_ARRAY] instead"},
	{`null`, "pe", "failed to parse role [x]. expected an object but found [VALUE_NULL] instead"},
	{`"all"`, "pe", "failed to parse role [x]. expected an object but found [VALUE_STRING] instead"},
	{`1`, "pe", "failed to parse role [x]. expected an object but found [VALUE_NUMBER] instead"},
	{`{"foo":1}`, "pe", "failed to parse role [x]. unexpected field [foo]"},
	{`{"description":"a"}`, "pe", "failed to parse role [x]. unexpected field [description]"},
	{`{"cluster":"all"}`, "array",
		"could not parse [cluster] field. expected a string array but found [VALUE_STRING] value instead"},
	{`{"cluster":[1]}`, "array",
		"could not parse [cluster] field. expected a string array but one of the value in the array is [VALUE_NUMBER]"},
	{`{"cluster":[null]}`, "array",
		"could not parse [cluster] field. expected a string array but one of the value in the array is [VALUE_NULL]"},
	{`{"cluster":[["all"]]}`, "array",
		"could not parse [cluster] field. expected a string array but one of the value in the array is [START_ARRAY]"},
	{`{"run_as":"bob"}`, "array",
		"could not parse [run_as] field. expected a string array but found [VALUE_STRING] value instead"},
	{`{"metadata":[]}`, "pe", "expected field [metadata] to be of type object, but found [START_ARRAY] instead"},
	{`{"transient_metadata":1}`, "pe", "failed to parse role [x]. unexpected field [transient_metadata]"},
	{`{"metadata_flattened":1}`, "pe", "failed to parse role [x]. unexpected field [metadata_flattened]"},

	{`{"indices":{}}`, "pe", "failed to parse indices privileges for role [x]. …"},
	{`{"index":"a"}`, "pe", "failed to parse indices privileges for role [x]. …"},
	{`{"indices":[1]}`, "pe", "failed to parse indices privileges for role [x]. …"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"foo":1}]}`, "pe",
		"failed to parse indices privileges for role [x]. unexpected field [foo]"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"clusters":["c"]}]}`, "pe",
		"failed to parse indices privileges for role [x]. unexpected field [clusters]"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"fields":["f"]}]}`, "pe",
		"failed to parse indices privileges for role [x]. unexpected field [fields]"},
	{`{"indices":[{"privileges":["read"]}]}`, "pe", "…missing required [names] field"},
	{`{"indices":[{"names":["a"]}]}`, "pe", "…missing required [privileges] field"},
	{`{"indices":[{"names":[],"privileges":["read"]}]}`, "pe", "…[names] cannot be an empty array"},
	{`{"indices":[{"names":["a"],"privileges":[]}]}`, "iae", "indices privileges must define at least one privilege"},
	{`{"indices":[{"names":["a"],"privileges":"read"}]}`, "array", "…[privileges]…[VALUE_STRING]…"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"query":1}]}`, "pe", "…[query]…"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"query":[]}]}`, "pe", "…[query]…"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"allow_restricted_indices":"true"}]}`, "pe",
		"…[allow_restricted_indices]…"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"field_security":null}]}`, "pe", "…"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"field_security":{}}]}`, "pe", "…"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"field_security":{"except":["f"]}}]}`, "pe", "…"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"field_security":{"grant":"f"}}]}`, "array", "…[grant]…"},
	{`{"indices":[{"names":["a"],"privileges":["read"],"field_security":{"grant":["f"],"deny":["g"]}}]}`, "pe",
		`…"field_security" only accepts options grant and except, but got: deny`},
	{`{"indices":[{"names":["a"],"privileges":["read"],"field_security":{"grant":["f1","f2"],"except":["f3"]}}]}`, "pe",
		"failed to parse indices privileges for role [x] - Exceptions for field permissions must be a subset of the " +
			"granted fields but [f3] is not a subset of [f1,f2]"},

	{`{"remote_indices":{}}`, "pe", "…"},
	{`{"remote_indices":[{"names":["a"],"privileges":["read"]}]}`, "pe", "…missing required [clusters] field"},
	{`{"remote_indices":[{"names":["a"],"privileges":["read"],"clusters":[]}]}`, "pe",
		"…[clusters] cannot be an empty array"},
	{`{"remote_indices":[{"names":["a"],"privileges":["read"],"clusters":["c",""]}]}`, "iae",
		"remote index cluster alias cannot be an empty string"},
	{`{"remote_cluster":[{}]}`, "iae", "remote cluster groups must not be null or empty"},
	{`{"remote_cluster":[{"clusters":["c"]}]}`, "pe", "…[privileges] must be defined when [clusters] are defined"},
	{`{"remote_cluster":[{"privileges":["monitor_enrich"]}]}`, "pe",
		"…[clusters] must be defined when [privileges] are defined"},
	{`{"remote_cluster":[{"clusters":["c"],"privileges":["monitor"]}]}`, "pe",
		"…[monitor_enrich, monitor_stats] are the only values allowed for [privileges] within [remote_cluster]. Found " +
			"[monitor]"},

	{`{"applications":{}}`, "pe", "failed to parse application privileges for role [x]. …"},
	{`{"applications":[{"application":"kib","privileges":["p"]}]}`, "pe", "…missing required [resources] field"},
	{`{"applications":[{"application":"kib","resources":["*"]}]}`, "pe", "…missing required [privileges] field"},
	{`{"application":[{"privileges":["p"],"resources":["*"]}]}`, "iae", "application privileges must have an application name"},
	{`{"applications":[{"application":"kib","privileges":[],"resources":["*"]}]}`, "iae",
		"application privileges must define at least one privilege"},
	{`{"applications":[{"application":"kib","privileges":["p"],"resources":[]}]}`, "iae",
		"application privileges must refer to at least one resource"},
	{`{"applications":[{"application":"kib","privileges":["p"],"resources":["*"],"foo":1}]}`, "xpe",
		"[application] unknown field [foo]"},
	{`{"applications":[{"application":"kib","privileges":["p"],"resources":{}}]}`, "xpe",
		"[application] resources doesn't support values of type: START_OBJECT"},
	{`{"global":[]}`, "pe", "failed to parse privilege. expected [START_OBJECT] but found [START_ARRAY] instead"},
	{`{"global":[{"application":{"manage":{"applications":["*"]}}}]}`, "pe",
		"failed to parse privilege. expected [START_OBJECT] but found [START_ARRAY] instead"},
	{`{"global":{"foo":{}}}`, "pe", "failed to parse privilege. …"},
	{`{"global":{"data_source":[{"names":["a"],"privileges":["all"]}]}}`, "pe", "failed to parse privilege. …"},
	{`{"restriction":1}`, "pe", "failed to parse restriction for role [x]. …"},
	{`{"restriction":{"workflows":null}}`, "array",
		"could not parse [workflows] field. expected a string array but found null value instead"},
	{`{"restriction":{"workflows":[]}}`, "pe", "…[workflows] cannot be an empty array"},
	{`{"restriction":{"foo":[]}}`, "pe", "…unexpected field [foo]"},
}

// descriptorsInvalid are well-formed descriptors, with the problem of each.
var descriptorsInvalid = []struct {
	given    string
	messages []string
}{
	{`{"cluster":["no_such"]}`,
		[]string{"unknown cluster privilege [no_such]. a privilege must be either one of the predefined cluster privilege " +
			"names [all,…] or a pattern over one of the available cluster actions"}},
	{`{"cluster":["all","indices:data/read/search"]}`,
		[]string{"unknown cluster privilege [indices:data/read/search]. …"}},
	{`{"cluster":["a","b"]}`, []string{"unknown cluster privilege [a]. …", "unknown cluster privilege [b]. …"}},
	{`{"indices":[{"names":["a"],"privileges":["no_such"]}]}`,
		[]string{"unknown index privilege [no_such]. a privilege must be either one of the predefined fixed indices " +
			"privileges […all,…] or a pattern over one of the available index actions"}},
	{`{"indices":[{"names":["a"],"privileges":["cluster:monitor/main"]}]}`,
		[]string{"unknown index privilege [cluster:monitor/main]. …"}},
	{`{"remote_indices":[{"names":["a"],"privileges":["no_such"],"clusters":["c"]}]}`,
		[]string{"unknown index privilege [no_such]. …"}},
	{`{"remote_indices":[{"names":["a"],"privileges":["read_failure_store"],"clusters":["c"]}]}`,
		[]string{"…[read_failure_store]…"}},
	{`{"applications":[{"application":"Ki","privileges":["p"],"resources":["*"]}]}`,
		[]string{"[Ki] is not the name of an application…"}},
	{`{"applications":[{"application":"kib","privileges":["Pr"],"resources":["*"]}]}`,
		[]string{"[Pr] is neither the name of an application privilege…"}},
	{`{"metadata":{"_a":1}}`, []string{"role descriptor metadata keys may not start with [_]"}},
	{`{"restriction":{"workflows":["no_such"]}}`,
		[]string{"Unknown workflow [no_such]. A workflow must be one of the predefined workflow names " +
			"[search_application_query…]."}},
	{`{"cluster":["a"],"metadata":{"_a":1}}`,
		[]string{"unknown cluster privilege [a]. …", "role descriptor metadata keys may not start with [_]"}},
}

// unread is how a request refuses a descriptor that cannot be read, and which it calls so.
func unread(parser, role, kind, reason string) string {
	outer := xcontentParse + ": @ [role_descriptors] failed to parse field [" + role + "]"
	switch kind {
	case "iae":
		return within(xcontentParse, parser, "role_descriptors", outer, illegalArgument+": "+reason)
	case "xpe":
		return within(xcontentParse, parser, "role_descriptors", outer, xcontentParse+": @ "+reason)
	case "array":
		return within(parseException, parser, "role_descriptors", outer,
			parseException+": failed to parse role ["+role+"]", parseException+": "+reason)
	}
	return within(parseException, parser, "role_descriptors", outer, parseException+": "+reason)
}

// Ensures that every descriptor which Elasticsearch refuses is refused in the same way for every caller: with the
// innermost of Elasticsearch's types as the root cause, or with all problems in one message. Nothing is written.
func TestDescriptors_Refused(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"kept","role_descriptors":{"x":{"cluster":["monitor"]}}}`)
	before := w.shownKeys(bob, id)
	for _, operation := range []struct{ method, path, body, parser string }{
		{http.MethodPost, bulkURL, `{"ids":"` + id + `","role_descriptors":{"x":GIVEN}}`, bulkParser},
		{http.MethodPut, keysURL + "/" + id, `{"role_descriptors":{"x":GIVEN}}`, "update_api_key_request"},
		{http.MethodPost, keysURL, `{"name":"new","role_descriptors":{"x":GIVEN}}`, "api_key_request"},
	} {
		for _, c := range descriptorsUnread {
			w.refuses(operation.method, operation.path, strings.ReplaceAll(operation.body, "GIVEN", c.given),
				unread(operation.parser, "x", c.kind, c.reason), bob)
		}
		for _, c := range descriptorsInvalid {
			w.refuses(operation.method, operation.path, strings.ReplaceAll(operation.body, "GIVEN", c.given), arv(c.messages...),
				bob)
		}
		for _, name := range []string{"", " x", "x ", "ü", `a\u0000`, strings.Repeat("x", 1025)} {
			body := strings.ReplaceAll(operation.body, `"x":GIVEN`, `"`+name+`":{}`)
			want := unread(operation.parser, "…", "iae", "Role names must be at least 1 and no more than 1024 characters.…")
			w.refuses(operation.method, operation.path, body, want, bob)
		}
	}

	if w.shownKeys(bob, id) != before {
		t.Error("the key has changed")
	}
}

// descriptorsShown are descriptors with how they are shown, but for what every one has.
var descriptorsShown = []struct{ given, shown string }{
	{`{}`, `{}`},
	{`{"cluster":null,"run_as":null,"indices":[],"applications":[],"global":{},"metadata":{},"restriction":{},"remote_cluster":[]}`, `{}`},
	{`{"type":"role","transient_metadata":{"enabled":false},"metadata_flattened":{"a":"b"}}`, `{}`},
	{`{"cluster":["ALL","cluster:monitor/*"],"run_as":["a*"]}`, `{"cluster":["ALL","cluster:monitor/*"],"run_as":["a*"]}`},
	{`{"index":[{"names":"a","privileges":["read"]}]}`,
		`{"indices":[{"names":["a"],"privileges":["read"],"allow_restricted_indices":false}]}`},
	{`{"indices":[{"names":["a*","/b.*/"],"privileges":["read"],"query":{"match_all":{}},"allow_restricted_indices":true,"transient_metadata":{}}]}`,
		`{"indices":[{"names":["a*","/b.*/"],"privileges":["read"],"query":"{\"match_all\":{}}","allow_restricted_indices":true}]}`},
	{`{"indices":[{"names":"a","privileges":["read"],"query":"","field_security":{"grant":["*"],"except":["f"]}}]}`,
		`{"indices":[{"names":["a"],"privileges":["read"],"field_security":{"grant":["*"],"except":["f"]},"allow_restricted_indices":false}]}`},
	{`{"application":[{"application":"kib*","privileges":["p","data:read/*"],"resources":["*"]}]}`,
		`{"applications":[{"application":"kib*","privileges":["p","data:read/*"],"resources":["*"]}]}`},
	{`{"remote_indices":[{"names":"a","privileges":["read"],"clusters":"c"}]}`,
		`{"remote_indices":[{"names":["a"],"privileges":["read"],"allow_restricted_indices":false,"clusters":["c"]}]}`},
	{`{"remote_cluster":[{"clusters":"c","privileges":["monitor_stats"]}]}`,
		`{"remote_cluster":[{"clusters":["c"],"privileges":["monitor_stats"]}]}`},
	{`{"global":{"application":{"manage":{"applications":["*"]}}},"metadata":{"a":[1.50]}}`,
		`{"global":{"application":{"manage":{"applications":["*"]}}},"metadata":{"a":[1.50]}}`},
	{`{"restriction":{"workflows":["search_application_query"]}}`,
		`{"restriction":{"workflows":["search_application_query"]}}`},
}

// Ensures that every form of a descriptor that Elasticsearch takes is taken, and shown in the one form; and that the
// form it is shown in is no change of it.
func TestDescriptors_Shown(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id, _ := w.newKeyOf(bob, `{"name":"shown","role_descriptors":{"y":{"cluster":["none"]}}}`)
	send := func(descriptor string) string {
		return w.bulkUpdate(`{"ids":"`+id+`","role_descriptors":{"x":`+descriptor+`}}`, bob).String()
	}
	for _, c := range descriptorsShown {
		if got := send(c.given); got != "updated ["+id+"] noops []" {
			t.Errorf("%s: %s", c.given, got)
		}
		if got, want := w.assigned(bob, id), completed(t, c.shown); !sameJSON(t, got, want) {
			t.Errorf("%s is shown as %s, want %s", c.given, got, want)
		}
		if got := send(w.assigned(bob, id)); got != "updated [] noops ["+id+"]" {
			t.Errorf("%s: what is shown is not equal: %s", c.given, got)
		}
		send(`{"cluster":["none"]}`)
	}
}

// assigned returns the descriptor x of a key as it is shown.
func (w *world) assigned(caller client.RequestEditorFn, id string) string {
	w.Helper()

	var shown struct {
		Keys []struct {
			Assigned map[string]json.RawMessage `json:"role_descriptors"`
		} `json:"api_keys"`
	}

	text := w.must(http.MethodGet, keysURL+"?id="+id, "", caller)
	if err := json.Unmarshal([]byte(text), &shown); err != nil || len(shown.Keys) != 1 {
		w.Fatalf("%s: %v", text, err)
	}

	return string(shown.Keys[0].Assigned["x"])
}

// completed adds to a descriptor what every one that is shown has.
func completed(t *testing.T, descriptor string) string {
	t.Helper()
	members := map[string]json.RawMessage{
		"cluster":            []byte("[]"),
		"indices":            []byte("[]"),
		"applications":       []byte("[]"),
		"run_as":             []byte("[]"),
		"metadata":           []byte("{}"),
		"transient_metadata": []byte(`{"enabled":true}`),
	}
	if err := json.Unmarshal([]byte(descriptor), &members); err != nil {
		t.Fatal(err)
	}
	return asJSON(members)
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var left, right any
	if err := errors.Join(json.Unmarshal([]byte(a), &left), json.Unmarshal([]byte(b), &right)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(left, right)
}

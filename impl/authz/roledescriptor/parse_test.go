package roledescriptor

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/platform/xcontent"
)

var everything = Options{AllowRestriction: true, AllowDescription: true, AllowDataSources: true}

func decode(t *testing.T, text string) any {
	t.Helper()
	value, err := strictjson.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

// shown returns the rendering of a descriptor with only these members.
func shown(t *testing.T, members string) map[string]any {
	t.Helper()
	all := decode(t, `{"cluster":[],"indices":[],"applications":[],"run_as":[],"metadata":{}}`).(map[string]any)
	maps.Copy(all, decode(t, members).(map[string]any))
	return all
}

// Ensures that the forms that Elasticsearch accepts are accepted, and rendered as Elasticsearch renders them.
func TestParse_Accepted(t *testing.T) {
	for given, want := range map[string]string{
		`{}`:                                `{}`,
		`{"cluster":["b","a","b"]}`:         `{"cluster":["b","a","b"]}`,
		`{"cluster":null,"run_as":null}`:    `{}`,
		`{"cluster":[],"run_as":["u","*"]}`: `{"run_as":["u","*"]}`,
		`{"indices":[]}`:                    `{}`,
		`{"index":[{"names":"a","privileges":["read"]}]}`:                                                               `{"indices":[{"names":["a"],"privileges":["read"],"allow_restricted_indices":false}]}`,
		`{"indices":[{"names":["a*","/b?/"],"privileges":["READ"]}]}`:                                                   `{"indices":[{"names":["a*","/b?/"],"privileges":["READ"],"allow_restricted_indices":false}]}`,
		`{"indices":[{"names":"a","privileges":["all"],"allow_restricted_indices":true,"transient_metadata":{"x":1}}]}`: `{"indices":[{"names":["a"],"privileges":["all"],"allow_restricted_indices":true}]}`,

		`{"application":[{"application":"app","privileges":["p"],"resources":["*"]}]}`:  `{"applications":[{"application":"app","privileges":["p"],"resources":["*"]}]}`,
		`{"applications":[{"application":"app","privileges":["p"],"resources":["*"]}]}`: `{"applications":[{"application":"app","privileges":["p"],"resources":["*"]}]}`,

		`{"global":{}}`: `{}`,
		`{"global":{"application":{},"profile":{},"role":{},"data_source":[]}}`:                                         `{}`,
		`{"global":{"application":{"manage":{"applications":["a*"]}},"profile":{"write":{"applications":[]}}}}`:         `{"global":{"application":{"manage":{"applications":["a*"]}},"profile":{"write":{"applications":[]}}}}`,
		`{"global":{"role":{"manage":{"indices":[{"names":["a"],"privileges":["read"]}]}}}}`:                            `{"global":{"role":{"manage":{"indices":[{"names":["a"],"privileges":["read"]}]}}}}`,
		`{"global":{"data_source":[{"names":["a"],"privileges":["create","delete","read_metadata","read","manage"]}]}}`: `{"global":{"data_source":[{"names":["a"],"privileges":["create","delete","read_metadata","read","manage"]}]}}`,

		`{"remote_indices":[],"remote_cluster":[]}`:                                                                                   `{}`,
		`{"remote_indices":[{"names":"a","privileges":["read"],"clusters":"c"}]}`:                                                     `{"remote_indices":[{"names":["a"],"privileges":["read"],"clusters":["c"],"allow_restricted_indices":false}]}`,
		`{"remote_indices":[{"names":"a","privileges":["read"],"clusters":["c","d*"],"field_security":{"grant":["f"]},"query":"q"}]}`: `{"remote_indices":[{"names":["a"],"privileges":["read"],"clusters":["c","d*"],"field_security":{"grant":["f"]},"query":"q","allow_restricted_indices":false}]}`,
		`{"remote_cluster":[{"clusters":["c"],"privileges":["monitor_enrich","MONITOR_STATS"]}]}`:                                     `{"remote_cluster":[{"clusters":["c"],"privileges":["monitor_enrich","MONITOR_STATS"]}]}`,
		`{"remote_cluster":[{"clusters":"c","privileges":["monitor_stats"]}]}`:                                                        `{"remote_cluster":[{"clusters":["c"],"privileges":["monitor_stats"]}]}`,

		`{"metadata":{}}`: `{}`,
		`{"metadata":{"a":[1.50,12345678901234567890,{"b":null}],"_x":1e400}}`:                  `{"metadata":{"a":[1.50,12345678901234567890,{"b":null}],"_x":1e400}}`,
		`{"transient_metadata":{"enabled":false},"metadata_flattened":{"a":"b"},"type":"role"}`: `{}`,
		`{"type":1}`:                                  `{}`,
		`{"type":true}`:                               `{}`,
		`{"type":null}`:                               `{}`,
		`{"description":"What it is for"}`:            `{"description":"What it is for"}`,
		`{"description":""}`:                          `{}`,
		`{"restriction":{}}`:                          `{}`,
		`{"restriction":{"workflows":[" No_Such "]}}`: `{"restriction":{"workflows":[" No_Such "]}}`,
	} {
		d, err := Parse("x", decode(t, given), everything)
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if got := render(d); !reflect.DeepEqual(got, shown(t, want)) {
			t.Errorf("%s is shown as %v", given, got)
		}
	}
}

// Ensures that a query is kept if it is a string, encoded without white space if it is an object, and omitted if there
// is none.
func TestParse_Query(t *testing.T) {
	for given, want := range map[string]string{
		`null`: "", `""`: "", `"{ \"match_all\": {} }"`: `{ "match_all": {} }`, `"not JSON"`: "not JSON",
		`{ "term" : { "b": 1.50, "a": "<&>" } }`:       `{"term":{"a":"<&>","b":1.50}}`,
		`{"template":{"source":"{{_user.username}}"}}`: `{"template":{"source":"{{_user.username}}"}}`,
		`{}`: `{}`, `{"a":[1,12345678901234567890,null,true]}`: `{"a":[1,12345678901234567890,null,true]}`,
	} {
		d, err := Parse("x", decode(t, `{"indices":[{"names":"a","privileges":["read"],"query":`+given+`}]}`), Options{})
		if err != nil || d.Indices[0].Query != want {
			t.Errorf("%s: %v, %v; want %q", given, d.Indices, err, want)
		}
		shown := render(d)["indices"].([]any)[0].(map[string]any)
		if _, present := shown["query"]; present != (want != "") {
			t.Errorf("%s is shown as %v", given, shown)
		}
	}
}

const (
	pe  = "parse failed"
	iae = "invalid data"
	xpe = "field invalid"
)

// inArray stands between the name of a field and the type of the element that is no string.
const inArray = "field. expected a string array but one of the value in the array is "

// unreadRole precedes the reason why an array of strings of the role x is refused.
const unreadRole = "failed to parse role [x]: "

var refused = []struct{ given, kind, reason string }{
	{`null`, pe, "failed to parse role [x]. expected an object but found [VALUE_NULL] instead"},
	{`"a"`, pe, "failed to parse role [x]. expected an object but found [VALUE_STRING] instead"},
	{`1`, pe, "failed to parse role [x]. expected an object but found [VALUE_NUMBER] instead"},
	{`true`, pe, "failed to parse role [x]. expected an object but found [VALUE_BOOLEAN] instead"},
	{`[]`, pe, "failed to parse role [x]. expected an object but found [START_ARRAY] instead"},
	{`{"foo":1}`, pe, "failed to parse role [x]. unexpected field [foo]"},
	{`{"":1}`, pe, "failed to parse role [x]. unexpected field []"},
	{`{"Cluster":[]}`, pe, "failed to parse role [x]. unexpected field [Cluster]"},
	{`{"cluster":"all"}`, pe,
		unreadRole + "could not parse [cluster] field. expected a string array but found [VALUE_STRING] value instead"},
	{`{"cluster":{}}`, pe,
		unreadRole + "could not parse [cluster] field. expected a string array but found [START_OBJECT] value instead"},
	{`{"cluster":[1]}`, pe,
		unreadRole + "could not parse [cluster] " + inArray + "[VALUE_NUMBER]"},
	{`{"cluster":[null]}`, pe,
		unreadRole + "could not parse [cluster] " + inArray + "[VALUE_NULL]"},
	{`{"cluster":["monitor",["all"]]}`, pe,
		unreadRole + "could not parse [cluster] " + inArray + "[START_ARRAY]"},
	{`{"run_as":[{}]}`, pe,
		unreadRole + "could not parse [run_as] " + inArray + "[START_OBJECT]"},
	{`{"run_as":true}`, pe,
		unreadRole + "could not parse [run_as] field. expected a string array but found [VALUE_BOOLEAN] value instead"},
	{`{"run_as":"u"}`, pe,
		unreadRole + "could not parse [run_as] field. expected a string array but found [VALUE_STRING] value instead"},
	{`{"metadata":null}`, pe,
		"expected field [metadata] to be of type object, but found [VALUE_NULL] instead"},
	{`{"metadata":[]}`, pe,
		"expected field [metadata] to be of type object, but found [START_ARRAY] instead"},
	{`{"transient_metadata":1}`, pe, "failed to parse role [x]. unexpected field [transient_metadata]"},
	{`{"metadata_flattened":"a"}`, pe, "failed to parse role [x]. unexpected field [metadata_flattened]"},
	{`{"type":{}}`, pe, "failed to parse role [x]. unexpected value [START_OBJECT] of field [type]"},
	{`{"type":[]}`, pe, "failed to parse role [x]. unexpected value [START_ARRAY] of field [type]"},
	{`{"description":null}`, pe,
		"failed to parse role [x]. expected field [description] value to be a string, but found [VALUE_NULL] instead"},
	{`{"index":[],"indices":[]}`, pe, "failed to parse role [x]. [indices] and [index] are one field"},
	{`{"application":[],"applications":[]}`, pe,
		"failed to parse role [x]. [applications] and [application] are one field"},

	{`{"indices":null}`, pe,
		"failed to parse indices privileges for role [x]. expected field [indices] value to be an array, but found " +
			"[VALUE_NULL] instead"},
	{`{"index":{}}`, pe,
		"failed to parse indices privileges for role [x]. expected field [index] value to be an array, but found " +
			"[START_OBJECT] instead"},
	{`{"indices":["a"]}`, pe,
		"failed to parse indices privileges for role [x]. expected field [indices] value to be an array of objects, but " +
			"found an array element of type [VALUE_STRING]"},
	{`{"indices":[{"names":"a","privileges":["read"],"clusters":["c"]}]}`, pe,
		"failed to parse indices privileges for role [x]. unexpected field [clusters]"},
	{`{"indices":[{"names":"a","privileges":["read"],"fields":["c"]}]}`, pe,
		"failed to parse indices privileges for role [x]. unexpected field [fields]"},
	{`{"indices":[{"privileges":["read"]}]}`, pe,
		"failed to parse indices privileges for role [x]. missing required [names] field"},
	{`{"indices":[{"names":"a"}]}`, pe,
		"failed to parse indices privileges for role [x]. missing required [privileges] field"},
	{`{"indices":[{"names":[],"privileges":["read"]}]}`, pe,
		"failed to parse indices privileges for role [x]. [names] cannot be an empty array"},
	{`{"indices":[{"names":null,"privileges":["read"]}]}`, pe,
		"failed to parse indices privileges for role [x]. expected field [names] value to be a string or an array of " +
			"strings, but found [VALUE_NULL] instead"},
	{`{"indices":[{"names":1,"privileges":["read"]}]}`, pe,
		"failed to parse indices privileges for role [x]. expected field [names] value to be a string or an array of " +
			"strings, but found [VALUE_NUMBER] instead"},
	{`{"indices":[{"names":"a","privileges":"read"}]}`, pe,
		unreadRole + "could not parse [privileges] field. expected a string array but found [VALUE_STRING] value instead"},
	{`{"indices":[{"names":[1],"privileges":["read"]}]}`, pe,
		unreadRole + "could not parse [names] " + inArray + "[VALUE_NUMBER]"},
	{`{"indices":[{"names":"a","privileges":null}]}`, pe,
		"failed to parse indices privileges for role [x]. missing required [privileges] field"},
	{`{"indices":[{"names":"a","privileges":["read",null]}]}`, pe,
		unreadRole + "could not parse [privileges] " + inArray + "[VALUE_NULL]"},
	{`{"indices":[{"names":"a","privileges":[]}]}`, iae, "indices privileges must define at least one privilege"},
	{`{"indices":[{"names":"a","privileges":["read"],"query":1}]}`, pe,
		"failed to parse indices privileges for role [x]. expected field [query] value to be null, a string, an array, or an object, but " +
			"found [VALUE_NUMBER] instead"},
	{`{"indices":[{"names":"a","privileges":["read"],"query":[]}]}`, pe,
		"failed to parse indices privileges for role [x]. expected field [query] value to be null, a string, an array, or an object, but " +
			"found [START_ARRAY] instead"},
	{`{"indices":[{"names":"a","privileges":["read"],"allow_restricted_indices":"true"}]}`, pe,
		"failed to parse indices privileges for role [x]. expected field [allow_restricted_indices] value to be a boolean, but found " +
			"[VALUE_STRING] instead"},
	{`{"indices":[{"names":"a","privileges":["read"],"allow_restricted_indices":null}]}`, pe,
		"failed to parse indices privileges for role [x]. expected field [allow_restricted_indices] value to be a boolean, but found " +
			"[VALUE_NULL] instead"},
	{`{"indices":[{"names":"a","privileges":["read"],"transient_metadata":1}]}`, pe,
		"failed to parse transient metadata for role [x]. expected START_OBJECT but got VALUE_NUMBER in " +
			`"transient_metadata".`},

	{`{"remote_indices":{}}`, pe,
		"failed to parse remote indices privileges for role [x]. expected field [remote_indices] value to be an array, " +
			"but found [START_OBJECT] instead"},
	{`{"remote_indices":[1]}`, pe,
		"failed to parse remote indices privileges for role [x]. expected field [remote_indices] value to be an array of " +
			"objects, but found an array element of type [VALUE_NUMBER]"},
	{`{"remote_indices":[{"names":"a","privileges":["read"]}]}`, pe,
		"failed to parse remote indices privileges for role [x]. missing required [clusters] field"},
	{`{"remote_indices":[{"names":"a","privileges":["read"],"clusters":[]}]}`, pe,
		"failed to parse remote indices privileges for role [x]. [clusters] cannot be an empty array"},
	{`{"remote_indices":[{"names":"a","privileges":["read"],"clusters":""}]}`, iae,
		"remote index cluster alias cannot be an empty string"},
	{`{"remote_indices":[{"names":"a","privileges":["read"],"clusters":["c",""]}]}`, iae,
		"remote index cluster alias cannot be an empty string"},
	{`{"remote_indices":[{"names":"a","privileges":["read"],"clusters":null}]}`, pe,
		unreadRole + "could not parse [clusters] field. expected a string array but found null value instead"},
	{`{"remote_indices":[{"names":1,"privileges":["read"],"clusters":"c"}]}`, pe,
		"failed to parse indices privileges for role [x]. expected field [names] value to be a string or an array of " +
			"strings, but found [VALUE_NUMBER] instead"},
	{`{"remote_indices":[{"privileges":["read"],"clusters":"c"}]}`, pe,
		"failed to parse indices privileges for role [x]. missing required [names] field"},
	{`{"remote_indices":[{"names":"a","privileges":[],"clusters":"c"}]}`, iae,
		"indices privileges must define at least one privilege"},

	{`{"remote_cluster":{}}`, pe,
		"failed to parse remote_cluster for role [x]. expected field [remote_cluster] value to be an array, but found " +
			"[START_OBJECT] instead"},
	{`{"remote_cluster":[null]}`, pe,
		"failed to parse remote_cluster for role [x]. expected field [remote_cluster] value to be an array of objects, but " +
			"found an array element of type [VALUE_NULL]"},
	{`{"remote_cluster":[{}]}`, iae, "remote cluster groups must not be null or empty"},
	{`{"remote_cluster":[{"clusters":["c"]}]}`, pe,
		"failed to parse remote_cluster for role [x]. [privileges] must be defined when [clusters] are defined"},
	{`{"remote_cluster":[{"privileges":["monitor_enrich"]}]}`, pe,
		"failed to parse remote_cluster for role [x]. [clusters] must be defined when [privileges] are defined"},
	{`{"remote_cluster":[{"clusters":[],"privileges":["monitor_enrich"]}]}`, pe,
		"failed to parse remote_cluster for role [x]. [clusters] cannot be an empty array"},
	{`{"remote_cluster":[{"clusters":["c"],"privileges":[]}]}`, pe,
		"failed to parse remote_cluster for role [x]. [privileges] cannot be an empty array"},
	{`{"remote_cluster":[{"clusters":[""],"privileges":["monitor_enrich"]}]}`, iae,
		"remote cluster alias cannot be an empty string"},
	{`{"remote_cluster":[{"clusters":["c"],"privileges":[1]}]}`, pe,
		unreadRole + "could not parse [privileges] " + inArray + "[VALUE_NUMBER]"},
	{`{"remote_cluster":[{"clusters":["c"],"privileges":["monitor_enrich"],"names":[]}]}`, pe,
		"failed to parse remote_cluster for role [x]. unexpected field [names]"},
	{`{"remote_cluster":[{"clusters":["c"],"privileges":["monitor_enrich","all"]}]}`, pe,
		"failed to parse remote_cluster for role [x]. [monitor_enrich, monitor_stats] are the only values allowed for " +
			"[privileges] within [remote_cluster]. Found [monitor_enrich, all]"},

	{`{"applications":{}}`, pe,
		"failed to parse application privileges for role [x]. expected field [applications] value to be an array, but " +
			"found [START_OBJECT] instead"},
	{`{"application":[1]}`, pe,
		"failed to parse application privileges for role [x]. expected field [application] value to be an array of " +
			"objects, but found an array element of type [VALUE_NUMBER]"},
	{`{"applications":[{"application":"app","privileges":["p"],"resources":["*"],"names":["a"]}]}`, xpe, "[application] unknown field [names]"},
	{`{"applications":[{"privileges":["p"],"resources":["*"]}]}`, iae,
		"application privileges must have an application name"},
	{`{"applications":[{"application":"","privileges":["p"],"resources":["*"]}]}`, iae,
		"application privileges must have an application name"},
	{`{"applications":[{"application":["app"],"privileges":["p"],"resources":["*"]}]}`, xpe,
		"[application] application doesn't support values of type: START_ARRAY"},
	{`{"applications":[{"application":"app","resources":["*"]}]}`, pe,
		"failed to parse application privileges for role [x]. missing required [privileges] field"},
	{`{"applications":[{"application":"app","privileges":["p"]}]}`, pe,
		"failed to parse application privileges for role [x]. missing required [resources] field"},
	{`{"applications":[{"application":"app","privileges":[],"resources":["*"]}]}`, iae,
		"application privileges must define at least one privilege"},
	{`{"applications":[{"application":"app","privileges":["p"],"resources":[]}]}`, iae,
		"application privileges must refer to at least one resource"},
	{`{"applications":[{"application":"app","privileges":["p"],"resources":1}]}`, xpe,
		"[application] resources doesn't support values of type: VALUE_NUMBER"},
	{`{"applications":[{"application":"app","privileges":null,"resources":["*"]}]}`, xpe,
		"[application] privileges doesn't support values of type: VALUE_NULL"},
	{`{"applications":[{"application":"app","privileges":["p"],"resources":[null]}]}`, xpe,
		"[application] failed to parse field [resources]: Can't get text on a VALUE_NULL"},

	{`{"global":[]}`, pe, "failed to parse privilege. expected [START_OBJECT] but found [START_ARRAY] instead"},
	{`{"global":null}`, pe, "failed to parse privilege. expected [START_OBJECT] but found [VALUE_NULL] instead"},
	{`{"global":{"foo":{}}}`, pe, "failed to parse privilege. unexpected field [foo]"},
	{`{"global":{"application":[]}}`, pe,
		"failed to parse privilege. expected [START_OBJECT] but found [START_ARRAY] instead"},
	{`{"global":{"application":{"write":{}}}}`, pe, "failed to parse privilege. unexpected field [write]"},
	{`{"global":{"application":{"manage":{}}}}`, pe, "failed to parse privilege. missing required [applications] field"},
	{`{"global":{"profile":{"write":{"applications":"a"}}}}`, pe,
		"could not parse [applications] field. expected a string array but found [VALUE_STRING] value instead"},
	{`{"global":{"role":{"manage":{}}}}`, pe, "failed to parse privilege. missing required [indices] field"},
	{`{"global":{"role":{"manage":{"indices":{}}}}}`, pe,
		"failed to parse privilege. expected [START_ARRAY] but found [START_OBJECT] instead"},
	{`{"global":{"role":{"manage":{"indices":[{"names":["a"]}]}}}}`, pe,
		"failed to parse privilege. missing required [privileges] field"},
	{`{"global":{"role":{"manage":{"indices":[{"privileges":["a"]}]}}}}`, pe,
		"failed to parse privilege. missing required [names] field"},
	{`{"global":{"data_source":{}}}`, pe,
		"failed to parse privilege. expected [START_ARRAY] but found [START_OBJECT] instead"},
	{`{"global":{"data_source":[1]}}`, pe,
		"failed to parse privilege. expected [START_OBJECT] but found [VALUE_NUMBER] instead"},
	{`{"global":{"data_source":[{"names":["a"],"privileges":["all"]}]}}`, pe,
		"failed to parse privilege. [create, delete, read_metadata, read, manage] are the only values allowed for " +
			"[privileges] within [data_source]. Found [all]"},

	{`{"restriction":null}`, pe,
		"failed to parse restriction for role [x]. expected an object but found [VALUE_NULL] instead"},
	{`{"restriction":{"foo":1}}`, pe, "failed to parse restriction for role [x]. unexpected field [foo]"},
	{`{"restriction":{"workflows":null}}`, pe,
		unreadRole + "could not parse [workflows] field. expected a string array but found null value instead"},
	{`{"restriction":{"workflows":"a"}}`, pe,
		unreadRole + "could not parse [workflows] field. expected a string array but found [VALUE_STRING] value instead"},
	{`{"restriction":{"workflows":[]}}`, pe,
		"failed to parse restriction for role [x]. [workflows] cannot be an empty array"},
}

// Ensures that the forms that Elasticsearch refuses are refused with the same error type and text.
func TestParse_Refused(t *testing.T) {
	for _, c := range refused {
		_, err := Parse("x", decode(t, c.given), everything)
		wantError(t, c.given, err, c.kind, c.reason)
	}
}

func wantError(t *testing.T, given string, err error, kind, reason string) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || e.Code.Name != kind {
		t.Errorf("%s: %#v; want %s: %s", given, err, kind, reason)
		return
	}
	found := e.Message
	for cause := e.CausedBy; cause != nil; cause = cause.CausedBy {
		found += ": " + cause.Message
	}
	if found != reason {
		t.Errorf("%s: %s; want %s", given, found, reason)
	}
}

// Ensures that a member which the options do not accept is refused as unknown, even when it is empty.
func TestParse_MemberNotAllowed(t *testing.T) {
	for _, c := range []struct {
		given   string
		options Options
		field   string
	}{
		{`{"restriction":{}}`, Options{AllowDescription: true}, "restriction"},
		{`{"description":""}`, Options{AllowRestriction: true}, "description"},
	} {
		_, err := Parse("x", decode(t, c.given), c.options)
		wantError(t, c.given, err, pe, "failed to parse role [x]. unexpected field ["+c.field+"]")
	}
}

// Ensures that only valid role names are accepted, and that messages contain names verbatim.
func TestParse_Name(t *testing.T) {
	for _, name := range []string{"x", "a b", "~!", strings.Repeat("n", 1024), "%d"} {
		if _, err := Parse(name, map[string]any{}, Options{}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", " a", "a ", " ", "ä", "a\n", "\x7f", strings.Repeat("n", 1025)} {
		_, err := Parse(name, map[string]any{}, Options{})
		wantError(t, name, err, iae,
			"Role names must be at least 1 and no more than 1024 characters. They are printable ASCII, and no blank begins "+
				"or ends them.")
	}
	_, err := Parse("%d", map[string]any{"%s": 1}, Options{})
	wantError(t, "%d", err, pe, "failed to parse role [%d]. unexpected field [%s]")
}

// Ensures that a descriptor with several errors always yields the same one.
func TestParse_ErrorIsStable(t *testing.T) {
	for range 50 {
		_, err := parseField("p", decode(t, `{"b":1,"a":{"z":1,"y":1,"x":1}}`), Options{})
		if want := "failed to parse role [a]. unexpected field [x]"; !strings.HasSuffix(err.Error(), want) {
			t.Fatal(err)
		}
	}
}

// parseField reads role_descriptors by a parser of the given name.
func parseField(parser string, value any, options Options) (Set, error) {
	var set Set
	p := xcontent.Parser{Name: parser, Fields: map[string]xcontent.Field{"role_descriptors": Field(&set, options)}}
	return set, p.Read(map[string]any{"role_descriptors": value})
}

// Ensures that causes are nested as Elasticsearch nests them.
func TestField_NestedCauses(t *testing.T) {
	type step struct{ Type, Reason string }
	const outer = "[api_key_request] failed to parse field [role_descriptors]"
	for _, c := range []struct {
		given string
		chain []step
	}{
		{`null`, []step{{xpe, "[api_key_request] role_descriptors doesn't support values of type: VALUE_NULL"}}},
		{`"a"`, []step{{xpe, "[api_key_request] role_descriptors doesn't support values of type: VALUE_STRING"}}},
		{`7`, []step{{xpe, "[api_key_request] role_descriptors doesn't support values of type: VALUE_NUMBER"}}},
		{`false`, []step{{xpe, "[api_key_request] role_descriptors doesn't support values of type: VALUE_BOOLEAN"}}},
		{`[]`, []step{{xpe, outer},
			{iae, "[role_descriptors] does not support arrays; use a single object with several fields"}}},
		{`{"r":null}`, []step{{xpe, outer}, {xpe, "[role_descriptors] failed to parse field [r]"},
			{pe, "failed to parse role [r]. expected an object but found [VALUE_NULL] instead"}}},
		{`{"r":{"indices":[{"names":"a","privileges":[]}]}}`,
			[]step{{xpe, outer}, {xpe, "[role_descriptors] failed to parse field [r]"},
				{iae, "indices privileges must define at least one privilege"}}},
	} {
		_, err := parseField("api_key_request", decode(t, c.given), Options{})
		var chain []step
		var first *fault.Error
		errors.As(err, &first)
		for e := first; e != nil; e = e.CausedBy {
			chain = append(chain, step{e.Code.Name, e.Message})
		}
		if !reflect.DeepEqual(chain, c.chain) {
			t.Errorf("%s: %v; want %v", c.given, chain, c.chain)
		}
	}
	set, err := parseField("p", decode(t, `{"a":{},"b":{"cluster":["all"]}}`), Options{})
	if want := (Set{"a": {}, "b": {Cluster: []string{"all"}}}); err != nil || !reflect.DeepEqual(set, want) {
		t.Errorf("%v, %v; want %v", set, err, want)
	}
	if set, err := parseField("p", map[string]any{}, Options{}); set == nil || err != nil {
		t.Errorf("no descriptors: %v, %v; want an empty set", set, err)
	}
}

// Ensures that numbers in free JSON keep all their digits.
func TestParse_Numbers(t *testing.T) {
	d, err := Parse("x", decode(t, `{"metadata":{"n":1.50}}`), Options{})
	if err != nil || d.Metadata["n"] != json.Number("1.50") {
		t.Errorf("%v, %v", d, err)
	}
}

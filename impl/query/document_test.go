package query_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/platform/strictjson"
	"github.com/sallyport/sallyport/impl/query"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}

var now = at("2024-06-15T12:30:45.500Z")

func decode(text string) any {
	value, err := strictjson.DecodeStored([]byte(text))
	if err != nil {
		panic(text + ": " + err.Error())
	}
	return value
}

func metadata(text string) map[string]any {
	members, _ := decode(text).(map[string]any)
	return members
}

// documents are five keys, a to e, from oldest to youngest.
func documents() []query.Document {
	return []query.Document{
		{
			ID: "a", Name: "app key 1", Type: "rest", UserName: "ann", RealmName: "native", Creation: at("2024-01-31T10:00:00Z"),
			Expiration: at("2024-06-16T00:00:00Z"),
			Metadata: has(metadata(
				`{"env":"prod","level":42,"on":true,"deep":{"er":"x","list":["y",{"z":1}]},"tags":["t1","t2","t1"]}`)),
		},
		{
			ID: "b", Name: "app key 2", Type: "rest", UserName: "ann", RealmName: "native",
			Creation:   at("2024-02-29T23:59:59.999Z"),
			Expiration: at("2024-06-14T12:30:45.500Z"),
			Metadata:   has(metadata(`{"env":"test","level":1.50,"deep.er":"dotted","nothing":null,"tags":["t2"]}`)),
		},
		{
			ID: "c", Name: "Batch", Type: "rest", UserName: "bob", RealmName: "ldap", Creation: at("2024-03-01T00:00:00Z"),
			Invalidated:  true,
			Invalidation: at("2024-05-01T00:00:00Z"), Metadata: has(metadata(`{"env":"prod","level":7}`)),
		},
		{ID: "d", Name: "cross*", Type: "cross_cluster", UserName: "bob", RealmName: "native",
			Creation: at("2024-03-01T00:00:00.001Z")},
		{ID: "e", Type: "rest", UserName: "eve", RealmName: "native", Creation: at("2024-06-15T00:00:00Z")},
	}
}

func run(t *testing.T, body string) query.Result {
	t.Helper()
	request, err := query.Keys.Parse(decode(body), now)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}

	backwards := documents()
	slices.Reverse(backwards)
	result, err := request.Run(t.Context(), slices.Values(backwards))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}

	return result
}

func aggregations(t *testing.T, result query.Result, typed bool) map[string]any {
	t.Helper()
	rendered, err := result.Aggregations(typed)
	if err != nil {
		t.Fatal(err)
	}
	return rendered
}

func found(result query.Result) string {
	ids := ""
	for _, hit := range result.Hits {
		ids += hit.Document.ID
	}
	return ids
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkQueries(t *testing.T, wanted map[string]string) {
	t.Helper()
	for query, want := range wanted {
		t.Run(query, func(t *testing.T) {
			if got := found(run(t, `{"query":`+query+`}`)); got != want {
				t.Errorf("found %q; want %q", got, want)
			}
		})
	}
}

func checkRefused(t *testing.T, wanted map[string]string) {
	t.Helper()
	for body, want := range wanted {
		t.Run(body, func(t *testing.T) {
			_, err := query.Keys.Parse(decode(body), now)
			var f *fault.Error
			if !errors.As(err, &f) || err.Error() != want {
				t.Errorf("got %v\nwant %s", err, want)
			}
		})
	}
}

const (
	xpe = "field invalid: [query_api_key_request_payload] "
	iae = "invalid data: "
	pe  = "parse failed: "
	arv = "request invalid: "
	inQ = xpe + "failed to parse field [query]: "
	inS = xpe + "failed to parse field [sort]: "
	inA = xpe + "failed to parse field [aggs]: "
)

// Ensures that a request without a body, or with an empty one, returns the first ten documents.
func TestParse_NoBody(t *testing.T) {
	request, err := query.Keys.Parse(nil, now)
	if err != nil {
		t.Fatal(err)
	}

	many := func(yield func(query.Document) bool) {
		for i := 20; i > 0; i-- {
			if !yield(query.Document{ID: fmt.Sprintf("%02d", i), Creation: now}) {
				return
			}
		}
	}

	result, err := request.Run(t.Context(), many)
	if err != nil || result.Total != 20 || len(result.Hits) != 10 || aggregations(t, result, false) != nil {
		t.Fatalf("%+v, %v", result, err)
	}
	if first := result.Hits[0]; first.Document.ID != "01" || first.Sort != nil {
		t.Errorf("%+v", first)
	}
}

// Ensures that malformed bodies are refused with Elasticsearch's messages.
func TestParse_Refused(t *testing.T) {
	checkRefused(t, map[string]string{
		`[]`:          xpe + "Expected START_OBJECT but was: START_ARRAY",
		`{"foo":1}`:   xpe + "unknown field [foo]",
		`{"from":-1}`: arv + "Validation Failed: 1: [from] parameter cannot be negative but was [-1];",
		`{"size":-2,"from":-1}`: arv +
			"Validation Failed: 1: [from] parameter cannot be negative but was [-1];2: [size] parameter cannot be negative " +
			"but was [-2];",
		`{"size":10001}`: iae +
			"Result window is too large, from + size must be less than or equal to: [10000] but was [10001]",
		`{"size":1,"from":10000}`: iae +
			"Result window is too large, from + size must be less than or equal to: [10000] but was [10001]",
		`{"size":null}`: xpe + "size doesn't support values of type: VALUE_NULL",
		`{"size":9223372036854775807}`: xpe + "failed to parse field [size]: " + iae +
			"[9223372036854775807] is not a whole number in range",
		`{"size":1.5}`: xpe + "failed to parse field [size]: " + iae +
			"[1.5] is not a whole number in range",
		`{"aggs":[]}`: xpe + "aggs doesn't support values of type: START_ARRAY",
		`{"aggs":{},"aggregations":{}}`: xpe + "failed to parse field [aggregations]: " + pe +
			"[aggs] and [aggregations] are the same parameter: give only one",
	})
}

// Ensures that a page is a part of the result, and that Total counts the whole result.
func TestRun_Page(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                     "abcde",
		`{"size":2}`:             "ab",
		`{"size":"2","from":1}`:  "bc",
		`{"from":4,"size":9996}`: "e",
		`{"from":5}`:             "",
		`{"size":0}`:             "",
		`{"from":3,"size":0}`:    "",
	} {
		if result := run(t, body); found(result) != want || result.Total != 5 {
			t.Errorf("%s: %q of %d; want %q", body, found(result), result.Total, want)
		}
	}
}

// Ensures that a request can be run repeatedly with the same result.
func TestRun_Again(t *testing.T) {
	request, err := query.Keys.Parse(decode(`{"aggs":{"n":{"terms":{"field":"username"}}},"sort":"name"}`), now)
	if err != nil {
		t.Fatal(err)
	}

	first, err1 := request.Run(t.Context(), slices.Values(documents()))
	second, err2 := request.Run(t.Context(), slices.Values(documents()))
	if err1 != nil || err2 != nil || !reflect.DeepEqual(first.Hits, second.Hits) ||
		!reflect.DeepEqual(aggregations(t, first, true), aggregations(t, second, true)) {
		t.Errorf("%v %v\n%+v\n%+v", err1, err2, first, second)
	}
}

// dotted returns nested objects in which one long path can be split in many ways.
func dotted(depth int) map[string]any {
	members := map[string]any{}
	for i := 1; i <= depth; i++ {
		members[strings.TrimSuffix(strings.Repeat("a.", i), ".")] = dotted(depth - i)
	}
	return members
}

// Ensures that documents with large metadata cannot occupy a CPU for long.
func TestRun_TooMuchWork(t *testing.T) {
	list := make([]any, 100_000)
	for i := range list {
		list[i] = fmt.Sprint(i)
	}

	document := query.Document{ID: "a", Metadata: has(map[string]any{"list": list, "a": dotted(14)})}
	should := func(clause string) string {
		return `{"query":{"bool":{"should":[` + strings.TrimSuffix(strings.Repeat(clause+`,`, 1000), ",") + `]}}}`
	}

	path := "metadata" + strings.Repeat(".a", 450)
	for _, body := range []string{should(`{"term":{"metadata":"x"}}`), `{"sort":"` + path + `"}`} {
		_, err := parsed(t, body).Run(t.Context(), func(yield func(query.Document) bool) {
			// Only an error of the run ends the stream.
			for yield(document) {
			}
		})
		if !fault.Has(err, fault.InvalidData) {
			t.Error(err)
		}
	}
}

// decodeOrNil decodes a text, and returns nil if it is not JSON.
func decodeOrNil(data []byte) any {
	value, err := strictjson.Decode(data)
	if err != nil {
		return nil
	}
	return value
}

// has returns a Metadata function for decoded metadata.
func has(members map[string]any) func() (map[string]any, error) {
	return func() (map[string]any, error) { return members, nil }
}

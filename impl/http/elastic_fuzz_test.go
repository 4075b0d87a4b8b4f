package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
)

// slowest is the time that an answer may take. It is far more than any takes, because fuzzing shares the machine with
// itself.
const slowest = 20 * time.Second

// fuzzedKeys is a server with a superuser that has a key.
type fuzzedKeys struct {
	handler http.Handler
	header  http.Header
	id      string
}

func newFuzzedKeys(f *testing.F) fuzzedKeys {
	f.Helper()

	s := newFuzzed(f)
	bob := s.User("bob", string(identity.PlatformAdmin))
	k := fuzzedKeys{
		handler: s.Handler(),
		header: http.Header{
			"Content-Type":  {"application/json"},
			"Authorization": {bob.Authorization()},
		},
	}
	var made struct{ ID string }
	answer := serve(k.handler, http.MethodPost, keysURL, `{"name":"k","metadata":{"a":[1,"b"]}}`, k.header)
	if err := json.Unmarshal(answer.Body.Bytes(), &made); err != nil || made.ID == "" {
		f.Fatalf("%s: %v", answer.Body, err)
	}

	k.id = made.ID
	return k
}

// serve sends a request. The answer must be JSON, in time, and no server error.
func (k fuzzedKeys) serve(t *testing.T, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()

	began := time.Now()
	answer := serve(k.handler, method, path, body, k.header)
	if answer.Code >= http.StatusInternalServerError || !json.Valid(answer.Body.Bytes()) {
		t.Errorf("%q is answered with %d %s", body, answer.Code, answer.Body)
	}
	if took := time.Since(began); took > slowest {
		t.Errorf("%q takes %s", body, took)
	}

	return answer
}

// Ensures that no role descriptors, metadata or expiration break a bulk update; that what is taken can be shown; and
// that the same again is no change.
func FuzzBulkUpdate(f *testing.F) {
	for _, seed := range [][3]string{
		{`{}`, `{}`, ""},
		{`{"x":{}}`, `{"a":{"b":[1.50,null]}}`, "1d"},
		{`[]`, `null`, "0"},
		{`{"x":{"cluster":["all","no_such","cluster:*"]}}`, `{"_a":1}`, "-1"},
		{`{"x":{"index":[{"names":"/a.*[/","privileges":["read"],"query":{"a":1},"field_security":{"grant":["a*"],"except":["ab"]}}]}}`, `1`, "1.5d"},
		{`{"x":{"remote_indices":[{"names":["a"],"privileges":["read"],"clusters":[""]}],"remote_cluster":[{}]}}`, `{"":{}}`,
			"9223372036854775807d"},
		{`{"x":{"applications":[{"application":"kib*","privileges":["p"],"resources":["*"]}],"run_as":["*"],"global":{"role":{"manage":{"indices":[]}}}}}`, `{"a":1e999}`, "１d"},
		{`{"x":{"restriction":{"workflows":["search_application_query"]}},"y":{}}`, `{"a":"\ud800"}`, "\x00"},
		{`{"x":{"metadata":{"a":12345678901234567890}}}`, `{"<>&":"\u2028"}`, " 7 ms"},
		{`{`, `"`, "M"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}

	k := newFuzzedKeys(f)
	f.Fuzz(func(t *testing.T, descriptors, metadata, expiration string) {
		k.serve(t, http.MethodPost, bulkURL+"?dry_run", fmt.Sprintf(`{"ids":%s,"expiration":%s}`, descriptors, metadata))
		end, err := json.Marshal(expiration)
		if err != nil {
			t.Fatal(err)
		}

		k.serve(t, http.MethodPost, bulkURL+"?dry_run",
			fmt.Sprintf(`{"ids":[%q],"role_descriptors":%s,"metadata":%s,"expiration":%s}`, k.id, descriptors, metadata, end))
		body := fmt.Sprintf(`{"ids":[%q],"role_descriptors":%s,"metadata":%s}`, k.id, descriptors, metadata)
		answer := k.serve(t, http.MethodPost, bulkURL, body)
		if answer.Code != http.StatusOK || !json.Valid([]byte(descriptors)) || !json.Valid([]byte(metadata)) {
			return // the latter may hold other members
		}
		if answer := k.serve(t, http.MethodGet, keysURL+"?with_limited_by&id="+k.id, ""); answer.Code != http.StatusOK {
			t.Errorf("after %s the key is not shown: %s", body, answer.Body)
		}

		var again bulk
		if err := json.Unmarshal(k.serve(t, http.MethodPost, bulkURL, body).Body.Bytes(), &again); err != nil ||
			len(again.Noops) != 1 {
			t.Errorf("%s once more: %s (%v)", body, again, err)
		}
	})
}

// Ensures that no expiration breaks the making of keys, and that what is taken for one is taken for the other, but for
// what is not in the future.
func FuzzExpiration(f *testing.F) {
	for _, seed := range []string{"1d", "0", "-1", "1.5h", "9223372036854775807nanos", " 7 ms", "M", "-", "106751d", "００",
		"-0s", "1e3s"} {
		f.Add(seed)
	}

	k := newFuzzedKeys(f)
	f.Fuzz(func(t *testing.T, expiration string) {
		value, err := json.Marshal(expiration)
		if err != nil {
			t.Fatal(err)
		}
		made := k.serve(t, http.MethodPost, keysURL, fmt.Sprintf(`{"name":"n","expiration":%s}`, value))
		moved := k.serve(t, http.MethodPost, bulkURL+"?dry_run", fmt.Sprintf(`{"ids":%q,"expiration":%s}`, k.id, value))
		if made.Code != http.StatusOK && moved.Code == http.StatusOK {
			t.Errorf("%q is taken to move an end, and not to make a key: %s", expiration, made.Body)
		}
	})
}

// Ensures that no body and no parameter breaks the search for keys.
func FuzzQuery(f *testing.F) {
	for _, seed := range [][2]string{
		{``, ``},
		{`{}`, `true`},
		{`{"query":{"bool":{"must":[{"term":{"name":"k"}}],"must_not":{"prefix":{"name":"x"}},"minimum_should_match":"-25%"}}}`, `true`},
		{`{"query":{"range":{"creation":{"gte":"now-1d/d","format":"epoch_millis"}}},"sort":["_doc",{"name":{"order":"desc","missing":"_first"}}],"size":0}`, ``},
		{`{"query":{"simple_query_string":{"query":"\"a b\"~2 + -(k* | x~1)","fields":["na*","metadata.*"]}}}`, `false`},
		{`{"query":{"wildcard":{"metadata.a":{"value":"*?\\*","case_insensitive":true}}},"from":9999,"size":1}`, ``},
		{`{"aggs":{"n":{"terms":{"field":"metadata.a","size":3},"aggs":{"m":{"cardinality":{"field":"username"}}}},"d":{"date_range":{"field":"creation","ranges":[{"to":"now"}]}}}}`, `true`},
		{`{"aggs":{"c":{"composite":{"sources":[{"n":{"terms":{"field":"name"}}}],"after":{"n":"a"}}},"f":{"filters":{"filters":{"a":{"match_all":{}}}}}}}`, ``},
		{`{"sort":["creation"],"search_after":[1e400]}`, ``},
		{`{"sort":[{"creation":{"format":"yyyy-MM-dd"}}],"search_after":["2026-01-01"]}`, `no`},
		{`[`, `%`},
	} {
		f.Add(seed[0], seed[1])
	}

	k := newFuzzedKeys(f)
	f.Fuzz(func(t *testing.T, body, parameter string) {
		k.serve(t, http.MethodPost, queryURL+"?with_limited_by&typed_keys="+url.QueryEscape(parameter), body)
	})
}

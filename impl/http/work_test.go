package http_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
	"github.com/sallyport/sallyport/impl/platform/admission/work"
)

// cost is what the server did for a request.
type cost struct {
	units     int64
	allocated uint64
}

// measured answers a request without a network, and returns what that took.
func (w *world) measured(caller client.RequestEditorFn, request, body string) (*httptest.ResponseRecorder, cost) {
	w.Helper()
	method, path, _ := strings.Cut(request, " ")
	ctx, meter := work.Metered(w.Context())
	r := httptest.NewRequest(method, path, strings.NewReader(body)).WithContext(ctx)
	r.Header.Set("Content-Type", "application/json")
	if err := caller(w.Context(), r); err != nil {
		w.Fatal(err)
	}
	answer := httptest.NewRecorder()
	allocated := allocated(func() { w.app.Handler.ServeHTTP(answer, r) })
	return answer, cost{meter.Used(), allocated}
}

// Ensures that the requests that once kept a processor busy for seconds are answered for a small part of that, or
// refused in time.
func TestWork_Attacks(t *testing.T) {
	w := newWorld(t)
	w.es(bob, "PUT /_security/role/logs", `{"indices":[{"names":["logs-*"],"privileges":["read"]}]}`).ok()
	erin := w.native("erin", "logs", "superuser")
	w.esKey(bob, `{"name":"long","metadata":{"t":"`+strings.Repeat("a", 65_000)+`"}}`)
	var expressions, queries []string
	for i := range 300 {
		expressions = append(expressions, fmt.Sprintf("/.*a.{20}%d.*/", i))
	}
	for range 20 {
		queries = append(queries, `{"wildcard":{"metadata.t":"*`+strings.Repeat("a", 900)+`b*"}}`)
	}
	patterns, _ := json.Marshal(expressions)
	var wrong []string
	for i := range 400 {
		wrong = append(wrong, fmt.Sprintf(`"r%d":{"cluster":["a"%s]}`, i, strings.Repeat(`,"a"`, 100)))
	}
	for _, c := range []struct {
		name, request, body string
		units               int64
	}{
		{"wildcards", "POST /_security/_query/api_key", `{"query":{"bool":{"should":[` + strings.Join(queries, ",") + `]}}}`,
			2_000_000},
		{"wildcards with a mark", "POST /_security/_query/api_key",
			strings.ReplaceAll(`{"query":{"bool":{"should":[`+strings.Join(queries, ",")+`]}}}`, `"*a`, `"*?a`), 25_000_000},
		{"patterns of indices", "POST /_security/user/_has_privileges",
			`{"index":[{"names":` + string(patterns) + `,"privileges":["read"]}]}`, 6_000_000},
		{"patterns of a key's roles", "POST /_security/api_key",
			`{"name":"k","role_descriptors":{"r":{"indices":[{"names":` + string(patterns) + `,"privileges":["read"]}]}}}`,
			6_000_000},
		{"unknown privileges of many roles", "POST /_security/role", `{"roles":{` + strings.Join(wrong, ",") + `}}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, cost := w.measured(erin, c.request, c.body)
			if answer.Code != http.StatusOK && answer.Code != http.StatusBadRequest {
				t.Errorf("status %d %s", answer.Code, answer.Body)
			}
			if cost.units > c.units || cost.allocated > maxAllocated {
				t.Errorf("%d units and %d bytes", cost.units, cost.allocated)
			}
		})
	}
}

// Ensures that refusals name the limit that was exceeded.
func TestWork_Refused(t *testing.T) {
	w := newWorld(t)
	w.esKey(bob, `{"name":"long","metadata":{"t":"`+strings.Repeat("a", 65_000)+`"}}`)
	marked := `{"wildcard":{"metadata.t":"*?` + strings.Repeat("a", 900) + `b*"}},`
	w.es(bob, "POST /_security/_query/api_key",
		`{"query":{"bool":{"should":[`+strings.Repeat(marked, 150)+`{"match_all":{}}]}}}`).
		fails(http.StatusBadRequest, illegalArgument,
			"the query is too much work: at most [100000000] values and characters are compared")

	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprintf("/(a|b)*a(a|b){300}%d/", i))
	}
	list, _ := json.Marshal(names)
	w.es(w.native("erin", "superuser"), "POST /_security/user/_has_privileges",
		`{"index":[{"names":`+string(list)+`,"privileges":["read","write"]}]}`).
		fails(http.StatusBadRequest, illegalArgument,
			"the check of privileges takes too long; ask for fewer of them at once, or use simpler patterns")

	values := make([]string, 8_000)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	metadata, _ := json.Marshal(map[string]any{"list": values})
	w.esKey(bob, `{"name":"tags","metadata":`+string(metadata)+`}`)
	w.es(bob, "POST /_security/_query/api_key",
		`{"size":0,"aggs":{"n":{"terms":{"field":"metadata.list","size":8000},"aggs":{"`+
			strings.Repeat("n", 15_000)+`":{"value_count":{"field":"name"}}}}}}`).
		fails(http.StatusBadRequest, illegalArgument,
			"the results of the aggregations have more than [16777216] bytes; ask for fewer buckets, or for shorter names")
}

package http_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// nested is a JSON array with the given number of levels.
func nested(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

// allocated returns how many bytes are allocated while something is done. Nothing else may run beside it.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// maxAllocated bounds what a request of 16 KiB may allocate, the client's part in these tests included.
const maxAllocated = 64 << 20

// costs fails the test if something allocates more than a request of 16 KiB may.
func (w *world) costs(do func()) {
	w.Helper()
	if bytes := allocated(do); bytes > maxAllocated {
		w.Errorf("%d bytes were allocated, more than %d", bytes, maxAllocated)
	}
}

// Ensures that a body is refused at once that is nested deeper than 64 levels, in the words of its family.
func TestNesting_Refused(t *testing.T) {
	w := newWorld(t)
	deep := nested(8_000)
	t.Run("ECE", func(t *testing.T) {
		w.costs(func() {
			response, body := w.do(http.MethodPatch, "/api/v1/user", `{"a":`+deep+`}`, alice)
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "a"+strings.Repeat(".0", 63))
		})
	})

	t.Run("ECE, the patch in a string", func(t *testing.T) {
		w.costs(func() {
			text, _ := json.Marshal(`{"a":` + deep + `}`)
			response, body := w.do(http.MethodPatch, "/api/v1/user", string(text), alice)
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "a"+strings.Repeat(".0", 63))
		})
	})

	placed := func(body string) string { // where the array begins that is the sixty-fifth level
		before, _, _ := strings.Cut(body, deep)
		return fmt.Sprintf("[1:%d] ", len(before)+64-strings.Count(before, "{")+1)
	}

	const tooDeep = "Document nesting depth (65) exceeds the maximum allowed (64)"
	for _, c := range []struct {
		name, request, body string
	}{
		{"ids", "DELETE /_security/api_key", `{"ids":` + deep + `}`},
		{"metadata of a key", "POST /_security/api_key", `{"name":"k","metadata":{"a":` + deep + `}}`},
		{"application privileges", "PUT /_security/privilege",
			`{"a":{"b":{"actions":["x:y"],"metadata":{"a":` + deep + `}}}}`},
		{"query", "POST /_security/_query/api_key", `{"query":` + deep + `}`},
		{"role", "PUT /_security/role/r", `{"metadata":{"a":` + deep + `}}`},
		{"user", "PUT /_security/user/u", `{"password":"long enough","roles":[],"metadata":{"a":` + deep + `}}`},
		{"question", "POST /_security/user/_has_privileges", `{"cluster":` + deep + `}`},
	} {
		t.Run("Elasticsearch, "+c.name, func(t *testing.T) {
			w.costs(func() {
				w.es(bob, c.request, c.body).fails(http.StatusBadRequest, xcontentParse, placed(c.body)+tooDeep)
			})
		})
	}

	t.Run("Elasticsearch, packed", func(t *testing.T) {
		w.costs(func() {
			body := `{"ids":` + deep + `}`
			w.es(bob, "DELETE /_security/api_key", body, packed(body)).fails(http.StatusBadRequest, xcontentParse,
				placed(body)+tooDeep)
		})
	})

	t.Run("Elasticsearch, the query of a role", func(t *testing.T) {
		w.costs(func() {
			query, _ := json.Marshal(`{"a":` + deep + `}`)
			w.es(bob, "PUT /_security/role/r", `{"indices":[{"names":["a"],"privileges":["read"],"query":`+string(query)+`}]}`).
				fails(http.StatusBadRequest, parseException, "failed to parse field 'query'…")
		})
	})
}

// packed sends a body with gzip.
func packed(body string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		var buffer bytes.Buffer
		writer := gzip.NewWriter(&buffer)
		if _, err := io.WriteString(writer, body); err != nil {
			return err
		}
		if err := writer.Close(); err != nil {
			return err
		}

		r.Body, r.ContentLength = io.NopCloser(&buffer), int64(buffer.Len())
		r.Header.Set("Content-Encoding", "gzip")
		return nil
	}
}

// Ensures that 64 levels are taken, and that what is wrong at such a depth costs in proportion to the body.
func TestNesting_Taken(t *testing.T) {
	w := newWorld(t)
	t.Run("metadata", func(t *testing.T) {
		metadata := `{"a":` + nested(62) + `}`
		id := w.esKey(bob, `{"name":"k","metadata":`+metadata+`}`).id
		if got := asJSON(w.shownKey(bob, id, "")["metadata"]); got != metadata {
			t.Errorf("got %s", got)
		}
	})

	many := strings.TrimSuffix(strings.Repeat(nested(62)+",", 16_000/125), ",")
	t.Run("wrong values, ECE", func(t *testing.T) {
		w.costs(func() {
			response, body := w.do(http.MethodPatch, "/api/v1/user", `{"full_name":[`+many+`]}`, alice)
			w.refused(response, body, http.StatusBadRequest, "root.invalid_data", "full_name")
		})
	})

	t.Run("wrong values, Elasticsearch", func(t *testing.T) {
		w.costs(func() {
			w.es(bob, "DELETE /_security/api_key", `{"ids":[`+many+`]}`).fails(http.StatusBadRequest, xcontentParse, "…")
		})
	})

	t.Run("unknown members", func(t *testing.T) {
		var members strings.Builder
		for i := range 2_000 {
			members.WriteString(`"` + string(rune('a'+i%26)) + strings.Repeat("x", i/500) + string(rune('a'+i/26%26)) +
				string(rune('a'+i/676)) + `":1,`)
		}

		w.costs(func() {
			response, _ := w.do(http.MethodPatch, "/api/v1/user", `{`+members.String()+`"zzzz":1}`, alice)
			if response.StatusCode != http.StatusBadRequest {
				t.Errorf("status %d", response.StatusCode)
			}
		})
	})
}

// storedDeep creates a key with metadata at the maximum depth of earlier versions, and returns its id.
func (w *world) storedDeep(name string, levels int) string {
	w.Helper()
	id := w.esKey(bob, `{"name":"`+name+`"}`).id
	metadata := strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
	if _, err := w.behind.ExecContext(w.Context(), "UPDATE api_keys SET metadata = $1 WHERE id = $2", metadata,
		id); err != nil {
		w.Fatal(err)
	}
	return id
}

// Ensures that metadata which is stored deeper than can be sent today stays readable, at a cost in proportion to its
// size.
func TestNesting_Stored(t *testing.T) {
	w := newWorld(t)
	const levels, keys = 5_000, 5
	ids := make([]string, keys)
	for i := range ids {
		ids[i] = w.storedDeep(fmt.Sprintf("deep-%d", i), levels)
	}

	whole := strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels)
	shows := func(t *testing.T, request, body string, most int) {
		t.Helper()
		w.costs(func() {
			answer := w.es(bob, request, body)
			if answer.response.StatusCode != http.StatusOK ||
				strings.Count(compacted(t, answer.body), `"metadata":`+whole) != keys || len(answer.body) > most {
				t.Errorf("status %d, %d bytes; want all metadata in at most %d bytes", answer.response.StatusCode, len(answer.body),
					most)
			}
		})
	}

	size := keys * (len(whole) + 1_000)
	t.Run("get", func(t *testing.T) { shows(t, "GET /_security/api_key?username=bob", "", size) })
	t.Run("pretty", func(t *testing.T) { shows(t, "GET /_security/api_key?username=bob&pretty", "", 6*size) })
	t.Run("query", func(t *testing.T) {
		shows(t, "POST /_security/_query/api_key", `{"query":{"term":{"metadata":"1"}}}`, size)
	})
	t.Run("filter", func(t *testing.T) {
		filter := strings.TrimSuffix(strings.Repeat("**.a.b,", 580), ",")
		w.costs(func() {
			w.es(bob, "GET /_security/api_key?username=bob&filter_path="+filter, "").is(http.StatusOK, "{}")
		})
	})

	t.Run("filter that keeps all", func(t *testing.T) {
		shows(t, "GET /_security/api_key?username=bob&filter_path=**.metadata", "", size)
	})
	t.Run("filter that takes too long", func(t *testing.T) {
		var filter strings.Builder
		for i := range 400 {
			fmt.Fprintf(&filter, "**.*a%d,", i)
		}
		w.costs(func() {
			w.es(bob, "GET /_security/api_key?username=bob&pretty&filter_path="+filter.String(), "").
				fails(http.StatusBadRequest, illegalArgument,
					"the parameter [filter_path] takes too long to apply to this answer; use fewer paths, or simpler ones")
		})
	})

	t.Run("ECE", func(t *testing.T) {
		response, body := w.do(http.MethodGet, "/api/v1/users/auth/keys/"+ids[0], "", bob)
		if response.StatusCode != http.StatusOK {
			t.Errorf("%d %s", response.StatusCode, body)
		}
	})

	t.Run("update of another part", func(t *testing.T) {
		w.es(bob, "PUT /_security/api_key/"+ids[0], `{"expiration":"1d"}`).ok()
		if got := w.es(bob, "GET /_security/api_key?id="+ids[0], ""); !strings.Contains(got.body, whole) {
			t.Errorf("the metadata is gone")
		}
	})
}

// Ensures that metadata as deep as it could ever be stored is answered, in every form.
func TestNesting_StoredDeepest(t *testing.T) {
	w := newWorld(t)
	const levels = 9_998
	id := w.storedDeep("deepest", levels)
	for _, request := range []string{
		"GET /_security/api_key?id=" + id, "GET /_security/api_key?pretty&id=" + id,
		"GET /_security/api_key?filter_path=**.metadata&id=" + id,
		"GET /_security/_query/api_key?pretty&filter_path=-**.b",
	} {
		// Clients that read JSON with a limit of 10,000 levels cannot read the answer.
		answer, cost := w.measured(bob, request, "")
		if answer.Code != http.StatusOK || strings.Count(answer.Body.String(), `"a":`) != levels {
			t.Errorf("%s: status %d, %d bytes", request, answer.Code, answer.Body.Len())
		}
		if cost.allocated > maxAllocated || answer.Body.Len() > 1<<20 {
			t.Errorf("%s: %d bytes of answer, %d allocated", request, answer.Body.Len(), cost.allocated)
		}
	}
}

// compacted returns JSON without blanks.
func compacted(t *testing.T, text string) string {
	t.Helper()
	var buffer bytes.Buffer
	if err := json.Compact(&buffer, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

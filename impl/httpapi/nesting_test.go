package httpapi_test

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

// nested is a JSON array that has so many levels.
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
		{"application privileges", "PUT /_security/privilege", `{"a":{"b":{"actions":["x:y"],"metadata":{"a":` + deep + `}}}}`},
		{"query", "POST /_security/_query/api_key", `{"query":` + deep + `}`},
		{"role", "PUT /_security/role/r", `{"metadata":{"a":` + deep + `}}`},
		{"user", "PUT /_security/user/u", `{"password":"long enough","roles":[],"metadata":{"a":` + deep + `}}`},
		{"question", "POST /_security/user/_has_privileges", `{"cluster":` + deep + `}`},
	} {
		t.Run("Elasticsearch, "+c.name, func(t *testing.T) {
			w.costs(func() { w.es(bob, c.request, c.body).fails(http.StatusBadRequest, xcontentParse, placed(c.body)+tooDeep) })
		})
	}
	t.Run("Elasticsearch, packed", func(t *testing.T) {
		w.costs(func() {
			body := `{"ids":` + deep + `}`
			w.es(bob, "DELETE /_security/api_key", body, packed(body)).fails(http.StatusBadRequest, xcontentParse, placed(body)+tooDeep)
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
			members.WriteString(`"` + string(rune('a'+i%26)) + strings.Repeat("x", i/500) + string(rune('a'+i/26%26)) + string(rune('a'+i/676)) + `":1,`)
		}
		w.costs(func() {
			response, _ := w.do(http.MethodPatch, "/api/v1/user", `{`+members.String()+`"zzzz":1}`, alice)
			if response.StatusCode != http.StatusBadRequest {
				t.Errorf("status %d", response.StatusCode)
			}
		})
	})
}

package http_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var pathParameter = regexp.MustCompile(`\{[^}]+\}`)

// Ensures that a parameter at the end of a path holds one segment: a path with a further segment is unknown to every
// method of every operation.
func TestSegments_EveryOperation(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for path, item := range contract.Paths.Map() {
		deeper := contract.Paths.Value(path+"/{privilege}") != nil || contract.Paths.Value(path+"/{service}") != nil
		if !strings.HasSuffix(path, "}") || deeper {
			continue
		}
		path = pathParameter.ReplaceAllString(path, "x") + "/_further"
		for method, op := range item.Operations() {
			t.Run(op.OperationID, func(t *testing.T) {
				w := &world{T: t, url: w.url}
				response, body := w.do(method, path, `{}`, bob)
				if !isElasticsearch(path) {
					w.refused(response, body, http.StatusNotFound, "root.resource_not_found")
					return
				}
				want := `{"error":"no handler found for uri [` + path + `] and method [` + method + `]"}`
				if response.StatusCode != http.StatusBadRequest || strings.TrimSpace(body) != want {
					t.Errorf("%d %s, want %s", response.StatusCode, body, want)
				}
			})
		}
	}
}

// Ensures that a role is not created at a path below its own, and that an encoded slash is part of a name.
func TestSegments_Role(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	response, body := w.do(http.MethodPost, "/_security/role/foo/_further", `{"cluster":["monitor"]}`, bob)
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	w.es(bob, "GET /_security/role/foo%2F_further", "").is(http.StatusNotFound, `{}`)

	w.es(bob, "POST /_security/role/foo/_clear_cache", `{"cluster":["monitor"]}`).ok()
	w.es(bob, "GET /_security/role/foo%2F_clear_cache", "").is(http.StatusNotFound, `{}`)

	w.role("foo%2Fbar", `{"cluster":["monitor"]}`)
	if _, found := w.es(bob, "GET /_security/role/foo%2Fbar", "").ok()["foo/bar"]; !found {
		t.Error("the role foo/bar is missing")
	}
}

package http_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/gen/client"
)

// Ensures that clients find a known, healthy cluster, and that callers without the privilege do not see it.
func TestCluster(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	info, err := w.client.InfoWithResponse(t.Context(), alice)
	if err != nil || info.JSON200 == nil || info.JSON200.ClusterName != "sallyport" ||
		!strings.HasPrefix(info.JSON200.Version.Number, "9.") || info.JSON200.ClusterUUID == "" {
		t.Fatalf("%v %s", err, info.Body)
	}

	ping, err := w.client.PingWithResponse(t.Context(), alice)
	if err != nil || ping.HTTPResponse.StatusCode != http.StatusOK || len(ping.Body) != 0 ||
		ping.HTTPResponse.Header.Get("X-Elastic-Product") != "Elasticsearch" {
		t.Errorf("%v %v", err, ping.HTTPResponse)
	}

	health, err := w.client.ClusterHealthWithResponse(t.Context(), nil, alice)
	if err != nil || health.JSON200 == nil || health.JSON200.Status != client.ClusterStatusGreen ||
		health.JSON200.TimedOut {
		t.Errorf("%v %s", err, health.Body)
	}

	w.es(alice, "GET /_cluster/health?wait_for_status=yellow&timeout=5s", "").ok()
	carol := w.native("carol")
	for request, action := range map[string]string{
		"GET /":                "cluster:monitor/main",
		"GET /_cluster/health": "cluster:monitor/health",
	} {
		w.es(carol, request, "").fails(http.StatusForbidden, securityDenied,
			"action ["+action+"] is unauthorized for user [carol] with effective roles []…")
		w.es(authorization(""), request, "").fails(http.StatusUnauthorized, securityDenied,
			"missing authentication credentials for REST request […")
	}

	if response, body := w.do(http.MethodHead, "/", "", carol); response.StatusCode != http.StatusForbidden || body != "" {
		t.Errorf("HEAD / answers %d %q", response.StatusCode, body)
	}
}

// header sets a request's header.
func header(name, value string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set(name, value)
		return nil
	}
}

// Ensures that official clients' media types, packed bodies and the parameters that every operation has work with real
// operations: what is asked for in a type comes back in it, indented, and filtered.
func TestElasticsearchForm(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	const vendor = "application/vnd.elasticsearch+json;compatible-with=9"
	r := w.es(alice, "PUT /_security/api_key", `{"name":"x","metadata":{"n":1.50}}`, header("Content-Type", vendor),
		header("Accept", vendor))
	if r.ok(); r.response.Header.Get("Content-Type") != vendor {
		t.Errorf("the answer's type is %q", r.response.Header.Get("Content-Type"))
	}

	var packed bytes.Buffer
	packer := gzip.NewWriter(&packed)
	if _, err := io.WriteString(packer, `{"query":{"term":{"name":"x"}}}`); err != nil {
		t.Fatal(err)
	}
	if err := packer.Close(); err != nil {
		t.Fatal(err)
	}

	const filtered = "?filter_path=total,api_keys.metadata,-count"
	w.es(alice, "POST /_security/_query/api_key"+filtered, packed.String(),
		header("Content-Encoding", "gzip")).is(http.StatusOK, `{"total":1,"api_keys":[{"metadata":{"n":1.50}}]}`)
	pretty := w.es(alice, "GET /_security/api_key?owner&pretty&filter_path=api_keys.name&human", "")
	if want := "{\n  \"api_keys\": [\n    {\n      \"name\": \"x\"\n    }\n  ]\n}\n"; pretty.body != want &&
		strings.ReplaceAll(pretty.body, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("indented it is %q", pretty.body)
	}

	failed := w.es(alice, "GET /_security/api_key?error_trace&filter_path=status,error.type,error.stack_trace", "")
	if got := object(t, failed.body); failed.response.StatusCode != http.StatusForbidden ||
		!strings.Contains(asJSON(got["error"]), `"stack_trace":"security_exception: action [`) {
		t.Errorf("the failure is %s", failed.body)
	}
	if r := w.es(alice, "PUT /_security/api_key", `{"name":"x"}`,
		header("Content-Type", "text/plain")); r.response.StatusCode != http.StatusNotAcceptable {
		t.Errorf("text/plain: %d %s", r.response.StatusCode, r.body)
	}

	w.es(alice, "GET /_security/api_key/?owner=true&filter_path=nothing", "").is(http.StatusOK, `{}`)
	if r := w.es(alice, "DELETE /_security/user", ""); r.response.StatusCode != http.StatusMethodNotAllowed ||
		r.response.Header.Get("Allow") == "" {
		t.Errorf("a wrong method: %d %s", r.response.StatusCode, r.body)
	}
}

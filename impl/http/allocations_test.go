package http_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/store"
)

// hotRequest is a request that services send with each of their own requests, so its cost matters.
type hotRequest struct {
	// A body is JSON, and that of introspectPath a form.
	name, method, path, body, authorization string
	// most is the limit of allocations.
	most float64
}

// hotRequests returns the requests, for a server with their credentials and keys.
func hotRequests(b testing.TB, x bench) []hotRequest {
	b.Helper()
	key, session := "ApiKey "+x.key, "Bearer "+x.token
	batch := `{"tokens":["` + strings.Repeat(x.token+`","`+x.key+`","`, 49) + x.token + `","` + x.key + `"]}`
	return []hotRequest{
		{"GET account by key", http.MethodGet, "/api/v1/account", "", key, 30},
		{"GET account by session", http.MethodGet, "/api/v1/account", "", session, 30},
		{"GET users auth by session", http.MethodGet, "/api/v1/users/auth", "", session, 35},
		{"authenticate by key", http.MethodGet, "/_security/_authenticate", "", key, 45},
		{"bulk update without a change", http.MethodPost, "/_security/api_key/_bulk_update", bulkOfFour(b, x), session, 900},
		{"introspect a session", http.MethodPost, introspectPath, "token=" + x.token, key, 80},
		{"introspect a key", http.MethodPost, introspectPath, "token=" + url.QueryEscape(x.key), key, 84},
		{"introspect 100", http.MethodPost, introspectPath + "/_batch", batch, key, 1900},
		{"signing keys", http.MethodGet, keySetPath, "", "", 22},
	}
}

// bulkOfFour makes 20 keys with four descriptors, and returns the body of a bulk update that does not change them.
func bulkOfFour(b testing.TB, x bench) string {
	b.Helper()
	const descriptors = `{
		"reader":{"cluster":["monitor"],"indices":[{"names":["logs-*","metrics-*"],"privileges":["read"]}]},
		"writer":{"indices":[{"names":["logs-app-*"],"privileges":["create_doc","auto_configure"]}]},
		"owner":{"cluster":["manage_own_api_key"]},
		"app":{"applications":[{"application":"kibana-.kibana","privileges":["feature_discover.read"],"resources":["*"]}]}}`
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + x.token}}
	var ids []string
	for i := range 20 {
		body := fmt.Sprintf(`{"name":"bulk-%d","role_descriptors":%s}`, i, descriptors)
		r := serve(x.handler, http.MethodPost, "/_security/api_key", body, header)
		var made struct{ ID string }
		if err := json.Unmarshal(r.Body.Bytes(), &made); err != nil || made.ID == "" {
			b.Fatalf("creation answered %d %s", r.Code, r.Body)
		}
		ids = append(ids, fmt.Sprintf("%q", made.ID))
	}
	return fmt.Sprintf(`{"ids":[%s],"role_descriptors":%s}`, strings.Join(ids, ","), descriptors)
}

// discard is a response that keeps its status only.
type discard struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (d *discard) Header() http.Header { return d.header }

// Write implements http.ResponseWriter.
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (d *discard) WriteHeader(status int) { d.status = status }

// prepare returns a function that sends the request, at next to no cost of its own.
func (h hotRequest) prepare(b testing.TB, handler http.Handler) func() {
	b.Helper()
	u, err := url.Parse(h.path)
	if err != nil {
		b.Fatal(err)
	}
	header := http.Header{"Authorization": {h.authorization}, "Accept": {"*/*"}}
	if h.body != "" {
		header.Set("Content-Type", "application/json")
	}
	if h.path == introspectPath {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return func() {
		r, own := new(http.Request), *u
		*r = http.Request{
			Method: h.method, URL: &own, RequestURI: h.path, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: header, Host: "localhost", RemoteAddr: "127.0.0.1:1234", Body: http.NoBody,
		}
		if h.body != "" {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(h.body)), int64(len(h.body))
		}
		w := &discard{header: http.Header{}}
		handler.ServeHTTP(w, r)
		if w.status != http.StatusOK {
			b.Fatalf("%s answered %d", h.name, w.status)
		}
	}
}

// Ensures that the hot requests stay within their limits of allocations, with cached credentials.
func TestAllocations(t *testing.T) {
	if everyCase > 1 {
		t.Skip("the race detector allocates")
	}
	if interpreted {
		t.Skip("the limits are those of compiled checks")
	}
	x := newCachedBench(t, newDSN(t), cheap, store.MaxLifetime)
	for _, h := range hotRequests(t, x) {
		t.Run(h.name, func(t *testing.T) {
			send := h.prepare(t, x.handler)
			send()
			if got := testing.AllocsPerRun(500, send); got > h.most {
				t.Errorf("%v allocations; want at most %v", got, h.most)
			} else {
				t.Logf("%v allocations", got)
			}
		})
	}
}

// BenchmarkHot measures the hot requests.
func BenchmarkHot(b *testing.B) {
	x := newCachedBench(b, newDSN(b), cheap, store.MaxLifetime)
	for _, h := range hotRequests(b, x) {
		b.Run(h.name, func(b *testing.B) {
			send := h.prepare(b, x.handler)
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}

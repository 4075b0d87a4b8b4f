package interop

import (
	"net/http"
	"sync"
	"testing"
)

// wire records requests and answers.
type wire struct {
	mu        sync.Mutex
	requests  []http.Header
	responses []*http.Response
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.responses = append(w.requests, request.Header.Clone()), append(w.responses, response)
	return response, err
}

// last returns the headers of the last request and its answer.
func (w *wire) last() (request, response http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests[len(w.requests)-1], w.responses[len(w.responses)-1].Header
}

// count returns the number of requests.
func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}

// vendor returns Elasticsearch's own media type of a version.
func vendor(version string) string {
	return "application/vnd.elasticsearch+json;compatible-with=" + version
}

// wantTypes fails the test unless the last request and its answer have a media type.
func wantTypes(t *testing.T, w *wire, want string) {
	t.Helper()
	request, response := w.last()
	for _, header := range []string{"Content-Type", "Accept"} {
		if value := request.Get(header); value != want {
			t.Errorf("the client sends %s: %s; want %s", header, value, want)
		}
	}
	if value := response.Get("Content-Type"); value != want {
		t.Errorf("the answer is of type %s; want %s", value, want)
	}
	if value := response.Get("X-Elastic-Product"); value != "Elasticsearch" {
		t.Errorf("the answer is of the product %q", value)
	}
}

// Ensures that the clients' media types are understood and used in answers: the typed ones always send their version,
// the low-level ones in their compatibility mode.
func TestCompatibility(t *testing.T) {
	for i := range clients {
		t.Run(clients[i].name, func(t *testing.T) {
			for _, compatible := range []string{"", "true"} {
				t.Setenv("ELASTIC_CLIENT_APIVERSIONING", compatible)
				d := newDialog(t, i)
				how := owner()
				how.seen = &wire{}
				own := d.connect(how)
				id := own.createKey(`{"name": "compatible"}`).want(200, `{}`).text("id")
				own.bulkUpdate(`{"ids": ["`+id+`"], "metadata": {"a": 1}}`).want(200, `{"updated": [%q]}`, id)
				if d.typed || compatible != "" {
					wantTypes(t, how.seen, vendor(d.version))
				}
				own.bulkUpdate(`{"ids": ["x"], "expiration": "soon"}`).wantFailure(400, "x_content_parse_exception")
			}
		})
	}
}

// Ensures that compressed bodies are decompressed.
func TestCompression(t *testing.T) {
	each(t, func(d dialog) {
		how := owner()
		how.compressed, how.seen = true, &wire{}
		own := d.connect(how)
		name := d.name("packed")
		id := own.createKey(`{"name": "`+name+`", "role_descriptors": {"r": `+descriptor+`}}`).want(200, `{"name": %q}`,
			name).text("id")
		if request, _ := how.seen.last(); request.Get("Content-Encoding") != "gzip" {
			t.Errorf("the client sends Content-Encoding %q", request.Get("Content-Encoding"))
		}
		own.bulkUpdate(`{"ids": ["`+id+`"], "metadata": {"a": 1}}`).want(200, `{"updated": [%q]}`, id)
		own.getKey(id).want(200, `{"api_keys": [{"metadata": {"a": 1}, "role_descriptors": {"r": %s}}]}`, descriptor)
	})
}

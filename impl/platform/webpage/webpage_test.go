package webpage_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sallyport/sallyport/impl/platform/webpage"
)

var content = []byte(strings.Repeat("body { color: black }\n", 100))

// serve answers a request for a file. Headers are pairs of a name and a value.
func serve(t *testing.T, f http.HandlerFunc, method string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/page.css", http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	f(recorder, r)
	response := recorder.Result()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
}

// siteWith serves the one file of a site, which is compressed already.
func siteWith(compressed []byte) http.HandlerFunc {
	return webpage.NewSite("/", "", fstest.MapFS{"page.css.gz": {Data: compressed}}).Before(nil).ServeHTTP
}

func compress(t *testing.T) []byte {
	t.Helper()
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return compressed.Bytes()
}

// Ensures that a file is sent in the encoding that the client accepts, whether it was compressed before or not.
func TestFile_Encoding(t *testing.T) {
	t.Parallel()
	before := siteWith(compress(t))
	for accepted, compressed := range map[string]bool{
		"": false, "gzip": true, "br, gzip": true, "GZIP": true, "gzip;q=0.5": true, "gzip; q=0": false,
		"gzip;q=0, br": false, "br": false, "gzip;q=x": false,
	} {
		t.Run(accepted, func(t *testing.T) {
			t.Parallel()
			for _, f := range []http.HandlerFunc{webpage.NewFile("page.css", content).Serve, before} {
				response, body := serve(t, f, http.MethodGet, "Accept-Encoding", accepted)
				if response.Header.Get("Content-Length") != strconv.Itoa(len(body)) {
					t.Errorf("%d bytes with the headers %v", len(body), response.Header)
				}
				if (response.Header.Get("Content-Encoding") == "gzip") != compressed {
					t.Fatalf("the headers are %v", response.Header)
				}
				if compressed {
					reader, err := gzip.NewReader(bytes.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					if body, err = io.ReadAll(reader); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(body, content) {
					t.Errorf("the content is %q", body)
				}
			}
		})
	}
}

// Ensures that a file that a client has is not sent again, and that another one is.
func TestFile_NotModified(t *testing.T) {
	t.Parallel()
	f := webpage.NewFile("page.css", content).Serve
	response, _ := serve(t, f, http.MethodGet)
	etag := response.Header.Get("Etag")
	for tags, status := range map[string]int{
		etag: 304, strings.TrimPrefix(etag, "W/"): 304, `"a", ` + etag: 304, "*": 304, `"other"`: 200, `W/"other"`: 200,
	} {
		t.Run(tags, func(t *testing.T) {
			t.Parallel()
			response, body := serve(t, f, http.MethodGet, "If-None-Match", tags)
			if response.StatusCode != status || (len(body) == 0) != (status == 304) {
				t.Errorf("status %d with %d bytes; want %d", response.StatusCode, len(body), status)
			}
		})
	}
	changed := webpage.NewFile("page.css", content[1:]).Serve
	if other, _ := serve(t, changed, http.MethodGet); other.Header.Get("Etag") == etag {
		t.Error("two contents have the same entity tag")
	}
}

func TestFile_Methods(t *testing.T) {
	t.Parallel()
	f := webpage.NewFile("page.css", content).Serve
	get, _ := serve(t, f, http.MethodGet)
	head, body := serve(t, f, http.MethodHead)
	if head.StatusCode != http.StatusOK || len(body) != 0 ||
		head.Header.Get("Content-Length") != get.Header.Get("Content-Length") {
		t.Errorf("HEAD: %d %v with %d bytes", head.StatusCode, head.Header, len(body))
	}
	post, _ := serve(t, f, http.MethodPost)
	if post.StatusCode != http.StatusMethodNotAllowed || post.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", post.StatusCode, post.Header)
	}
}

// Ensures that a site serves its files below its prefix, by the media types of their names, and nothing else.
func TestSite_Paths(t *testing.T) {
	t.Parallel()
	site := webpage.NewSite("/site/", "default-src 'none'", fstest.MapFS{
		"index.html":       {Data: []byte("<!doctype html>")},
		"pages/script.mjs": {Data: []byte("export {}")},
		"style.css.gz":     {Data: compress(t)},
		"LICENSE":          {Data: []byte("free")},
	})
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	for path, want := range map[string]struct {
		status    int
		mediaType string
	}{
		"/site":                  {http.StatusPermanentRedirect, "text/html; charset=utf-8"},
		"/site/":                 {http.StatusOK, "text/html; charset=utf-8"},
		"/site/index.html":       {http.StatusOK, "text/html; charset=utf-8"},
		"/site/pages/script.mjs": {http.StatusOK, "text/javascript; charset=utf-8"},
		"/site/style.css":        {http.StatusOK, "text/css; charset=utf-8"},
		"/site/LICENSE":          {http.StatusOK, "text/plain; charset=utf-8"},
		"/site/style.css.gz":     {http.StatusNotFound, "text/plain; charset=utf-8"},
		"/site/pages/":           {http.StatusNotFound, "text/plain; charset=utf-8"},
		"/sites":                 {http.StatusTeapot, ""},
		"/":                      {http.StatusTeapot, ""},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			recorder := httptest.NewRecorder()
			site.Before(next).ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
			h := recorder.Header()
			if recorder.Code != want.status || h.Get("Content-Type") != want.mediaType {
				t.Errorf("got %d %v", recorder.Code, h)
			}
			if served := strings.HasPrefix(path, "/site/"); served != (h.Get("Content-Security-Policy") != "") {
				t.Errorf("the policy is %q", h.Get("Content-Security-Policy"))
			}
		})
	}
}

// Ensures that a file that is not what its name says ends the program at its first request, instead of being served.
func TestSite_NotCompressed(t *testing.T) {
	t.Parallel()
	whole := compress(t)
	for name, compressed := range map[string][]byte{"plain": content, "cut": whole[:len(whole)-9]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("it is served")
				}
			}()
			serve(t, siteWith(compressed), http.MethodGet)
		})
	}
}

// Ensures that only TLS announces itself: over plain HTTP the header must not be sent.
func TestSetHeaders_TLS(t *testing.T) {
	t.Parallel()
	for name, connection := range map[string]*tls.ConnectionState{"plain": nil, "TLS": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			webpage.SetHeaders(h, &http.Request{TLS: connection}, "default-src 'none'")
			if (h.Get("Strict-Transport-Security") != "") != (connection != nil) ||
				h.Get("Content-Security-Policy") != "default-src 'none'" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("the headers are %v", h)
			}
		})
	}
}

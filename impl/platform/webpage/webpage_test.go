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

	"github.com/sallyport/sallyport/impl/platform/webpage"
)

var content = []byte(strings.Repeat("body { color: black }\n", 100))

// serve answers a request for a file. Headers are pairs of a name and a value.
func serve(t *testing.T, f webpage.File, method string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/page.css", http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	f.Serve(recorder, r)
	response := recorder.Result()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
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
	before, err := webpage.NewCompressedFile("text/css", compress(t))
	if err != nil {
		t.Fatal(err)
	}
	for accepted, compressed := range map[string]bool{
		"": false, "gzip": true, "br, gzip": true, "GZIP": true, "gzip;q=0.5": true, "gzip; q=0": false,
		"gzip;q=0, br": false, "br": false, "gzip;q=x": false,
	} {
		t.Run(accepted, func(t *testing.T) {
			t.Parallel()
			for _, f := range []webpage.File{webpage.NewFile("text/css", content), before} {
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
	f := webpage.NewFile("text/css", content)
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
	if other, _ := serve(t, webpage.NewFile("text/css", content[1:]), http.MethodGet); other.Header.Get("Etag") == etag {
		t.Error("two contents have the same entity tag")
	}
}

func TestFile_Methods(t *testing.T) {
	t.Parallel()
	f := webpage.NewFile("text/css", content)
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

func TestNewCompressedFile_Refused(t *testing.T) {
	t.Parallel()
	whole := compress(t)
	for name, compressed := range map[string][]byte{"plain": content, "cut": whole[:len(whole)-9]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := webpage.NewCompressedFile("text/css", compressed); err == nil {
				t.Error("it was accepted")
			}
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

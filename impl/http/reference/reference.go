// Package reference serves the contract, as /openapi.yaml and /openapi.json, and the API reference below /docs/, which
// shows it. It belongs to neither family of operations: all that it serves is static.
package reference

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/api"
)

// Prefix begins the paths of the API reference.
const Prefix = "/docs/"

// The page, its script and style are this project's own; static/swagger-ui* are the renderer, compressed, as ./vendor
// fetches it.
//
//go:embed static
var static embed.FS

// policy is that of the API reference. The renderer sets styles by attributes of elements and has pictures in its style
// sheet; it needs neither inline scripts nor eval.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is a file as it is sent.
type file struct {
	mediaType string
	// etag is weak, because it is that of both encodings.
	etag string
	// compressed has gzip's encoding.
	compressed []byte
	// shared files can be read by pages of all sites.
	shared bool
}

// files returns all files by their paths. They are prepared when the first is requested.
var files = sync.OnceValue(func() map[string]file {
	asYAML, asJSON, err := publish(api.OpenAPI)
	if err != nil {
		panic(err) // the contract is in the program
	}
	all := map[string]file{
		"/openapi.yaml": newFile("application/yaml", compress(asYAML), true),
		"/openapi.json": newFile("application/json", compress(asJSON), true),
	}
	for name, mediaType := range map[string]string{
		"index.html":           "text/html; charset=utf-8",
		"reference.css":        "text/css; charset=utf-8",
		"reference.js":         "text/javascript; charset=utf-8",
		"swagger-ui.css":       "text/css; charset=utf-8",
		"swagger-ui-bundle.js": "text/javascript; charset=utf-8",
		"favicon.svg":          "image/svg+xml",
		"LICENSE":              "text/plain; charset=utf-8",
	} {
		all[Prefix+name] = newFile(mediaType, embedded(name), false)
	}
	all[Prefix] = all[Prefix+"index.html"]
	delete(all, Prefix+"index.html")
	all["/favicon.ico"] = all[Prefix+"favicon.svg"]
	return all
})

// embedded returns an embedded file, compressed.
func embedded(name string) []byte {
	if content, err := static.ReadFile(path.Join("static", name+".gz")); err == nil {
		return content
	}
	content, err := static.ReadFile(path.Join("static", name))
	if err != nil {
		panic(err) // the files are in the program
	}
	return compress(content)
}

func compress(content []byte) []byte {
	var compressed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	_, _ = w.Write(content) // a buffer takes everything
	_ = w.Close()
	return compressed.Bytes()
}

func newFile(mediaType string, compressed []byte, shared bool) file {
	sum := sha256.Sum256(compressed)
	etag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return file{mediaType, etag, compressed, shared}
}

// Before returns a handler that serves the contract and its reference, and passes other requests to next.
func Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch requested := r.URL.Path; {
		case requested+"/" == Prefix:
			http.Redirect(w, r, Prefix, http.StatusPermanentRedirect)
		case !strings.HasPrefix(requested, Prefix) && !ours(requested):
			next.ServeHTTP(w, r)
		default:
			serve(w, r)
		}
	})
}

func ours(requested string) bool {
	return requested == "/openapi.yaml" || requested == "/openapi.json" || requested == "/favicon.ico"
}

func serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.TLS != nil { // over plain HTTP it must not be sent (RFC 6797, section 7.2)
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this path has the methods GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	f, found := files()[r.URL.Path]
	if !found {
		http.Error(w, "the API reference has no such file", http.StatusNotFound)
		return
	}
	f.send(w, r)
}

func (f file) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Etag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if f.shared {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Etag")
	}
	if matches(r.Header.Values("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}

	h.Set("Content-Type", f.mediaType)
	content := f.compressed
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
	} else {
		content = decompress(content)
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) // the client may have disconnected
	}
}

// decompress returns a file for one of the few clients that do not take compressed ones.
func decompress(content []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		panic(err) // the content is in the program
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		panic(err) // the content is in the program
	}
	return plain
}

// matches reports whether If-None-Match names an entity tag, with the weak comparison (RFC 9110, section 13.1.2).
func matches(values []string, etag string) bool {
	for each := range strings.SplitSeq(strings.Join(values, ","), ",") {
		each = strings.TrimSpace(each)
		if each == "*" || strings.TrimPrefix(each, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// acceptsGzip reports whether Accept-Encoding has gzip, and not with the weight 0 (RFC 9110, section 12.5.3).
func acceptsGzip(values []string) bool {
	return slices.ContainsFunc(strings.Split(strings.Join(values, ","), ","), func(each string) bool {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(each, " ", ""), ";q=")
		q, err := strconv.ParseFloat(weight, 64)
		return strings.EqualFold(coding, "gzip") && (weight == "" || err == nil && q > 0)
	})
}

// Package webpage serves pages for browsers and the static files that they load: compressed once, with entity tags, and
// with headers that limit what a page can do.
package webpage

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// SetHeaders sets the headers of every page and of what it loads. The policy is its Content-Security-Policy.
func SetHeaders(h http.Header, r *http.Request, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.TLS != nil { // over plain HTTP it must not be sent (RFC 6797, section 7.2)
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// File is a file as it is sent.
type File struct {
	mediaType string
	// etag is weak, because it is that of both encodings.
	etag string
	// compressed has gzip's encoding; size is the number of bytes without it.
	compressed []byte
	size       int
}

// NewFile returns a file with this content. Its media type is that of its name.
func NewFile(name string, content []byte) File {
	var compressed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	_, _ = w.Write(content) // a buffer takes everything
	_ = w.Close()
	return newFile(name, compressed.Bytes(), len(content))
}

// newCompressedFile returns a file with the content that gzip has compressed. It returns an error if it has not.
func newCompressedFile(name string, compressed []byte) (File, error) {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return File{}, err
	}
	size, err := io.Copy(io.Discard, reader) //nolint:gosec // the content is the program's own
	if err != nil {
		return File{}, err
	}
	return newFile(name, compressed, int(size)), nil
}

func newFile(name string, compressed []byte, size int) File {
	sum := sha256.Sum256(compressed)
	return File{
		mediaType:  cmp.Or(mediaTypes[path.Ext(name)], "text/plain; charset=utf-8"),
		etag:       `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		compressed: compressed,
		size:       size,
	}
}

// mediaTypes are the types by extension. Those of the machine may be others.
var mediaTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".mjs":  "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".yaml": "application/yaml",
}

// Serve answers a GET or HEAD, and refuses other methods. Browsers ask each time whether the file has changed.
func (f File) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "this path has the methods GET and HEAD", http.StatusMethodNotAllowed)
		return
	}

	h.Set("Cache-Control", "no-cache")
	h.Set("Etag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if matches(r.Header.Values("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}

	h.Set("Content-Type", f.mediaType)
	asIs := acceptsGzip(r.Header.Values("Accept-Encoding"))
	if asIs {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(f.compressed)))
	} else {
		h.Set("Content-Length", strconv.Itoa(f.size))
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		f.send(w, asIs)
	}
}

// send writes the content. What is decompressed is not held in memory. An error means that the client has disconnected.
func (f File) send(w io.Writer, compressed bool) {
	if compressed {
		_, _ = w.Write(f.compressed)
		return
	}
	reader, err := gzip.NewReader(bytes.NewReader(f.compressed))
	if err != nil {
		panic(err) // the content was compressed or read before
	}
	_, _ = io.Copy(w, reader) //nolint:gosec // the content is the program's own
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
	for each := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(each, " ", ""), ";q=")
		if strings.EqualFold(coding, "gzip") {
			q, err := strconv.ParseFloat(weight, 64)
			return weight == "" || err == nil && q > 0
		}
	}
	return false
}

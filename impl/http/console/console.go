// Package console serves the web console below /console/. It belongs to neither family of operations, and uses them as
// any other client does: all that it serves is static.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Prefix begins the paths that the console serves.
const Prefix = "/console/"

//go:embed static/*.html static/*.css static/*.js static/*.svg static/pages/*.js static/vendor/*.mjs
var static embed.FS

// policy allows only what comes from this server, and no script or style that is in the page itself. A script cannot
// turn text into markup: there is no Trusted Types policy.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// file is a file as it is sent.
type file struct {
	mediaType string
	// etag is the hash of the content, so that browsers ask only whether it changed.
	etag string
	// plain and compressed are the content; compressed has gzip's encoding.
	plain, compressed []byte
}

// files returns all files of the console, by their paths below Prefix. They are compressed once, when the first is
// requested.
var files = sync.OnceValue(func() map[string]file {
	all := map[string]file{}
	err := fs.WalkDir(static, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := static.ReadFile(name)
		if err != nil {
			return fmt.Errorf("console: %w", err)
		}
		all[strings.TrimPrefix(name, "static/")] = newFile(name, content)
		return nil
	})
	if err != nil {
		panic(err) // the files are in the program
	}
	return all
})

func newFile(name string, content []byte) file {
	sum := sha256.Sum256(content)

	var compressed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	_, _ = w.Write(content) // a buffer takes everything
	_ = w.Close()

	return file{
		mediaType:  mediaTypes[path.Ext(name)],
		etag:       `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		plain:      content,
		compressed: compressed.Bytes(),
	}
}

// mediaTypes are the types by extension. Those of the machine may be others.
var mediaTypes = map[string]string{
	".css":  mime.FormatMediaType("text/css", utf8),
	".html": mime.FormatMediaType("text/html", utf8),
	".js":   mime.FormatMediaType("text/javascript", utf8),
	".mjs":  mime.FormatMediaType("text/javascript", utf8),
	".svg":  "image/svg+xml",
}

var utf8 = map[string]string{"charset": "utf-8"}

// Before returns a handler that serves the console, and passes other requests to next.
func Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path+"/" == Prefix:
			http.Redirect(w, r, Prefix, http.StatusPermanentRedirect)
		case strings.HasPrefix(r.URL.Path, Prefix):
			serve(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func serve(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header(), r)

	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this path has the methods GET and HEAD", http.StatusMethodNotAllowed)
		return
	}

	name := strings.TrimPrefix(r.URL.Path, Prefix)
	if name == "" {
		name = "index.html"
	}
	f, ok := files()[name]
	if !ok {
		http.Error(w, "the console has no such file", http.StatusNotFound)
		return
	}
	f.send(w, r)
}

func setHeaders(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if r.TLS != nil { // over plain HTTP it must not be sent (RFC 6797, section 7.2)
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

func (f file) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Etag", f.etag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}

	content := f.plain
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		content = f.compressed
	}
	h.Set("Content-Type", f.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) // the client may have disconnected
	}
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

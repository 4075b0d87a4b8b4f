package console

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// budget is the maximum size of all files in bytes, compressed.
const budget = 250 << 10

// serveTo serves a request as a server with an API that answers 418.
func serveTo(t *testing.T, method, target string) *http.Response {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	recorder := httptest.NewRecorder()
	api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	Before(api).ServeHTTP(recorder, request)
	return recorder.Result()
}

// contentOf returns the source of a file that is served.
func contentOf(t *testing.T, name string) []byte {
	t.Helper()
	content, err := static.ReadFile("static/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// names returns the names of all files that are served.
func names(t *testing.T) []string {
	t.Helper()
	var found []string
	if err := fs.WalkDir(static, "static", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, strings.TrimPrefix(path, "static/"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestBefore_Status(t *testing.T) {
	for _, each := range []struct {
		name, method, path string
		status             int
	}{
		{"page", "GET", "/console/", 200},
		{"page with a query", "GET", "/console/?sign-in=x", 200},
		{"without a slash", "GET", "/console", 308},
		{"module", "GET", "/console/pages/keys.js", 200},
		{"head", "HEAD", "/console/app.css", 200},
		{"other method", "POST", "/console/", 405},
		{"unknown", "GET", "/console/nothing", 404},
		{"folder", "GET", "/console/pages/", 404},
		{"outside the folder", "GET", "/console/../console.go", 404},
		{"types", "GET", "/console/vendor/preact.d.mts", 404},
		{"API", "GET", "/api/v1/user", 418},
		{"other path with the same beginning", "GET", "/consoles", 418},
	} {
		t.Run(each.name, func(t *testing.T) {
			if response := serveTo(t, each.method, each.path); response.StatusCode != each.status {
				t.Errorf("status %d, want %d", response.StatusCode, each.status)
			}
		})
	}
}

func TestBefore_Headers(t *testing.T) {
	response := serveTo(t, "GET", "/console/main.js")
	for name, want := range map[string]string{
		"Content-Type":           "text/javascript; charset=utf-8",
		"Cache-Control":          "no-cache",
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy":        "no-referrer",
		"Vary":                   "Accept-Encoding",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	sources := response.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(sources, "default-src 'none';") || strings.Contains(sources, "unsafe") {
		t.Errorf("the policy is %q", sources)
	}
	if serveTo(t, "POST", "/console/").Header.Get("Content-Security-Policy") != sources {
		t.Error("a refusal has another policy")
	}
}

func TestFiles_Budget(t *testing.T) {
	total, files := 0, names(t)
	for _, name := range files {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, Prefix+name, http.NoBody)
		request.Header.Set("Accept-Encoding", "gzip")
		recorder := httptest.NewRecorder()
		site.Before(nil).ServeHTTP(recorder, request)
		total += recorder.Body.Len()
	}
	t.Logf("%d files with %d bytes, compressed", len(files), total)
	if total > budget {
		t.Errorf("the files have %d bytes, at most %d are allowed", total, budget)
	}
}

// Ensures that each module that another imports is served.
func TestFiles_Imports(t *testing.T) {
	imported := regexp.MustCompile(`(?:from|import) ?"(\.[^"]+)"`)
	files := names(t)
	for _, name := range files {
		for _, match := range imported.FindAllSubmatch(contentOf(t, name), -1) {
			target := path.Join(path.Dir(name), string(match[1]))
			if !slices.Contains(files, target) {
				t.Errorf("%s imports %s, which is not served", name, match[1])
			}
		}
	}
}

// Ensures that the page has no script or style of its own, which the policy would refuse, and that no source makes
// markup from text.
func TestFiles_NoMarkupFromText(t *testing.T) {
	page := string(contentOf(t, "index.html"))
	if regexp.MustCompile(`<script(?:\s[^>]*)?>[^<]|<style|\sstyle=|\son\w+=`).MatchString(page) {
		t.Error("the page has a script or style")
	}
	markup := regexp.MustCompile(`(inner|outer)HTML|insertAdjacentHTML|dangerously|document\.write|\beval\(|new Function`)
	for _, name := range names(t) {
		if found := markup.Find(contentOf(t, name)); found != nil && !strings.HasPrefix(name, "vendor/") {
			t.Errorf("%s has %s", name, found)
		}
	}
}

// vendored are the checksums of files that come from npm. Interop's tests compare them with the packages.
var vendored = map[string]string{
	"hooks.mjs":  "427a330c992595bfd3f6cfe43eb6ba7a238ea1a7fa99c0e4a8f380a30dde473b",
	"htm.mjs":    "ab33dd3f38059b9be4d5f5350128eefb2356639c4e0bbe9d9e8b3ba75847e9e4",
	"preact.mjs": "bdcbd9abdf2c77c5c45326eab42191e949222d479d0d5f69467387a77040cb55",
	"uqr.mjs":    "7f0e61c2f13bb3724edee7bfb876e13c54ac9ee4fcfa283c9fa93cfb1241c325",
}

func TestVendored_Checksums(t *testing.T) {
	names, err := fs.Glob(static, "static/vendor/*")
	if err != nil || len(names) != len(vendored) {
		t.Fatalf("%v; the files are %q", err, names)
	}
	for _, name := range names {
		content, err := static.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		if got := hex.EncodeToString(sum[:]); got != vendored[path.Base(name)] {
			t.Errorf("%s has the checksum %s", name, got)
		}
	}
}

// Ensures that the licenses of what is vendored are in the repository.
func TestVendored_Licenses(t *testing.T) {
	for name, words := range map[string]string{
		"preact": "Jason Miller", "htm": "Apache License", "uqr": "MIT License",
	} {
		if text, err := os.ReadFile("licenses/" + name + ".txt"); err != nil || !strings.Contains(string(text), words) {
			t.Errorf("the license of %s: %v", name, err)
		}
	}
}

package webpage

import (
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
)

// Site is the files below a path, such as those of an application in the browser. Its page is index.html.
type Site struct {
	// Prefix begins the paths of the files, and ends with a slash.
	Prefix string
	// Policy is the Content-Security-Policy of all answers.
	Policy string

	files func() map[string]File
}

// NewSite returns a site with the files of a file system, which cannot fail: they are in the program. A file with the
// extension .gz is served under its name without that, and is not compressed again. The files are prepared when the
// first is requested.
func NewSite(prefix, policy string, source fs.FS) Site {
	return Site{prefix, policy, sync.OnceValue(func() map[string]File {
		files, err := load(source)
		if err != nil {
			panic(fmt.Sprintf("webpage: %s: %v", prefix, err))
		}
		return files
	})}
}

func load(source fs.FS) (map[string]File, error) {
	files := map[string]File{}
	err := fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		if plain, compressed := strings.CutSuffix(name, ".gz"); compressed {
			files[plain], err = newCompressedFile(plain, content)
			return err
		}
		files[name] = NewFile(name, content)
		return nil
	})
	return files, err
}

// Before returns a handler that serves the site, and passes other requests to next.
func (s Site) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path+"/" == s.Prefix {
			http.Redirect(w, r, s.Prefix, http.StatusPermanentRedirect)
			return
		}
		name, below := strings.CutPrefix(r.URL.Path, s.Prefix)
		if !below {
			next.ServeHTTP(w, r)
			return
		}
		if name == "" {
			name = "index.html"
		}
		s.Serve(w, r, name)
	})
}

// Serve serves the file with a name.
func (s Site) Serve(w http.ResponseWriter, r *http.Request, name string) {
	SetHeaders(w.Header(), r, s.Policy)
	f, found := s.files()[name]
	if !found {
		http.Error(w, "there is no such file below "+s.Prefix, http.StatusNotFound)
		return
	}
	f.Serve(w, r)
}

package secret

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Ensures that a file with a secret is refused if every user can write to it, reported if every user can read it, and
// accepted if only the owner or a group can.
func TestCheckFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode              os.FileMode
		readable, refused bool
	}{
		"owner":                {0o600, false, false},
		"group":                {0o640, false, false},
		"group writes":         {0o660, false, false}, // as Kubernetes makes them with fsGroup
		"every user reads":     {0o644, true, false},
		"every user, no owner": {0o444, true, false},
		"every user writes":    {0o606, true, true},
		"every user may write": {0o602, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, link := filepath.Join(t.TempDir(), "secret"), filepath.Join(t.TempDir(), "link")
			if err := errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.Chmod(path, test.mode),
				os.Symlink(path, link)); err != nil {
				t.Fatal(err)
			}
			for _, each := range []string{path, link} {
				if readable, err := CheckFile(each); readable != test.readable || (err != nil) != test.refused {
					t.Errorf("%s: readable %v, %v; want %v and refused %v", each, readable, err, test.readable, test.refused)
				}
				if err := CheckWriters(each); (err != nil) != test.refused {
					t.Errorf("%s: %v; want refused %v", each, err, test.refused)
				}
			}
		})
	}
	for _, path := range []string{"/nowhere/secret", t.TempDir(), os.DevNull} {
		if readable, err := CheckFile(path); readable || err != nil {
			t.Errorf("%s: %v, %v", path, readable, err)
		}
		if err := CheckWriters(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/config"
	"github.com/sallyport/sallyport/impl/platform/secret"
)

// Ensures that the key beside the database is created once, for its owner only, and that no draft is left.
func TestKeyEncryptionKey(t *testing.T) {
	t.Parallel()
	c := config.Config{Store: newStore(t)}
	first, err := keyEncryptionKey(c)
	if err != nil {
		t.Fatal(err)
	}
	second, err := keyEncryptionKey(c)
	if err != nil || !bytes.Equal(first, second) || len(first) != secret.KeySize {
		t.Errorf("%d bytes, then %d others (%v); want the same %d", len(first), len(second), err, secret.KeySize)
	}
	folder := filepath.Dir(databaseFile(c.Store))
	wantPrivate(t, folder, "sallyport.db.key")
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v); want the key only", entries, err)
	}
}

// Ensures that concurrent starts get the same key.
func TestKeyEncryptionKey_Race(t *testing.T) {
	t.Parallel()
	c := config.Config{Store: newStore(t)}
	keys := make(chan string)
	for range 8 {
		go func() {
			key, err := keyEncryptionKey(c)
			if err != nil {
				t.Error(err)
			}
			keys <- string(key)
		}()
	}
	distinct := map[string]bool{}
	for range 8 {
		distinct[<-keys] = true
	}
	if len(distinct) != 1 {
		t.Errorf("%d keys; want one", len(distinct))
	}
}

// Ensures that an invalid key file is named in the error, and neither printed nor replaced.
func TestKeyEncryptionKey_Broken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "bm90IGEga2V5", "no base64 at all"} {
		c := config.Config{Store: newStore(t)}
		path := databaseFile(c.Store) + ".key"
		writeFile(t, path, text)
		_, err := keyEncryptionKey(c)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q as a key: %v; want an error that names the file", text, err)
		}
		if err != nil && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error %v shows what is in the file", err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != text {
			t.Errorf("the file now holds %q (%v)", data, err)
		}
	}
}

// Ensures that a configured key is used and no file is written, and that a server without a store writes none either.
func TestKeyEncryptionKey_NoFile(t *testing.T) {
	t.Parallel()
	dsn, given := newStore(t), secret.NewKey()
	if key, err := keyEncryptionKey(config.Config{Store: dsn, KeyEncryptionKey: given}); err != nil ||
		!bytes.Equal(key, given) {
		t.Errorf("another key than the one that was given (%v)", err)
	}
	if _, err := os.Stat(databaseFile(dsn) + ".key"); !os.IsNotExist(err) {
		t.Errorf("there is a key file: %v", err)
	}
	if key, err := keyEncryptionKey(config.Config{Store: "none"}); err != nil || len(key) != secret.KeySize {
		t.Errorf("%d bytes without a store (%v); want %d", len(key), err, secret.KeySize)
	}
}

// Ensures that other users can never read the passwords, not even if the file existed and was readable, or was a link
// to another one, which stays as it is. No draft is left.
func TestWritePasswords(t *testing.T) {
	t.Parallel()
	const old = "an old line that is longer than the new ones\n"
	for name, prepare := range map[string]func(path, other string) error{
		"no file":       func(string, string) error { return nil },
		"readable file": func(path, _ string) error { return os.WriteFile(path, []byte(old), 0o644) },
		"link":          func(path, other string) error { return os.Symlink(other, path) },
		"hard link":     func(path, other string) error { return os.Link(other, path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
			path := filepath.Join(folder, "passwords")
			if err := errors.Join(os.WriteFile(other, []byte(old), 0o644), prepare(path, other)); err != nil {
				t.Fatal(err)
			}
			if err := writePasswords(path, map[string]string{"b": "2", "a": "1"}); err != nil {
				t.Fatal(err)
			}
			data, _ := content(t, path)
			info, err := os.Lstat(path)
			if err != nil || string(data) != "a 1\nb 2\n" || info.Mode() != 0o600 {
				t.Errorf("the file has mode %v and holds %q (%v)", info.Mode(), data, err)
			}
			if data, info := content(t, other); string(data) != old || info.Mode() != 0o644 {
				t.Errorf("the other file has mode %v and holds %q", info.Mode(), data)
			}
			if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
				t.Errorf("the folder holds %v (%v); want the passwords only", entries, err)
			}
		})
	}
}

// Ensures that a secret is read completely, without the end of its line, and that another line is refused.
func TestReadLine(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", secret.MaxPassword)
	for text, want := range map[string]string{
		"a b":            "a b",
		"a b\n":          "a b",
		"a b\r\n":        "a b",
		" a b ":          " a b ",
		"":               "",
		longest + "\r\n": longest,
	} {
		if got, err := readLine(strings.NewReader(text), "standard input"); err != nil || got != want {
			t.Errorf("readLine(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"a\nb", "a\n\n", longest + "\nb"} {
		if got, err := readLine(strings.NewReader(text), "standard input"); err == nil {
			t.Errorf("readLine(%q) = %q; want an error", text, got)
		}
	}
}

// Ensures that all files with a secret follow the same rule, whichever flag or variable names them.
func TestReadSecretFile_OneRule(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		writeFile(t, path, text)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for saying, path := range map[string]string{
		"holds more than one line":          file("lines", "a long password\nand more\n", 0o600),
		"is empty":                          file("empty", "\n", 0o600),
		"every user of this machine can re": file("readable", "a long password\n", 0o644),
		"no such file or directory":         filepath.Join(folder, "missing"),
	} {
		wantMistake(t, run(t, invocation{
			args: []string{"user", "add", "bob", "--role", "ece_platform_viewer", "--password-file", path},
		}), saying)
		wantMistake(t, run(t, invocation{
			args: []string{"user", "list", "--url", "http://127.0.0.1:1"},
			env:  []string{clientUsernameVariable + "=bob", clientPasswordVariable + "_FILE=" + path},
		}), saying)
		dsn := newStore(t)
		key := databaseFile(dsn) + ".key"
		if text, err := os.ReadFile(path); err == nil {
			info, err := os.Stat(path)
			if err == nil {
				err = os.WriteFile(key, text, info.Mode())
			}
			if err != nil {
				t.Fatal(err)
			}
			wantMistake(t, runOn(t, dsn, "serve", "--listen", "127.0.0.1:0"), key)
		}
	}
}

package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/impl/saml"
)

// Ensures that every kind of file with a secret is found once, and a configuration file only if it sets a secret.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	from := Sources{
		Env: environ{
			"SALLYPORT_STORE_FILE": "store", "SALLYPORT_KEY_ENCRYPTION_KEY_FILE": "kek", "SALLYPORT_LISTEN_FILE": "no secret",
		}.lookup,
	}
	realms := []saml.Realm{{
		ID: "r", Signing: &saml.KeyPair{File: "a"}, Encryption: []saml.KeyPair{{File: "a"}, {File: "b"}},
	}}
	want := []SecretFile{ // in the order of the settings
		{"SALLYPORT_STORE_FILE", "store"}, {"SALLYPORT_KEY_ENCRYPTION_KEY_FILE", "kek"}, {"tls.key", "key"},
		{"saml.realms: r", "a"}, {"saml.realms: r", "b"},
	}
	for text, isSecret := range map[string]bool{
		"": false, "listen: 127.0.0.1:1": false, "store: sqlite:x.db": false, "store: postgres://u@h/d": false,
		"store: postgres://u:p@h/d": true, "readonly_password: chosen by hand": true,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			from := from
			from.File = write(t, text)
			want := want
			if isSecret {
				want = append([]SecretFile{{"the configuration file", from.File}}, want...)
			}
			got := secretFiles(from, map[string]string{"tls.key": "key"}, realms)
			if !slices.Equal(got, want) {
				t.Errorf("got %v; want %v", got, want)
			}
		})
	}
}

// Ensures that a file with a secret is refused if every user can write to it, and reported if every user can read it.
func TestLoad_WritableFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(key('k')), 0o600); err != nil {
		t.Fatal(err)
	}
	from := Sources{Env: environ{"SALLYPORT_KEY_ENCRYPTION_KEY_FILE": path}.lookup}
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o644: false, 0o666: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		c, err := Load(from)
		if (err != nil) != refused || len(c.Exposed) != map[os.FileMode]int{0o644: 1}[mode] {
			t.Errorf("%o: %v, exposed %v", mode, err, c.Exposed)
		}
	}
}

package impl_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ownRandomness are the files that read crypto/rand themselves, with the reasons.
var ownRandomness = map[string]string{
	"platform/secret/source.go": "it is the source of all others",
	"authn/user/proven.go":      "the key of a cache, which no answer depends on",
	"saml/protocol/redirect.go": "blinding, which the signature does not depend on",
	"client/transport.go":       "a client, which has no server's source",
	"http/conformance/probe.go": "a client, too",
}

// unlinked matches what takes random bytes in another way than from the source of a server's store.
var unlinked = regexp.MustCompile(`"crypto/rand"|\bsecret\.(Text|NewKey)\(|\buuid\.New`)

// predictable matches what makes secrets predictable.
var predictable = regexp.MustCompile(`\bNewSource\(|\bRandom *= |\bRandom: |\bOpenDeterministic\(`)

// Ensures that what ends up in ids and secrets comes from the one source that a deterministic server replaces, and that
// only such a server's package can replace it: no other code of the program can make secrets predictable.
func TestRandomness(t *testing.T) {
	for source, want := range map[string]bool{
		"secret.NewSource(g)": true, "settings.Random = x": true, "app.Settings{Random: x}": true,
		"control.OpenDeterministic(ctx, settings, 1)": true, "s.Random()": false, "Random secret.Source": false,
	} {
		if predictable.MatchString(source) != want {
			t.Errorf("%s is found: %t", source, !want)
		}
	}

	replacing := map[string][]string{}
	for _, root := range []string{".", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "test/") {
				return err
			}
			text := read(t, path)
			if found := unlinked.FindString(text); found != "" && ownRandomness[path] == "" && root == "." {
				t.Errorf("%s has %s, and not the source of its store", path, found)
			}
			if found := predictable.FindAllString(text, -1); found != nil {
				replacing[path] = found
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	allowed := []string{
		"../cmd/sallyport/dev.go", "http/control/control.go", "platform/secret/source.go", // declares it
		"store/group.go", "store/transaction.go", // give it to transactions
	}
	for path, found := range replacing {
		if !slices.Contains(allowed, path) {
			t.Errorf("%s can make secrets predictable: %q", path, found)
		}
	}
	if len(replacing) != len(allowed) {
		t.Errorf("of %v, only %v were found", allowed, replacing)
	}
}

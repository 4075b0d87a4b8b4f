package http_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/session"
)

const keySetPath = "/.well-known/jwks.json"

// publicKeys returns the public keys by id, as a service that verifies tokens itself reads them.
func (w *world) publicKeys() map[string]ed25519.PublicKey {
	w.Helper()
	r, err := w.client.GetSigningKeysWithResponse(w.Context())
	if err != nil || r.JSON200 == nil {
		w.Fatalf("%v %s", err, r.Body)
	}
	keys := map[string]ed25519.PublicKey{}
	for _, key := range r.JSON200.Keys {
		x, err := base64.RawURLEncoding.DecodeString(key.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			w.Fatalf("x is %q (%v)", key.X, err)
		}
		keys[key.Kid] = x
	}
	return keys
}

// Ensures that the public keys verify the signature of a token, and are readable by everyone and cacheable.
func TestKeySet(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	token := w.login("alice", alicePassword)
	end := strings.LastIndex(token, ".")
	content := token[:end]
	signature, err := base64.RawURLEncoding.DecodeString(token[end+1:])
	if err != nil {
		t.Fatal(err)
	}
	keys := w.publicKeys()
	for _, key := range keys {
		if !ed25519.Verify(key, []byte(content), signature) {
			t.Error("the public key does not verify the token")
		}
	}
	if len(keys) != 1 {
		t.Errorf("there are %d keys", len(keys))
	}

	response, body := w.do(http.MethodGet, keySetPath, "")
	if got := response.Header.Get("Cache-Control"); got != "public, max-age=60" {
		t.Errorf("Cache-Control is %q", got)
	}
	if got := response.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	if strings.Contains(body, `"d"`) {
		t.Errorf("a private key: %s", body)
	}
}

// Ensures that a cache that has the current keys gets 304 without a body, and every other one the keys.
func TestKeySet_IfNoneMatch(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	first, _ := w.do(http.MethodGet, keySetPath, "")
	tag := first.Header.Get("ETag")
	for field, want := range map[string]int{
		tag:                     http.StatusNotModified,
		"W/" + tag:              http.StatusNotModified,
		`"other", ` + tag:       http.StatusNotModified,
		"*":                     http.StatusNotModified,
		`"other"`:               http.StatusOK,
		strings.Trim(tag, `"`):  http.StatusOK,
		"":                      http.StatusOK,
		strings.Repeat(",", 99): http.StatusOK,
	} {
		t.Run(field, func(t *testing.T) {
			w := &world{T: t, url: w.url, seen: w.seen}
			response, body := w.do(http.MethodGet, keySetPath, "", header("If-None-Match", field))
			if response.StatusCode != want || (body == "") != (want == http.StatusNotModified) {
				t.Errorf("%d %s, want %d", response.StatusCode, body, want)
			}
			if response.Header.Get("ETag") != tag || response.Header.Get("Cache-Control") != "public, max-age=60" {
				t.Errorf("the headers are %v", response.Header)
			}
		})
	}
}

// Ensures that credentials, good or bad, change nothing, so that a cache in front may serve all alike.
func TestKeySet_Credentials(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	_, want := w.do(http.MethodGet, keySetPath, "")
	for _, caller := range []func(context.Context, *http.Request) error{alice, bearer("no token"), as("alice", "wrong")} {
		response, body := w.do(http.MethodGet, keySetPath, "", caller)
		if response.StatusCode != http.StatusOK || body != want {
			t.Errorf("%d %s", response.StatusCode, body)
		}
	}
}

// Ensures that the documented format is that of tokens.
func TestReference_Tokens(t *testing.T) {
	t.Parallel()

	text, err := os.ReadFile("../../docs/reference/tokens.md")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	parts := strings.Split(w.login("alice", alicePassword), ".")
	for i, heading := range []string{"Header", "Claims"} {
		_, section, _ := strings.Cut(string(text), "\n## "+heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		var documented []string
		for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|").FindAllStringSubmatch(section, -1) {
			documented = append(documented, row[1])
		}
		slices.Sort(documented)

		var members map[string]any
		decoded, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(decoded, &members)
		}
		if got := slices.Sorted(maps.Keys(members)); err != nil || !slices.Equal(got, documented) {
			t.Errorf("%s: a token has %v, documented are %v (%v)", heading, got, documented, err)
		}
		if i == 0 && (members["alg"] != "EdDSA" || members["typ"] != "JWT") {
			t.Errorf("the header is %v", members)
		}
		if i == 1 && (members["iss"] != "sallyport" || fmt.Sprint(members["aud"]) != "[sallyport]" ||
			members["sub"] != "alice") {
			t.Errorf("the claims are %v", members)
		}
	}

	defaults := session.DefaultSettings
	for setting, lifetime := range map[string]time.Duration{
		"`session.idle`":                     defaults.Idle,
		"`session.idle`, if that is shorter": session.AccessLifetime,
		"`session.absolute`":                 defaults.Absolute,
		"`session.grace`":                    defaults.Grace,
		"`session.key_rotation`":             defaults.KeyRotation,
	} {
		if row := "| " + lifetime.String() + " | " + setting + " |\n"; !strings.Contains(string(text), row) {
			t.Errorf("tokens.md lacks a row that ends with %s", row)
		}
	}
}

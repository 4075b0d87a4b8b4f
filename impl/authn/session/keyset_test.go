package session

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/fault"
)

// published returns the public keys of a document by id, as others read it, and their ids in order.
func published(t *testing.T, set *KeySet) (ids []string, keys map[string]ed25519.PublicKey) {
	t.Helper()
	var document struct{ Keys []map[string]string }
	if err := json.Unmarshal(set.Document, &document); err != nil {
		t.Fatal(err)
	}
	keys = map[string]ed25519.PublicKey{}
	for _, key := range document.Keys {
		x, err := base64.RawURLEncoding.Strict().DecodeString(key["x"])
		if err != nil || len(x) != ed25519.PublicKeySize {
			t.Errorf("x is %q (%v)", key["x"], err)
		}
		ids = append(ids, key["kid"])
		keys[key["kid"]] = x
		delete(key, "x")
		delete(key, "kid")
		if want := `{"alg":"EdDSA","crv":"Ed25519","kty":"OKP","use":"sig"}`; text(t, key) != want {
			t.Errorf("a key is %s, want %s: anything else may be private", text(t, key), want)
		}
	}
	return ids, keys
}

func text(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// verifiedBy reports whether a token's signature is valid by published keys alone.
func verifiedBy(keys map[string]ed25519.PublicKey, token Token) bool {
	_, err := jwt.Parse(token.Value, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		return keys[id], nil
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithTimeFunc(func() time.Time { return start }))
	return err == nil
}

// Ensures that a new key is published before it signs, an old one until its tokens have expired, and a deleted one no
// longer; and that a token's signature can be verified with the published keys alone.
func TestKeySet_Rotation(t *testing.T) {
	t.Parallel()
	now := start
	s := open(t, newDatabase(t), func() time.Time { return now }, DefaultSettings)
	addUser(t, s, "alice")
	ids, keys := published(t, s.KeySet())
	first := begin(t, s)
	if len(ids) != 1 || !verifiedBy(keys, first) {
		t.Fatalf("the keys %v do not verify the first token", ids)
	}

	tag := s.KeySet().ETag
	if err := s.ReloadKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := s.KeySet().ETag; again != tag {
		t.Errorf("the tag of the same keys was %s and is %s", tag, again)
	}

	next, _, err := s.RotateKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	maintain(t, s)
	waiting, keys := published(t, s.KeySet())
	if want := []string{next.ID, ids[0]}; !slices.Equal(waiting, want) {
		t.Errorf("before the new key signs, %v are published, want %v", waiting, want)
	}
	if s.KeySet().ETag == tag {
		t.Error("the tag did not change with the keys")
	}

	now = now.Add(overlap)
	if second := begin(t, s); !verifiedBy(keys, second) || !verifiedBy(keys, first) {
		t.Error("keys that were fetched before the new one signed do not verify a token of each")
	}

	now = now.Add(DefaultSettings.Idle + clockTolerance)
	maintain(t, s)
	if left, _ := published(t, s.KeySet()); !slices.Equal(left, []string{next.ID}) {
		t.Errorf("after the last token expired, %v are published, want %s", left, next.ID)
	}

	revoked, _, err := s.RevokeKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := published(t, s.KeySet()); !slices.Equal(left, []string{revoked.ID}) {
		t.Errorf("after all keys were revoked, %v are published, want %s", left, revoked.ID)
	}
}

// Ensures that a cached document is too young to lack the key of a token.
func TestKeySet_MaxAge(t *testing.T) {
	if KeySetMaxAge+2*keysInterval > overlap {
		t.Errorf("a cache may be %s old, and a new key signs after %s", KeySetMaxAge, overlap)
	}
}

// Ensures that the published keys verify no token that others make from them: as a secret of HMAC in any of their
// forms, as keys in a token's header, or with an id that is something else.
func TestVerify_ForgedFromKeySet(t *testing.T) {
	t.Parallel()
	s := newService(t)
	token := begin(t, s)
	keyID, ours := onlyKey(t, s)
	public, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token.Value, &claims); err != nil {
		t.Fatal(err)
	}
	x := base64.RawURLEncoding.EncodeToString(ours.Public().(ed25519.PublicKey))
	jwk := map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(public)}

	for name, attack := range map[string]struct {
		method jwt.SigningMethod
		header map[string]any
		key    any
	}{
		"HS256 with x":                {jwt.SigningMethodHS256, nil, []byte(x)},
		"HS512 with the document":     {jwt.SigningMethodHS512, nil, s.KeySet().Document},
		"HMAC that claims EdDSA":      {jwt.SigningMethodHS256, map[string]any{"alg": "EdDSA"}, []byte(x)},
		"none that claims EdDSA":      {jwt.SigningMethodNone, map[string]any{"alg": "EdDSA"}, jwt.UnsafeAllowNoneSignatureType},
		"a key in the header":         {jwt.SigningMethodEdDSA, map[string]any{"jwk": jwk}, foreign},
		"the address of keys":         {jwt.SigningMethodEdDSA, map[string]any{"jku": "https://attacker.example/jwks"}, foreign},
		"a certificate":               {jwt.SigningMethodEdDSA, map[string]any{"x5c": []string{"MIIB"}}, foreign},
		"an id that is a path":        {jwt.SigningMethodEdDSA, map[string]any{"kid": "../../dev/null"}, foreign},
		"an id that is SQL":           {jwt.SigningMethodEdDSA, map[string]any{"kid": keyID + "' OR '1'='1"}, foreign},
		"the id with a zero byte":     {jwt.SigningMethodEdDSA, map[string]any{"kid": keyID + "\x00"}, ours},
		"an empty id, the zero key":   {jwt.SigningMethodEdDSA, map[string]any{"kid": ""}, ed25519.NewKeyFromSeed(make([]byte, 32))},
		"the id in another case":      {jwt.SigningMethodEdDSA, map[string]any{"kid": swapCase(keyID)}, ours},
		"another name of the member":  {jwt.SigningMethodEdDSA, map[string]any{"kid": nil, "KID": keyID}, ours},
		"EdDSA by another name":       {jwt.SigningMethodEdDSA, map[string]any{"alg": "Ed25519"}, ours},
		"EdDSA in another case":       {jwt.SigningMethodEdDSA, map[string]any{"alg": "eddsa"}, ours},
		"an algorithm that is a list": {jwt.SigningMethodEdDSA, map[string]any{"alg": []string{"EdDSA"}}, ours},
	} {
		t.Run(name, func(t *testing.T) {
			forged := jwt.NewWithClaims(attack.method, claims)
			forged.Header["kid"] = keyID
			maps.Copy(forged.Header, attack.header)
			value, err := forged.SignedString(attack.key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Verify(t.Context(), value); !fault.Has(err, fault.CredentialsInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// swapCase returns a text with lower case letters for upper case ones, and the reverse.
func swapCase(text string) string {
	return strings.Map(func(r rune) rune {
		if upper := strings.ToUpper(string(r)); upper != string(r) {
			return []rune(upper)[0]
		}
		return []rune(strings.ToLower(string(r)))[0]
	}, text)
}

// Ensures that a huge token is refused before any of it is parsed.
func TestVerify_Huge(t *testing.T) {
	s := newService(t)
	token := begin(t, s)
	for name, value := range map[string]string{
		"padded":   token.Value + strings.Repeat("A", maxToken),
		"dots":     strings.Repeat(".", 1<<20),
		"base64":   strings.Repeat("A", 1<<20),
		"a header": base64.RawURLEncoding.EncodeToString([]byte(`{"kid":"`+strings.Repeat("x", 1<<20)+`"}`)) + ".e30.c2ln",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Verify(t.Context(), value); !fault.Has(err, fault.CredentialsInvalid) {
				t.Errorf("got %v", err)
			}
			if n := testing.AllocsPerRun(10, func() { _, _ = s.Verify(t.Context(), value) }); n > 5 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

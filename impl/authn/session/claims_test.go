package session

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sallyport/sallyport/impl/fault"
)

// claimed returns a token with claims, signed with the service's key.
func claimed(t *testing.T, s *Service, claims jwt.MapClaims) string {
	t.Helper()
	id, key := onlyKey(t, s)
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = id
	value, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Ensures that a token, although it is signed with the installation's key and refers to a session, is accepted only
// from and for this installation.
func TestVerify_Addressed(t *testing.T) {
	t.Parallel()
	settings := DefaultSettings
	settings.Issuers, settings.Audiences = []string{"https://new.example", "https://old.example"}, []string{"new", "old"}
	s := open(t, newDatabase(t), time.Now, settings)
	addUser(t, s, "alice")
	token := begin(t, s)
	live, err := s.Verify(t.Context(), token.Value)
	if err != nil || live.Claims.Issuer != "https://new.example" || live.Claims.Audience != "new" {
		t.Fatalf("%+v (%v)", live.Claims, err)
	}

	id := tokenID(t, token)
	for name, test := range map[string]struct {
		issuer, audience any
		accepted         bool
	}{
		"the first of each":        {"https://new.example", "new", true},
		"one from before":          {"https://old.example", []string{"old"}, true},
		"among other audiences":    {"https://new.example", []string{"other", "new"}, true},
		"another audience":         {"https://new.example", "other", false},
		"other audiences":          {"https://new.example", []string{"other", "", "NEW"}, false},
		"a part of the audience":   {"https://new.example", "ne", false},
		"an empty audience":        {"https://new.example", "", false},
		"a number as the audience": {"https://new.example", 1, false},
		"another issuer":           {"https://other.example", "new", false},
		"no issuer":                {nil, "new", false},
		"the default issuer":       {DefaultName, "new", false},
		"an issuer with a slash":   {"https://new.example/", "new", false},
		"issuers in a list":        {[]string{"https://new.example"}, "new", false},

		"no audience, as earlier versions": {DefaultName, nil, true},
		"no audience, another issuer":      {"https://new.example", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			claims := jwt.MapClaims{"jti": id, "sub": "alice"}
			if test.issuer != nil {
				claims["iss"] = test.issuer
			}
			if test.audience != nil {
				claims["aud"] = test.audience
			}
			value := claimed(t, s, claims)
			for range 2 { // the second time, what is accepted is cached
				if _, err := s.Verify(t.Context(), value); (err == nil) != test.accepted ||
					err != nil && !fault.Has(err, fault.CredentialsInvalid) {
					t.Errorf("got %v", err)
				}
			}
			if found, err := s.Identify(t.Context(), value); err != nil || (found == id) != test.accepted {
				t.Errorf("it is identified as %q (%v)", found, err)
			}
		})
	}
}

// Ensures that a token without an audience, which earlier versions issue, is accepted for a day from the start, also
// where its signature is cached, and one with an audience longer.
func TestVerify_Unaddressed(t *testing.T) {
	t.Parallel()
	now := start
	settings := DefaultSettings
	settings.Idle, settings.Absolute, settings.KeyRotation = 48*time.Hour, 48*time.Hour, 0
	dsn := newDatabase(t)
	s := open(t, dsn, func() time.Time { return now }, settings)
	addUser(t, s, "alice")
	token := begin(t, s)
	old := claimed(t, s, jwt.MapClaims{"iss": DefaultName, "jti": tokenID(t, token), "sub": "alice"})

	now = start.Add(unaddressedPeriod - 1)
	if live, err := s.Verify(t.Context(), old); err != nil || live.Claims.Audience != "" {
		t.Errorf("at the end of the period: %+v, %v", live.Claims, err)
	}
	now = start.Add(unaddressedPeriod)
	for range 2 {
		if _, err := s.Verify(t.Context(), old); !fault.Has(err, fault.CredentialsInvalid) {
			t.Errorf("after the period: %v", err)
		}
	}
	if _, err := s.Verify(t.Context(), token.Value); err != nil {
		t.Errorf("the token with an audience: %v", err)
	}

	// Another server that has not verified it before.
	later := open(t, dsn, func() time.Time { return now }, settings)
	now = now.Add(unaddressedPeriod)
	if _, err := later.Verify(t.Context(), old); !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("after the period of another server: %v", err)
	}
}

// Ensures that the issuer and the audience can be changed one server after another, without refusing a token.
func TestVerify_Renamed(t *testing.T) { onEach(t, renamed) }

func renamed(t *testing.T, dsn string) {
	var servers []*Service
	for _, names := range [][]string{{"old"}, {"old", "new"}, {"new", "old"}, {"new"}} {
		settings := DefaultSettings
		settings.Issuers, settings.Audiences = names, names
		servers = append(servers, open(t, dsn, time.Now, settings))
	}
	addUser(t, servers[0], "alice")
	for i, from := range servers {
		token := begin(t, from)
		for _, to := range servers[max(i-1, 0):min(i+2, len(servers))] { // the same step, the one before, and the one after
			if _, err := to.Verify(t.Context(), token.Value); err != nil {
				t.Errorf("%v refuses a token of %v: %v", to.settings.Audiences, from.settings.Audiences, err)
			}
		}
	}
	if _, err := servers[3].Verify(t.Context(), begin(t, servers[0]).Value); !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("the last step accepts a token of the first: %v", err)
	}
}

// Ensures that a token of another installation with the same names is refused.
func TestVerify_OtherInstallation(t *testing.T) {
	t.Parallel()
	ours, theirs := newService(t), newService(t)
	if _, err := ours.Verify(t.Context(), begin(t, theirs).Value); !fault.Has(err, fault.CredentialsInvalid) {
		t.Errorf("got %v", err)
	}
}

// Ensures that an issuer or audience is a StringOrURI.
func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"a", "sallyport", "https://sallyport.example/x", "urn:example:a", strings.Repeat("x", 256),
	} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", " ", "a b", "a\n", `"`, `\`, "ü", ":a", "1:a", "%:", strings.Repeat("x", 257)} {
		if err := CheckName(name); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

package protocol_test

import (
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/saml/protocol"
	"github.com/sallyport/sallyport/impl/saml/samltest"
)

// fixture is a service provider that expects one response.
type fixture struct {
	idp         *samltest.IdP
	request     samltest.Request
	expectation protocol.Expectation
}

func newFixture() fixture {
	now := time.Date(2027, 3, 4, 5, 6, 7, 0, time.UTC)
	idp, encryption := samltest.New(now), samltest.New(now).Rollover // any key will do
	f := fixture{idp: idp, request: samltest.Request{
		ID:         "_request",
		ACS:        "https://sp.example.com/acs",
		EntityID:   "https://sp.example.com",
		Now:        now,
		Encryption: encryption.Certificate,
	}}

	f.expectation = protocol.Expectation{
		EntityID:       f.request.EntityID,
		ACS:            f.request.ACS,
		RequestID:      f.request.ID,
		Now:            now,
		Provider:       protocol.Provider{EntityID: idp.EntityID, Certificates: idp.Certificates()},
		DecryptionKeys: []*rsa.PrivateKey{idp.Expired.Signer.(*rsa.PrivateKey), encryption.Signer.(*rsa.PrivateKey)},
	}

	return f
}

// verify decodes and verifies a form field.
func (f fixture) verify(form string) (protocol.Assertion, error) {
	data, err := protocol.DecodeResponse(form)
	if err != nil {
		return protocol.Assertion{}, err
	}
	return protocol.Verify(data, f.expectation)
}

// reason returns the reason of a refusal, "" for nil.
func reason(t *testing.T, err error) string {
	t.Helper()
	var refusal *protocol.Refusal
	if err != nil && !errors.As(err, &refusal) {
		t.Fatalf("not a refusal: %v", err)
	}
	if refusal == nil {
		return ""
	}

	return refusal.Reason
}

// reasons reads the expected reason of each case.
func reasons(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/reasons.txt")
	if err != nil {
		t.Fatal(err)
	}

	listed := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, why, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if _, twice := listed[name]; twice || !ok {
			t.Fatalf("bad line %q", line)
		}
		listed[name] = why
	}

	return listed
}

// Ensures that every valid message is accepted, and that every other one is refused with the right reason.
func TestVerify_Cases(t *testing.T) {
	f := newFixture()
	why := reasons(t)
	for _, c := range samltest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			assertion, err := f.verify(c.Make(f.idp, f.request))
			if got := reason(t, err); got != why[c.Name] || (got == "") != (c.Accepted || c.Replayed) {
				t.Fatalf("refused because %q, not because %q", got, why[c.Name])
			}

			delete(why, c.Name)
			if err != nil {
				if !reflect.DeepEqual(assertion, protocol.Assertion{}) {
					t.Errorf("refused, and yet it says %+v", assertion)
				}
				return
			}

			if assertion.NameID != "alice@example.com" || assertion.Issuer != f.idp.EntityID ||
				assertion.ID != "_assertion-_request" {
				t.Errorf("%+v", assertion)
			}
		})
	}

	if len(why) > 0 {
		t.Errorf("reasons without a case: %v", why)
	}
}

// Ensures that the whole content of the assertion is returned.
func TestVerify_Assertion(t *testing.T) {
	f := newFixture()
	f.request.NameID = "Ω <&> \"o'brien\""
	f.request.Attributes = map[string][]string{"groups": {"a", " b\n", "<c>", ""}, "mail": {"x@example.com"}}
	got, err := f.verify(f.idp.Answer(f.request))
	if err != nil {
		t.Fatal(err)
	}

	now := f.expectation.Now
	want := protocol.Assertion{
		ID:                  "_assertion-_request",
		Issuer:              f.idp.EntityID,
		NameID:              f.request.NameID,
		NameIDFormat:        "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
		SessionIndex:        "_session-_request",
		SessionNotOnOrAfter: now.Add(8 * time.Hour),
		AuthnInstant:        now,
		ExpiresAt:           now.Add(protocol.DefaultMaxAge + protocol.DefaultSkew),
		Attributes:          f.request.Attributes,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Ensures that a large message is read completely.
func TestVerify_ManyGroups(t *testing.T) {
	f := newFixture()
	for _, name := range []string{"1,500 groups", "1,500 groups in a signed response"} {
		got, err := protocol.Verify(f.make(t, name), f.expectation)
		if groups := got.Attributes["groups"]; err != nil || len(groups) != 1500 ||
			groups[1499] != "CN=group-1499,OU=Groups,DC=example,DC=com" {
			t.Errorf("%s: %d groups, %v", name, len(groups), err)
		}
	}
}

// Ensures that OneTimeUse is reported, and that Verify refuses an assertion from ExpiresAt on, not a moment earlier
// or later: its use must be recorded until then.
func TestVerify_ReplayWindow(t *testing.T) {
	f := newFixture()
	f.expectation.MaxAge, f.expectation.Skew = 3*time.Minute, 10*time.Second
	data := f.make(t, "replay of a OneTimeUse assertion")
	got, err := protocol.Verify(data, f.expectation)
	if err != nil || !got.OneTimeUse {
		t.Fatalf("%+v, %v", got, err)
	}

	f.expectation.Now = got.ExpiresAt.Add(-time.Nanosecond)
	if _, err := protocol.Verify(data, f.expectation); err != nil {
		t.Errorf("refused before it expires: %v", err)
	}

	f.expectation.Now = got.ExpiresAt
	if _, err := protocol.Verify(data, f.expectation); reason(t, err) == "" {
		t.Error("accepted after its record expired")
	}
}

// Ensures that each field of the expectation decides whether a message is accepted.
func TestVerify_Expectations(t *testing.T) {
	const answered, unsolicited = "assertion signed", "IdP-initiated while not allowed"
	for _, c := range []struct {
		name, message string
		change        func(*protocol.Expectation)
		refused       string
	}{
		{"IdP-initiated and allowed", unsolicited,
			func(e *protocol.Expectation) { e.RequestID, e.AllowUnsolicited = "", true }, ""},
		{"IdP-initiated and not allowed", unsolicited, func(e *protocol.Expectation) { e.RequestID = "" },
			"the message answers no request, and the realm does not allow that"},
		{"IdP-initiated for a request", unsolicited, func(e *protocol.Expectation) { e.AllowUnsolicited = true },
			"the message does not answer our request"},
		{"answer to a request that is not known", answered,
			func(e *protocol.Expectation) { e.RequestID, e.AllowUnsolicited = "", true },
			"the message does not answer our request"},
		{"answer half way", "no InResponseTo of the response",
			func(e *protocol.Expectation) { e.RequestID, e.AllowUnsolicited = "", true },
			"the message does not answer our request"},
		{"name in the format", answered, func(e *protocol.Expectation) {
			e.NameIDFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
		}, ""},
		{"name in any format", answered, func(e *protocol.Expectation) {
			e.NameIDFormat = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
		}, ""},
		{"name in another format", answered,
			func(e *protocol.Expectation) { e.NameIDFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" },
			"the name is not in the format that the realm asks for"},
		{"authenticated when the request was made", answered,
			func(e *protocol.Expectation) { e.ForceAuthn, e.RequestedAt = true, e.Now }, ""},
		{"authenticated earlier in the second of the request", answered, func(e *protocol.Expectation) {
			e.ForceAuthn, e.RequestedAt = true, e.Now.Add(time.Minute+999*time.Millisecond)
		}, ""},
		{"authenticated before the request by more than the skew", answered, func(e *protocol.Expectation) {
			e.ForceAuthn, e.RequestedAt = true, e.Now.Add(time.Minute+time.Second)
		}, "the user authenticated before the request, and the realm has force_authn"},
		{"authenticated before the request, not forced", answered,
			func(e *protocol.Expectation) { e.RequestedAt = e.Now.Add(time.Hour) }, ""},
		{"IdP-initiated and forced", unsolicited,
			func(e *protocol.Expectation) { e.RequestID, e.AllowUnsolicited, e.ForceAuthn = "", true, true },
			"the message answers no request, and the realm has force_authn"},
		{"class of authentication", answered, func(e *protocol.Expectation) {
			e.AuthnContexts = []string{"urn:other", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"}
		}, ""},
		{"other class of authentication", answered, func(e *protocol.Expectation) {
			e.AuthnContexts = []string{"urn:oasis:names:tc:SAML:2.0:ac:classes:Password"}
		}, "the authentication is of none of the classes in the realm's requested_authn_context"},
		{"metadata not valid any more", answered, func(e *protocol.Expectation) { e.Provider.ValidUntil = e.Now },
			"the signature was made with a certificate that is expired or not yet valid"},
		{"no certificates", answered, func(e *protocol.Expectation) { e.Provider.Certificates = nil },
			"the signature was made with no key of the identity provider"},
		{"no issuer is expected", answered, func(e *protocol.Expectation) { e.Provider.EntityID = "" },
			"the issuer is not the identity provider"},
		{"no keys to decrypt with", "encrypted, the key beside the content",
			func(e *protocol.Expectation) { e.DecryptionKeys = nil }, "the assertion cannot be decrypted"},
		{"clock exact, and they are ahead", "provider's clock 60 s ahead",
			func(e *protocol.Expectation) { e.Skew = 59 * time.Second },
			"the time of issue is missing, too long ago or in the future"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture()
			data := f.make(t, c.message)
			c.change(&f.expectation)
			if _, err := protocol.Verify(data, f.expectation); reason(t, err) != c.refused {
				t.Errorf("%v", err)
			}
		})
	}
}

// Ensures that the request's ID is found without verification, and only in responses.
func TestPeekInResponseTo(t *testing.T) {
	f := newFixture()
	for name, want := range map[string]string{
		"assertion signed": "_request", "unsigned": "_request", "IdP-initiated while not allowed": "",
	} {
		if got, err := protocol.PeekInResponseTo(f.make(t, name)); got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}

	for _, name := range []string{"assertion as the root", "XXE", "trailing root", "comment in NameID", "nothing"} {
		if got, err := protocol.PeekInResponseTo(f.make(t, name)); got != "" || reason(t, err) == "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Ensures that the form field must be standard base64 within the size limit.
func TestDecodeResponse(t *testing.T) {
	largest := strings.Repeat("x", protocol.MaxResponse)
	for _, c := range []struct{ form, want, refused string }{
		{"", "", ""},
		{"eA==", "x", ""},
		{"eH\r\nh4\r\n", "xxx", ""},
		{base64.StdEncoding.EncodeToString([]byte(largest)), largest, ""},
		{base64.StdEncoding.EncodeToString([]byte(largest + "x")), "", "the message is too large"},
		{strings.Repeat("\n", 20_000_000), "", "the message is too large"},
		{"eA", "", "the message is not in standard base64"},
		{"eB==", "", "the message is not in standard base64"},
		{"eA== ", "", "the message is not in standard base64"},
		{"__-_", "", "the message is not in standard base64"},
		{"<xml/>", "", "the message is not in standard base64"},
	} {
		if got, err := protocol.DecodeResponse(c.form); string(got) != c.want || reason(t, err) != c.refused {
			t.Errorf("%.40q: %.40q, %v", c.form, got, err)
		}
	}
}

// Ensures that messages made to be costly are refused at little cost. The best of some runs counts, since other
// processes may use the machine. The bound is far above the usual cost and far below the intended one.
func TestVerify_CostOfRefusals(t *testing.T) {
	f := newFixture()
	costly := []string{
		"20 MB", "400,000 elements", "200,000 elements in less than 1 MiB", "100,000 attributes", "20,000 levels",
		"billion laughs",
	}

	for _, c := range samltest.Cases() {
		if !slices.Contains(costly, c.Name) {
			continue
		}

		form, best := c.Make(f.idp, f.request), time.Hour
		for range 5 {
			start := time.Now()
			if _, err := f.verify(form); err == nil {
				t.Fatalf("%s: accepted", c.Name)
			}
			best = min(best, time.Since(start))
		}

		if best > time.Second {
			t.Errorf("%s: %v", c.Name, best)
		}
	}
}

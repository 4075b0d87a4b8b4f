package apikey_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/apikey"
	"github.com/sallyport/sallyport/impl/fault"
)

func TestVerify_Rejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t, apikey.Settings{}, bob)
	valid, invalidated := w.newKey(t, "bob", "valid"), w.newKey(t, "bob", "invalidated")
	if err := w.Delete(t.Context(), apikey.Ref{User: "bob", ID: invalidated.ID}); err != nil {
		t.Fatal(err)
	}
	expired := w.create(t, w.caller(t, "bob"), apikey.Creation{Name: "expired", Lifetime: new(time.Second)})
	w.advance(time.Second)

	encode := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	const malformed, wrongSecret = "invalid ApiKey value", "invalid credentials for API key ["
	for name, c := range map[string]struct{ credential, why string }{
		"no Base64":                     {"!", malformed},
		"half of the padding":           {strings.TrimSuffix(encode("a:bc"), "="), malformed},
		"no colon":                      {encode("abc"), malformed},
		"no id":                         {encode(":secret"), malformed},
		"id too long":                   {encode(strings.Repeat("a", 65) + ":secret"), malformed},
		"id with a NUL":                 {encode("a\x00b:secret"), malformed},
		"id not UTF-8":                  {encode("a\xff:secret"), malformed},
		"id unknown":                    {encode("unknown:secret"), "unable to find apikey with id unknown"},
		"wrong secret":                  {encode(valid.ID + ":wrong"), wrongSecret + valid.ID + "]"},
		"invalidated":                   {invalidated.Encoded(), "api key [" + invalidated.ID + "] has been invalidated"},
		"invalidated, and wrong secret": {encode(invalidated.ID + ":wrong"), wrongSecret + invalidated.ID + "]"},
		"expired":                       {expired.Encoded(), "api key is expired"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := w.Verify(t.Context(), c.credential)
			var rejected apikey.RejectedError
			if !fault.Has(err, fault.CredentialsInvalid) || !errors.As(err, &rejected) || rejected.Why() != c.why {
				t.Errorf("got %v; want %q", err, c.why)
			}
		})
	}
	if key, owner, err := w.Verify(t.Context(), valid.Encoded()); err != nil || key.ID != valid.ID || owner.Name != "bob" {
		t.Errorf("the valid key: %+v of %+v, %v", key, owner, err)
	}
}

package servicetoken

import (
	"encoding/base64"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

func newService(t *testing.T) *Service {
	t.Helper()
	st := storetest.Open(t, store.None, time.Now)
	return NewService(st)
}

const fleet = "elastic/fleet-server"

// Ensures that an account has at most as many tokens as the limit, that one more can be created after one was deleted,
// and that other accounts are not concerned.
func TestCreate_Limit(t *testing.T) {
	s := newService(t)
	create := func(account, name string) error {
		_, _, err := s.Create(t.Context(), nil, ID{account, name})
		return err
	}

	for i := range maxPerAccount {
		if err := create(fleet, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(fleet, "more"); !fault.Has(err, fault.InvalidData) || !strings.Contains(err.Error(), "[1000]") {
		t.Errorf("one more: %v", err)
	}
	if err := create("elastic/auto-ops", "first"); err != nil {
		t.Errorf("another account: %v", err)
	}

	if deleted, err := s.Delete(t.Context(), nil, ID{fleet, "7"}); err != nil || !deleted {
		t.Fatal(deleted, err)
	}
	if err := create(fleet, "more"); err != nil {
		t.Errorf("after a deletion: %v", err)
	}
}

// Ensures that only the token as it was issued is accepted, with or without padding, until it is deleted.
func TestVerify(t *testing.T) {
	s := newService(t)
	id, issued, err := s.Create(t.Context(), nil, ID{fleet, "t"})
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(text string) string { return base64.RawStdEncoding.EncodeToString([]byte(text)) }
	_, text, _ := strings.Cut(string(decoded(t, issued)), ":")

	for name, test := range map[string]struct {
		bearer string
		want   fault.Code // the zero Code if it is accepted
	}{
		"issued":           {issued, fault.Code{}},
		"padded":           {base64.StdEncoding.EncodeToString(decoded(t, issued)), fault.Code{}},
		"another secret":   {encode(id, text+"x"), fault.ServiceTokenInvalid},
		"no secret":        {encode(id, ""), fault.ServiceTokenInvalid},
		"another name":     {encode(ID{fleet, "u"}, text), fault.ServiceTokenInvalid},
		"another account":  {encode(ID{"elastic/auto-ops", "t"}, text), fault.ServiceTokenInvalid},
		"unknown account":  {encode(ID{"elastic/unknown", "t"}, text), fault.ServiceTokenInvalid},
		"no name":          {encode(ID{fleet, ""}, text), fault.CredentialsInvalid},
		"no colon":         {encoded(prefix + id.String()), fault.CredentialsInvalid},
		"four parts":       {encode(ID{fleet + "/a", "t"}, text), fault.CredentialsInvalid},
		"line break":       {encode(ID{"elastic\n/fleet-server", "t"}, text), fault.CredentialsInvalid},
		"no base64":        {issued + "!", fault.CredentialsInvalid},
		"too much padding": {issued + "====", fault.CredentialsInvalid},
		"too long":         {encode(id, strings.Repeat("x", maxToken)), fault.CredentialsInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := s.Verify(t.Context(), test.bearer)
			if test.want == (fault.Code{}) {
				if err != nil || token.Account != fleet || token.Name != "t" {
					t.Errorf("%+v, %v", token, err)
				}
				return
			}
			if !fault.Has(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}

	if _, err := s.Delete(t.Context(), nil, id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(t.Context(), issued); !fault.Has(err, fault.ServiceTokenInvalid) {
		t.Errorf("after its deletion: %v", err)
	}
}

func decoded(t *testing.T, encoded string) []byte {
	t.Helper()
	content, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

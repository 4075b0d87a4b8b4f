package account

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// newService returns a service on a store without an account.
func newService(t *testing.T) *Service {
	t.Helper()

	st := storetest.Open(t, storetest.File(t), time.Now)
	return NewService(st)
}

// bootstrapped returns a service on a store with an account that trusts all, and the account's id.
func bootstrapped(t *testing.T) (*Service, string) {
	t.Helper()

	s := newService(t)
	if err := s.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, get(t, s).ID
}

func get(t *testing.T, s *Service) Account {
	t.Helper()

	a, err := s.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// trail returns the events of the audit trail, each with its subject and details.
func trail(t *testing.T, s *Service) string {
	t.Helper()

	var text strings.Builder
	err := s.store.View(t.Context(), func(tx *store.Tx) error {
		entries, err := tx.Audit.After(time.Time{}, "", 100)
		for _, e := range entries {
			fmt.Fprintf(&text, "%s %s %s\n", e.Event, e.Subject, e.Details)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestService_Bootstrap(t *testing.T) {
	s, id := bootstrapped(t)

	t.Run("a new account has a random id and the default settings", func(t *testing.T) {
		if a := get(t, s); len(id) < 16 || !a.TrustAll {
			t.Errorf("the account is %+v", a)
		}
		if _, other := bootstrapped(t); other == id {
			t.Error("two installations have the same account id")
		}
	})

	t.Run("an existing account stays as it is", func(t *testing.T) {
		no := false
		if _, err := s.Replace(t.Context(), &no); err != nil {
			t.Fatal(err)
		}
		if err := s.Bootstrap(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := get(t, s); a != (Account{ID: id}) {
			t.Errorf("the account is %+v", a)
		}
	})
}

// Ensures that each call reports that the store has no account.
func TestService_AccountMissing(t *testing.T) {
	s := newService(t)
	for name, call := range map[string]func() (Account, error){
		"get":     func() (Account, error) { return s.Get(t.Context()) },
		"replace": func() (Account, error) { return s.Replace(t.Context(), nil) },
		"patch":   func() (Account, error) { return s.Patch(t.Context(), map[string]any{}) },
	} {
		t.Run(name, func(t *testing.T) {
			if a, err := call(); !fault.Has(err, fault.AccountNotFound) || a != (Account{}) {
				t.Errorf("got %+v, %v", a, err)
			}
		})
	}
}

func TestService_Replace(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name          string
		before, value *bool
		want          bool
	}{
		{"false sets false", &yes, &no, false},
		{"true sets true", &no, &yes, true},
		{"nil sets the default", &no, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, id := bootstrapped(t)
			if _, err := s.Replace(t.Context(), c.before); err != nil {
				t.Fatal(err)
			}

			a, err := s.Replace(t.Context(), c.value)
			if want := (Account{id, c.want}); err != nil || a != want || get(t, s) != want {
				t.Errorf("got %+v, %v; stored %+v", a, err, get(t, s))
			}
		})
	}
}

// Ensures that each change is audited with its value, and that a request that changes nothing is not.
func TestService_Trail(t *testing.T) {
	s, id := bootstrapped(t)
	no := false
	for range 2 {
		if _, err := s.Replace(t.Context(), &no); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Patch(t.Context(), map[string]any{"trust": nil}); err != nil {
		t.Fatal(err)
	}

	want := "account.updated " + id + ` {"trust_all":false}` + "\naccount.updated " + id + ` {"trust_all":true}` + "\n"
	if got := trail(t, s); got != want {
		t.Errorf("the trail is\n%s", got)
	}
}

func TestService_Patch(t *testing.T) {
	type object = map[string]any
	for _, c := range []struct {
		name  string
		patch any
		want  bool
	}{
		{"an empty patch changes nothing", object{}, false},
		{"an unknown setting changes nothing", object{"other": true}, false},
		{"an unknown trust setting changes nothing", object{"trust": object{"other": true}}, false},
		{"a value is set", object{"trust": object{"trust_all": true}}, true},
		{"a removed value becomes the default", object{"trust": object{"trust_all": nil}}, true},
		{"a removed section becomes the default", object{"trust": nil}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, id := bootstrapped(t)
			no := false
			if _, err := s.Replace(t.Context(), &no); err != nil {
				t.Fatal(err)
			}

			a, err := s.Patch(t.Context(), c.patch)
			if want := (Account{id, c.want}); err != nil || a != want || get(t, s) != want {
				t.Errorf("got %+v, %v; stored %+v", a, err, get(t, s))
			}
		})
	}
}

// Ensures that an invalid patch is refused with the setting at fault, and changes nothing.
func TestService_PatchRefused(t *testing.T) {
	s, id := bootstrapped(t)
	type object = map[string]any
	for _, c := range []struct {
		name  string
		patch any
		field string
	}{
		{"the patch is an array", []any{}, "body"},
		{"the patch is null", nil, "body"},
		{"trust is a boolean", object{"trust": true}, "trust"},
		{"trust is an array", object{"trust": []any{}}, "trust"},
		{"trust_all is a text", object{"trust": object{"trust_all": "false"}}, "trust.trust_all"},
		{"trust_all is an object", object{"trust": object{"trust_all": object{}}}, "trust.trust_all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Patch(t.Context(), c.patch)
			if !fault.Has(err, fault.InvalidData) || fmt.Sprint(fields(err)) != "["+c.field+"]" {
				t.Errorf("got %v with the fields %q", err, fields(err))
			}
			if a := get(t, s); a != (Account{id, true}) || trail(t, s) != "" {
				t.Errorf("the account is now %+v", a)
			}
		})
	}
}

// fields returns the fields at fault that an error names.
func fields(err error) []string {
	if e, ok := err.(*fault.Error); ok { //nolint:errorlint // the service returns its errors unwrapped
		return e.Fields
	}
	return nil
}

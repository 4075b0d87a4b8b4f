package rolemapping

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

func newService(t *testing.T) *Service {
	t.Helper()
	st := storetest.Open(t, storetest.File(t), time.Now)
	return NewService(st)
}

func (s *Service) rolesOf(t *testing.T, u User) ([]identity.Role, error) {
	t.Helper()
	return store.Read(t.Context(), s.store, func(tx *store.Tx) ([]identity.Role, error) {
		return Roles(t.Context(), tx, u)
	})
}

// Ensures that the roles of all mappings that hold are given once each, and those of disabled ones not at all.
func TestRoles(t *testing.T) {
	s := newService(t)
	everyone, err := parsed(t, `{"all":[]}`)
	if err != nil {
		t.Fatal(err)
	}
	staff, err := parsed(t, `{"field":{"groups":"staff"}}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]Mapping{
		"everyone": {Enabled: true, Roles: []string{"b", "a"}, Rules: everyone},
		"staff":    {Enabled: true, Roles: []string{"c", "a"}, Rules: staff},
		"off":      {Roles: []string{"d"}, Rules: everyone},
	} {
		if created, err := s.Put(t.Context(), name, m); !created || err != nil {
			t.Fatal(created, err)
		}
	}
	for name, c := range map[string]struct {
		user User
		want string
	}{
		"in a group": {erin, "[a b c]"},
		"in none":    {User{Name: "bob"}, "[a b]"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := s.rolesOf(t, c.user); fmt.Sprint(got) != c.want || err != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// Ensures that mappings are refused once there are too many, or they cost too much together, and that one of them can
// still be replaced.
func TestService_Put_Limits(t *testing.T) {
	s := newService(t)
	refused := func(err error, want string) {
		t.Helper()
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != fault.InvalidData || !strings.HasPrefix(f.Message, want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}

	rule, err := parsed(t, `{"any":[]}`)
	if err != nil {
		t.Fatal(err)
	}
	many := Mapping{Roles: make([]string, maxCost/2), Rules: rule}
	for i := range many.Roles {
		many.Roles[i] = "r"
	}
	if _, err := s.Put(t.Context(), "large", many); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "large", many); err != nil {
		t.Errorf("replaced: %v", err)
	}
	_, err = s.Put(t.Context(), "second", many)
	refused(err, "the role mappings would count [50004] together, and at most [50000]")
	if _, err := s.Delete(t.Context(), "large"); err != nil {
		t.Fatal(err)
	}

	small := store.RoleMapping{Roles: []string{"r"}, Rules: `{"any":[]}`, Metadata: "{}", Cost: 1}
	err = s.store.Update(t.Context(), func(tx *store.Tx) error {
		for i := range maxMappings {
			small.Name = fmt.Sprint("m", i)
			if _, err := tx.RoleMappings.Put(small); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	one := Mapping{Roles: []string{"r"}, Rules: rule}
	_, err = s.Put(t.Context(), "another", one)
	refused(err, "there are 1000 role mappings")
	if _, err := s.Put(t.Context(), "m0", one); err != nil {
		t.Errorf("replaced: %v", err)
	}
}

// Ensures that a user with very many groups is refused with an error of its own.
func TestRoles_TooMuchWork(t *testing.T) {
	s := newService(t)
	rule, err := parsed(t, `{"any":[`+strings.Repeat(`{"field":{"groups":"*x*y"}},`, 100)+`{"any":[]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "m", Mapping{Enabled: true, Roles: []string{"r"}, Rules: rule}); err != nil {
		t.Fatal(err)
	}
	u := User{Groups: make([]string, 10_000)}
	for i := range u.Groups {
		u.Groups[i] = strings.Repeat("g", 50)
	}
	if _, err := s.rolesOf(t, u); !errors.Is(err, ErrTooMuchWork) {
		t.Errorf("got %v", err)
	}
}

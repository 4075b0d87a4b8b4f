package role

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Ensures that each built-in role of each version is valid, can be compiled at a bounded cost, is marked and described,
// and that none has the name of an ECE role.
func TestBuiltin_Valid(t *testing.T) {
	groups := published()
	for version, builtin := range map[string]Builtin{
		"latest":  {},
		"earlier": NewBuiltin(slices.Collect(maps.Keys(groups.Earlier)), slices.Collect(maps.Keys(groups.Later))),
	} {
		for name, d := range builtin.roles() {
			t.Run(version+" "+name, func(t *testing.T) {
				one := roledescriptor.Set{name: d}
				stored := d
				stored.Metadata = nil // only built-in roles can have the mark
				if problems := roledescriptor.Validate(roledescriptor.Set{name: stored}, privilege.Names{}); problems != nil {
					t.Error(problems)
				}
				if problems := roledescriptor.CheckCost(one); problems != nil {
					t.Error(problems)
				}
				if _, err := one.Compile(); err != nil {
					t.Error(err)
				}
				if d.Metadata["_reserved"] != true || d.Description == "" || strings.HasPrefix(name, "ece_") {
					t.Errorf("the role is %+v", d)
				}
			})
		}
	}
}

// Ensures that the versions differ in the roles that only one has, and in the privileges that the latest added.
func TestNewBuiltin(t *testing.T) {
	earlier := NewBuiltin([]string{"apm_user"}, []string{"viewer"})
	if !earlier.Reserved("apm_user") || (Builtin{}).Reserved("apm_user") {
		t.Error("a role of an earlier version only is not that")
	}

	for name, differs := range map[string]bool{"viewer": true, "editor": false, "ingest_admin": false} {
		if roledescriptor.Equal(earlier.roles()[name], latest().set[name]) == differs {
			t.Errorf("%s: the same in both versions: %t", name, differs)
		}
	}
	if before := published().Roles["viewer"]; !roledescriptor.Equal(before, earlier.roles()["viewer"]) {
		t.Error("the published role was changed")
	}
}

// Ensures that a stored role is in effect in place of a built-in one until it is deleted, but not of superuser's or an
// ECE role's, and that new ones are refused.
func TestBuiltin_StoredRole(t *testing.T) {
	s := newService(t)
	for _, name := range []string{"viewer", Superuser, "ece_platform_viewer"} {
		text := string(roledescriptor.Canonical(roledescriptor.Set{name: monitor}))
		err := s.store.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Roles.Put(store.Role{Name: name, Descriptor: text})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	for _, found := range []roledescriptor.Set{get(t, s), get(t, s, "viewer", Superuser, "ece_platform_viewer")} {
		if !roledescriptor.Equal(found["viewer"], monitor) || !roledescriptor.Equal(found[Superuser], fixed[Superuser]) ||
			!roledescriptor.Equal(found["ece_platform_viewer"], fixed["ece_platform_viewer"]) {
			t.Errorf("the roles are %+v", found)
		}
	}
	if replaced, err := s.Replaced(t.Context()); err != nil || !slices.Equal(replaced, []string{"viewer"}) {
		t.Errorf("replaced: %v, %v", replaced, err)
	}

	for _, name := range []string{"viewer", "kibana_system"} {
		if _, err := s.Put(t.Context(), name, monitor); !fault.Has(err, fault.RequestInvalid) {
			t.Errorf("%s is put: %v", name, err)
		}
	}
	if found, err := s.Delete(t.Context(), "viewer"); err != nil || !found {
		t.Errorf("deleted: %t, %v", found, err)
	}
	if got := get(t, s, "viewer")["viewer"]; !roledescriptor.Equal(got, latest().set["viewer"]) {
		t.Errorf("the role is %+v", got)
	}
	if _, err := s.Delete(t.Context(), "viewer"); !fault.Has(err, fault.InvalidData) {
		t.Errorf("deleted again: %v", err)
	}
	if _, err := s.Delete(t.Context(), Superuser); !fault.Has(err, fault.InvalidData) {
		t.Errorf("superuser is deleted: %v", err)
	}
}

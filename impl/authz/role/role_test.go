package role

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

func newService(t *testing.T) *Service {
	t.Helper()

	st := storetest.Open(t, storetest.File(t), time.Now)
	return NewService(st, Builtin{})
}

// monitor is a valid descriptor with a description.
var monitor = roledescriptor.Descriptor{Cluster: []string{"monitor"}, Description: "watches"}

func put(t *testing.T, s *Service, name string, d roledescriptor.Descriptor) (created bool) {
	t.Helper()

	created, err := s.Put(t.Context(), name, d)
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func get(t *testing.T, s *Service, names ...string) roledescriptor.Set {
	t.Helper()

	set, err := s.Get(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	return set
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

// names returns the sorted names of a set's roles, separated by spaces.
func names(set roledescriptor.Set) string {
	return strings.Join(slices.Sorted(maps.Keys(set)), " ")
}

func TestCheck(t *testing.T) {
	withQuery := func(query string) roledescriptor.Descriptor {
		return roledescriptor.Descriptor{Indices: []roledescriptor.IndexPrivileges{
			{Names: []string{"a"}, Privileges: []string{"read"}},
			{Names: []string{"b", "c"}, Privileges: []string{"read"}, Query: query},
		}}
	}
	const queryRefused = "failed to parse field 'query' for indices [b,c] at index privilege [1]"
	for _, c := range []struct {
		name, role string
		descriptor roledescriptor.Descriptor
		code       fault.Code
		message    string // "" if the role is valid
	}{
		{name: "no privileges", role: "r"},
		{name: "a query that is an object", role: "r", descriptor: withQuery(`{"match_all":{}}`)},
		{"a query that is an array", "r", withQuery(`[]`), fault.ParseFailed, queryRefused},
		{"a query that is no JSON", "r", withQuery(`{`), fault.ParseFailed, queryRefused},
		{"an unknown privilege", "r", roledescriptor.Descriptor{Cluster: []string{"bogus"}}, fault.RequestInvalid, "[bogus]"},
		{"the superuser", Superuser, monitor, fault.RequestInvalid, "1: Role [superuser] is reserved and may not be used.;"},
		{"an ECE role", "ece_platform_viewer", monitor, fault.RequestInvalid, "1: Role [ece_platform_viewer] is reserved"},
		{"two errors", Superuser, roledescriptor.Descriptor{Cluster: []string{"bogus"}}, fault.RequestInvalid,
			"2: Role [superuser] is reserved"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := (Builtin{}).Check(c.role, c.descriptor, privilege.Names{})
			if c.message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !fault.Has(err, c.code) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReserved(t *testing.T) {
	for name, want := range map[string]bool{
		"superuser": true, "ece_platform_admin": true, "ece_platform_viewer": true, "ece_deployment_manager": true,
		"ece_deployment_viewer": true,
		"viewer":                true, "kibana_system": true,
		"Superuser": false, "apm_user": false, "kibana_dashboard_only_user": false,
	} {
		t.Run(name, func(t *testing.T) {
			if (Builtin{}).Reserved(name) != want {
				t.Errorf("reserved: %t", !want)
			}
		})
	}
}

func TestService_Put(t *testing.T) {
	s := newService(t)

	t.Run("a new role is created", func(t *testing.T) {
		if !put(t, s, "r", monitor) {
			t.Error("not reported as created")
		}
	})

	t.Run("an existing role is replaced", func(t *testing.T) {
		all := roledescriptor.Descriptor{Cluster: []string{"all"}}
		if put(t, s, "r", all) {
			t.Error("reported as created")
		}
		if set := get(t, s, "r"); len(set) != 1 || !roledescriptor.Equal(set["r"], all) {
			t.Errorf("the roles are %v", set)
		}
	})

	t.Run("an invalid role is refused", func(t *testing.T) {
		if _, err := s.Put(t.Context(), Superuser, monitor); !fault.Has(err, fault.RequestInvalid) {
			t.Errorf("got %v", err)
		}
	})

	t.Run("an equal role changes nothing", func(t *testing.T) {
		if put(t, s, "r", roledescriptor.Descriptor{Cluster: []string{"all"}}) {
			t.Error("reported as created")
		}
	})

	t.Run("each change is audited", func(t *testing.T) {
		if got := trail(t, s); got != "role.put r {\"created\":true}\nrole.put r {\"created\":false}\n" {
			t.Errorf("the trail is\n%s", got)
		}
	})
}

func TestService_Delete(t *testing.T) {
	s := newService(t)
	put(t, s, "r", monitor)

	t.Run("a reserved role is refused", func(t *testing.T) {
		_, err := s.Delete(t.Context(), Superuser)
		if !fault.Has(err, fault.InvalidData) ||
			!strings.Contains(err.Error(), "role [superuser] is reserved and cannot be deleted") {
			t.Errorf("got %v", err)
		}
	})

	for _, c := range []struct {
		name, role string
		want       bool
	}{
		{"an existing role", "r", true},
		{"a deleted role", "r", false},
		{"an unknown role", "x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if found, err := s.Delete(t.Context(), c.role); err != nil || found != c.want {
				t.Errorf("found: %t, %v", found, err)
			}
		})
	}

	t.Run("only the removal is audited", func(t *testing.T) {
		if got := trail(t, s); strings.Count(got, "role.deleted") != 1 || !strings.HasSuffix(got, "role.deleted r {}\n") {
			t.Errorf("the trail is\n%s", got)
		}
	})
}

// everything returns a set with the built-in roles of the latest version.
func everything(set roledescriptor.Set) roledescriptor.Set {
	maps.Copy(set, fixed)
	maps.Copy(set, latest().set)
	return set
}

func TestService_Get(t *testing.T) {
	s := newService(t)
	put(t, s, "a", monitor)
	put(t, s, "b", monitor)
	for _, c := range []struct {
		name  string
		names []string
		want  string
	}{
		{"all", nil, names(everything(roledescriptor.Set{"a": monitor, "b": monitor}))},
		{"one", []string{"a"}, "a"},
		{"reserved", []string{"superuser"}, "superuser"},
		{"a duplicate and an unknown name", []string{"b", "b", "x", "superuser"}, "b superuser"},
		{"unknown", []string{"x"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(get(t, s, c.names...)); got != c.want {
				t.Errorf("the roles are %q", got)
			}
		})
	}

	t.Run("a descriptor is complete", func(t *testing.T) {
		if d := get(t, s, "a")["a"]; !roledescriptor.Equal(d, monitor) || d.Description != "watches" {
			t.Errorf("the role is %+v", d)
		}
	})

	t.Run("a reserved role is marked", func(t *testing.T) {
		if d := get(t, s)["ece_platform_viewer"]; d.Metadata["_reserved"] != true {
			t.Errorf("the role is %+v", d)
		}
	})
}

// Ensures that a role that cannot be decoded, which only other programs can have written, is an error.
func TestService_Get_Undecodable(t *testing.T) {
	s := newService(t)
	err := s.store.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Roles.Put(store.Role{Name: "r", Descriptor: "{"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	for name, asked := range map[string][]string{"all roles": nil, "by name": {"r"}} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.Get(t.Context(), asked); !errors.Is(err, errStoredRole) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Ensures that a snapshot leaves out descriptions, and changes neither the stored nor the reserved roles.
func TestSnapshot(t *testing.T) {
	s := newService(t)
	put(t, s, "r", monitor)

	var set roledescriptor.Set
	err := s.store.View(t.Context(), func(tx *store.Tx) (err error) {
		set, err = s.builtin.Snapshot(tx, []string{"r", "superuser", "x"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	if names(set) != "r superuser" || !slices.Equal(set["r"].Cluster, monitor.Cluster) || set["r"].Description != "" {
		t.Errorf("the snapshot is %v", set)
	}
	if get(t, s, "r")["r"].Description == "" {
		t.Error("the role lost its description")
	}
}

func TestNarrow(t *testing.T) {
	const admin, viewer, manager, reader = identity.PlatformAdmin, identity.PlatformViewer, identity.DeploymentManager,
		identity.DeploymentViewer
	for _, c := range []struct {
		name     string
		snapshot []identity.Role
		now      []identity.Role
		want     string
	}{
		{"unchanged", []identity.Role{viewer, "r"}, []identity.Role{viewer, "r"}, "ece_platform_viewer r"},
		{"an Elasticsearch role was lost", []identity.Role{viewer, "r"}, []identity.Role{viewer}, "ece_platform_viewer r"},
		{"an ECE role was lost", []identity.Role{viewer, "r"}, []identity.Role{"r"}, "r"},
		{"all roles were lost", []identity.Role{viewer}, nil, ""},
		{"an ECE role was gained", []identity.Role{"r"}, []identity.Role{admin}, "r"},
		{"promoted", []identity.Role{viewer}, []identity.Role{admin}, "ece_platform_viewer"},
		{"demoted", []identity.Role{admin, "r"}, []identity.Role{viewer}, "ece_platform_viewer r"},
		{"exchanged for a role with common permissions", []identity.Role{manager}, []identity.Role{viewer},
			"ece_deployment_viewer"},
		{"exchanged for a role without common permissions", []identity.Role{reader}, []identity.Role{"superuser"}, ""},
		{"one of two was lost", []identity.Role{manager, viewer}, []identity.Role{manager}, "ece_deployment_manager"},
	} {
		t.Run(c.name, func(t *testing.T) {
			snapshot := roledescriptor.Set{}
			for _, name := range c.snapshot {
				snapshot[string(name)] = monitor
			}

			got := Narrow(snapshot, c.now)
			if names(got) != c.want {
				t.Errorf("the roles are %q", names(got))
			}
			if len(snapshot) != len(c.snapshot) {
				t.Errorf("the snapshot was changed to %q", names(snapshot))
			}
		})
	}

	t.Run("the descriptors that stay are those of the snapshot", func(t *testing.T) {
		got := Narrow(roledescriptor.Set{string(viewer): monitor, string(manager): monitor}, []identity.Role{manager})
		if !roledescriptor.Equal(got[string(manager)], monitor) {
			t.Errorf("the descriptor is %+v", got[string(manager)])
		}
	})

	t.Run("an added role has the privileges of the role", func(t *testing.T) {
		got := Narrow(roledescriptor.Set{string(admin): superuser()}, []identity.Role{viewer})
		if !roledescriptor.Equal(got[string(viewer)], fixed[string(viewer)]) {
			t.Errorf("the descriptor is %+v", got[string(viewer)])
		}
	})
}

func TestMissing(t *testing.T) {
	asked := []string{"z", "r", "a"}
	if got := Missing(roledescriptor.Set{"r": {}, "other": {}}, asked); fmt.Sprint(got) != "[a z]" {
		t.Errorf("missing are %q", got)
	}
	if fmt.Sprint(asked) != "[z r a]" {
		t.Errorf("the argument was changed to %q", asked)
	}
}

// Ensures that each built-in role grants the documented cluster privileges.
func TestReserved_Privileges(t *testing.T) {
	for name, want := range map[string]string{
		"superuser": "[all]", "ece_platform_admin": "[all]",
		"ece_platform_viewer":    "[monitor read_security manage_own_api_key]",
		"ece_deployment_manager": "[monitor manage_own_api_key]", "ece_deployment_viewer": "[monitor manage_own_api_key]",
	} {
		t.Run(name, func(t *testing.T) {
			if got := fmt.Sprint(fixed[name].Cluster); got != want {
				t.Errorf("the privileges are %s", got)
			}
		})
	}
}

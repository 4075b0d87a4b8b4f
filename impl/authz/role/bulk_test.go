package role

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
)

// failures returns the names of failed roles with their codes, sorted.
func failures(o Outcome) []string {
	var all []string
	for name, f := range o.Failed {
		all = append(all, name+": "+f.Code.Name)
	}
	slices.Sort(all)
	return all
}

func TestService_PutAll(t *testing.T) {
	s := newService(t)
	put(t, s, "same", monitor)
	put(t, s, "other", monitor)
	before := trail(t, s)

	got, err := s.PutAll(t.Context(), roledescriptor.Set{
		"new":     monitor,
		"same":    monitor,
		"other":   {Cluster: []string{"all"}},
		"unknown": {Cluster: slices.Repeat([]string{"bogus"}, 10)},
		"query":   {Indices: []roledescriptor.IndexPrivileges{{Names: []string{"a"}, Query: "[]"}}},
		Superuser: monitor,
	}, privilege.Names{})
	if err != nil {
		t.Fatal(err)
	}

	lists := fmt.Sprint(got.Created, got.Updated, got.Unchanged, failures(got))
	const want = "[new] [other] [same] [query: parse failed superuser: request invalid unknown: request invalid]"
	if lists != want {
		t.Errorf("got %s", lists)
	}
	if text := got.Failed["unknown"].Message; strings.Count(text, "[bogus]") != maxProblems {
		t.Errorf("the errors of one role are %q", text)
	}
	if set := get(t, s, "other", "unknown"); len(set) != 1 || set["other"].Cluster[0] != "all" {
		t.Errorf("the roles are %v", set)
	}
	const events = "role.put new {\"created\":true}\nrole.put other {\"created\":false}\n"
	if after := strings.TrimPrefix(trail(t, s), before); after != events {
		t.Errorf("the trail is\n%s", after)
	}
}

func TestService_PutAll_Limits(t *testing.T) {
	s := newService(t)
	many := roledescriptor.Set{}
	for i := range MaxRoles + 1 {
		many[fmt.Sprint(i)] = roledescriptor.Descriptor{}
	}
	large := roledescriptor.Descriptor{RunAs: slices.Repeat([]string{"someone"}, 30_000)}
	for name, set := range map[string]roledescriptor.Set{
		"too many roles":               many,
		"roles that cost too much":     {"a": large, "b": large},
		"one role that costs too much": {"a": {RunAs: slices.Repeat([]string{"someone"}, 60_000)}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := s.PutAll(t.Context(), set, privilege.Names{}); !fault.Has(err, fault.RequestInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	if set := get(t, s); len(set) != len(fixed)+len(latest().set) {
		t.Errorf("there are %d roles", len(set))
	}
}

func TestService_DeleteAll(t *testing.T) {
	s := newService(t)
	put(t, s, "a", monitor)
	put(t, s, "b", monitor)
	put(t, s, "c", monitor)

	got, err := s.DeleteAll(t.Context(), []string{"c", "x", "a", Superuser, "c", "x", "\x00"})
	if err != nil {
		t.Fatal(err)
	}
	if lists := fmt.Sprint(got.Deleted, got.Missing, failures(got)); lists != "[c a] [x \x00] [superuser: invalid data]" {
		t.Errorf("got %s", lists)
	}
	if set := get(t, s, "a", "b", "c"); names(set) != "b" {
		t.Errorf("the roles are %v", set)
	}
	if after := trail(t, s); !strings.HasSuffix(after, "role.deleted c {}\nrole.deleted a {}\n") {
		t.Errorf("the trail is\n%s", after)
	}

	if _, err := s.DeleteAll(t.Context(), make([]string, MaxRoles+1)); !fault.Has(err, fault.RequestInvalid) {
		t.Errorf("too many names: %v", err)
	}
}

package role

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/query"
)

// Ensures that a query finds a role by each of its values, and that a page has the roles in order.
func TestService_Query(t *testing.T) {
	s := newService(t)
	put(t, s, "watcher", monitor)
	put(t, s, "seller", roledescriptor.Descriptor{
		Metadata: map[string]any{"team": "shop"},
		Applications: []roledescriptor.ApplicationPrivileges{
			{Application: "till", Privileges: []string{"open"}, Resources: []string{"b", "a"}},
			{Application: "shop", Privileges: []string{"sell", "open"}, Resources: []string{"*"}},
		},
	})

	term := func(field, value string) any {
		return map[string]any{"query": map[string]any{"term": map[string]any{field: value}}}
	}
	for _, c := range []struct {
		name    string
		request any
		want    string
	}{
		{"a name", term("name", "seller"), "seller"},
		{"a description", term("description", "watches"), "watcher"},
		{"the second application", term("applications.application", "shop"), "seller"},
		{"a privilege of both applications", term("applications.privileges", "open"), "seller"},
		{"the last resource", term("applications.resources", "b"), "seller"},
		{"metadata", term("metadata.team", "shop"), "seller"},
		{"metadata of another role", term("metadata.team", "x"), ""},
		{"a prefix", map[string]any{"query": map[string]any{"prefix": map[string]any{"name": "kibana_"}}},
			"kibana_admin kibana_system kibana_user"},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, err := query.Roles.Parse(c.request, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			found, err := s.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, hit := range found.Page {
				names = append(names, hit.Name)
			}
			if got := strings.Join(names, " "); got != c.want || found.Total != len(names) {
				t.Errorf("found %d: %s", found.Total, got)
			}
		})
	}
}

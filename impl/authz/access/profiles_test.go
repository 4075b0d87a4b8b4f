package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
)

// Ensures that one role must name all applications, by name or by pattern, and that an API key needs them twice.
func TestSubject_MayWriteProfiles(t *testing.T) {
	set := func(text string) roledescriptor.Set {
		parsed, err := roledescriptor.ReadSet([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	writing := func(applications string) string {
		return `{"global":{"profile":{"write":{"applications":` + applications + `}}}}`
	}
	owner := set(`{"a":` + writing(`["one","app-*"]`) + `,"b":` + writing(`["two","/x[12]/"]`) + `,"c":` + writing(`[]`) + `}`)
	for name, c := range map[string]struct {
		assigned     roledescriptor.Set
		applications []string
		want         bool
	}{
		"name":               {nil, []string{"one"}, true},
		"patterns":           {nil, []string{"one", "app-1"}, true},
		"expression":         {nil, []string{"x1", "x2", "two"}, true},
		"of two roles":       {nil, []string{"one", "two"}, false},
		"other":              {nil, []string{"one", "other"}, false},
		"key":                {set(`{"k":` + writing(`["*"]`) + `}`), []string{"one"}, true},
		"key with others":    {set(`{"k":` + writing(`["two"]`) + `}`), []string{"one"}, false},
		"key with more":      {set(`{"k":` + writing(`["*"]`) + `}`), []string{"other"}, false},
		"key without rights": {set(`{"k":{"cluster":["all"]}}`), []string{"one"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := Subject{rights: rights{limitedBy: owner, Assigned: c.assigned}}
			if got, err := s.MayWriteProfiles(t.Context(), c.applications); got != c.want || err != nil {
				t.Errorf("%t, %v; want %t", got, err, c.want)
			}
		})
	}
}

// Ensures that patterns of a role that take long to compile or to compare are refused, also those stored before they
// counted, and that the caller need not wait.
func TestSubject_MayWriteProfiles_Bounded(t *testing.T) {
	var patterns []string
	for i := range 2000 {
		patterns = append(patterns, fmt.Sprintf(`"/q[a-z]{1,50}%d/"`, i))
	}
	set, err := roledescriptor.ReadSet([]byte(
		`{"k":{"global":{"profile":{"write":{"applications":[` + strings.Join(patterns, ",") + `]}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if roledescriptor.CheckCost(set) == nil {
		t.Error("they are accepted for a key")
	}
	var applications []string
	for i := range 100 {
		applications = append(applications, fmt.Sprintf("q%d%s", i, strings.Repeat("a", 250)))
	}
	s := Subject{rights: rights{limitedBy: set}}
	if may, err := s.MayWriteProfiles(t.Context(), applications); may || !fault.Has(err, fault.InvalidData) {
		t.Errorf("%t, %v; want a refusal", may, err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if may, err := s.MayWriteProfiles(gone, applications); may || !errors.Is(err, context.Canceled) {
		t.Errorf("%t, %v after the caller left", may, err)
	}
}

// Ensures that a check of several principals gives what each has, also if they have the same roles.
func TestHaveAll(t *testing.T) {
	f := newFixture(t)
	var principals []identity.Principal
	for _, s := range []Subject{
		f.key("", `{"cluster":["monitor","manage_security"]}`), f.key("", `{"cluster":["monitor"]}`),
		f.key("", `{"cluster":["monitor","manage_security"]}`), f.key("", `{}`),
	} {
		principals = append(principals, s.Principal)
	}
	have, err := f.HaveAll(t.Context(), principals, PrivilegeCheck{Cluster: []string{"monitor", "manage_security"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false, true, false} {
		if have[i] != want {
			t.Errorf("principal %d: %t, want %t", i, have[i], want)
		}
	}
	if _, err = f.HaveAll(t.Context(), nil, PrivilegeCheck{}); !fault.Has(err, fault.RequestInvalid) {
		t.Errorf("no privilege: %v", err)
	}
}

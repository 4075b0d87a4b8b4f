package applicationprivilege

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

func newService(t *testing.T) *Service {
	t.Helper()
	st := storetest.Open(t, storetest.File(t), time.Now)
	return NewService(st)
}

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

// Ensures that privileges are created, replaced, listed and removed, and that each change is recorded in the audit
// trail.
func TestService_LifeCycle(t *testing.T) {
	s := newService(t)
	first := Set{
		"myapp": {"read": {Actions: []string{"data:read/*"}, Metadata: map[string]any{"n": json.Number("1.50")}},
			"all": {Actions: []string{"*"}}},
		"kibana-.kibana": {"read": {Actions: []string{"login:"}}},
	}
	created, err := s.Put(t.Context(), first)
	if err != nil || fmt.Sprint(created) != "map[kibana-.kibana:map[read:true] myapp:map[all:true read:true]]" {
		t.Fatal(created, err)
	}
	created, err = s.Put(t.Context(),
		Set{"myapp": {"all": {Actions: []string{"data:*", "x/"}}, "new": {Actions: []string{"a:b"}}}})
	if err != nil || fmt.Sprint(created) != "map[myapp:map[all:false new:true]]" {
		t.Fatal(created, err)
	}
	for _, c := range []struct{ application, names, want string }{
		{"", "", "kibana-.kibana/read myapp/all myapp/new myapp/read"},
		{"*", "", "kibana-.kibana/read myapp/all myapp/new myapp/read"},
		{"my*", "read all", "myapp/all myapp/read"}, {"myapp", "new", "myapp/new"}, {"my", "", ""}, {"myapp", "none", ""},
		{"", "read", "kibana-.kibana/read myapp/read"},
	} {
		set, err := s.Get(t.Context(), c.application, strings.Fields(c.names))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, application := range []string{"kibana-.kibana", "myapp"} {
			for _, name := range []string{"all", "new", "read"} {
				if _, found := set[application][name]; found {
					got = append(got, application+"/"+name)
				}
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q %q: %v", c.application, c.names, got)
		}
	}
	set, err := s.Get(t.Context(), "myapp", []string{"read", "all"})
	if err != nil {
		t.Fatal(err)
	}
	want := Set{"myapp": {
		"read": {Actions: []string{"data:read/*"}, Metadata: map[string]any{"n": json.Number("1.50")}},
		"all":  {Actions: []string{"data:*", "x/"}},
	}}
	if !reflect.DeepEqual(set, want) {
		t.Errorf("%v", set)
	}
	found, err := s.Delete(t.Context(), "myapp", []string{"read", "none", "read"})
	if err != nil || fmt.Sprint(found) != "map[myapp:map[none:false read:true]]" {
		t.Fatal(found, err)
	}
	const recorded = "application_privilege.put kibana-.kibana read {\"created\":true}\n" +
		"application_privilege.put myapp all {\"created\":true}\napplication_privilege.put myapp read {\"created\":true}\n" +
		"application_privilege.put myapp all {\"created\":false}\napplication_privilege.put myapp new {\"created\":true}\n" +
		"application_privilege.deleted myapp read {}\n"
	if got := trail(t, s); got != recorded {
		t.Error(got)
	}
}

// Ensures that a request with errors is refused with all of them, and that nothing of it is stored.
func TestPut_Refused(t *testing.T) {
	s := newService(t)
	fine := Privilege{Actions: []string{"a:b"}}
	for i, c := range []struct {
		set  Set
		want string
	}{
		{nil, "1: at least one application privilege must be provided;"},
		{Set{"myapp": {}}, "1: at least one application privilege must be provided;"},
		{Set{"My": {"x": fine}}, "1: [My] is not the name of an application"},
		{Set{"ab": {"x": fine}}, "1: [ab] is not the name of an application"},
		{Set{"ab-c": {"x": fine}}, "1: [ab-c] is not the name of an application"},
		{Set{"my*": {"x": fine}}, "1: [my*] is not the name of an application"},
		{Set{"*": {"x": fine}}, "1: [*] is not the name of an application"},
		{Set{"myapp-a b": {"x": fine}}, "1: [myapp-a b] is not the name of an application"},
		{Set{"myapp_a/b": {"x": fine}}, "1: [myapp_a/b] is not the name of an application"},
		{Set{"myapp": {"X": fine}}, "1: [X] is not the name of an application privilege"},
		{Set{"myapp": {"a:b": fine}}, "1: [a:b] is not the name of an application privilege"},
		{Set{"myapp": {"x": {}}}, "1: the application privilege [x] must have at least one action;"},
		{Set{"myapp": {"x": {Actions: []string{"read"}}}}, "1: the action [read] must contain one of [ '/' , '*' , ':' ];"},
		{Set{"myapp": {"x": {Actions: []string{"/("}}}}, "1: the pattern [/(] begins with a slash like a regular expression"},
		{Set{"myapp": {"x": {Actions: []string{"a:b"}, Metadata: map[string]any{"_x": true}}}},
			"1: metadata keys may not start with [_] (in the application privilege [x]);"},
		{Set{"A": {"x": {}}, "myapp": {"x": fine}}, "2: the application privilege [x] must have at least one action;"},
	} {
		_, err := s.Put(t.Context(), c.set)
		if !fault.Has(err, fault.RequestInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("case %d: %v", i, err)
		}
	}
	many := map[string]Privilege{}
	for i := range 1000 {
		many[fmt.Sprint("x", i)] = Privilege{}
	}
	if _, err := s.Put(t.Context(), Set{"myapp": many}); err == nil || strings.Contains(err.Error(), " 101: ") ||
		!strings.Contains(err.Error(), ";100: ") {
		t.Error("the list of errors is not bounded")
	}
	set, err := s.Get(t.Context(), "", nil)
	if err != nil || len(set) > 0 || trail(t, s) != "" {
		t.Error(set, err)
	}
}

// Ensures that actions that are expensive to check and to match against are refused immediately.
func TestCheck_TooLarge(t *testing.T) {
	actions := make([]string, 10_000)
	for i := range actions {
		actions[i] = "/a{500}b/"
	}
	err := Check(Set{"app": {"all": {Actions: actions}}})
	if !fault.Has(err, fault.RequestInvalid) || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}

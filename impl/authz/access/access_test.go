package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/applicationprivilege"
	"github.com/sallyport/sallyport/impl/authz/privilege"
	"github.com/sallyport/sallyport/impl/authz/role"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/store/storetest"
)

// fixture is a service on a store with application privileges.
type fixture struct {
	*testing.T
	*Service
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	st := storetest.Open(t, storetest.File(t), time.Now)
	service, err := NewService(st, privilege.Names{}, role.Builtin{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = applicationprivilege.NewService(st).Put(t.Context(), applicationprivilege.Set{
		"myapp": {"read": {Actions: []string{"data:read/*"}}, "all": {Actions: []string{"data:*"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return fixture{t, service}
}

// user returns a subject with one role.
func (f fixture) user(role string) Subject { return f.subject(identity.Basic, role, "") }

// key returns the subject of an API key with assigned descriptors (none if "") and its owner's.
func (f fixture) key(assigned, owner string) Subject {
	return f.subject(identity.APIKey, owner, assigned)
}

func (f fixture) subject(method identity.Method, role, assigned string) Subject {
	f.Helper()
	p := identity.Principal{User: "u", Roles: []identity.Role{"r"}, Method: method}
	err := f.store.Update(f.Context(), func(tx *store.Tx) (err error) {
		if _, err = tx.Roles.Put(store.Role{Name: "r", Descriptor: `{"r":` + role + `}`}); err != nil ||
			method != identity.APIKey {
			return err
		}
		if p.Key.LimitedBy, err = tx.Documents.Put([]byte(`{"r":` + role + `}`)); err != nil || assigned == "" {
			return err
		}
		p.Key.Assigned, err = tx.Documents.Put([]byte(`{"a":` + assigned + `}`))
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	subject, err := f.Subject(f.Context(), p)
	if err != nil {
		f.Fatal(err)
	}
	return subject
}

func (f fixture) check(subject Subject, q PrivilegeCheck) CheckResult {
	f.Helper()
	answer, err := f.HasPrivileges(f.Context(), subject, q)
	if err != nil {
		f.Fatal(err)
	}
	return answer
}

const (
	roleRead = `{"cluster":["monitor","manage_own_api_key"],"indices":[{"names":["logs-*","/m[0-9]+/"],"privileges":["read"]},
		{"names":["*"],"privileges":["view_index_metadata"]},{"names":[".security*"],"privileges":["monitor"],"allow_restricted_indices":true}],
		"applications":[{"application":"myapp","privileges":["read"],"resources":["space:*"]}]}`
	roleAll = `{"cluster":["all"],"indices":[{"names":["*"],"privileges":["all"],"allow_restricted_indices":true}],
		"applications":[{"application":"*","privileges":["*"],"resources":["*"]}]}`
)

// Ensures that each part of a check is evaluated by the subject's privileges, for users and for keys.
func TestHasPrivileges_Cases(t *testing.T) {
	f := newFixture(t)
	index := func(name, privilege string, restricted bool) PrivilegeCheck {
		return PrivilegeCheck{Indices: []IndexCheck{{[]string{name}, []string{privilege}, restricted}}}
	}
	app := func(application, privilege, resource string) PrivilegeCheck {
		return PrivilegeCheck{Applications: []ApplicationCheck{{application, []string{privilege}, []string{resource}}}}
	}
	cluster := func(privilege string) PrivilegeCheck { return PrivilegeCheck{Cluster: []string{privilege}} }
	user, super := f.user(roleRead), f.user(roleAll)
	narrow, wide, plain := f.key(roleRead, roleAll), f.key(roleAll, roleRead), f.key("", roleRead)
	for _, c := range []struct {
		name       string
		q          PrivilegeCheck
		read, full bool // the results of roleRead and roleAll
	}{
		{"a held cluster privilege", cluster("monitor"), true, true},
		{"a cluster privilege in upper case", cluster("MONITOR"), true, true},
		{"a cluster privilege on own keys", cluster("manage_own_api_key"), true, true},
		{"a cluster privilege on all keys", cluster("manage_api_key"), false, true},
		{"a pattern of cluster actions", cluster("cluster:monitor/health*"), true, true},
		{"the empty cluster privilege", cluster("none"), true, true},
		{"an index of a pattern", index("logs-1", "read", false), true, true},
		{"a pattern within a pattern", index("logs-a*", "read", false), true, true},
		{"a pattern wider than a pattern", index("logs*", "read", false), false, true},
		{"an index of an expression", index("m12", "read", false), true, true},
		{"an expression within an expression", index("/m1[0-9]*/", "read", false), true, true},
		{"an expression wider than an expression", index("/m.*/", "read", false), false, true},
		{"another privilege of an index", index("logs-1", "write", false), false, true},
		{"an action of an index privilege", index("logs-1", "indices:data/read/search", false), true, true},
		{"any index", index("x", "view_index_metadata", false), true, true},
		{"all indices", index("*", "view_index_metadata", false), true, true},
		{"all indices with restricted ones", index("*", "view_index_metadata", true), false, true},
		{"a restricted index", index(".security-7", "monitor", true), true, true},
		{"a restricted index among ordinary ones", index(".security-7", "monitor", false), false, false},
		{"an application privilege", app("myapp", "read", "space:1"), true, true},
		{"an action of an application privilege", app("myapp", "data:read/me", "space:1"), true, true},
		{"patterns of actions and resources", app("myapp", "data:read/*", "space:*"), true, true},
		{"an action of another application privilege", app("myapp", "data:write/me", "space:1"), false, true},
		{"a wider application privilege", app("myapp", "all", "space:1"), false, true},
		{"another resource", app("myapp", "read", "other"), false, true},
		{"another application", app("yours", "read", "space:1"), false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, subject := range map[string]Subject{"user": user, "narrow key": narrow, "wide key": wide,
				"plain key": plain} {
				if got := f.check(subject, c.q); got.HasAll != c.read || got.UserName != "u" {
					t.Errorf("%s: %v", name, got)
				}
			}
			if got := f.check(super, c.q); got.HasAll != c.full {
				t.Errorf("superuser: %v", got)
			}
		})
	}

	t.Run("a key without privileges", func(t *testing.T) {
		empty := f.key(`{}`, roleAll)
		if f.check(empty, cluster("monitor")).HasAll || f.check(empty, app("myapp", "read", "x")).HasAll {
			t.Error("the key has privileges")
		}
	})
}

// Ensures that changes of application privileges take effect immediately, although compiled roles are cached.
func TestHasPrivileges_RegistryChange(t *testing.T) {
	f := newFixture(t)
	user := f.user(roleRead)
	q := PrivilegeCheck{Applications: []ApplicationCheck{{"myapp", []string{"data:read/me", "data:extra"},
		[]string{"space:1"}}}}
	want := func(answers string) {
		t.Helper()
		if got := fmt.Sprint(f.check(user, q).Application["myapp"]["space:1"]); got != answers {
			t.Error(got)
		}
	}
	want("map[data:extra:false data:read/me:true]")
	service := applicationprivilege.NewService(f.store)
	if _, err := service.Put(t.Context(),
		applicationprivilege.Set{"myapp": {"read": {Actions: []string{"data:extra"}}}}); err != nil {
		t.Fatal(err)
	}
	want("map[data:extra:true data:read/me:false]")
	if _, err := service.Delete(t.Context(), "myapp", []string{"read"}); err != nil {
		t.Fatal(err)
	}
	want("map[data:extra:false data:read/me:false]")
}

// Ensures that a result has every part, that names that are checked twice are merged, and that HasAll covers all parts.
func TestHasPrivileges_ResultShape(t *testing.T) {
	f := newFixture(t)
	user := f.user(roleRead)
	got := f.check(user, PrivilegeCheck{Indices: []IndexCheck{
		{[]string{"logs-1", "x"}, []string{"read"}, false},
		{[]string{"logs-1"}, []string{"write", "view_index_metadata"}, false},
		{[]string{".security-7"}, []string{"monitor"}, true}, {[]string{".security-7"}, []string{"monitor"}, false},
		{[]string{".security-7"}, []string{"monitor"}, true},
	}, Applications: []ApplicationCheck{
		{"myapp", []string{"read"}, []string{"space:1"}}, {"myapp", []string{"all"}, []string{"space:1", "z"}},
		{"yours", []string{"x"}, []string{"y"}},
	}})
	const want = "{u false map[] map[.security-7:map[monitor:false] logs-1:map[read:true view_index_metadata:true " +
		"write:false] x:map[read:false]] " +
		"map[myapp:map[space:1:map[all:false read:true] z:map[all:false]] yours:map[y:map[x:false]]]}"
	if fmt.Sprint(got) != want {
		t.Error(got)
	}
	if got := f.check(user, PrivilegeCheck{Cluster: []string{"monitor", "all"}}); got.HasAll ||
		fmt.Sprint(got.Cluster) != "map[all:false monitor:true]" {
		t.Error(got)
	}
}

// Ensures that invalid checks are refused instead of evaluated as false.
func TestHasPrivileges_Refused(t *testing.T) {
	f := newFixture(t)
	user := f.user(roleRead)
	big := slices.Repeat([]string{"a"}, 400)
	long := slices.Repeat([]string{"indices:" + strings.Repeat("a", 1000)}, 300)
	index := func(names, privileges []string) PrivilegeCheck {
		return PrivilegeCheck{Indices: []IndexCheck{{names, privileges, false}}}
	}
	app := func(application string, privileges, resources []string) PrivilegeCheck {
		return PrivilegeCheck{Applications: []ApplicationCheck{{application, privileges, resources}}}
	}
	a := []string{"a"}
	for _, c := range []struct {
		name string
		q    PrivilegeCheck
		code fault.Code
		want string
	}{
		{"empty", PrivilegeCheck{}, fault.RequestInvalid, "1: must specify at least one privilege;"},
		{"an unknown cluster privilege", PrivilegeCheck{Cluster: []string{"bogus"}}, fault.InvalidData,
			"unknown cluster privilege [bogus]. a privilege must be"},
		{"an unknown index privilege", index(a, []string{"bogus"}), fault.InvalidData,
			"unknown index privilege [bogus]. a privilege must be"},
		{"an invalid index pattern", index([]string{"/a"}, []string{"read"}), fault.InvalidData, "the pattern [/a]"},
		{"invalid application names", app("my*", []string{"READ"}, a), fault.RequestInvalid, "2: [READ] is neither"},
		{"an invalid application action", app("myapp", []string{"/("}, a), fault.InvalidData, "the pattern [/(]"},
		{"an invalid resource", app("myapp", []string{"read"}, []string{"/("}), fault.InvalidData, "the pattern [/(]"},
		{"too many results", index(big, big), fault.InvalidData, "asks for 160000 answers; ask for at most 100000"},
		{"too many bytes for indices", index(big[:300], long), fault.InvalidData, "an answer of more than [16777216] bytes"},
		{"too many bytes for applications", app("myapp", long, big[:300]), fault.InvalidData,
			"an answer of more than [16777216] bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := f.HasPrivileges(t.Context(), user, c.q)
			if !fault.Has(err, c.code) || !strings.Contains(err.Error(), c.want) {
				t.Error(err)
			}
		})
	}
}

// Ensures that the time of a check is bounded: simple ones yield a result, expensive ones are refused.
func TestHasPrivileges_TimeBound(t *testing.T) {
	f := newFixture(t)
	var names, hard, actions, reads []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("logs-%d-*", i))
		hard = append(hard, fmt.Sprintf("/(a|b)*a(a|b){400}%d/", i))
		actions = append(actions, fmt.Sprintf("data:read/%d", i))
	}
	for i := range 10_000 {
		reads = append(reads, fmt.Sprint("indices:data/read/", i))
	}
	expensive := f.user(`{"indices":[{"names":["/(a|b)*a(a|b){300}.*/","/(a|b)*b(a|b){301}.*/"],"privileges":["read"]}]}`)
	for _, c := range []struct {
		name    string
		subject Subject
		q       PrivilegeCheck
		refused bool
	}{
		{"patterns", f.user(roleRead),
			PrivilegeCheck{Indices: []IndexCheck{{names, []string{"read", "write", "all", "indices:data/read/x*"}, false}}},
			false},
		{"applications", f.user(roleRead), PrivilegeCheck{Applications: []ApplicationCheck{{"myapp", actions, names[:50]}}},
			false},
		{"expressions", f.user(roleRead), PrivilegeCheck{Indices: []IndexCheck{{hard, []string{"read", "write"}, false}}},
			true},
		{"an expensive role", expensive, PrivilegeCheck{Indices: []IndexCheck{{hard, []string{"read", "write"}, false}}},
			true},
		{"long names", expensive, PrivilegeCheck{Indices: []IndexCheck{{[]string{strings.Repeat("ab", 500)}, reads, false}}},
			true},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := f.HasPrivileges(t.Context(), c.subject, c.q)
			if fault.Has(err, fault.InvalidData) != c.refused {
				t.Error(err)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Ensures that the privileges of all roles are merged.
func TestUserPrivileges_Merge(t *testing.T) {
	set, err := roledescriptor.ReadSet([]byte(`{
		"a":{"cluster":["monitor","ALL"],"global":{"profile":{"write":{"applications":["x"]}}},"run_as":["z","y"],
			"indices":[{"names":["b","a"],"privileges":["write"],"query":"{\"q\":1}","field_security":{"grant":["f"]}},{"names":["c"],"privileges":["read"],"query":"{\"q\":1}"}],
			"applications":[{"application":"myapp","privileges":["p"],"resources":["r","s"]}],
			"remote_indices":[{"clusters":["k"],"names":["a"],"privileges":["read"]}],
			"remote_cluster":[{"clusters":["k"],"privileges":["monitor_stats"]}]},
		"b":{"cluster":["all","monitor"],"global":{"profile":{"write":{"applications":["x"]}},"role":{"manage":{"indices":[{"names":["i"],"privileges":["read"]}]}}},
			"indices":[{"names":["a","b"],"privileges":["READ"],"query":"{\"q\":2}"},{"names":["c"],"privileges":["read"]},{"names":["c"],"privileges":["read"],"allow_restricted_indices":true}],
			"applications":[{"application":"myapp","privileges":["o","p"],"resources":["s","r"]},{"application":"other","privileges":["p"],"resources":["r"]}],
			"remote_indices":[{"clusters":["k"],"names":["a"],"privileges":["all"]},{"clusters":["l"],"names":["a"],"privileges":["read"]}],
			"remote_cluster":[{"clusters":["k"],"privileges":["monitor_enrich"]}],"run_as":["y"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	before := string(roledescriptor.Canonical(set))
	p, err := Subject{rights: rights{limitedBy: set}}.UserPrivileges()
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		got  any
		want string
	}{
		"cluster": {p.Cluster, "[all monitor]"},
		"global": {p.Global,
			"[map[profile:map[write:map[applications:[x]]]] map[role:map[manage:map[indices:[map[names:[i] " +
				"privileges:[read]]]]]]]"},
		"indices": {p.Indices,
			`[{[] [a b] [read write] [] [{"q":1} {"q":2}] false} {[] [c] [read] [] [] false} {[] [c] [read] [] [] true}]`},
		"applications":   {p.Applications, "[{myapp [o p] [r s]} {other [p] [r]}]"},
		"run_as":         {p.RunAs, "[y z]"},
		"remote indices": {p.RemoteIndices, "[{[k] [a] [all read] [] [] false} {[l] [a] [read] [] [] false}]"},
		"remote cluster": {p.RemoteCluster, "[{[k] [monitor_enrich monitor_stats]}]"},
	} {
		t.Run(what, func(t *testing.T) {
			if got := fmt.Sprint(c.got); got != c.want {
				t.Error(got)
			}
		})
	}
	if string(roledescriptor.Canonical(set)) != before {
		t.Error("the descriptors were changed")
	}
	none, err := Subject{}.UserPrivileges()
	if err != nil || none.Cluster == nil || none.Indices == nil || none.Applications == nil || none.RunAs == nil {
		t.Error("no privileges are not empty lists")
	}
}

// Ensures that a key without assigned descriptors has the privileges of its owner's last snapshot, and that the list is
// refused for a key with assigned descriptors.
func TestUserPrivileges_APIKey(t *testing.T) {
	f := newFixture(t)
	key := f.key("", `{"cluster":["monitor"]}`)
	f.user(`{"cluster":["all"]}`) // changes the role
	if p, err := key.UserPrivileges(); err != nil || fmt.Sprint(p.Cluster) != "[monitor]" {
		t.Error(p, err)
	}
	_, err := f.key(`{}`, roleAll).UserPrivileges()
	if !fault.Has(err, fault.InvalidData) ||
		!strings.Contains(err.Error(), "Cannot retrieve privileges for API keys with assigned role descriptors.") {
		t.Error(err)
	}
}

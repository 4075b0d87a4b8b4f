package privilege

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func compile(t testing.TB, roles ...Role) *Set {
	t.Helper()
	s, err := Compile(roles)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func clusterSet(t testing.TB, privileges ...string) *Set {
	t.Helper()
	return compile(t, Role{Cluster: privileges})
}

// Ensures that the privileges over API keys grant exactly the actions of the contract.
func TestAllowsCluster(t *testing.T) {
	for _, c := range []struct{ privilege, always, owning, never string }{
		{"manage_own_api_key", "create update bulk_update", "get query invalidate", "grant clear_cache clone"},
		{"MANAGE_API_KEY", "create update bulk_update get query invalidate grant clear_cache", "", ""},
		{"manage_security", "create update bulk_update get query invalidate grant clear_cache", "", ""},
		{"all", "create update bulk_update get query invalidate grant clear_cache", "", ""},
		{"cluster:*", "create grant", "", ""},
		{apiKey + "get", "get", "", "query invalidate gets"},
		{"grant_api_key", "grant", "", "create get"},
		{"read_security", "get query", "", "create invalidate grant update"},
		{"manage", "", "", "create get grant"},
		{"monitor", "", "", "create get grant"},
		{"none", "", "", "create get grant"},
	} {
		s := clusterSet(t, c.privilege)
		check := func(actions string, always, owning bool) {
			for a := range strings.FieldsSeq(actions) {
				if s.AllowsCluster(apiKey+a) != always || s.AllowsForOwnKeys(apiKey+a) != owning {
					t.Errorf("%s: %s: %t, %t", c.privilege, a, s.AllowsCluster(apiKey+a), s.AllowsForOwnKeys(apiKey+a))
				}
			}
		}

		check(c.always, true, true)
		check(c.owning, false, true)
		check(c.never, false, false)
	}

	if clusterSet(t, "manage_security").AllowsCluster(security+"delegate_pki") ||
		!clusterSet(t, "all").AllowsCluster(security+"delegate_pki") {
		t.Error("delegate_pki is wrong")
	}
	if clusterSet(t, "all").AllowsCluster("cluster:\xff") {
		t.Error("an action that is not UTF-8 is allowed")
	}
}

// Ensures that unknown privileges are refused with Elasticsearch's text, and that patterns need their prefix.
func TestCheck(t *testing.T) {
	for _, name := range append(Names{}.Cluster(), "cluster:admin/x*", "indices:admin/template/*",
		"indices:admin/index_template/get", "Cluster:*") {
		if err := (Names{}).CheckCluster(name); err != nil {
			t.Error(err)
		}
	}

	for _, name := range append(Names{}.Index(), "indices:data/read/search*", "internal:transport/proxy/indices:*",
		"READ") {
		if err := (Names{}).CheckIndex(name); err != nil {
			t.Error(err)
		}
	}

	for _, name := range []string{"", "*", "Bogus", "indices:data/read/*", "cluster", "/cluster:.*/", "cluster:\x00"} {
		err := Names{}.CheckCluster(name)
		want := "unknown cluster privilege [" + name +
			"]. a privilege must be either one of the predefined cluster privilege names [all,cancel_task,"
		if err == nil || !strings.HasPrefix(err.Error(), want) ||
			!strings.HasSuffix(err.Error(), "] or a pattern over one of the available cluster actions") {
			t.Errorf("%q: %v", name, err)
		}
	}

	for _, name := range []string{"", "*", "Bogus", "cluster:*", "internal:x"} {
		err := Names{}.CheckIndex(name)
		want := "unknown index privilege [" + name +
			"]. a privilege must be either one of the predefined fixed indices privileges [all,auto_configure,"
		if err == nil || !strings.HasPrefix(err.Error(), want) ||
			!strings.HasSuffix(err.Error(), "] or a pattern over one of the available index actions") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Ensures that privileges imply each other as in the contract.
func TestHasCluster(t *testing.T) {
	for _, c := range []struct{ has, yes, no string }{
		{"all", strings.Join(Names{}.Cluster(), " "), "bogus"},
		{"manage", "monitor manage_ml manage_ilm cluster:admin/x none",
			"all manage_security manage_own_api_key read_security manage_token cluster:*"},
		{"manage_security", "manage_api_key manage_own_api_key grant_api_key read_security manage_token manage_security",
			"all manage delegate_pki monitor"},
		{"manage_api_key", "manage_own_api_key grant_api_key none", "read_security manage_security"},
		{"manage_own_api_key", "manage_own_api_key none", "manage_api_key grant_api_key"},
		{apiKey + "*", "manage_api_key manage_own_api_key", "read_security"},
		{"none", "none", "monitor"},
	} {
		s := clusterSet(t, c.has)
		for p := range strings.FieldsSeq(c.yes) {
			if !s.hasCluster(p) {
				t.Errorf("%s has no %s", c.has, p)
			}
		}

		for p := range strings.FieldsSeq(c.no) {
			if s.hasCluster(p) {
				t.Errorf("%s has %s", c.has, p)
			}
		}
	}

	if !clusterSet(t, "manage_security", "delegate_pki", "manage").hasCluster("all") {
		t.Error("the parts of all are not all of it")
	}
}

// Ensures that denials list privileges in Elasticsearch's order.
func TestGrantedBy(t *testing.T) {
	for _, c := range []struct{ action, always, owning string }{
		{apiKey + "bulk_update", "manage_own_api_key,manage_api_key,manage_security,all",
			"manage_own_api_key,manage_api_key,manage_security,all"},
		{apiKey + "create", "manage_own_api_key,manage_api_key,manage_security,all",
			"manage_own_api_key,manage_api_key,manage_security,all"},
		{apiKey + "grant", "grant_api_key,manage_api_key,manage_security,all",
			"grant_api_key,manage_api_key,manage_security,all"},
		{apiKey + "invalidate", "manage_api_key,manage_security,all",
			"manage_own_api_key,manage_api_key,manage_security,all"},
		{apiKey + "clear_cache", "manage_api_key,manage_security,all", "manage_api_key,manage_security,all"},
		{apiKey + "update", "manage_own_api_key,manage_api_key,manage_security,all",
			"manage_own_api_key,manage_api_key,manage_security,all"},
		{apiKey + "get", "read_security,manage_api_key,manage_security,all",
			"manage_own_api_key,read_security,manage_api_key,manage_security,all"},
		{apiKey + "query", "read_security,manage_api_key,manage_security,all",
			"manage_own_api_key,read_security,manage_api_key,manage_security,all"},
		{security + "user/get", "read_security,manage_security,all", "read_security,manage_security,all"},
		{security + "delegate_pki", "delegate_pki,all", "delegate_pki,all"},
		{"cluster:monitor/health", "monitor,manage,all", "monitor,manage,all"},
		{"nothing", "", ""},
		{"cluster:\xff", "", ""},
	} {
		if got := strings.Join(GrantedBy(c.action), ","); got != c.always {
			t.Errorf("%s: %s", c.action, got)
		}
		if got := strings.Join(GrantedForOwnKeys(c.action), ","); got != c.owning {
			t.Errorf("%s, own: %s", c.action, got)
		}
	}
}

// Ensures that one entry must match an index by name and action, and that restricted indices need
// allow_restricted_indices.
func TestAllowsIndex(t *testing.T) {
	s := compile(t, Role{Indices: []Index{
		{Names: []string{"logs-*", "/m[0-9]+/"}, Privileges: []string{"read"}},
		{Names: []string{"own"}, Privileges: []string{"all"}},
		{Names: []string{"*"}, Privileges: []string{"monitor"}},
		{Names: []string{".security-7"}, Privileges: []string{"view_index_metadata"}, AllowRestricted: true},
	}})

	for _, c := range []struct {
		name, action string
		want         bool
	}{
		{"logs-1", "indices:data/read/search", true}, {"logs-1", "indices:data/write/bulk", false},
		{"m12", "indices:data/read/get", true},
		{"m", "indices:data/read/get", false}, {"own", "indices:data/write/bulk", true},
		{"own", "cluster:monitor/health", false},
		{"any", "indices:monitor/stats", true}, {".security-7", "indices:monitor/stats", false},
		{".security-7", "indices:admin/get", true},
		{".security-8", "indices:admin/get", false},
	} {
		if got := s.allowsIndex(c.name, c.action); got != c.want {
			t.Errorf("%q %s: %t", c.name, c.action, got)
		}
	}
}

// Ensures that named index privileges contain each other as in the contract.
func TestHasIndex(t *testing.T) {
	within := map[string]string{
		"all":    strings.Join(Names{}.Index(), " "),
		"write":  "index create create_doc delete none",
		"index":  "create create_doc",
		"create": "create_doc",
		"manage": "monitor create_index delete_index view_index_metadata maintenance manage_ilm manage_follow_index " +
			"manage_leader_index manage_view auto_configure",
		"read": "indices:data/read/search",
	}

	without := map[string]string{
		"write":      "read manage all",
		"create_doc": "create index delete",
		"manage":     "read write cross_cluster_replication_internal all read_failure_store",
		"read":       "read_failure_store read_cross_cluster indices:* bogus",
		"indices:*":  "read_failure_store all",
	}

	for has, list := range within {
		s := compile(t, Role{Indices: []Index{{Names: []string{"a*"}, Privileges: []string{has}}}})
		for p := range strings.FieldsSeq(list) {
			if !s.hasIndex("ab*", p, false) || s.hasIndex("*", p, false) && p != "none" {
				t.Errorf("%s: %s is wrong", has, p)
			}
		}
	}

	for has, list := range without {
		s := compile(t, Role{Indices: []Index{{Names: []string{"a*"}, Privileges: []string{has}}}})
		for p := range strings.FieldsSeq(list) {
			if s.hasIndex("ab*", p, false) {
				t.Errorf("%s has %s", has, p)
			}
		}
	}
}

// Ensures that several entries together equal one with all of them, and that restricted indices count when asked for.
func TestHasIndex_SeveralEntries(t *testing.T) {
	s := compile(t, Role{Indices: []Index{
		{Names: []string{"/[a-m].*/"}, Privileges: []string{"read"}},
		{Names: []string{"/[n-z].*/"}, Privileges: []string{"read"}},
		{Names: []string{"n*"}, Privileges: []string{"write"}}, {Names: []string{"*"}, Privileges: []string{"monitor"}},
	}})

	for _, c := range []struct {
		pattern, privilege string
		restricted, want   bool
	}{
		{"/[a-z].*/", "read", false, true}, {"/[a-z].+/", "read", true, true}, {"*", "read", false, false},
		{"n1*", "write", false, true},
		{"*", "monitor", false, true}, {"*", "monitor", true, false}, {".security*", "monitor", false, false},
		{".security-7", "monitor", true, false},
		{"?*", "monitor", false, true}, {"/", "monitor", false, false},
	} {
		if got := s.hasIndex(c.pattern, c.privilege, c.restricted); got != c.want {
			t.Errorf("%s %s %t: %t", c.pattern, c.privilege, c.restricted, got)
		}
	}
}

// Ensures that an API key has the privileges that both sides allow, and the owner's only without assigned roles.
func TestLimit_AssignedAndOwner(t *testing.T) {
	owner := clusterSet(t, "manage_own_api_key", "monitor")
	if !Limit(nil, owner).AllowsCluster("cluster:monitor/x") || !Limit(compile(t), owner).hasCluster("monitor") {
		t.Error("a key without roles does not inherit")
	}
	if e := Limit(compile(t, Role{}), owner); e.AllowsCluster("cluster:monitor/x") ||
		e.AllowsEndpoint("GET", "/") == false {
		t.Error("a key with an empty role may do something, or not even ask")
	}

	e := Limit(clusterSet(t, "all"), owner)
	if !e.AllowsCluster("cluster:monitor/x") || e.AllowsCluster("cluster:admin/x") || e.hasCluster("all") ||
		!e.hasCluster("monitor") {
		t.Error("a key is not limited by its owner")
	}
	if e.AllowsCluster(apiKey+"get") || !e.AllowsForOwnKeys(apiKey+"get") || !e.contains(owner) ||
		e.contains(clusterSet(t, "all")) {
		t.Error("a key's own keys are wrong")
	}
	if Limit(clusterSet(t, "all"), compile(t)).AllowsCluster("cluster:monitor/x") ||
		Limit(compile(t), nil).hasCluster("none") || (Effective{}).hasCluster("none") {
		t.Error("the zero Effective allows an action")
	}
	if Unlimited(owner).AllowsRunAs("x") || !Unlimited(compile(t, Role{RunAs: []string{"x*"}})).AllowsRunAs("xy") {
		t.Error("run_as is wrong")
	}
}

// Ensures that application privileges are names or actions, and that these are distinct.
func TestAllowsApplication(t *testing.T) {
	registry := NewRegistry(
		map[string]map[string][]string{"myapp": {"read": {"data:read/*"}, "write": {"data:write/*"}, "all": {"data:*"}}})
	for _, c := range []struct {
		granted string // application privileges resources
		asked   string // application privilege resource
		want    bool
	}{
		{"myapp read *", "myapp read x", true}, {"myapp read *", "myapp data:read/x x", true},
		{"myapp read *", "myapp data:write/x x", false},
		{"myapp all space:*", "myapp read space:1", true}, {"myapp all space:*", "myapp read other", false},
		{"myapp all space:*", "myapp read *", false},
		{"myapp read,write *", "myapp all x", false}, {"myapp data:* *", "myapp all x", true},
		{"myapp data:* *", "myapp other x", false},
		{"my* read *", "myapp read x", true}, {"my* read *", "myapp data:read/y x", true},
		{"my* read *", "yours read x", false},
		{"* * *", "yours any x", true}, {"* * *", "myapp * *", true}, {"myapp r* *", "myapp read x", false},
		{"yours read *", "yours data:read/x x", false},
		{"myapp read a*,b", "myapp read b", true}, {"myapp read *", "myapp READ x", false},
		{"myapp read *", "myapp read /x", false},
	} {
		g, q := strings.Fields(c.granted), strings.Fields(c.asked)
		s := compile(t, Role{Applications: []Application{{g[0], strings.Split(g[1], ","), strings.Split(g[2], ",")}}})
		e, err := Unlimited(s).Registered(registry, NewBudget(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if got := e.allowsApplication(q[0], q[1], q[2]); got != c.want {
			t.Errorf("%s: %s: %t", c.granted, c.asked, got)
		}
	}

	for _, a := range []Application{
		{"My", []string{"x"}, []string{"*"}}, {"ab", []string{"x"}, []string{"*"}}, {"abc", nil, []string{"*"}},
		{"abc", []string{"x"}, nil},
		{"abc", []string{"X"}, []string{"*"}}, {"abc", []string{""}, []string{"*"}}, {"a*c", []string{"x"}, []string{"*"}},
		{"", []string{"x"}, []string{"*"}},
	} {
		if CheckApplication(a) == nil {
			t.Errorf("%v is read", a)
		}
	}
}

// Ensures that a restricted set allows only requests of its workflows, and that restrictions cannot be combined.
func TestWorkflow_Restrictions(t *testing.T) {
	s := compile(t, Role{Workflows: []string{" Search_Application_Query"}})
	for _, c := range []struct {
		method, path string
		want         bool
	}{
		{"POST", "/_application/search_application/x/_search", true},
		{"GET", "/_application/search_application/x/_search", true},
		{"PUT", "/_application/search_application/x/_search", false}, {"GET", "/_application/search_application/x", false},
		{"GET", "/_application/search_application//_search", false}, {"GET", "/_security/_authenticate", false},
	} {
		if got := s.AllowsEndpoint(c.method, c.path); got != c.want {
			t.Errorf("%s %s: %t", c.method, c.path, got)
		}
	}

	free := compile(t, Role{})
	if !free.AllowsEndpoint("GET", "/x") {
		t.Error("restrictions are wrong")
	}

	_, err := Workflow("x")
	if err == nil || err.Error() != "Unknown workflow [x]. A workflow must be one of the predefined workflow names "+
		"[search_application_query,search_application_analytics]." {
		t.Error(err)
	}

	bound := Role{Workflows: []string{"search_application_query"}}
	if _, err := Compile([]Role{bound, bound}); !errors.Is(err, errManyRestrictions) {
		t.Error(err)
	}
	if _, err := Compile([]Role{bound, {}}); !errors.Is(err, errMixedRestrictions) {
		t.Error(err)
	}
}

// Ensures that an invalid part of a role is an error, wherever it is.
func TestCompile_Refused(t *testing.T) {
	for i, role := range []Role{
		{Cluster: []string{"x"}}, {Indices: []Index{{Names: []string{"a"}, Privileges: []string{"x"}}}},
		{Indices: []Index{{Names: []string{"/"}}}},
		{Applications: []Application{{}}}, {RunAs: []string{"/~x/"}}, {Workflows: []string{"x"}},
	} {
		if _, err := Compile([]Role{role}); err == nil {
			t.Errorf("role %d is read", i)
		}
	}
}

func big(t testing.TB) *Set {
	t.Helper()
	var indices []Index
	for i := range 20 {
		indices = append(indices,
			Index{Names: []string{fmt.Sprintf("logs-%d-*", i), fmt.Sprintf("/m%d[0-9]+/", i)},
				Privileges: []string{"read", "view_index_metadata"}})
	}
	return compile(t, Role{Cluster: slices.DeleteFunc(Names{}.Cluster(),
		func(n string) bool { return n == "all" || n == "manage" }), Indices: indices})
}

func BenchmarkAllowsCluster(b *testing.B) {
	s := big(b)
	for b.Loop() {
		s.AllowsCluster(apiKey + "bulk_update")
	}
}

func BenchmarkAllowsIndex(b *testing.B) {
	s := big(b)
	for b.Loop() {
		s.allowsIndex("m19123", "indices:data/read/search")
	}
}

func BenchmarkHasIndex(b *testing.B) {
	s := big(b)
	for b.Loop() {
		s.hasIndex("/m1[0-9]*/", "read", false)
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		big(b)
	}
}

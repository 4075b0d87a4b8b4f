package privilege

import (
	"context"
	"math/rand/v2"
	"testing"
)

// dice makes random sets from few names, so that many of them overlap.
type dice struct{ *rand.Rand }

func (d dice) pick(from []string) string { return from[d.IntN(len(from))] }

func (d dice) anyMatches(from []string, most int) []string {
	list := []string{}
	for range 1 + d.IntN(most) {
		list = append(list, d.pick(from))
	}
	return list
}

var (
	someCluster = []string{"all", "manage", "monitor", "manage_security", "manage_api_key", "manage_own_api_key",
		"read_security", "grant_api_key",
		"delegate_pki", "none", apiKey + "*", apiKey + "g*", "cluster:monitor/*", security + "*", "cluster:*"}
	someActions = []string{apiKey + "get", apiKey + "grant", apiKey + "create", apiKey + "invalidate",
		security + "delegate_pki", security + "user/get",
		"cluster:monitor/health", "cluster:admin/ilm/get", "indices:admin/template/get"}
	someNames = []string{"*", "a*", "a?", "ab", "*b", "?*", "/a[bc]*/", "/[a-c]{1,2}/", ".s*", ".security*",
		"/(a|.security)-?/", "ab*"}
	someIndex = []string{"all", "read", "write", "manage", "monitor", "index", "create_doc", "none", "indices:data/*",
		"indices:data/read/s*", "view_index_metadata"}
	names = []string{"a", "b", "ab", "ac", "abc", "xb", ".s", ".security", ".security-7", "cc", "é"}
	does  = []string{"indices:data/read/search", "indices:data/read/get", "indices:data/write/bulk",
		"indices:data/write/delete", "indices:monitor/stats", "indices:admin/get", "indices:admin/delete"}
	someApps  = []string{"*", "app*", "app1", "app2"}
	somePrivs = []string{"*", "read", "write", "data:*", "data:read/*", "x/*"}
	someRes   = []string{"*", "s:*", "s:1", "/s:[0-9]/"}
)

func (d dice) role() Role {
	r := Role{Cluster: d.anyMatches(someCluster, 2)}
	for range d.IntN(4) {
		entry := Index{Names: d.anyMatches(someNames, 2), Privileges: d.anyMatches(someIndex, 2),
			AllowRestricted: d.IntN(3) == 0}
		r.Indices = append(r.Indices, entry)
	}

	for range d.IntN(3) {
		r.Applications = append(r.Applications,
			Application{d.pick(someApps), d.anyMatches(somePrivs, 2), d.anyMatches(someRes, 2)})
	}

	if d.IntN(2) == 0 {
		r.RunAs = d.anyMatches(someNames, 2)
	}

	return r
}

func (d dice) set(t *testing.T, registry *Registry) *Set {
	t.Helper()
	s := compile(t, []Role{d.role(), d.role()}[:1+d.IntN(2)]...)
	if registry == nil {
		return s
	}

	s, err := s.registered(registry, NewBudget(context.Background()))
	if err != nil {
		t.Fatal(err)
	}

	return s
}

// world lists all queries about these names.
func world(allows allows) []bool {
	var answers []bool
	for _, a := range someActions {
		answers = append(answers, allows.AllowsCluster(a), allows.AllowsForOwnKeys(a))
	}

	for _, n := range names {
		answers = append(answers, allows.AllowsRunAs(n))
		for _, a := range does {
			answers = append(answers, allows.allowsIndex(n, a))
		}
	}

	for _, app := range []string{"app1", "app2", "other"} {
		for _, p := range []string{"read", "write", "data:read/x", "data:write/x", "x/y"} {
			for _, r := range []string{"s:1", "s:x", "z"} {
				answers = append(answers, allows.allowsApplication(app, p, r))
			}
		}
	}

	return answers
}

// Ensures that a set contains itself, that containment is transitive, that a set allows everything that the sets it
// contains allow, and that an API key is allowed exactly what both sides allow.
func TestSet_Properties(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(4, 2))}
	registry := NewRegistry(map[string]map[string][]string{"app1": {"read": {"data:read/*"}, "write": {"data:write/*"}}})
	var sets []*Set
	var answers [][]bool
	for range 40 {
		s := d.set(t, registry)
		sets, answers = append(sets, s), append(answers, world(s))
	}

	contains := make([][]bool, len(sets))
	pairs := 0
	for i, a := range sets {
		contains[i] = make([]bool, len(sets))
		for j, b := range sets {
			contains[i][j] = a.contains(b)
			if i != j && contains[i][j] {
				pairs++
			}

			both := world(Limit(a, b))
			for k := range both {
				if both[k] != (answers[i][k] && answers[j][k]) {
					t.Fatalf("sets %d and %d: both allow %d: %t", i, j, k, both[k])
				}
				if contains[i][j] && answers[j][k] && !answers[i][k] {
					t.Fatalf("set %d contains %d and does not allow %d", i, j, k)
				}
			}
		}

		if !contains[i][i] {
			t.Errorf("set %d does not contain itself", i)
		}
	}

	for i := range sets {
		for j := range sets {
			for k := range sets {
				if contains[i][j] && contains[j][k] && !contains[i][k] {
					t.Errorf("%d contains %d and that %d", i, j, k)
				}
			}
		}
	}

	if pairs == 0 {
		t.Error("no set contains another")
	}

	t.Logf("%d pairs", pairs)
}

// Ensures that a set with a privilege allows everything that the privilege grants, for every name and action.
func TestSet_HasImpliesAllows(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(7, 7))}
	had := 0
	for range 1500 {
		s := d.set(t, nil)
		pattern, privilege := d.pick(someNames), d.pick(someIndex)
		if !s.hasIndex(pattern, privilege, true) {
			continue
		}

		had++
		one := compile(t, Role{Indices: []Index{{Names: []string{pattern}, Privileges: []string{privilege},
			AllowRestricted: true}}})
		for _, n := range names {
			for _, a := range does {
				if one.allowsIndex(n, a) && !s.allowsIndex(n, a) {
					t.Fatalf("%s on %s: not %s on %s", privilege, pattern, a, n)
				}
			}
		}
	}

	if had < 50 {
		t.Errorf("only %d were had", had)
	}
}

package privilege

import (
	"strings"
	"testing"
)

// Ensures that the cost of a pattern reflects its compiled size, and that names cost almost nothing.
func TestCostOfPattern(t *testing.T) {
	for _, c := range []struct {
		pattern     string
		least, most int
	}{
		{"logs-app", 1, 1},
		{"logs-*", 1, 1},
		{"*", 1, 1},
		{"*logs*", 16, 32},
		{"logs-?", 16, 32},
		{"/logs-[0-9]+/", 16, 64},
		{"/a{500}/", 500, 2000},
		{"/" + "(a{10}){50}" + "/", 500, 2000},
		{"/[" + strings.Repeat("aceg", 200) + "]{400}/", 4000, 20_000},
		{"/(/", 1, 32},
		{strings.Repeat("*a", maxPatternBytes), 1, 1},
	} {
		if cost := CostOfPattern(c.pattern); cost < c.least || cost > c.most {
			t.Errorf("%.40s costs %d, want %d to %d", c.pattern, cost, c.least, c.most)
		}
	}
}

// Ensures that the cost of a set is the sum of its roles' costs, for every kind of privilege.
func TestSet_Cost(t *testing.T) {
	for name, role := range map[string]Role{
		"cluster":    {Cluster: []string{"cluster:*a*"}},
		"names":      {Indices: []Index{{Names: []string{"*a*b*c*d*"}, Privileges: []string{"read"}}}},
		"privileges": {Indices: []Index{{Names: []string{"a"}, Privileges: []string{"indices:*a*"}}}},
		"applications": {Applications: []Application{{Application: "app", Privileges: []string{"read"},
			Resources: []string{"*a*b*c*"}}}},
		"users": {RunAs: []string{"*a*b*c*"}},
	} {
		set, err := Compile([]Role{role, role})
		if err != nil {
			t.Fatal(err)
		}
		if set.Cost() != 2*role.Cost() || role.Cost() < 16 {
			t.Errorf("%s: the set costs %d, and the role %d", name, set.Cost(), role.Cost())
		}
	}
}

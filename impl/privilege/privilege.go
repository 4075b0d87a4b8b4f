// Package privilege knows what cluster, index and application privileges allow.
//
// Roles are compiled once to a Set. What somebody may do is an Effective: one Set, or that of an API key limited by its
// owner's. It answers questions about single actions (Allows…); those about privileges as a whole are for an Inquiry.
//
// All answers err on the side of no. Names and patterns tell apart upper and lower case; names of privileges do not.
package privilege

import (
	"strings"
	"unicode/utf8"
)

// Role is what a role descriptor says of privileges.
type Role struct {
	Cluster      []string
	Indices      []Index
	Applications []Application
	// RunAs are patterns of the user names that the role may act for.
	RunAs []string
	// Workflows restrict what the role may be used for; if there are none, it is not restricted.
	Workflows []string
}

// Index is privileges over indices.
type Index struct {
	// Names are patterns of index names.
	Names, Privileges []string
	// AllowRestricted tells whether the names reach indices that hold what a server itself relies on.
	AllowRestricted bool
}

// Set is what some roles allow together. The zero Set allows nothing. Sets are safe for concurrent use.
type Set struct {
	roles, cost  int
	cluster      grant
	indices      boxes
	entries      []Application
	applications boxes
	registry     *Registry
	runAs        boxes
	workflows    []string
	restricted   bool
}

// Compile makes the set of what the roles allow together. It returns an error, whose text is fit for a caller, if a
// privilege or a workflow is unknown, a pattern cannot be read, or the roles' restrictions do not combine. The name of an
// application privilege means itself only, unless Registered is told more.
func Compile(roles []Role) (*Set, error) {
	s := &Set{roles: len(roles)}
	for _, role := range roles {
		if err := s.add(role); err != nil {
			return nil, err
		}
		s.cost += role.Cost()
	}
	return s, s.restrict(roles)
}

func (s *Set) add(role Role) error {
	for _, privilege := range role.Cluster {
		g, err := clusterGrant(privilege)
		if err != nil {
			return err
		}
		s.cluster.always = append(s.cluster.always, g.always...)
		s.cluster.owning = append(s.cluster.owning, g.owning...)
	}
	for _, entry := range role.Indices {
		granted, err := entry.compile()
		if err != nil {
			return err
		}
		s.indices = append(s.indices, granted...)
	}
	for _, entry := range role.Applications {
		granted, err := entry.compile()
		if err != nil {
			return err
		}
		s.applications = append(s.applications, granted)
	}
	s.entries = append(s.entries, role.Applications...)
	users, err := parseAll(role.RunAs)
	if len(users) > 0 {
		s.runAs = append(s.runAs, box{{in: users}})
	}
	return err
}

// plain tells whether a text can be a name: whether it is UTF-8 and without the characters that sets use themselves.
func plain(text string) bool { return utf8.ValidString(text) && !strings.ContainsAny(text, apart+mark) }

// Empty tells whether the set is of no roles at all. For the roles assigned to an API key that means: as its owner.
func (s *Set) Empty() bool { return s.roles == 0 }

// AllowsCluster tells whether the set allows an action of the cluster, whatever it is about.
func (s *Set) AllowsCluster(action string) bool {
	return plain(action) && s.cluster.always.has(action)
}

// AllowsOwning tells whether the set allows an action of the cluster when it is about the caller's own API keys only.
// Whether it is, is for the caller to find out.
func (s *Set) AllowsOwning(action string) bool {
	return s.AllowsCluster(action) || s.cluster.owning.has(action)
}

// AllowsRunAs tells whether the set allows to act for a user.
func (s *Set) AllowsRunAs(user string) bool { return plain(user) && s.runAs.has(user) }

func (s *Set) hasGrant(want grant, w *effort) bool {
	if !s.cluster.always.containAll(want.always, w) {
		return false
	}
	either := append(append(boxes{}, s.cluster.always...), s.cluster.owning...)
	return either.containAll(want.owning, w)
}

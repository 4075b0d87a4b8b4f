// Package privilege decides what cluster, index and application privileges allow.
//
// Roles are compiled once to a Set. The privileges of a caller are an Effective: one Set, or for an API key also that
// of its owner. It decides single actions (Allows…); queries about privileges as a whole need an Inquiry.
//
// All decisions fail closed. Names and patterns are case-sensitive; names of privileges are not.
package privilege

import (
	"strings"
	"unicode/utf8"
)

// Role is the part of a role descriptor about privileges.
type Role struct {
	Cluster      []string
	Indices      []Index
	Applications []Application
	// RunAs are patterns of user names that the role may act as.
	RunAs []string
	// Workflows restrict the role to requests of these workflows; empty means no restriction.
	Workflows []string
}

// Index grants privileges over indices.
type Index struct {
	// Names are patterns of index names.
	Names, Privileges []string
	// AllowRestricted includes indices with data of the server itself.
	AllowRestricted bool
}

// Set is the union of what several roles allow. The zero Set allows nothing. It is safe for concurrent use.
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

// Compile returns the set of what roles allow together. It returns an error with a text suitable for a caller if a
// privilege or a workflow is unknown, a pattern is invalid, or the roles' restrictions cannot be combined. Names of
// application privileges have no actions until Effective.Registered adds them.
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

// add compiles a role into the set.
func (s *Set) add(role Role) error {
	for _, privilege := range role.Cluster {
		g, err := clusterGrant(privilege)
		if err != nil {
			return err
		}
		s.cluster.always = append(s.cluster.always, g.always...)
		s.cluster.ownKeyGrants = append(s.cluster.ownKeyGrants, g.ownKeyGrants...)
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

// isValidName reports whether a text can be a name: it is UTF-8 and has no reserved control character.
func isValidName(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsAny(text, apart+mark)
}

// Empty reports whether the set was compiled from no roles. For the assigned roles of an API key that means the
// privileges of its owner.
func (s *Set) Empty() bool { return s.roles == 0 }

// AllowsCluster reports whether the set allows a cluster action on everything.
func (s *Set) AllowsCluster(action string) bool {
	return isValidName(action) && s.cluster.always.has(action)
}

// AllowsForOwnKeys reports whether the set allows a cluster action on the caller's own API keys. The caller of the
// function must check that the request concerns only those.
func (s *Set) AllowsForOwnKeys(action string) bool {
	return s.AllowsCluster(action) || s.cluster.ownKeyGrants.has(action)
}

// AllowsRunAs reports whether the set allows acting as a user.
func (s *Set) AllowsRunAs(user string) bool { return isValidName(user) && s.runAs.has(user) }

// hasGrant reports whether the set contains a cluster privilege. False is inconclusive.
func (s *Set) hasGrant(want grant, w *effort) bool {
	if !s.cluster.always.containsAll(want.always, w) {
		return false
	}
	either := append(append(boxes{}, s.cluster.always...), s.cluster.ownKeyGrants...)
	return either.containsAll(want.ownKeyGrants, w)
}

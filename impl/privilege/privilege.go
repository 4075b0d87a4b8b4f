// Package privilege knows what cluster, index and application privileges allow.
//
// Roles are compiled once to a Set, which answers questions about single actions (Allows…), about privileges as a whole
// (Has…) and about other sets (Contains). What an API key may do is a Set limited by its owner's, an Effective.
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
	// Fields are those that may be seen; nil means all.
	Fields *Fields
	// Query selects the documents that may be seen; "" means all.
	Query string
	// AllowRestricted tells whether the names reach indices that hold what a server itself relies on.
	AllowRestricted bool
}

// Fields are the fields that match a pattern of Grant, without those that match one of Except.
type Fields struct{ Grant, Except []string }

// Set is what some roles allow together. The zero Set allows nothing. Sets are safe for concurrent use.
type Set struct {
	roles        int
	cluster      grant
	indices      []indexGroup
	names        boxes // all boxes of indices
	applications boxes
	registry     *Registry
	runAs        boxes
	workflows    []string
	restricted   bool
}

// Compile makes the set of what the roles allow together. It returns an error, whose text is fit for a caller, if a
// privilege or a workflow is unknown, a pattern cannot be read, or the roles' restrictions do not combine. Applications
// register the meaning of their privileges; without a registry, a name means itself only.
func Compile(roles []Role, registry *Registry) (*Set, error) {
	s := &Set{roles: len(roles), registry: registry}
	for _, role := range roles {
		if err := s.add(role); err != nil {
			return nil, err
		}
	}
	for _, g := range s.indices {
		s.names = append(s.names, g.boxes...)
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
	groups, err := compileIndices(role.Indices)
	if err != nil {
		return err
	}
	s.indices = append(s.indices, groups...)
	for _, entry := range role.Applications {
		granted, err := entry.compile(s.registry)
		if err != nil {
			return err
		}
		s.applications = append(s.applications, granted...)
	}
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

// AllowsIndex tells whether the set allows an action on an index, given its name, for some documents and fields of it.
func (s *Set) AllowsIndex(name, action string) bool {
	return plain(name) && plain(action) && s.names.has(name, action)
}

// AllowsRunAs tells whether the set allows to act for a user.
func (s *Set) AllowsRunAs(user string) bool { return plain(user) && s.runAs.has(user) }

// HasCluster tells whether the set has all of a cluster privilege. An unknown one it has not.
func (s *Set) HasCluster(privilege string) bool {
	want, err := clusterGrant(privilege)
	return err == nil && s.hasGrant(want)
}

func (s *Set) hasGrant(want grant) bool {
	if !s.cluster.always.containAll(want.always) {
		return false
	}
	either := append(append(boxes{}, s.cluster.always...), s.cluster.owning...)
	return either.containAll(want.owning)
}

// HasIndex tells whether the set has all of an index privilege over all indices that match a pattern, without restricted
// ones unless they are asked for. A pattern of restricted ones only is refused unless it asks for them. As in Elasticsearch,
// it does not matter here which documents and fields can be seen.
func (s *Set) HasIndex(pattern, privilege string, allowRestricted bool) bool {
	names, err := indexTerm([]string{pattern}, allowRestricted)
	if err != nil || !allowRestricted && (boxes{{{in: restricted}}}).contain(box{{in: names.in}}) {
		return false
	}
	want, err := indexGrant(privilege)
	if err != nil {
		return false
	}
	for _, b := range want {
		if !s.names.contain(box{names, b[0]}) {
			return false
		}
	}
	return true
}

// Contains tells whether everything that other allows is allowed by s too: no action, index, document, field, application
// privilege or user name more, and under no restriction that other is not under. A true can be relied upon. A false can
// also mean that finding out takes too long, or that the queries for documents differ in their text only.
func (s *Set) Contains(other *Set) bool {
	return s.loosens(other) && s.hasGrant(other.cluster) && s.containIndices(other) && s.containApplications(other) &&
		s.runAs.containAll(other.runAs)
}

func (s *Set) containIndices(other *Set) bool {
	for _, g := range other.indices {
		var reaching boxes
		for _, h := range s.indices {
			if h.reaches(g) {
				reaching = append(reaching, h.boxes...)
			}
		}
		if !reaching.containAll(g.boxes) {
			return false
		}
	}
	return true
}

package privilege

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Names are the names of privileges that can be granted and asked for. The zero value has all of clusterNames and
// indexNames; a version of Elasticsearch may lack some. Privileges that were granted earlier stay what they are.
type Names struct{ cluster, index lexicon }

// lexicon is a table of names without some of them.
type lexicon struct {
	without map[string]bool
	// list is the sorted names for messages; empty if there are all.
	list string
}

// NewNames returns all names but these of cluster and index privileges.
func NewNames(withoutCluster, withoutIndex []string) Names {
	return Names{newLexicon(clusterNames, withoutCluster), newLexicon(indexNames, withoutIndex)}
}

func newLexicon(table map[string]actions, without []string) lexicon {
	l := lexicon{without: map[string]bool{}}
	for _, name := range without {
		l.without[name] = true
	}
	l.list = strings.Join(l.names(table), ",")
	return l
}

// names returns the sorted names of a table that are not left out.
func (l lexicon) names(table map[string]actions) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(table)), func(name string) bool { return l.without[name] })
}

// Cluster returns the sorted names of the cluster privileges.
func (n Names) Cluster() []string { return n.cluster.names(clusterNames) }

// Index returns the sorted names of the index privileges.
func (n Names) Index() []string { return n.index.names(indexNames) }

// CheckCluster returns an error, with Elasticsearch's text, unless privilege is the name of a cluster privilege, in
// any case, or an action pattern.
func (n Names) CheckCluster(privilege string) error {
	_, err := n.clusterGrant(privilege)
	return err
}

// clusterGrant is clusterGrant for the names that there are.
func (n Names) clusterGrant(privilege string) (grant, error) {
	if n.cluster.without[strings.ToLower(privilege)] {
		return grant{}, unknownCluster(privilege, n.cluster.list)
	}
	g, err := clusterGrant(privilege)
	if err != nil {
		err = unknownCluster(privilege, cmp.Or(n.cluster.list, clusterNameList))
	}
	return g, err
}

// CheckIndex returns an error, with Elasticsearch's text, unless privilege is the name of an index privilege, in any
// case, or an action pattern.
func (n Names) CheckIndex(privilege string) error {
	_, err := n.indexGrant(privilege)
	return err
}

// indexGrant is indexGrant for the names that there are.
func (n Names) indexGrant(privilege string) (boxes, error) {
	if n.index.without[strings.ToLower(privilege)] {
		return nil, unknownIndex(privilege, n.index.list)
	}
	b, err := indexGrant(privilege)
	if err != nil {
		err = unknownIndex(privilege, cmp.Or(n.index.list, indexNameList))
	}
	return b, err
}

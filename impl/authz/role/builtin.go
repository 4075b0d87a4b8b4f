package role

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/store"
)

// Builtin holds the built-in roles of a version of Elasticsearch's API. The zero value has those of the latest version.
type Builtin struct{ set roledescriptor.Set }

// NewBuiltin returns the built-in roles of a version: those that all versions have, and the named ones that only
// earlier versions have. The narrower ones lack the privileges that the latest version added to them.
func NewBuiltin(earlier, narrower []string) Builtin {
	groups := published()
	set := maps.Clone(groups.Roles)
	for _, name := range earlier {
		set[name] = groups.Earlier[name]
	}

	for name, added := range groups.Later {
		if !slices.Contains(narrower, name) {
			set[name] = widened(set[name], added)
		}
	}
	return Builtin{set}
}

// widened returns a descriptor with the cluster and index privileges of another one in addition.
func widened(d, added roledescriptor.Descriptor) roledescriptor.Descriptor {
	d.Cluster = slices.Concat(d.Cluster, added.Cluster)
	d.Indices = slices.Concat(d.Indices, added.Indices)
	return d
}

var latest = sync.OnceValue(func() Builtin { return NewBuiltin(nil, nil) })

// roles returns the built-in roles that a stored role may replace.
func (b Builtin) roles() roledescriptor.Set {
	if b.set == nil {
		return latest().set
	}
	return b.set
}

// Reserved reports whether a role is built in.
func (b Builtin) Reserved(name string) bool {
	_, found := b.roles()[name]
	return found || isFixed(name)
}

// Resolve returns the roles with the given names that are defined. It ignores undefined names. A stored role is used in
// place of the built-in role with its name: servers before that role was built in could store it, and an upgrade must
// not change what the role's holders may do.
func (b Builtin) Resolve(tx *store.Tx, names []string) (roledescriptor.Set, error) {
	var others []string
	for _, name := range names {
		if !isFixed(name) {
			others = append(others, name)
		}
	}

	var roles []store.Role
	if len(others) > 0 {
		var err error
		if roles, err = tx.Roles.ByNames(others); err != nil {
			return nil, err
		}
	}

	set, err := decodeRoles(roles)
	for _, name := range names {
		b.define(set, name)
	}
	return set, err
}

// define adds a built-in role to a set of stored roles.
func (b Builtin) define(set roledescriptor.Set, name string) {
	if d, found := fixed[name]; found {
		set[name] = d
		return
	}
	if _, stored := set[name]; stored {
		return
	}
	if d, found := b.roles()[name]; found {
		set[name] = d
	}
}

// Snapshot is Resolve without the roles' descriptions. API keys store it as the limit that their owner's roles set.
func (b Builtin) Snapshot(tx *store.Tx, names []string) (roledescriptor.Set, error) {
	set, err := b.Resolve(tx, names)
	for name, d := range set {
		d.Description = ""
		set[name] = d
	}
	return set, err
}

// groups are the roles that Elasticsearch publishes.
type groups struct {
	// Roles are those that all versions have, and Earlier those that only earlier versions have. Later has the
	// privileges that the latest version added to some of the first.
	Roles, Earlier, Later roledescriptor.Set
}

//go:embed builtin.json
var publishedJSON []byte

// published reads the embedded roles. It panics if they cannot be read, which tests exclude.
var published = sync.OnceValue(func() groups {
	var raw struct{ Roles, Earlier, Later json.RawMessage }
	if err := json.Unmarshal(publishedJSON, &raw); err != nil {
		panic("role: " + err.Error())
	}
	return groups{readGroup(raw.Roles), readGroup(raw.Earlier), readGroup(raw.Later)}
})

func readGroup(data []byte) roledescriptor.Set {
	set, err := roledescriptor.ReadSet(data)
	if err != nil {
		panic("role: " + err.Error())
	}

	for name, d := range set {
		d.Metadata = reservedMetadata(d.Metadata)
		set[name] = d
	}
	return set
}

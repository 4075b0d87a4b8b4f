package apikey

import (
	"encoding/json"
	"fmt"

	"github.com/sallyport/sallyport/impl/identity"
	"github.com/sallyport/sallyport/impl/roledescriptor"
	"github.com/sallyport/sallyport/impl/store"
	"github.com/sallyport/sallyport/impl/strictjson"
)

// View is a key with what its row refers to.
type View struct {
	store.APIKey
	Realm identity.Realm
	// Assigned are the key's own role descriptors, and LimitedBy the owner's as they were last kept; the latter is nil if
	// it was not asked for.
	Assigned, LimitedBy roledescriptor.Set
	// Metadata is empty if there is none.
	Metadata map[string]any
}

// viewer reads each document once, however many keys refer to it.
type viewer struct {
	tx     *store.Tx
	limits bool
	sets   map[string]roledescriptor.Set
	realms map[string]identity.Realm
}

func newViewer(tx *store.Tx, limits bool) *viewer {
	return &viewer{tx, limits, map[string]roledescriptor.Set{"": {}}, map[string]identity.Realm{"": identity.Native}}
}

func (v *viewer) view(key store.APIKey) (View, error) {
	view := View{APIKey: key}
	var err error
	if view.Realm, err = v.realm(key.Creator); err != nil {
		return view, err
	}
	if view.Assigned, err = v.set(key.Assigned); err != nil {
		return view, err
	}
	if v.limits {
		if view.LimitedBy, err = v.set(key.LimitedBy); err != nil {
			return view, err
		}
	}
	view.Metadata, err = readMetadata(key.Metadata)
	return view, err
}

func (v *viewer) set(id string) (roledescriptor.Set, error) {
	if set, known := v.sets[id]; known {
		return set, nil
	}
	body, err := v.tx.Document(id)
	if err != nil {
		return nil, fmt.Errorf("apikey: the role descriptors %s: %w", id, err)
	}
	set, err := roledescriptor.ReadSet(body)
	v.sets[id] = set
	return set, err
}

func (v *viewer) realm(id string) (identity.Realm, error) {
	if realm, known := v.realms[id]; known {
		return realm, nil
	}
	body, err := v.tx.Document(id)
	if err != nil {
		return identity.Realm{}, fmt.Errorf("apikey: the creator %s: %w", id, err)
	}
	var by creator
	err = json.Unmarshal(body, &by)
	v.realms[id] = identity.Realm{Name: by.Realm, Type: by.RealmType}
	return v.realms[id], err
}

// readMetadata keeps numbers as they were written.
func readMetadata(text string) (map[string]any, error) {
	if text == "" {
		return map[string]any{}, nil
	}
	value, err := strictjson.Decode([]byte(text))
	members, _ := value.(map[string]any)
	return members, err
}

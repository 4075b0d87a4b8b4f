package apikey

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sallyport/sallyport/impl/authn/identity"
	"github.com/sallyport/sallyport/impl/authz/roledescriptor"
	"github.com/sallyport/sallyport/impl/fault"
	"github.com/sallyport/sallyport/impl/store"
)

// Key is an API key as callers see it: a record without the digest of its secret and the documents it refers to.
type Key struct {
	ID          string
	UserName    string
	Description string
	// Metadata is a JSON object, or empty if none was given.
	Metadata  string
	CreatedAt time.Time
	// ExpiresAt, InvalidatedAt and LastUsedAt are zero for what has no end, or has not happened.
	ExpiresAt     time.Time
	InvalidatedAt time.Time
	LastUsedAt    time.Time
	// CrossCluster marks a key for another cluster, which cannot be used for requests. CertificateIdentity is empty for
	// a key without one.
	CrossCluster        bool
	CertificateIdentity string
}

func keyOf(k store.APIKey) Key {
	return Key{
		ID:                  k.ID,
		UserName:            k.UserName,
		Description:         k.Description,
		Metadata:            k.Metadata,
		CreatedAt:           k.CreatedAt,
		ExpiresAt:           k.ExpiresAt,
		InvalidatedAt:       k.InvalidatedAt,
		LastUsedAt:          k.LastUsedAt,
		CrossCluster:        crossCluster(k),
		CertificateIdentity: k.CertificateIdentity,
	}
}

func keysOf(records []store.APIKey) []Key {
	keys := make([]Key, len(records))
	for i, record := range records {
		keys[i] = keyOf(record)
	}
	return keys
}

// View is a key with the contents of the documents that it refers to.
type View struct {
	Key
	Realm identity.Realm
	// AssignedID and LimitedByID are the same for keys that share descriptors.
	AssignedID, LimitedByID string
	// Assigned holds the key's own role descriptors, and LimitedBy the last snapshot of its owner's; the latter is nil
	// unless requested, and for a cross-cluster key, which has none.
	Assigned, LimitedBy roledescriptor.Set
}

// viewer reads each document once, although many keys refer to it.
type viewer struct {
	tx     *store.Tx
	limits bool
	sets   map[string]sized
	realms map[string]identity.Realm
	// bodies are documents that were fetched.
	bodies map[string][]byte
	// left is the number of bytes of descriptors and metadata that may still be shown.
	left int
}

// sized holds descriptors with the length of their document.
type sized struct {
	set   roledescriptor.Set
	bytes int
}

// maxShown bounds the descriptors and metadata that one response to a query shows, or each foundAtOnce keys of a list,
// in stored bytes. Thousands of keys can share descriptors, which are stored once and shown with each key.
const maxShown = 32 << 20

func newViewer(tx *store.Tx, limits bool) *viewer {
	return &viewer{
		tx:     tx,
		limits: limits,
		sets:   map[string]sized{"": {set: roledescriptor.Set{}}},
		realms: map[string]identity.Realm{"": identity.Native},
		left:   maxShown,
	}
}

// fetch reads the documents of keys with one statement. They are held as a whole.
func (v *viewer) fetch(keys []store.APIKey) error {
	referenced := map[string]bool{}
	for _, key := range keys {
		referenced[key.Creator], referenced[key.Assigned] = true, true
		if v.limits {
			referenced[key.LimitedBy] = true
		}
	}
	delete(referenced, "")
	var err error
	v.bodies, err = v.tx.Documents.All(slices.Sorted(maps.Keys(referenced)))
	return err
}

// body returns the text of a document.
func (v *viewer) body(id string) ([]byte, error) {
	if body, fetched := v.bodies[id]; fetched {
		return body, nil
	}
	return v.tx.Documents.Get(id)
}

// spend returns fault.InvalidData if the response exceeds the maximum.
func (v *viewer) spend(bytes int) error {
	v.left -= bytes
	return checkShown(maxShown - v.left)
}

// checkShown returns fault.InvalidData if too many bytes are to be shown.
func checkShown(bytes int) error {
	if bytes <= maxShown {
		return nil
	}
	return fault.New(fault.InvalidData,
		fmt.Sprintf("the role descriptors and the metadata of the API keys have more than [%d] bytes together; ask for "+
			"fewer keys at once", maxShown))
}

func (v *viewer) view(key store.APIKey) (View, error) {
	view := View{Key: keyOf(key), AssignedID: key.Assigned, LimitedByID: key.LimitedBy}
	err := v.spend(len(key.Metadata))
	if err != nil {
		return view, err
	}
	if view.Realm, err = v.realm(key.Creator); err != nil {
		return view, err
	}
	if view.Assigned, err = v.set(key.Assigned); err != nil {
		return view, err
	}
	if v.limits && !view.CrossCluster {
		if view.LimitedBy, err = v.set(key.LimitedBy); err != nil {
			return view, err
		}
	}
	return view, nil
}

func (v *viewer) set(id string) (roledescriptor.Set, error) {
	if known, found := v.sets[id]; found {
		return known.set, v.spend(known.bytes)
	}
	body, err := v.body(id)
	if err != nil {
		return nil, fmt.Errorf("apikey: the role descriptors %s: %w", id, err)
	}
	if err := v.spend(len(body)); err != nil {
		return nil, err
	}
	set, err := roledescriptor.ReadSet(body)
	v.sets[id] = sized{set, len(body)}
	return set, err
}

func (v *viewer) realm(id string) (identity.Realm, error) {
	if realm, known := v.realms[id]; known {
		return realm, nil
	}
	body, err := v.body(id)
	if err != nil {
		return identity.Realm{}, err
	}
	var by creator
	err = json.Unmarshal(body, &by)
	v.realms[id] = identity.Realm{Name: by.Realm, Type: by.RealmType}
	return v.realms[id], err
}
